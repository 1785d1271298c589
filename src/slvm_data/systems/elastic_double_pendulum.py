"""A rod that hangs from a spring without mass, which turns about a pivot; z is the stretch of the spring.

H = [(p₁ / r)² + p_z²] / (2 m) + [p₂ - l₂ (cos(q₁ - q₂) p₁ / r + sin(q₁ - q₂) p_z) / 2]² / (2 I)
    - m g (r cos q₁ + l₂ cos q₂ / 2) + k z² / 2, with r = l₁ + z and I = m (l₂² + width²) / 12
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt
from typing import ClassVar

from slvm_data.core.fields import limited
from slvm_data.core.late import jnp
from slvm_data.core.sines import sine_cosine
from slvm_data.core.types import Array, Key
from slvm_data.systems.cuboid import cuboid
from slvm_data.systems.hamiltonian import Hamiltonian
from slvm_data.systems.parameters import Parameter, Uniform, parameter

RADIUS = 0.0315  # m, of the capsules that show spring and rod


@dataclass(frozen=True, kw_only=True)
class ElasticDoublePendulum(Hamiltonian):
    """State: q1, q2 [rad], the angles of spring and rod from the downward vertical, and z [m], the stretch.

    Their momenta p1, p2 [kg m²/s] and pz [kg m/s] follow; angles are not wrapped. At the start, z does not change.
    """

    state: ClassVar = ("q1", "q2", "z", "p1", "p2", "pz")
    units: ClassVar = ("rad", "rad", "m", "kg m²/s", "kg m²/s", "kg m/s")
    style: ClassVar = "clean"
    bodies_drawn: ClassVar[int] = 2
    friction: ClassVar = 0.0
    radii: ClassVar = None  # pyright: ignore  # starts have ranges of their own
    turn: ClassVar[float] = 0.5

    m: Parameter = parameter(0.110, positive=True, unit="kg")  # of the rod
    l: Parameter = parameter((0.205, 0.179), minimum=0.1, per_body=True, unit="m")  # of the spring, of the rod
    width: Parameter = parameter(0.038, minimum=0.0, unit="m")  # of the rod
    k: Parameter = parameter(40.0, positive=True, unit="N/m")
    g: Parameter = parameter(9.81, minimum=0.0, unit="m/s²")
    angle: Uniform = Uniform(0.0, 2 * pi)  # rad, of both at the start
    stretch: Uniform = Uniform(-0.04, 0.04)  # m, at the start
    spin1: Uniform = Uniform(-6.0, 6.0)  # rad/s, of the spring at the start
    spin2: Uniform = Uniform(-10.0, 10.0)  # rad/s, of the rod at the start
    margin: float = limited(0.16, minimum=0)  # m, how far the tip may go, along x and y, beyond both lengths
    shortest: float = limited(-0.08, maximum=0)  # m, the least stretch

    def __post_init__(self) -> None:
        super().__post_init__()
        if (least := float(self.range_of("l")[0][0]) + min(self.shortest, self.stretch.low)) <= 0:
            raise ValueError(f"ElasticDoublePendulum: a spring of {least:g} m is none: raise shortest, or stretch")

    def start(self, key: Key) -> Array:
        """Draw angles, stretch and angular velocities, each from its range."""
        q1, q2, z, v1, v2 = cuboid(key, self.angle, self.angle, self.stretch, self.spin1, self.spin2)
        sin, cos, r = self._bend(jnp.stack([q1, q2, z]))
        half = self.l[1] / 2
        across, along = r * v1 + half * cos * v2, half * sin * v2  # m/s, of the middle of the rod, from the spring
        p2 = self._inertia() * v2 + self.m * half * (cos * across + sin * along)
        return jnp.stack([q1, q2, z, self.m * r * across, p2, self.m * along])

    def energy(self, q: Array, p: Array) -> Array:
        """Kinetic energy of the rod; its weight, and the spring."""
        sin, cos, r = self._bend(q)
        half, across, c = self.l[1] / 2, p[0] / r, sine_cosine(q[:2])[1]
        turning = p[1] - half * (cos * across + sin * p[2])
        kinetic = (across**2 + p[2] ** 2) / (2 * self.m) + turning**2 / (2 * self._inertia())
        return kinetic - self.m * self.g * (r * c[0] + half * c[1]) + self.k * q[2] ** 2 / 2

    def _bend(self, q: Array) -> tuple[Array, Array, Array]:
        """Sine and cosine of q1 - q2, and the length of the spring."""
        s, c = sine_cosine(q[:2])
        return s[0] * c[1] - c[0] * s[1], c[0] * c[1] + s[0] * s[1], self.l[0] + q[2]

    def _inertia(self) -> Array:
        """Moment of inertia of the rod about its middle."""
        return self.m * (self.l[1] ** 2 + self.width**2) / 12

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """The spring, before the rod, whose round ends lie around the joint and at its tip."""
        joint = self._end(x, 0.0)
        far = self._end(x, self.l[1] - 2 * RADIUS)
        return jnp.stack([jnp.stack([jnp.zeros(2), joint]), jnp.stack([joint, far])]), jnp.full(2, RADIUS)

    def _end(self, x: Array, along: Array | float) -> Array:
        """Place [2 …] of what lies on the rod, this far from the joint, in the state [6 …]."""
        s, c = sine_cosine(x[:2])
        r = self.l[0] + x[2]
        return jnp.stack([r * s[0] + along * s[1], -r * c[0] - along * c[1]])

    def extent(self) -> float:
        """Half the width of the scene: spring and rod, stretched out, the margin, and half the width of a capsule."""
        return float(self.range_of("l")[1].sum()) + self.margin + RADIUS

    def accept(self, x: Array, centres: Array, extent: Array | float) -> Array:  # noqa: ARG002
        """Whether the tip stays within the margin, and the spring is nowhere too short, as in the source."""
        near = abs(self._end(x.T, self.l[1])) <= self.l[0] + self.l[1] + self.margin
        return near.all() & (x[:, 2] >= self.shortest).all()

    def rejection(self) -> str:
        """Reason why `accept` rejects a sequence."""
        return f"left the scene (a tip beyond the margin of {self.margin:g} m, or a stretch below {self.shortest:g} m)"

    def fastest(self) -> float:
        """Estimate of the highest angular speed [rad/s]: that of a rod with all energy, and of the stiffest spring."""
        l1, l2 = map(float, self.range_of("l")[1])
        least = float(self.range_of("l")[0][1]) ** 2 / 12  # m², moment of inertia over mass
        v1, v2 = (max(abs(spin.low), abs(spin.high)) for spin in (self.spin1, self.spin2))
        z = max(abs(self.stretch.low), abs(self.stretch.high))
        start = ((l1 + z) * v1 + l2 / 2 * v2) ** 2 + (l2**2 + self.high("width") ** 2) / 12 * v2**2
        spring = self.high("k") / self.low("m")
        return sqrt((start + 4 * self.high("g") * (l1 + l2) + spring * z**2) / least + 4 * spring)
