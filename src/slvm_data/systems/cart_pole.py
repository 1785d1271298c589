"""A pole on a cart: H = pᵀ M⁻¹ p / 2 + m₁ g l (1 + cos q) / 2, with the angle q from the upward vertical.

M11 = m₁ + m₂, M12 = m₁ l cos q / 2, M22 = m₁ l² / 3: the pole is a uniform rod of mass m₁, and m₂ is that of the cart.
Source: R. V. Florian, "Correct equations for the dynamics of the cart-pole system", Coneural 2007.
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

POLE = 0.1125  # m, radius of the capsule that shows the pole
CART = 0.225, 0.1125  # m, radius of the capsule that shows the cart, and half the distance of its ends


@dataclass(frozen=True, kw_only=True)
class CartPole(Linkage):
    """State: x [m], the place of the cart, and q [rad], the angle of the pole from the upward vertical, to the right.

    The momenta px [kg m/s] and pq [kg m²/s] follow; the angle is not wrapped. The inputs are a force on the cart, to
    the right, and a torque about the joint, from the cart on the pole, in the direction of q.
    """

    state: ClassVar = ("x", "q", "px", "pq")
    units: ClassVar = ("m", "rad", "kg m/s", "kg m²/s")
    inputs: ClassVar = ("force", "torque")
    input_units: ClassVar = ("N", "N m")
    turn: ClassVar[float] = 0.3

    m: Parameter = parameter((0.5, 0.2), positive=True, per_body=True, unit="kg")  # of the pole, of the cart
    l: Parameter = parameter(1.4, positive=True, unit="m")  # of the pole
    g: Parameter = parameter(9.8, minimum=0.0, unit="m/s²")
    place: Uniform = Uniform(-2.2, 2.2)  # m, of the cart at the start
    angle: Uniform = Uniform(-pi, pi)  # rad, of the pole at the start
    speed: Uniform = Uniform(-0.1, 0.1)  # m/s, of the cart at the start
    spin: Uniform = Uniform(-0.2, 0.2)  # rad/s, of the pole at the start
    half_width: float = limited(2.4, positive=True)  # m, of the scene, in which the cart has to stay

    def start(self, key: Key) -> Array:
        """Draw place, angle and velocities, each from its range."""
        q, v = jnp.split(cuboid(key, self.place, self.angle, self.speed, self.spin), 2)
        return jnp.concatenate([q, self.momenta(q, v)])

    def mass_matrix(self, q: Array) -> tuple[Array, Array, Array]:
        """Mass of both; what couples them; moment of inertia of the pole about the joint."""
        moment = self.m[0] * self.l / 2
        return self.m[0] + self.m[1], moment * sine_cosine(q[1])[1], 2 / 3 * moment * self.l

    def potential(self, q: Array) -> Array:
        """That of the pole's weight, 0 where it hangs down."""
        return self.m[0] * self.g * self.l / 2 * (1 + sine_cosine(q[1])[1])

    def pushed(self, largest: float, impulse: float) -> Self:  # noqa: ARG002
        """With the spin that a torque may add."""
        moment = float(self.range_of("m")[0][0]) * self.low("l") ** 2 / 3
        return dataclasses.replace(self, spin=Uniform(self.spin.low, self.spin.high + impulse / moment))

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """The pole, before the cart. As in gym, it is drawn lower by half its width, to reach around the joint."""
        s, c = sine_cosine(x[1])
        joint, (radius, half) = jnp.stack([x[0], jnp.zeros_like(x[0])]), CART
        pole = jnp.stack([joint, joint + (self.l - 2 * POLE) * jnp.stack([s, c])])
        cart = joint + jnp.asarray([[-half, 0.0], [half, 0.0]])
        return jnp.stack([pole, cart]), jnp.asarray([POLE, radius])

    def extent(self) -> float:
        """Half the width of the scene."""
        return self.half_width

    def accept(self, x: Array, centres: Array, extent: Array | float) -> Array:  # noqa: ARG002
        """Whether the middle of the cart stays in the scene; the pole may leave it."""
        return (abs(x[:, 0]) <= self.half_width).all()

    def rejection(self) -> str:
        """Reason why `accept` rejects a sequence."""
        return f"left the scene (the cart beyond ±{self.half_width:g} m)"

    def fastest(self) -> float:
        """Highest angular speed [rad/s] of the heaviest pole on the lightest cart, fallen with the largest spin."""
        pole, cart = self.range_of("m")[1][0], self.range_of("m")[0][1]
        spin = max(abs(self.spin.low), abs(self.spin.high))
        return sqrt((4 / 3 * spin**2 + 8 * self.high("g") / self.low("l")) / (4 / 3 - pole / (pole + cart)))
