"""The ideal pendulum that is let go at an angle: H = m g l (1 - cos q) + p² / (2 m l²), and p = 0 at the start."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems.parameters import Uniform
from slvm_data.systems.pendulum import Pendulum


@dataclass(frozen=True, kw_only=True)
class PendulumFromRest(Pendulum):
    """A `Pendulum` that starts at rest, at an angle from the downward vertical within the range `angle`."""

    angle: Uniform = Uniform(10.0, 170.0)  # degrees
    radii: Uniform = Uniform(0.0, 0.0)  # of the annulus of other pendulums: there is no momentum at the start

    def start(self, key: Key) -> Array:
        """Draw the angle uniformly."""
        low, high = self.angle.low * pi / 180, self.angle.high * pi / 180
        return jnp.stack([low + (high - low) * jax.random.uniform(key, dtype=float), jnp.zeros(())])
