"""Hamiltonian systems with friction: q̇ = ∂H/∂p, ṗ = -∂H/∂q - γ ∂H/∂p, hence dH/dt = -γ |∂H/∂p|²."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import ClassVar

from slvm_data.core.fields import limited
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array
from slvm_data.systems.parameters import Parameter, Uniform, parameter
from slvm_data.systems.system import System


@dataclass(frozen=True, kw_only=True)
class Hamiltonian(System):
    """A system whose motion follows from its energy by automatic differentiation. State: positions, then momenta."""

    halves: ClassVar = ("Positions", "Momenta")
    turn: ClassVar[float] = 1.0  # rad, how far the fastest member may turn within one step of the integrator

    friction: Parameter = parameter(0.0, minimum=0.0, unit="kg/s")  # kg m²/s for an angle
    radii: Uniform = limited(Uniform(0.5, 1.5), minimum=0)  # of the annulus of initial states

    @abc.abstractmethod
    def energy(self, q: Array, p: Array) -> Array:
        """The Hamiltonian [J], a scalar, at positions q [D/2] and momenta p [D/2]."""

    def fastest(self) -> float:
        """Highest angular speed [rad/s] of any member of the population, or an upper bound of it."""
        return 100.0

    def longest_step(self) -> float:
        """Time [s] in which the fastest member turns by `turn` radians, or friction takes that share of its speed."""
        return self.turn / max(self.fastest() + self.damping(), 1e-9)

    def damping(self) -> float:
        """The highest rate [1/s] at which friction slows a member: γ over its least inertia."""
        if "friction" not in self.parameters():  # a class may do without it: friction: ClassVar = 0.0
            return 0.0
        return self.high("friction") / (self.low("m") if "m" in self.parameters() else 1.0)

    def keeps_energy(self) -> bool:
        """Always True: the certificate adds losses to friction back."""
        return True

    def velocity(self, x: Array) -> Array:
        """Time derivative [D] of the state [D]: Hamilton's equations with friction."""
        dh_dq, dh_dp = jax.grad(self.energy, argnums=(0, 1))(*jnp.split(x, 2))
        return jnp.concatenate([dh_dp, -dh_dq - self.friction * dh_dp])
