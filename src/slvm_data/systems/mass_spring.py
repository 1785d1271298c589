"""A mass on a spring: H = k q² / 2 + p² / (2 m)."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt
from typing import ClassVar

from slvm_data.core.late import jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems.annulus import annulus
from slvm_data.systems.hamiltonian import Hamiltonian
from slvm_data.systems.parameters import Parameter, Uniform, parameter


@dataclass(frozen=True, kw_only=True)
class MassSpring(Hamiltonian):
    """State: q [m], the displacement from rest, drawn vertically, and p [kg m/s]. Its input is a force along q."""

    state: ClassVar = ("q", "p")
    units: ClassVar = ("m", "kg m/s")
    inputs: ClassVar = ("force",)
    input_units: ClassVar = ("N",)
    turn: ClassVar[float] = 0.3

    m: Parameter = parameter(0.5, positive=True, unit="kg")
    k: Parameter = parameter(2.0, positive=True, unit="N/m")
    radii: Uniform = Uniform(0.1, 1.0)  # m, amplitude of the motion
    uniform_annulus: bool = True

    def start(self, key: Key) -> Array:
        """Draw (q, p / √(k m)) from the annulus, so that its radius is the amplitude."""
        a, b = annulus(key, self.radii, self.uniform_annulus)
        return jnp.stack([a, b * jnp.sqrt(self.k * self.m)])

    def energy(self, q: Array, p: Array) -> Array:
        """Energy of the spring and kinetic energy."""
        return (self.k * q**2 / 2 + p**2 / (2 * self.m))[0]

    def push(self, u: Array) -> Array:
        """A force [1] changes the momentum."""
        return jnp.stack([jnp.zeros_like(u[0]), u[0]])

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """The mass: a disc of area m."""
        return jnp.stack([jnp.zeros_like(x[0]), x[0]])[None], jnp.sqrt(self.m / pi)[None]

    def extent(self) -> float:
        """Half the width of the scene: the largest amplitude and the largest disc."""
        return self.radii.high + sqrt(self.high("m") / pi)

    def fastest(self) -> float:
        """Angular frequency [rad/s] of the stiffest spring with the lightest mass."""
        return sqrt(self.high("k") / self.low("m"))
