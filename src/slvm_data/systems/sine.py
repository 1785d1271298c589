"""A sine wave y = A sin(2π (f t + φ)) as the solution of ẏ = v, v̇ = -(2π f)² y."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import ClassVar

from slvm_data.core.fields import limited
from slvm_data.core.late import jax, jnp
from slvm_data.core.sines import sine_cosine
from slvm_data.core.types import Array, Key
from slvm_data.systems.parameters import Parameter, parameter
from slvm_data.systems.system import System


@dataclass(frozen=True, kw_only=True)
class Sine(System):
    """State: y and v = ẏ. The disc goes up and down with y. The amplitude acts through the start alone."""

    state: ClassVar = ("y", "v")
    halves: ClassVar = ("Positions", "Velocities")
    style: ClassVar = "clean"
    steady: ClassVar = ("A",)

    A: Parameter = parameter(1.0, minimum=0.0)
    f: Parameter = parameter(1.0, positive=True, unit="1/s")
    radius: float = limited(0.4, positive=True)  # of the disc

    def start(self, key: Key) -> Array:
        """Draw the phase uniformly."""
        s, c = sine_cosine(2 * pi * jax.random.uniform(key, dtype=float))
        return jnp.stack([self.A * s, 2 * pi * self.f * self.A * c])

    def velocity(self, x: Array) -> Array:
        """Time derivative [2] of the state [2]."""
        return jnp.stack([x[1], -((2 * pi * self.f) ** 2) * x[0]])

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """A disc at the height y."""
        return jnp.stack([jnp.zeros_like(x[0]), x[0]])[None], jnp.array([self.radius])

    def extent(self) -> float:
        """Half the width of the scene: the largest amplitude and the disc."""
        return self.high("A") + self.radius

    def longest_step(self) -> float:
        """Time in which the fastest member turns by a quarter of a radian."""
        return 0.25 / (2 * pi * self.high("f"))
