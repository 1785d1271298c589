"""A ball in a box under constant gravity: ẋ = v, v̇ = g, and v → -e v across a wall when it touches one.

Where e < 1, a ball whose next bounce would last less than a microsecond lies on the wall from then on.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from math import inf
from typing import ClassVar, Self

import numpy as np

from slvm_data.core.fields import limited
from slvm_data.core.keys import stream
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems import contact, flight
from slvm_data.systems.parameters import Parameter, Uniform, parameter
from slvm_data.systems.system import System

MOTIONS = ("exact", "contact")
IMPACTS = 10_000  # in a frame, at most
GAP = 1.0  # px, least distance of the ball from the walls at the start


@dataclass(frozen=True, kw_only=True)
class BallBox(System):
    """State: x, y [px], the centre of the ball, y pointing down, and vx, vy [px/s]. A pixel is the unit of length.

    `motion` is "exact", with every impact at its exact time, so that a ball never leaves the box, or "contact", the
    discrete rule of a game engine (`systems.contact`), one step per frame, with which it can leave the box.
    Its inputs are an acceleration that is added to g, as if the box were accelerated the other way; with "exact" alone.
    """

    state: ClassVar = ("x", "y", "vx", "vy")
    units: ClassVar = ("px", "px", "px/s", "px/s")
    inputs: ClassVar = ("ax", "ay")
    input_units: ClassVar = ("px/s²", "px/s²")
    halves: ClassVar = ("Position", "Velocity")
    energy_unit: ClassVar = "px²/s²"  # of a unit mass
    style: ClassVar = "clean"
    y_down: ClassVar = True
    debug_style: ClassVar = True
    events: ClassVar = ("time", "wall", "before", "after")

    g: Parameter = parameter((0.0, 0.0), length=2, unit="px/s²")
    radius: float = limited(3.0, positive=True)  # px
    side: float = limited(32.0, positive=True)  # px, of the scene
    margin: float = limited(0.0, minimum=0)  # px, from the border of the scene to the walls
    restitution: float = limited(1.0, positive=True, maximum=1)  # share of the speed that an impact leaves
    motion: str = limited("exact", choices=MOTIONS)
    speed: Uniform = limited(Uniform(5.0, 10.0), minimum=0)  # px/s, at the start
    angle: Uniform = Uniform(0.0, 360.0)  # degrees, of the first velocity, from x towards y
    spread: float = limited(8.0, minimum=0)  # px, standard deviation of the start about the middle of the box

    def start(self, key: Key) -> Array:
        """Draw a normal position, clipped to at least `GAP` from the walls, and a velocity from `speed` and `angle`."""
        angle = jnp.deg2rad(_uniform(stream(key, "angle"), self.angle))
        speed = _uniform(stream(key, "speed"), self.speed)
        position = self.side / 2 + self.spread * jax.random.normal(stream(key, "position"), (2,), dtype=float)
        gap = min(GAP, (self._high - self._low) / 2)
        position = jnp.clip(position, self._low + gap, self._high - gap)
        return jnp.concatenate([position, speed * jnp.stack([jnp.cos(angle), jnp.sin(angle)])])

    def velocity(self, x: Array) -> Array:
        """Time derivative [4] of the state [4] between impacts, also of a ball that lies on a wall."""
        g = jnp.asarray(self.g)
        return jnp.concatenate([x[2:], jnp.where(flight.rests(x[:2], x[2:], g, self._box), 0.0, g)])

    def simulate(self, x0: Array, t: Array, key: Key) -> Array:  # noqa: ARG002 - there is no noise
        """Simulate one ball; return its states [T 4] at the times `t` [T], from `x0` [4] at t[0]."""
        g = jnp.asarray(self.g)
        if self.motion == "exact":
            return flight.trajectory(x0, t, g, self._box)
        return contact.trajectory(x0, t, g, self.walls, self.radius, self.restitution)

    def controlled(self, x0: Array, t: Array, key: Key, control: Array) -> Array:  # noqa: ARG002 - there is no noise
        """States [T 4] under an acceleration [T 2] that is held from each time to the next."""
        return flight.trajectory(x0, t, jnp.asarray(self.g) + control[:-1], self._box)

    def push(self, u: Array) -> Array:
        """An acceleration [2] changes the velocity."""
        return jnp.concatenate([jnp.zeros(2), u])

    def pushed(self, largest: float, impulse: float) -> Self:
        """With the acceleration that the control may add, and the speed."""
        low, high = (end.tolist() for end in self.range_of("g"))
        g = tuple(Uniform(a - largest, b + largest) for a, b in zip(low, high, strict=True))
        return dataclasses.replace(self, g=g, speed=Uniform(self.speed.low, self.speed.high + impulse))

    def in_steps(self) -> bool:
        """Whether the motion follows the rule of a game engine."""
        return self.motion == "contact"

    def impacts(self, x0: Array, t: Array, most: int, g: Array | None = None) -> dict[str, Array]:
        """The impacts between t[0] and t[-1], from `x0` [4]: time [most], wall, velocity before and after [most 2].

        `g` [T-1 2] is the acceleration from each time to the next, if it is not the same all the time.
        """
        if g is None:
            return flight.impacts(x0, t, jnp.asarray(self.g), self._box, most)
        return flight.impacts_in_parts(x0, t, g, self._box, most)

    def energy(self, q: Array, p: Array) -> Array:
        """Energy, a scalar, of a unit mass at q [2] with velocity p [2]: kinetic, and potential above its minimum."""
        height = jnp.where(jnp.asarray(self.g) > 0, self._high - q, q - self._low) * jnp.abs(jnp.asarray(self.g))
        return (p[0] ** 2 + p[1] ** 2) / 2 + height[0] + height[1]

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """The ball as a disc, relative to the middle of the scene."""
        return x[None, :2] - self.side / 2, jnp.full(1, self.radius)

    def extent(self) -> float:
        """Half the side of the scene."""
        return self.side / 2

    def most_impacts(self, duration: float) -> int:
        """Largest number of impacts of a ball in `duration` seconds, for initial states from `start`."""
        gap = min(GAP, self._free / 2)
        return sum(flight.most_impacts(g, self._box, self.speed.high, gap, duration) for g in self._strongest)

    def longest_step(self) -> float:
        """Shortest time from wall to wall [s]; it is not a step of the motion, but limits the impacts in a frame."""
        fastest = flight.fastest(max(self._strongest), self._box, self.speed.high)
        return self._free / fastest if fastest else inf

    def recordable(self) -> tuple[str, ...]:
        """As for all systems, and impacts if the motion is exact."""
        found = super().recordable()
        return (*found, "events") if self.motion == "exact" else found

    def keeps_energy(self) -> bool:
        """Whether impacts are exact and elastic, so that the energy is constant."""
        return self.motion == "exact" and self.restitution == 1

    def check_start(self, x0: np.ndarray, frame: float) -> None:
        """Raise ValueError for a ball that is too fast, or in a wall (with "contact", only if its centre is)."""
        low, high = (self._low, self._high) if self.motion == "exact" else self.walls
        slack = 1e-6 * self.side  # of a position that was stored as float32
        if (x0[:2] < low - slack).any() or (x0[:2] > high + slack).any():
            raise ValueError(f"x, y = {x0[0]:g}, {x0[1]:g} lies in a wall: both have to be within {low:g} … {high:g}")
        if np.abs(x0[2:]).max() * frame > IMPACTS * self._free:
            raise ValueError(f"vx, vy = {x0[2]:g}, {x0[3]:g} is too fast: more than {IMPACTS} impacts in {frame:g} s")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.substep is not None:
            raise ValueError(f"BallBox takes no steps of integration: leave substep = {self.substep} out")
        if self._free <= 0:
            raise ValueError(f"BallBox: radius = {self.radius:g} is too large for walls {self._apart:g} apart")

    @property
    def walls(self) -> tuple[float, float]:
        """Positions of the walls on each axis [px]."""
        return self.margin, self.side - self.margin

    @property
    def _strongest(self) -> list[float]:
        """Largest |g| along each axis [px/s²]."""
        return np.max(np.abs(self.range_of("g")), axis=0).tolist()

    @property
    def _apart(self) -> float:
        return self.side - 2 * self.margin

    @property
    def _free(self) -> float:
        return self._apart - 2 * self.radius

    @property
    def _low(self) -> float:
        return self.margin + self.radius

    @property
    def _high(self) -> float:
        return self.side - self._low

    @property
    def _box(self) -> flight.Box:
        return flight.Box(self._low, self._high, self.restitution)


def _uniform(key: Key, interval: Uniform) -> Array:
    return jax.random.uniform(key, dtype=float, minval=interval.low, maxval=interval.high)
