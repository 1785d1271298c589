"""The ideal pendulum: H = m g l (1 - cos q) + p² / (2 m l²)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from math import pi, sqrt
from typing import ClassVar, Self

from slvm_data.core.late import jnp
from slvm_data.core.sines import sine_cosine
from slvm_data.core.types import Array, Key
from slvm_data.systems.annulus import annulus
from slvm_data.systems.hamiltonian import Hamiltonian
from slvm_data.systems.parameters import Parameter, Uniform, parameter


@dataclass(frozen=True, kw_only=True)
class Pendulum(Hamiltonian):
    """State: q [rad], the angle from the downward vertical, not wrapped, and p [kg m²/s], its angular momentum.

    Its input is a torque about the pivot, in the direction of q.
    """

    state: ClassVar = ("q", "p")
    units: ClassVar = ("rad", "kg m²/s")
    inputs: ClassVar = ("torque",)
    input_units: ClassVar = ("N m",)

    m: Parameter = parameter(0.5, positive=True, unit="kg")
    g: Parameter = parameter(3.0, minimum=0.0, unit="m/s²")
    l: Parameter = parameter(1.0, positive=True, unit="m")
    radii: Uniform = Uniform(1.3, 2.3)  # of (q, p), as numbers without units
    uniform_annulus: bool = True

    def start(self, key: Key) -> Array:
        """Draw (q, p) from the annulus."""
        return annulus(key, self.radii, self.uniform_annulus)

    def energy(self, q: Array, p: Array) -> Array:
        """Potential energy above the lowest point, and kinetic energy."""
        return (self.m * self.g * self.l * (1 - sine_cosine(q)[1]) + p**2 / (2 * self.m * self.l**2))[0]

    def push(self, u: Array) -> Array:
        """A torque [1] changes the momentum."""
        return jnp.stack([jnp.zeros_like(u[0]), u[0]])

    def pushed(self, largest: float, impulse: float) -> Self:  # noqa: ARG002
        """With the momentum that the torque may add."""
        return dataclasses.replace(self, radii=Uniform(self.radii.low, self.radii.high + impulse))

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """The bob: a disc of area m."""
        s, c = sine_cosine(x[0])
        centre = self.l * jnp.stack([s, -c])
        return centre[None], jnp.sqrt(self.m / pi)[None]

    def extent(self) -> float:
        """Half the width of the scene: the longest rod and the largest bob."""
        return self.high("l") + sqrt(self.high("m") / pi)

    def damping(self) -> float:
        """Highest rate of damping [1/s]: friction over the least moment of inertia."""
        return self.high("friction") / (self.low("m") * self.low("l") ** 2)

    def fastest(self) -> float:
        """Angular speed [rad/s] at the bottom, after a start at the top with the largest momentum."""
        spin = self.radii.high / (self.low("m") * self.low("l") ** 2)
        return sqrt(spin**2 + 4 * self.high("g") / self.low("l"))
