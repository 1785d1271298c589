"""Two bodies with a joint, and two coordinates q with the mass matrix M(q): H = pᵀ M⁻¹ p / 2 + V(q), with p = M q̇."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import ClassVar

from slvm_data.core.late import jnp
from slvm_data.core.types import Array
from slvm_data.systems.hamiltonian import Hamiltonian


@dataclass(frozen=True, kw_only=True)
class Linkage(Hamiltonian):
    """State: two coordinates and their momenta. Each of its two inputs is a force or torque along one coordinate."""

    style: ClassVar = "clean"
    bodies_drawn: ClassVar[int] = 2
    friction: ClassVar = 0.0
    radii: ClassVar = None  # pyright: ignore  # starts have ranges of their own

    @abc.abstractmethod
    def mass_matrix(self, q: Array) -> tuple[Array, Array, Array]:
        """The numbers M11, M12 and M22 of the mass matrix at the coordinates q [2]."""

    @abc.abstractmethod
    def potential(self, q: Array) -> Array:
        """Potential energy [J], a scalar, at the coordinates q [2]."""

    def momenta(self, q: Array, v: Array) -> Array:
        """Momenta [2] of the velocities v [2] at the coordinates q [2]."""
        m11, m12, m22 = self.mass_matrix(q)
        return jnp.stack([m11 * v[0] + m12 * v[1], m12 * v[0] + m22 * v[1]])

    def energy(self, q: Array, p: Array) -> Array:
        """Kinetic and potential energy."""
        m11, m12, m22 = self.mass_matrix(q)
        twice = (m22 * p[0] ** 2 - 2 * m12 * p[0] * p[1] + m11 * p[1] ** 2) / (m11 * m22 - m12**2)
        return twice / 2 + self.potential(q)

    def push(self, u: Array) -> Array:
        """The inputs [2] change the momenta."""
        return jnp.concatenate([jnp.zeros(2), u])
