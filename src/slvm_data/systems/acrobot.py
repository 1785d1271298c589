"""Two rods in a chain: H = pᵀ M⁻¹ p / 2 + (m₁ / 2 + m₂) g l₁ (1 - cos q₁) + m₂ g l₂ (1 - cos(q₁ + q₂)) / 2.

M11 = I₁ + I₂ + m₁ l₁² / 4 + m₂ (l₁² + l₂² / 4 + l₁ l₂ cos q₂), M12 = I₂ + m₂ (l₂² / 4 + l₁ l₂ cos q₂ / 2),
M22 = I₂ + m₂ l₂² / 4, with the moments of inertia I about the middles of the rods. Source: R. S. Sutton, A. G. Barto,
"Reinforcement Learning: An Introduction", MIT Press 1998, section 11.3.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from math import pi, sqrt
from typing import ClassVar, Self

from slvm_data.core.fields import limited
from slvm_data.core.late import jnp
from slvm_data.core.sines import sine_cosine
from slvm_data.core.types import Array, Key
from slvm_data.systems.cuboid import cuboid
from slvm_data.systems.linkage import Linkage
from slvm_data.systems.parameters import Parameter, Uniform, parameter


@dataclass(frozen=True, kw_only=True)
class Acrobot(Linkage):
    """State: q1 [rad], the angle of the first rod from the downward vertical, and q2, of the second from the first.

    The momenta p1, p2 [kg m²/s] follow; angles are not wrapped. The inputs are torques at the pivot and at the joint
    between the rods, in the direction of the angles.
    """

    state: ClassVar = ("q1", "q2", "p1", "p2")
    units: ClassVar = (*("rad",) * 2, *("kg m²/s",) * 2)
    inputs: ClassVar = ("torque1", "torque2")
    input_units: ClassVar = ("N m", "N m")
    turn: ClassVar[float] = 0.9

    m: Parameter = parameter(1.0, positive=True, per_body=True, unit="kg")
    l: Parameter = parameter(1.0, positive=True, per_body=True, unit="m")
    inertia: Parameter = parameter(1.0, positive=True, per_body=True, unit="kg m²")  # about the middle
    g: Parameter = parameter(9.8, minimum=0.0, unit="m/s²")
    angle: Uniform = Uniform(-pi, pi)  # rad, of both at the start
    spin: Uniform = Uniform(-pi, pi)  # rad/s, of both at the start
    radius: float = limited(0.1, positive=True)  # m, of the capsules that show the rods

    def start(self, key: Key) -> Array:
        """Draw angles and their velocities, each from its range."""
        q, v = jnp.split(cuboid(key, self.angle, self.angle, self.spin, self.spin), 2)
        return jnp.concatenate([q, self.momenta(q, v)])

    def mass_matrix(self, q: Array) -> tuple[Array, Array, Array]:
        """Moments of inertia: of both rods about the pivot, what couples them, of the second one about the joint."""
        (m1, m2), (l1, l2), (i1, i2) = self.m, self.l, self.inertia
        second, coupling = i2 + m2 * l2**2 / 4, m2 * l1 * l2 / 2 * sine_cosine(q[1])[1]
        first = i1 + m1 * l1**2 / 4 + m2 * l1**2
        return first + second + 2 * coupling, second + coupling, second

    def potential(self, q: Array) -> Array:
        """That of the weights, above the lowest point."""
        (m1, m2), (l1, l2) = self.m, self.l
        s, c = sine_cosine(q)
        rise = (m1 / 2 + m2) * l1 * (1 - c[0]) + m2 / 2 * l2 * (1 - (c[0] * c[1] - s[0] * s[1]))
        return self.g * rise

    def pushed(self, largest: float, impulse: float) -> Self:  # noqa: ARG002
        """With the spin that a torque may add."""
        spin = self.spin.high + impulse / self.low("inertia")
        return dataclasses.replace(self, spin=Uniform(self.spin.low, spin))

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """Both rods, the first one on top."""
        s, c = sine_cosine(jnp.stack([x[0], x[0] + x[1]]))
        joint = self.l[0] * jnp.stack([s[0], -c[0]])
        tip = joint + self.l[1] * jnp.stack([s[1], -c[1]])
        return jnp.stack([jnp.stack([jnp.zeros(2), joint]), jnp.stack([joint, tip])]), jnp.full(2, self.radius)

    def extent(self) -> float:
        """Half the width of the scene: both rods, stretched out, and a margin."""
        return float(self.range_of("l")[1].sum()) + 2 * self.radius

    def fastest(self) -> float:
        """Upper bound of the angular speed [rad/s] of a rod with all energy of the start and of the deepest fall."""
        m, l, inertia = self.high("m"), self.high("l"), self.high("inertia")
        spin = max(abs(self.spin.low), abs(self.spin.high))
        energy = spin**2 / 2 * (5 * inertia + 4.25 * m * l**2) + 4 * m * l * self.high("g")
        return sqrt(2 * energy / self.low("inertia"))
