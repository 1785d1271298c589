"""The double pendulum (`systems.double_pendulum`), seen through the Cartesian positions of its bobs.

Its regime says how the links move: 0 together (ω₁ ω₂ > 0), 1 against each other, both with the second link within a
right angle of the first; 2 folded, beyond it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from slvm_data.core.fields import limited
from slvm_data.core.late import jax, jnp
from slvm_data.core.sines import sine_cosine
from slvm_data.core.types import Array, Key
from slvm_data.systems.double_pendulum import DoublePendulum
from slvm_data.systems.parameters import Parameter, parameter
from slvm_data.systems.switching import RADIUS, Switching


@dataclass(frozen=True, kw_only=True)
class SwitchingDoublePendulum(Switching):
    """State: the angles q1, q2 [rad], not wrapped, and their momenta p1, p2 [kg m²/s]. It starts at rest."""

    chaotic: ClassVar = True
    state: ClassVar = ("q1", "q2", "p1", "p2")
    units: ClassVar = (*("rad",) * 2, *("kg m²/s",) * 2)
    latents: ClassVar = ("x1", "y1", "x2", "y2")
    bodies_drawn: ClassVar[int] = 2

    m: Parameter = parameter(1.0, positive=True, per_body=True, unit="kg")
    l: Parameter = parameter(1.0, positive=True, per_body=True, unit="m")
    g: Parameter = parameter(9.8, minimum=0.0, unit="m/s²")
    observation_noise: Parameter = parameter(0.0, minimum=0.0)
    channels: int = 8
    half_width: float = 2.5  # m
    angles: tuple[float, ...] = (120.0, -10.0)  # degrees from the downward vertical, of the links at the start
    spread: float = limited(5.0, minimum=0)  # degrees, standard deviation of the start

    def start(self, key: Key) -> Array:
        """Draw normal angles with mean `angles`, at rest."""
        angles = jnp.asarray(self.angles) + self.spread * jax.random.normal(key, (2,), dtype=float)
        return jnp.concatenate([jnp.deg2rad(angles), jnp.zeros(2)])

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.angles) != self.bodies_drawn:
            raise ValueError(f"SwitchingDoublePendulum: angles = {self.angles} has to be {self.bodies_drawn} numbers")

    def extent(self) -> float:
        """Half the width of the scene: `half_width`, or more if the links are long."""
        return max(self.half_width, 1.25 * float(self.range_of("l")[1].sum()))

    def velocity(self, x: Array) -> Array:
        """Time derivative [4] of the state [4]: Hamilton's equations."""
        return self._arms().velocity(x)

    def energy(self, q: Array, p: Array) -> Array:
        """The Hamiltonian [J], a scalar."""
        return self._arms().energy(q, p)

    def keeps_energy(self) -> bool:
        """Always True: there is no friction."""
        return True

    def longest_step(self) -> float:
        """Step [s] with which a long trajectory keeps its energy to 1e-8, for all arms of the population."""
        fall = self.high("g") * (1 + self.high("m") / self.low("m")) / self.low("l")
        return 0.03 / max(fall, 1e-9) ** 0.5

    def latent(self, x: Array) -> Array:
        """Positions [… 4] of the bobs."""
        l1, l2 = self.l
        s, c = sine_cosine(x[..., :2])
        x1, y1 = l1 * s[..., 0], -l1 * c[..., 0]
        return jnp.stack([x1, y1, x1 + l2 * s[..., 1], y1 - l2 * c[..., 1]], axis=-1)

    def mode(self, x: Array, key: Key) -> Array:  # noqa: ARG002 - nothing is left to chance
        """Regimes [T]: how the links move."""
        (m1, m2), (l1, l2), (q1, q2, p1, p2) = self.m, self.l, x.T
        cos = sine_cosine(q2 - q1)[1]
        first = l2 * p1 - l1 * p2 * cos  # has the sign of the angular velocity
        second = (m1 + m2) * l1 * p2 - m2 * l2 * p1 * cos
        return jnp.where(cos < 0, 2, jnp.where(first * second > 0, 0, 1))

    def regimes(self) -> int:
        """Number of regimes: links together, against each other, folded."""
        return 3

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """The bobs as discs."""
        return self.latent(x).reshape(2, 2), jnp.full(2, RADIUS * self.half_width)

    def _arms(self) -> DoublePendulum:
        return DoublePendulum().member({"m": self.m, "l": self.l, "g": self.g, "friction": 0.0})
