"""Two bodies that attract each other: H = |p₁|² / (2 m₁) + |p₂|² / (2 m₂) - g m₁ m₂ / |q₁ - q₂|.

They start opposite each other, in any direction from the centre, crosswise to the line between them.
"""

from __future__ import annotations

from dataclasses import dataclass

from slvm_data.systems.body_ring import BodyRing
from slvm_data.systems.pair import Pair
from slvm_data.systems.parameters import Uniform


@dataclass(frozen=True, kw_only=True)
class TwoBodyRing(Pair, BodyRing):
    """State: q1x, q1y, q2x, q2y [m], p1x, p1y, p2x, p2y [kg m/s].

    `TwoBody` starts in one quadrant and has no noise. Source: the second implementation of arXiv:1909.13789,
    github.com/CampusAI/Hamiltonian-Generative-Networks.
    """

    radii: Uniform = Uniform(0.5, 1.5)  # m, of the circle on which they start
