"""Three bodies that attract each other: H = Σᵢ |pᵢ|² / (2 mᵢ) - Σ_{i<j} g mᵢ mⱼ / |qᵢ - qⱼ|.

They start at the corners of an equal-sided triangle about the centre, each crosswise to its radius.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from slvm_data.systems.body_ring import BodyRing


@dataclass(frozen=True, kw_only=True)
class ThreeBody(BodyRing):
    """State: q1x, q1y, q2x, q2y, q3x, q3y [m], p1x, p1y, p2x, p2y, p3x, p3y [kg m/s].

    While the masses are equal and `orbit_noise` is 0, the triangle stays equal-sided: it turns for g = 1 and m = 1, and
    else it also shrinks and grows. This motion is not stable: a small difference grows 85-fold in each turn. With noise
    or unlike masses, bodies sooner or later meet closely; if the validation report tells of large errors, give a
    smaller `substep`. Sources: S. Greydanus et al., "Hamiltonian neural networks", NeurIPS 2019; and arXiv:2111.05458,
    whose code mirrors the first place instead of turning it, so that the bodies there do not start crosswise.
    """

    state: ClassVar = ("q1x", "q1y", "q2x", "q2y", "q3x", "q3y", "p1x", "p1y", "p2x", "p2y", "p3x", "p3y")
    units: ClassVar = (*("m",) * 6, *("kg m/s",) * 6)
    bodies_drawn: ClassVar[int] = 3
