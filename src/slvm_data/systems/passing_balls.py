"""One ball that flies past, or two that meet head on, in a scene without walls: the starts of PhyWorld.

B. Kang et al., "How Far is Video Generation from World Model: A Physical Law Perspective", ICML 2025, arXiv:2411.02385.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from slvm_data.core.fields import limited
from slvm_data.core.keys import stream
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems.balls import MASSES, Balls
from slvm_data.systems.parameters import Parameter, Uniform, parameter

MARGIN = 0.05  # share of the side, least distance of a ball from the bottom and the top of the scene at the start
SPREAD = 0.05  # share of the side, range of the start of a ball that is too fast to be seen for long


@dataclass(frozen=True, kw_only=True)
class PassingBalls(Balls):
    """State as of `Balls`, of one ball that moves to the right, or of two at one height that approach each other.

    One ball starts so far to the left that it takes at least `seen` seconds to the right border, if it can. Two balls
    start so far apart that they meet at an instant that is uniform within `meeting`; where the scene is too narrow for
    it, as far apart as fits.
    """

    steady: ClassVar = ("radius", "friction", "v")

    count: int = limited(1, minimum=1, maximum=2)
    radius: Parameter = parameter(Uniform(0.7, 1.4), positive=True, per_body=True, unit="m")
    v: Parameter = parameter(Uniform(1.0, 4.0), minimum=0.0, per_body=True, unit="m/s")  # of each ball at the start
    walls: bool = False
    masses: str = limited("area", choices=MASSES)
    seen: float = limited(2.4, minimum=0)  # s
    meeting: Uniform = limited(Uniform(0.8, 2.4), minimum=0)  # s
    below_top: float = limited(0.0, minimum=0)  # m, range of heights below the highest one; 0: all that are free

    def start(self, key: Key) -> Array:
        """Draw where the balls start along x, and their height."""
        v, r = jnp.broadcast_to(jnp.asarray(self.v), (self.count,)), self._radii()
        share = jax.random.uniform(stream(key, "height"), dtype=float)
        low = MARGIN * self.side + jnp.max(r)
        y = self.side - low - share * (self.below_top or self.side - 2 * low)
        x = self._apart_by(stream(key, "position"), r, v) if self.count > 1 else self._alone(key, r, v)
        places = jnp.stack([x, jnp.full(self.count, y)], axis=1)
        velocities = jnp.stack([v * jnp.asarray([1.0, -1.0])[: self.count], jnp.zeros(self.count)], axis=1)
        return jnp.concatenate([places.ravel(), velocities.ravel()])

    def _alone(self, key: Key, r: Array, v: Array) -> Array:
        """Place [1] of the one ball."""
        share = jax.random.uniform(stream(key, "position"), (1,), dtype=float)
        room = self.side - 2 * r - self.seen * v
        fast = SPREAD * self.side * jax.random.uniform(stream(key, "fast"), dtype=float)
        return r + share * jnp.where(room >= 0, room, fast)

    def _apart_by(self, key: Key, r: Array, v: Array) -> Array:
        """Places [2] of two balls."""
        share = jax.random.uniform(key, (2,), dtype=float)
        closing, touching = v[0] + v[1], r[0] + r[1]
        most = self.side - touching
        least = jnp.minimum(self.meeting.low * closing + touching, most)
        apart = least + share[0] * (jnp.minimum(self.meeting.high * closing + touching, most) - least)
        x = r[0] + share[1] * (self.side - touching - apart)
        return jnp.stack([x, x + apart])

    def accept(self, x: Array, centres: Array, extent: Array | float) -> Array:  # noqa: ARG002 - they may leave the scene
        """Whether the balls do not overlap at the start, but for what rounding does to them."""
        return self._clear(x[0])

    def _speed(self) -> float:
        """Highest root of the sum of all squared speeds at the start [m/s]."""
        return float(np.sqrt(self.count) * self.high("v"))
