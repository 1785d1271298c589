"""A model of a nerve that fires at a strong enough current I: v̇ = v - v³/3 - w + I, ẇ = (v + a - b w) / τ.

R. FitzHugh, "Impulses and physiological states in theoretical models of nerve membrane", Biophysical Journal 1 (1961);
J. Nagumo, S. Arimoto, S. Yoshizawa, "An active pulse transmission line simulating nerve axon", Proc. IRE 50 (1962).
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

MIDDLE = 0.5  # of the range of w on the cycle


@dataclass(frozen=True, kw_only=True)
class FitzHughNagumo(System):
    """State: v, the potential of the membrane, and w, its recovery, without units. The disc is at (v, w)."""

    state: ClassVar = ("v", "w")
    style: ClassVar = "clean"

    a: Parameter = parameter(0.7)
    b: Parameter = parameter(0.8, minimum=0.0)
    tau: Parameter = parameter(12.5, positive=True)
    current: Parameter = parameter(0.5)
    potential: Uniform = Uniform(-2.0, 2.0)  # at the start
    recovery: Uniform = Uniform(-0.5, 1.5)  # at the start
    half_width: float = limited(2.75, positive=True)  # of the scene, whose middle is v = 0 and w = 0.5
    radius: float = limited(0.3, positive=True)  # of the disc

    def start(self, key: Key) -> Array:
        """Draw potential and recovery uniformly."""
        return cuboid(key, self.potential, self.recovery)

    def velocity(self, x: Array) -> Array:
        """Time derivative [2] of the state [2]."""
        v, w = x
        return jnp.stack([v - v * v * v / 3 - w + self.current, (v + self.a - self.b * w) / self.tau])

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """A disc at (v, w)."""
        return jnp.stack([x[0], x[1] - MIDDLE])[None], jnp.array([self.radius])

    def extent(self) -> float:
        """Half the width of the scene: `half_width`."""
        return self.half_width

    def accept(self, x: Array, centres: Array, extent: Array | float) -> Array:  # noqa: ARG002
        """Always: at strong currents, the disc may leave the scene."""
        return jnp.isfinite(x).all()

    def longest_step(self) -> float:
        """A fraction of the fastest time of decay, at the largest potential: 2 on the cycle, or that of the start."""
        largest = max(2.0, abs(self.potential.low), abs(self.potential.high))
        return 0.5 / (1 + largest**2 + (1 + self.high("b")) / self.low("tau"))
