"""Equal bodies that start evenly spaced on a circle about the centre, each crosswise to its radius.

With m = g = 1 the start is that of a circular orbit: |p| = √(c / r), where c = Σₖ 1 / (4 sin(π k / B)), k = 1 … B - 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin, sqrt
from typing import ClassVar

from slvm_data.core.fields import limited
from slvm_data.core.keys import stream
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems.n_body import NBody
from slvm_data.systems.parameters import Uniform


@dataclass(frozen=True, kw_only=True)
class BodyRing(NBody):
    """State: as of `NBody`. The initial state does not depend on g and m.

    The bodies go round clockwise, or with `both_ways` half of the sequences the other way. With `orbit_noise`, each
    number of each momentum is multiplied by another one from 1 ± `orbit_noise`, so that orbits are no circles.
    """

    turn: ClassVar[float] = 0.1

    radii: Uniform = Uniform(0.9, 1.2)  # m, of the circle on which they start
    orbit_noise: float = limited(0.0, minimum=0, maximum=0.9)  # share of the momentum
    both_ways: bool = False

    def start(self, key: Key) -> Array:
        """Draw the first place on the circle, in the direction of a point of a square; the others are turned."""
        x, y = jax.random.uniform(stream(key, "direction"), (2,), dtype=float, minval=-1.0, maxval=1.0)
        r = jax.random.uniform(stream(key, "radius"), dtype=float, minval=self.radii.low, maxval=self.radii.high)
        first = jnp.stack([x, y]) * (r / jnp.sqrt(x**2 + y**2))
        crosswise = jnp.stack([first[1], -first[0]]) * (sqrt(self.attraction()) / (r * jnp.sqrt(r)))
        momenta = self._way(key) * self._turned(crosswise) * self._noise(key)
        return jnp.concatenate([self._turned(first).ravel(), momenta.ravel()])

    def _turned(self, v: Array) -> Array:
        """A vector [2], turned to each of the bodies [B 2]."""
        angles = [2 * pi * k / self.bodies_drawn for k in range(self.bodies_drawn)]
        turned = [[cos(a) * v[0] - sin(a) * v[1], sin(a) * v[0] + cos(a) * v[1]] for a in angles]
        return jnp.stack([jnp.stack(each) for each in turned])

    def _way(self, key: Key) -> Array | float:
        """1 for clockwise, or -1."""
        return jnp.where(jax.random.bernoulli(stream(key, "way")), 1.0, -1.0) if self.both_ways else 1.0

    def _noise(self, key: Key) -> Array:
        """Factors [B 2] of the momenta."""
        shape = (self.bodies_drawn, 2)
        return 1 + self.orbit_noise * jax.random.uniform(
            stream(key, "orbit"), shape, dtype=float, minval=-1.0, maxval=1.0
        )

    @classmethod
    def attraction(cls) -> float:
        """The force [N] that the others exert on one body towards the centre, for m = g = 1 and a circle of 1 m."""
        return sum(1 / (4 * sin(pi * k / cls.bodies_drawn)) for k in range(1, cls.bodies_drawn))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.radii.low == 0:
            kind = type(self).__name__
            raise ValueError(f"{kind}: radii = {self.radii} has to start above 0, where the bodies would collide")

    def fastest(self) -> float:
        """Angular speed [rad/s] at the closest approach of the lightest or heaviest ring, on its tightest orbit."""
        return max(self._fastest_ring(m) for m in (self.low("m"), self.high("m")))

    def _fastest_ring(self, m: float) -> float:
        """As if all bodies had the least momentum: each moves as about a mass at the centre, as Kepler says."""
        r, share = self.radii.low, 1 - self.orbit_noise
        speed = sqrt(self.attraction() / r) / m
        balance = share**2 / (m**3 * max(self.high("g"), 1e-9))  # with the attraction: 1 on a circle, less within
        nearest = r * balance / (2 - balance) if balance < 1 else r
        return speed * (1 + self.orbit_noise) * r / nearest**2
