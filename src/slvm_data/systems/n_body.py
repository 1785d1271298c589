"""Bodies in the plane that attract each other: H = Σᵢ |pᵢ|² / (2 mᵢ) - Σ_{i<j} g mᵢ mⱼ / |qᵢ - qⱼ|, no softening."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import pi

from slvm_data.core.fields import limited
from slvm_data.core.late import jnp
from slvm_data.core.sums import squared, total
from slvm_data.core.types import Array
from slvm_data.systems.hamiltonian import Hamiltonian
from slvm_data.systems.parameters import Parameter, parameter


@dataclass(frozen=True, kw_only=True)
class NBody(Hamiltonian):
    """State: q1x, q1y, q2x, … [m], then p1x, p1y, p2x, … [kg m/s]. A subclass names its bodies and their start."""

    m: Parameter = parameter(1.0, positive=True, per_body=True, unit="kg")
    g: Parameter = parameter(1.0, minimum=0.0, unit="m³/(kg s²)")
    half_width: float = limited(2.75, positive=True)  # m, of the canvas; an orbit that leaves it is rejected

    def energy(self, q: Array, p: Array) -> Array:
        """Kinetic energy, and the energy of attraction of every pair."""
        q, p = q.reshape(-1, 2), p.reshape(-1, 2)
        motion = squared(p.T) / (2 * self.m)
        pairs = combinations(range(self.bodies_drawn), 2)  # one by one: indices in an array take six times as long
        attraction = [self.g * self.m[i] * self.m[j] / jnp.sqrt(squared(q[i] - q[j])) for i, j in pairs]
        return total(motion) - total(attraction)

    def velocity(self, x: Array) -> Array:
        """Hamilton's equations written out, in a third less time than by differentiation."""
        bodies = range(self.bodies_drawn)
        places, momenta = (jnp.split(half, self.bodies_drawn) for half in jnp.split(x, 2))
        speeds = [momenta[i] / self.m[i] for i in bodies]
        forces = [-self.friction * speed for speed in speeds]
        for i, j in combinations(bodies, 2):
            apart = places[j] - places[i]
            square = squared(apart)
            pull = self.g * self.m[i] * self.m[j] / (square * jnp.sqrt(square)) * apart
            forces[i], forces[j] = forces[i] + pull, forces[j] - pull
        return jnp.concatenate([*speeds, *forces])

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """Bodies as discs of area m."""
        return x[: 2 * self.bodies_drawn].reshape(-1, 2), jnp.sqrt(self.m / pi)

    def extent(self) -> float:
        """Half the width of the scene: `half_width`."""
        return float(self.half_width)
