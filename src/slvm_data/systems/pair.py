"""Two bodies that attract each other: H = |p₁|² / (2 m₁) + |p₂|² / (2 m₂) - g m₁ m₂ / |q₁ - q₂|."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from slvm_data.core.late import jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems import kepler
from slvm_data.systems.n_body import NBody


@dataclass(frozen=True, kw_only=True)
class Pair(NBody):
    """State: q1x, q1y, q2x, q2y [m], p1x, p1y, p2x, p2y [kg m/s]. A subclass has their start.

    Without friction and drift they move by Kepler's equation, whatever the `substep`.
    """

    state: ClassVar = ("q1x", "q1y", "q2x", "q2y", "p1x", "p1y", "p2x", "p2y")
    units: ClassVar = (*("m",) * 4, *("kg m/s",) * 4)
    bodies_drawn: ClassVar[int] = 2

    def template(self) -> Self:
        """As in `System`; it is without friction if the population is, so that no integration is compiled for it."""
        template = super().template()
        return template.member({"friction": 0.0}) if self.high("friction") == 0 else template

    def member(self, numbers: Mapping[str, Any]) -> Self:
        """As in `System`; a member of a template without friction has none."""
        without = {"friction": 0.0} if self.m is None and self.friction == 0 else {}
        return super().member({**numbers, **without})

    def simulate(self, x0: Array, t: Array, key: Key) -> Array:
        """States [T 8] at the times `t` [T], from `x0` [8] at t[0]."""
        return self._orbits(x0, t - t[0]).at[0].set(x0) if self.by_formula() else super().simulate(x0, t, key)

    def integrated(self) -> bool:
        """True: it is where there is friction, or where parameters drift."""
        return True

    def by_formula(self) -> bool:
        """Whether it has no friction, and never will."""
        return isinstance(self.friction, float) and self.friction == 0

    def _orbits(self, x0: Array, seconds: Array) -> Array:
        """States [T 8] so many seconds [T] after `x0` [8], about the centre of the masses, which moves evenly."""
        (q1, q2, p1, p2), (m1, m2) = x0.reshape(4, 2), self.m
        mass = m1 + m2
        apart, passing = kepler.positions(kepler.orbit(q1 - q2, p1 / m1 - p2 / m2, self.g * mass), seconds)
        velocity = (p1 + p2)[:, None] / mass
        centre, mutual = ((m1 * q1 + m2 * q2) / mass)[:, None] + velocity * seconds, m1 * m2 / mass * passing
        places = centre + m2 / mass * apart, centre - m1 / mass * apart
        return jnp.concatenate([*places, m1 * velocity + mutual, m2 * velocity - mutual]).T
