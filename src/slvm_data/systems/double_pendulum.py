"""The double pendulum, angles from the downward vertical, the second one absolute.

H = [m₂ l₂² p₁² + (m₁ + m₂) l₁² p₂² - 2 m₂ l₁ l₂ p₁ p₂ cos(q₁ - q₂)] / [2 m₂ l₁² l₂² (m₁ + m₂ sin²(q₁ - q₂))]
    - (m₁ + m₂) g l₁ cos q₁ - m₂ g l₂ cos q₂
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from math import pi, sqrt
from typing import ClassVar, Self

from slvm_data.core.keys import stream
from slvm_data.core.late import jnp
from slvm_data.core.sines import sine_cosine
from slvm_data.core.types import Array, Key
from slvm_data.systems.annulus import annulus
from slvm_data.systems.hamiltonian import Hamiltonian
from slvm_data.systems.parameters import Parameter, Uniform, parameter


@dataclass(frozen=True, kw_only=True)
class DoublePendulum(Hamiltonian):
    """State: the angles q1, q2 [rad], not wrapped, and their momenta p1, p2 [kg m²/s].

    Its inputs are two torques, each in the direction of its angle: the first acts at the pivot, on the first arm; the
    second at the joint between the arms, on the second arm, and its reaction, -1 times as large, on the first arm.
    """

    state: ClassVar = ("q1", "q2", "p1", "p2")
    units: ClassVar = (*("rad",) * 2, *("kg m²/s",) * 2)
    inputs: ClassVar = ("torque1", "torque2")
    input_units: ClassVar = ("N m", "N m")
    bodies_drawn: ClassVar[int] = 2
    turn: ClassVar[float] = 0.13
    own_turn: ClassVar[float] = 0.058  # rad, how far the arms of one member may turn within one step of its own

    m: Parameter = parameter(0.5, positive=True, per_body=True, unit="kg")
    l: Parameter = parameter(1.0, positive=True, per_body=True, unit="m")
    g: Parameter = parameter(3.0, minimum=0.0, unit="m/s²")
    radii: Uniform = Uniform(1.3, 2.3)  # of (q, p) of each arm, as numbers without units
    uniform_annulus: bool = True

    def start(self, key: Key) -> Array:
        """Draw (q1, p1) and (q2, p2), each from the annulus."""
        q1, p1 = annulus(stream(key, "first"), self.radii, self.uniform_annulus)
        q2, p2 = annulus(stream(key, "second"), self.radii, self.uniform_annulus)
        return jnp.stack([q1, q2, p1, p2])

    def energy(self, q: Array, p: Array) -> Array:
        """Kinetic and potential energy of both bobs."""
        m1, m2 = self.m
        l1, l2 = self.l
        s, c = sine_cosine(q)
        cos, sin = c[0] * c[1] + s[0] * s[1], s[0] * c[1] - c[0] * s[1]  # of q1 - q2, a third faster this way
        motion = m2 * l2**2 * p[0] ** 2 + (m1 + m2) * l1**2 * p[1] ** 2 - 2 * m2 * l1 * l2 * p[0] * p[1] * cos
        inertia = 2 * m2 * l1**2 * l2**2 * (m1 + m2 * sin**2)
        height = (m1 + m2) * l1 * c[0] + m2 * l2 * c[1]
        return motion / inertia - self.g * height

    def push(self, u: Array) -> Array:
        """Torques [2] change the momenta; the angles are absolute, so that the second one acts on both arms."""
        zero = jnp.zeros_like(u[0])
        return jnp.stack([zero, zero, u[0] - u[1], u[1]])

    def pushed(self, largest: float, impulse: float) -> Self:  # noqa: ARG002
        """With the momentum that both torques may add."""
        return dataclasses.replace(self, radii=Uniform(self.radii.low, self.radii.high + 2 * impulse))

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """The bobs: discs of area m."""
        s, c = sine_cosine(x[:2])
        first = self.l[0] * jnp.stack([s[0], -c[0]])
        second = first + self.l[1] * jnp.stack([s[1], -c[1]])
        return jnp.stack([first, second]), jnp.sqrt(self.m / pi)

    def extent(self) -> float:
        """Half the width of the scene: the longest rods, stretched out, and the largest bob."""
        return float(self.range_of("l")[1].sum()) + sqrt(self.high("m") / pi)

    def damping(self) -> float:
        """Highest rate of damping [1/s]: friction over the least moment of inertia, that of folded arms."""
        return 6 * self.high("friction") / (self.low("m") * self.low("l") ** 2)

    def fastest(self) -> float:
        """Estimate of the highest angular speed [rad/s]: that of a light bob with all energy of start and deepest fall.

        The energy of the fall counts three times: the arms are fastest when they fold together, as was measured.
        """
        m, l = self.low("m"), self.low("l")
        spin = self.radii.high / (m * l**2)
        return sqrt(5 * spin**2 + 36 * self.high("g") / l)

    def own_step(self, x0: Array) -> Array:
        """Time [s] in which the lighter, shorter arm turns by `own_turn` with all energy, or loses that to friction."""
        (m1, m2), (l1, l2) = self.m, self.l
        lowest = -((m1 + m2) * l1 + m2 * l2) * self.g
        inertia = jnp.minimum(m1, m2) * jnp.minimum(l1, l2) ** 2
        speed = jnp.sqrt(2 * jnp.maximum(self.energy(*jnp.split(x0, 2)) - lowest, 0.0) / inertia)
        return self.own_turn / (speed + 6 * self.friction / inertia)
