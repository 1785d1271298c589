"""A star in the plane of a galaxy: H = (px² + py²) / 2 + (x² + y²) / 2 + λ (x² y - y³ / 3).

Below the energy 1 / (6 λ²) the star stays in a triangle; the motion is regular at low energies, chaotic at high ones.

M. Hénon and C. Heiles, "The applicability of the third integral of motion: some numerical experiments", The
Astronomical Journal 69 (1964).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt
from typing import ClassVar

from slvm_data.core.fields import limited
from slvm_data.core.keys import stream
from slvm_data.core.late import jax, jnp
from slvm_data.core.sines import sine_cosine
from slvm_data.core.types import Array, Key
from slvm_data.systems.annulus import annulus
from slvm_data.systems.hamiltonian import Hamiltonian
from slvm_data.systems.parameters import Parameter, Uniform, parameter


@dataclass(frozen=True, kw_only=True)
class HenonHeiles(Hamiltonian):
    """State: position x, y and momentum px, py, without units. The disc is at (x, y)."""

    chaotic: ClassVar = True
    state: ClassVar = ("x", "y", "px", "py")
    turn: ClassVar[float] = 0.1

    friction: Parameter = parameter(0.0, minimum=0.0)
    coupling: Parameter = parameter(1.0, positive=True)  # λ
    radii: Uniform = limited(Uniform(0.0, 0.3), minimum=0)  # of the distance from the middle at the start
    energies: Uniform = limited(Uniform(1 / 12, 0.16), positive=True)
    radius: float = limited(0.1, positive=True)  # of the disc

    def __post_init__(self) -> None:
        super().__post_init__()
        highest, far = self.high("coupling"), self.radii.high
        least, escape = far**2 / 2 + highest * far**3 / 3, 1 / (6 * highest * highest)
        if self.energies.low < least or self.energies.high > escape:
            raise ValueError(
                f"HenonHeiles: energies = {self.energies} has to lie between {least:.4g}, the potential energy at the "
                f"largest of radii, and {escape:.4g}, where it leaves the triangle"
            )

    def start(self, key: Key) -> Array:
        """Draw position and energy, and the direction of the momentum that this energy leaves."""
        q = annulus(stream(key, "place"), self.radii, True)
        share, turn = jax.random.uniform(stream(key, "momentum"), (2,), dtype=float)
        energy = self.energies.low + (self.energies.high - self.energies.low) * share
        s, c = sine_cosine(2 * pi * turn)
        return jnp.concatenate([q, jnp.sqrt(2 * (energy - self.energy(q, jnp.zeros(2)))) * jnp.stack([c, s])])

    def energy(self, q: Array, p: Array) -> Array:
        """Kinetic energy, that of a spring, and a term with the symmetry of a triangle."""
        x, y = q
        spring = (p[0] ** 2 + p[1] ** 2 + x**2 + y**2) / 2
        return spring + self.coupling * (x**2 * y - y**3 / 3)

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """A disc at the position."""
        return x[None, :2], jnp.array([self.radius])

    def extent(self) -> float:
        """Half the width of the scene: to the corners of the triangle, and the disc."""
        return 1 / self.low("coupling") + self.radius

    def fastest(self) -> float:
        """Angular speed at a corner of the triangle, the highest."""
        return sqrt(3.0)
