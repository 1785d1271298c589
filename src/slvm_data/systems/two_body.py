"""Two bodies that attract each other: H = |p₁|² / (2 m₁) + |p₂|² / (2 m₂) - g m₁ m₂ / |q₁ - q₂|.

They start about the centre, crosswise to the line between them, and their momenta cancel.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems.pair import Pair
from slvm_data.systems.parameters import Uniform


@dataclass(frozen=True, kw_only=True)
class TwoBody(Pair):
    """State: q1x, q1y, q2x, q2y [m], p1x, p1y, p2x, p2y [kg m/s].

    The initial state does not depend on g and m: for m = 1 the orbits are circles if g = 1, and if g is larger,
    ellipses of eccentricity 1 - 1/g that start at the largest distance.
    """

    turn: ClassVar[float] = 0.25
    own_turn: ClassVar[float] = 0.1  # rad, how far the pair of one member may turn within one step of its own

    radii: Uniform = Uniform(0.5, 1.5)  # m, range of both coordinates of q1 at the start

    def start(self, key: Key) -> Array:
        """Draw q1 = (a, b) = -q2 with a and b uniform, p1 = (b, -a) / (2 ρ^1.5) = -p2 with ρ = |q1|."""
        a, b = jax.random.uniform(key, (2,), dtype=float, minval=self.radii.low, maxval=self.radii.high)
        q, p = jnp.stack([a, b]), jnp.stack([b, -a]) / (2 * (a**2 + b**2) ** 0.75)
        return jnp.concatenate([q, -q, p, -p])

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.radii.low == 0:
            raise ValueError(f"TwoBody: radii = {self.radii} has to start above 0, where the bodies would collide")

    def fastest(self) -> float:
        """Angular speed [rad/s] at the closest approach, on the tightest orbit of the lightest or heaviest pair."""
        return max(self._fastest_pair(m) for m in (self.low("m"), self.high("m")))

    def _fastest_pair(self, m: float) -> float:
        r = 2 * sqrt(2) * self.radii.low  # closest pair, at the start
        speed = 1 / (m * sqrt(r / 2))  # of one body past the other, crosswise: |p| (1/m + 1/m)
        balance = r * speed**2 / (2 * m * max(self.high("g"), 1e-9))  # with the attraction: 1 on a circle, less within
        nearest = r * balance / (2 - balance) if balance < 1 else r
        return speed * r / nearest**2

    def own_step(self, x0: Array) -> Array:
        """Time [s] in which the pair turns by `own_turn` where it is closest; with friction it comes ever closer.

        The orbit is Kepler's, of the reduced mass μ with energy E and angular momentum L.
        """
        (q1, q2, p1, p2), (m1, m2) = x0.reshape(4, 2), self.m
        apart, passing, mu, pull = q1 - q2, p1 / m1 - p2 / m2, m1 * m2 / (m1 + m2), self.g * m1 * m2
        momentum = mu * jnp.abs(apart[0] * passing[1] - apart[1] * passing[0])
        energy = mu * (passing[0] ** 2 + passing[1] ** 2) / 2 - pull / jnp.sqrt(apart[0] ** 2 + apart[1] ** 2)
        root = jnp.sqrt(jnp.maximum(pull**2 + 2 * energy * momentum**2 / mu, 0.0))
        nearest = momentum**2 / (mu * (pull + root))
        return jnp.where(self.friction > 0, 0.0, self.own_turn * mu * nearest**2 / momentum)
