"""A pendulum that is drawn as a rod: θ̈ = -c (g / l) sin θ - γ θ̇, with c = 1 for a mass at its end, 3/2 for a rod."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt
from typing import ClassVar

from slvm_data.core.fields import limited
from slvm_data.core.integrator import solve
from slvm_data.core.keys import stream
from slvm_data.core.late import jax, jnp
from slvm_data.core.sines import sine_cosine
from slvm_data.core.types import Array, Key
from slvm_data.systems.hamiltonian import Hamiltonian
from slvm_data.systems.parameters import Parameter, Uniform, parameter


@dataclass(frozen=True, kw_only=True)
class RodPendulum(Hamiltonian):
    """State: theta [rad], the angle from the downward vertical, not wrapped, and omega [rad/s], its velocity.

    The velocity is the momentum of a unit moment of inertia, so that H = θ̇² / 2 + c (g / l) (1 - cos θ).
    It is drawn with its own length `l`; or with the length `shown`, so that frames do not tell l but by the motion.
    """

    state: ClassVar = ("theta", "omega")
    units: ClassVar = ("rad", "rad/s")
    halves: ClassVar = ("Angle", "Velocity")
    energy_unit: ClassVar = "1/s²"
    style: ClassVar = "clean"
    turn: ClassVar[float] = 0.5
    radii: ClassVar = None  # pyright: ignore  # starts are drawn from `angle` and `spin`

    g: Parameter = parameter(9.81, minimum=0.0, unit="m/s²")
    l: Parameter = parameter(1.0, positive=True, unit="m")
    friction: Parameter = parameter(0.0, minimum=0.0, unit="1/s")
    lever: float = limited(1.0, positive=True)  # c: 1 for a mass at the end, 3/2 for a rod
    width: float = limited(0.1, positive=True)  # m, of the rod, whose ends are round
    shown: float | None = limited(None, positive=True)  # m, length of the rod in frames; None: l
    angle: Uniform = Uniform(0.0, 2 * pi)  # rad, at the start
    spin: Uniform = Uniform(0.0, 0.0)  # rad/s, at the start

    def start(self, key: Key) -> Array:
        """Draw an angle and a velocity, both uniform."""
        ranges = {"angle": self.angle, "spin": self.spin}
        shares = {name: jax.random.uniform(stream(key, name), dtype=float) for name in ranges}
        return jnp.stack([own.low + (own.high - own.low) * shares[name] for name, own in ranges.items()])

    def energy(self, q: Array, p: Array) -> Array:
        """Kinetic energy, and potential energy above the lowest point."""
        return (p**2 / 2 + self.lever * self.g / self.l * (1 - sine_cosine(q)[1]))[0]

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """The rod, from the pivot in the middle of the scene to its end."""
        s, c = sine_cosine(x[0])
        length = self.l if self.shown is None else self.shown
        end = length * jnp.stack([s, -c])
        return jnp.stack([jnp.zeros(2), end])[None], jnp.full(1, self.width / 2)

    def extent(self) -> float:
        """Half the width of the scene: the longest rod and its round end."""
        return (self.high("l") if self.shown is None else self.shown) + self.width / 2

    def fastest(self) -> float:
        """Angular speed [rad/s] at the bottom, after a start at the top with the largest velocity."""
        spin = max(abs(self.spin.low), abs(self.spin.high))
        return sqrt(spin**2 + 4 * self.lever * self.high("g") / self.low("l"))


@dataclass(frozen=True, kw_only=True)
class ShakenPendulum(RodPendulum):
    """A pendulum with a random torque, which is held from each frame to the next.

    It adds a normal change to the velocity, of standard deviation `shake` √Δt between frames that are Δt apart: as much
    as white noise does.
    """

    shake: float = limited(0.1, minimum=0)  # rad/s per √s

    def simulate(self, x0: Array, t: Array, key: Key) -> Array:
        """Integrate, with the torque of each interval."""
        assert self.substep is not None  # a member has it from its population
        torque = self.shake * jax.random.normal(key, (len(t) - 1,), dtype=float) / jnp.sqrt(jnp.diff(t))
        return solve(lambda x, a: self.velocity(x) + jnp.stack([jnp.zeros_like(a), a]), x0, t, self.substep, (torque,))

    def keeps_energy(self) -> bool:
        """Never: the torque does work."""
        return False
