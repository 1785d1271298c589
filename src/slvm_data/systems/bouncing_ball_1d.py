"""A ball on a line between two walls, which reflect it at the instant of impact: y(t) is a triangle wave.

Its regime is the direction of its motion. A. F. Ansari et al., "Deep Explicit Duration Switching Models for Time
Series", NeurIPS 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from slvm_data.core.fields import limited
from slvm_data.core.keys import stream
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems.parameters import Parameter, Uniform, parameter
from slvm_data.systems.switching import Switching


@dataclass(frozen=True, kw_only=True)
class BouncingBall1D(Switching):
    """State: the position y from 0 to `side`, and the velocity v. The regime is 1 if v ≥ 0, else 0."""

    state: ClassVar = ("y", "v")

    observation_noise: Parameter = parameter(0.1, minimum=0.0)
    channels: int = 1
    side: float = limited(10.0, positive=True)
    speed: Uniform = Uniform(-0.5, 0.5)  # at the start

    def start(self, key: Key) -> Array:
        """Draw one of the ten positions 0, side/10, …, 9 side/10, and a velocity from `speed`."""
        place = jax.random.randint(stream(key, "place"), (), 0, 10) * self.side / 10
        speed = jax.random.uniform(stream(key, "speed"), minval=self.speed.low, maxval=self.speed.high, dtype=float)
        return jnp.stack([place, speed])

    def simulate(self, x0: Array, t: Array, key: Key) -> Array:  # noqa: ARG002 - there is no noise
        """States [T 2] at the times `t` [T], from `x0` [2] at t[0]."""
        y, speed = x0[0], jnp.abs(x0[1])
        begin = jnp.where(x0[1] < 0, 2 * self.side - y, y)  # on a circle whose second half is the way back
        phase = jnp.mod(begin + speed * (t - t[0]), 2 * self.side)
        forth = phase < self.side
        return jnp.stack([jnp.where(forth, phase, 2 * self.side - phase), jnp.where(forth, speed, -speed)], axis=1)

    def in_steps(self) -> bool:
        """Always False: its motion is a function of time."""
        return False

    def mode(self, x: Array, key: Key) -> Array:  # noqa: ARG002 - nothing is random
        """Regimes [T]: the direction of the motion."""
        return (x[:, 1] >= 0).astype(int)

    def regimes(self) -> int:
        """Number of regimes: two directions."""
        return 2

    def drawn(self, key: Key) -> dict[str, Array]:  # noqa: ARG002 - nothing is random
        """The emission: every channel is the position."""
        return {"C": jnp.stack([jnp.ones(self.channels), jnp.zeros(self.channels)])}

    def extent(self) -> float:
        """Half the width of the scene: `half_width`, or more if the walls are far apart."""
        return max(self.half_width, 0.625 * self.side)

    def place(self, x: Array) -> Array:
        """Position of the disc [2], on a horizontal line."""
        return jnp.stack([x[0] - self.side / 2, 0.0])

    def check_start(self, x0: np.ndarray, frame: float) -> None:  # noqa: ARG002 - at any speed
        """Raise ValueError for a ball behind a wall."""
        if not 0 <= x0[0] <= self.side:
            raise ValueError(f"y = {x0[0]} has to lie between 0 and {self.side:g}")
