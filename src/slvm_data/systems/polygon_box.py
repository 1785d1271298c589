"""A ball in a convex polygon: ẋ = v, and v → v - 2 (v·n) n at a wall with normal n, at the exact time of an impact.

M. Fraccaro et al., "A Disentangled Recognition and Nonlinear Dynamics Model for Unsupervised Learning", NeurIPS 2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, inf
from typing import Any, ClassVar

import numpy as np

from slvm_data.core.fields import limited
from slvm_data.core.keys import stream
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems import legs
from slvm_data.systems.parameters import Parameter, Uniform, parameter
from slvm_data.systems.polygon import Polygon, polygon
from slvm_data.systems.system import System

IMPACTS = 10_000  # in a frame, at most
HEXAGON = ((3.0, 1.0), (1.0, 15.0), (8.0, 30.0), (25.0, 30.0), (30.0, 8.0), (15.0, 1.0))


@dataclass(frozen=True, kw_only=True)
class PolygonBox(System):
    """State: x, y [px], the centre of the ball, y pointing up, and vx, vy [px/s]. A pixel is the unit of length.

    The recorded wall k is that from corner k to the next one, counted from 0. A ball that reaches two walls at the same
    instant, in a corner, takes that with the lower number first.
    """

    state: ClassVar = ("x", "y", "vx", "vy")
    units: ClassVar = ("px", "px", "px/s", "px/s")
    halves: ClassVar = ("Position", "Velocity")
    energy_unit: ClassVar = "px²/s²"  # of a unit mass
    style: ClassVar = "clean"
    events: ClassVar = ("time", "wall", "before", "after")
    numbered_walls: ClassVar = True
    steady: ClassVar = ("radius",)

    radius: Parameter = parameter(3.0, positive=True, unit="px")
    side: float = limited(32.0, positive=True)  # px, of the scene
    corners: tuple[Any, ...] = HEXAGON  # px, of the walls
    speed: Uniform = limited(Uniform(10.0, 15.0), minimum=0)  # px/s, at the start
    spread: float = limited(2.5, minimum=0)  # px, standard deviation of the start about the middle of the scene

    def start(self, key: Key) -> Array:
        """Draw a normal position, and a velocity of uniform speed and direction."""
        position = self.side / 2 + self.spread * jax.random.normal(stream(key, "position"), (2,), dtype=float)
        return jnp.concatenate([position, legs.thrown(key, self.speed)])

    def velocity(self, x: Array) -> Array:
        """Time derivative [4] of the state [4] between impacts."""
        return jnp.concatenate([x[2:], jnp.zeros(2)])

    def simulate(self, x0: Array, t: Array, key: Key) -> Array:  # noqa: ARG002 - there is no noise
        """Simulate one ball; return its states [T 4] at the times `t` [T], from `x0` [4] at t[0]."""
        return legs.trajectory(x0, t, self._fly)

    def impacts(self, x0: Array, t: Array, most: int) -> dict[str, Array]:
        """The impacts between t[0] and t[-1], from `x0` [4]: time [most], wall, velocity before and after [most 2]."""
        return legs.impacts(x0, t, self._fly, most)

    def _fly(self, x: Array, v: Array, left: Array) -> legs.Leg:
        """Fly from `x`, `v` [2] to the next impact, or for the time that is `left` [s]."""
        walls = self._polygon()
        n = walls.normals
        apart, closing = walls.apart(x) - self.radius, -(n[:, 0] * v[0] + n[:, 1] * v[1])  # [W]
        times = jnp.where(closing > 0, jnp.maximum(apart, 0.0) / jnp.where(closing > 0, closing, 1.0), jnp.inf)
        wall = jnp.argmin(times)
        hit = times[wall] < left
        seconds = jnp.where(hit, times[wall], left)
        after = jnp.where(hit, v + 2 * closing[wall] * jnp.asarray(n)[wall], v)
        return legs.Leg(x + v * seconds, v, after, seconds, jnp.where(hit, wall, -1))

    def energy(self, q: Array, p: Array) -> Array:  # noqa: ARG002 - there is no gravity
        """Energy, a scalar, of a unit mass at q [2] with velocity p [2]."""
        return (p[0] ** 2 + p[1] ** 2) / 2

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """The ball as a disc, relative to the middle of the scene."""
        return x[None, :2] - self.side / 2, jnp.full(1, self.radius)

    def extent(self) -> float:
        """Half the side of the scene."""
        return self.side / 2

    def accept(self, x: Array, centres: Array, extent: Array | float) -> Array:  # noqa: ARG002 - walls hold the ball
        """Whether the ball is clear of the walls at the start."""
        return (self._polygon().apart(x[0]) >= self.radius).all()

    def rejection(self) -> str:
        """Reason for a rejection."""
        return "starts in a wall"

    def longest_step(self) -> float:
        """Shortest time between walls [s]; it is not a step of the motion, but limits the impacts in a frame."""
        return self._room() / self.speed.high if self.speed.high else inf

    def most_impacts(self, duration: float) -> int:
        """Largest number of impacts of a ball in `duration` seconds: as if it turned in one corner after the other."""
        return self._polygon().turns() * (floor(duration * self.speed.high / self._room()) + 1)

    def recordable(self) -> tuple[str, ...]:
        """As for all systems, and impacts."""
        return (*super().recordable(), "events")

    def keeps_energy(self) -> bool:
        """Always True: impacts are elastic."""
        return True

    def check_start(self, x0: np.ndarray, frame: float) -> None:
        """Raise ValueError for a ball that is too fast, or in a wall."""
        least = self.low("radius") - 1e-6 * self.side  # of a position that was stored as float32
        if (odd := self._polygon().apart(x0) < least).any():
            raise ValueError(f"x, y = {x0[0]:g}, {x0[1]:g} lies in wall {int(np.argmax(odd))}, or beyond it")
        if np.hypot(*x0[2:]) * frame > IMPACTS * self._room():
            raise ValueError(f"vx, vy = {x0[2]:g}, {x0[3]:g} is too fast: more than {IMPACTS} impacts in {frame:g} s")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.substep is not None:
            raise ValueError(f"PolygonBox takes no steps of integration: leave substep = {self.substep} out")
        try:
            walls = self._polygon()
        except ValueError as error:
            raise ValueError(f"PolygonBox: {error}") from None
        if (walls.corners < 0).any() or (walls.corners > self.side).any():
            raise ValueError(f"PolygonBox: corners = {self.corners} are not all within 0 … {self.side:g}")
        radius = self.high("radius")
        if radius >= self.side / 2 or not walls.holds(radius):
            raise ValueError(f"PolygonBox: radius = {self.radius} is too large for a ball that can touch every wall")

    def _polygon(self) -> Polygon:
        return polygon(self.corners)

    def _room(self) -> float:
        return self._polygon().room(self.high("radius"))
