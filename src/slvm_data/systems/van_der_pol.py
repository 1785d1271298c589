"""The oscillator of van der Pol, whose motion ends in one cycle from any start: ẋ = v, v̇ = μ (1 - x²) v - x.

B. van der Pol, "On relaxation-oscillations", Philosophical Magazine 2 (1926).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from slvm_data.core.fields import limited
from slvm_data.core.late import jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems.cuboid import cuboid
from slvm_data.systems.parameters import Parameter, Uniform, parameter
from slvm_data.systems.system import System


@dataclass(frozen=True, kw_only=True)
class VanDerPol(System):
    """State: x and v = ẋ, without units. The disc is at (x, v), in a scene from -`half_width` to `half_width`."""

    state: ClassVar = ("x", "v")
    halves: ClassVar = ("Positions", "Velocities")
    style: ClassVar = "clean"

    mu: Parameter = parameter(1.0, minimum=0.0)
    first: Uniform = Uniform(-2.0, 2.0)  # of both numbers at the start
    half_width: float = limited(5.0, positive=True)
    radius: float = limited(0.5, positive=True)  # of the disc

    def start(self, key: Key) -> Array:
        """Draw both numbers uniformly."""
        return cuboid(key, self.first, self.first)

    def velocity(self, x: Array) -> Array:
        """Time derivative [2] of the state [2]."""
        x, v = x
        return jnp.stack([v, self.mu * (1 - x * x) * v - x])

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """A disc at (x, v)."""
        return x[None], jnp.array([self.radius])

    def extent(self) -> float:
        """Half the width of the scene: `half_width`."""
        return self.half_width

    def accept(self, x: Array, centres: Array, extent: Array | float) -> Array:  # noqa: ARG002
        """Always: on its way to the cycle, the disc may leave the scene."""
        return jnp.isfinite(x).all()

    def longest_step(self) -> float:
        """A fraction of the fastest time of decay, at the largest x: 2 on the cycle, or that of the start."""
        largest = max(2.0, abs(self.first.low), abs(self.first.high))
        return 0.5 / (1 + self.high("mu") * (1 + largest**2))
