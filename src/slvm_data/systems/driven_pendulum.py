"""A damped pendulum that a periodic force drives: q̈ = -ω0² sin q - α q̇ + f0 cos(ωf t).

The phase ωf t is a number of the state, so that the motion depends on the state alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from slvm_data.core.fields import limited
from slvm_data.core.late import jax, jnp
from slvm_data.core.sines import sine_cosine
from slvm_data.core.types import Array, Key
from slvm_data.systems.parameters import Parameter, Uniform, parameter
from slvm_data.systems.system import System


@dataclass(frozen=True, kw_only=True)
class DrivenPendulum(System):
    """State: q, the angle from the downward vertical, not wrapped, its rate v, and the phase of the force."""

    state: ClassVar = ("q", "v", "phase")
    units: ClassVar = ("rad", "rad/s", "rad")
    style: ClassVar = "clean"

    omega0: Parameter = parameter(0.5, minimum=0.0, unit="rad/s")
    alpha: Parameter = parameter(0.2, minimum=0.0, unit="1/s")
    omega_f: Parameter = parameter(1.0, minimum=0.0, unit="rad/s")
    f0: Parameter = parameter(0.1, minimum=0.0, unit="rad/s²")
    angle: Uniform = Uniform(0.0, 0.25)  # rad, at the start
    speed: Uniform = Uniform(0.0, 1.0)  # rad/s, at the start
    radius: float = limited(0.2, positive=True)  # of the bob, on a rod of length 1

    def start(self, key: Key) -> Array:
        """Draw angle and rate uniformly; the phase is 0."""
        low = jnp.array([self.angle.low, self.speed.low])
        high = jnp.array([self.angle.high, self.speed.high])
        return jnp.append(jax.random.uniform(key, (2,), dtype=float, minval=low, maxval=high), 0.0)

    def velocity(self, x: Array) -> Array:
        """Time derivative [3] of the state [3]."""
        q, v, phase = x
        force = self.f0 * sine_cosine(phase)[1]
        return jnp.stack([v, force - self.omega0**2 * sine_cosine(q)[0] - self.alpha * v, self.omega_f])

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """The bob."""
        s, c = sine_cosine(x[0])
        return jnp.stack([s, -c])[None], jnp.array([self.radius])

    def extent(self) -> float:
        """Half the width of the scene: rod and bob."""
        return 1.0 + self.radius

    def longest_step(self) -> float:
        """A fraction of the shortest time in which the pendulum swings or turns, the force turns, or speed is lost."""
        turns = max(abs(self.speed.low), abs(self.speed.high)) + 2 * self.high("omega0")
        return 0.5 / max(turns + self.high("omega_f") + self.high("alpha"), 1e-9)
