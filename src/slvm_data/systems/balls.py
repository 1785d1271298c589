"""Balls in a box, with impacts on the walls and on each other at their exact times: ẋ = v, v̇ = g - γ v between them.

An impact leaves the share e of the speed at which two balls, or a ball and a wall, approach each other, and no ball
turns. See `systems.collisions` for the order of impacts at the same instant.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf, pi, sqrt
from typing import Any, ClassVar

import numpy as np

from slvm_data.core.fields import limited
from slvm_data.core.keys import stream
from slvm_data.core.late import jax, jnp
from slvm_data.core.sums import total
from slvm_data.core.types import Array, Key
from slvm_data.systems import collisions
from slvm_data.systems.parameters import Parameter, Uniform, parameter
from slvm_data.systems.system import System

MOST = 8  # balls
MASSES = ("equal", "area")
TRIES = 200  # at a start without an overlap
APART = 1e-6  # share of the side, least distance of two balls at the start
SLACK = 1e-6  # share of the side, overlap of balls whose places were stored as float32, at most


@dataclass(frozen=True, kw_only=True)
class Balls(System):
    """State: x1, y1, x2, … [m], the centres of the balls, y pointing up, and vx1, vy1, vx2, … [m/s].

    The box reaches from 0 to `side` on both axes, less a `margin`; without `walls`, balls leave it. A ball weighs 1 kg
    (`masses` = "equal"), or 1 kg for each square metre of its disc ("area"). `friction` takes that share of a velocity
    in a second; there is none beside gravity, with which the instants of impacts have no closed form. Of the recorded
    walls, 2 is that of the least y, and 3 that of the greatest; 4 is another ball.
    """

    state: ClassVar = ("x1", "y1", "x2", "y2", "x3", "y3", "vx1", "vy1", "vx2", "vy2", "vx3", "vy3")
    halves: ClassVar = ("Position", "Velocity")
    bodies_drawn: ClassVar[int] = 3
    style: ClassVar[str] = "clean"
    chaotic: ClassVar[bool] = True
    events: ClassVar = ("time", "wall", "body", "before", "after", "other_before", "other_after")
    steady: ClassVar = ("radius", "friction")

    count: int = limited(3, minimum=1, maximum=MOST)
    g: Parameter = parameter((0.0, 0.0), length=2, unit="m/s²")
    radius: Parameter = parameter(1.2, positive=True, per_body=True, unit="m")
    friction: Parameter = parameter(0.0, minimum=0.0, unit="1/s")
    side: float = limited(10.0, positive=True)  # m, of the scene
    margin: float = limited(0.0, minimum=0)  # m, from the border of the scene to the walls
    walls: bool = True
    restitution: float = limited(1.0, positive=True, maximum=1)  # share of the speed that an impact leaves
    masses: str = limited("equal", choices=MASSES)
    place: Uniform = Uniform(0.0, 10.0)  # m, of both coordinates of a centre at the start, as far as the box reaches
    speed: Uniform = limited(Uniform(0.5, 0.5), minimum=0)  # m/s, root of the sum of all squared speeds at the start

    def start(self, key: Key) -> Array:
        """Draw all places uniformly until no balls overlap, and velocities of any direction in 2B dimensions."""
        v = jax.random.normal(stream(key, "velocity"), (self.count, 2), dtype=float)
        share = jax.random.uniform(stream(key, "speed"), dtype=float)
        speed = self.speed.low + (self.speed.high - self.speed.low) * share
        squares = [v[k, 0] ** 2 + v[k, 1] ** 2 for k in range(self.count)]
        return jnp.concatenate([self._places(stream(key, "position")).ravel(), (speed * v / _root_of(squares)).ravel()])

    def _places(self, key: Key) -> Array:
        """Centres [B 2]; after so many tries they may overlap, and the sequence is rejected."""
        low, high = self._reach()
        low, high = jnp.maximum(low, self.place.low), jnp.minimum(high, self.place.high)

        def draw(number: Array) -> Array:
            share = jax.random.uniform(jax.random.fold_in(key, number), (self.count, 2), dtype=float)
            return low[:, None] + (high - low)[:, None] * share

        def again(carry: tuple[Array, Array]) -> tuple[Array, Array]:
            return draw(carry[1]), carry[1] + 1

        def wanted(carry: tuple[Array, Array]) -> Array:
            return ~self._apart(carry[0], APART * self.side) & (carry[1] < TRIES)

        return jax.lax.while_loop(wanted, again, (draw(jnp.asarray(0)), jnp.asarray(1)))[0]

    def velocity(self, x: Array) -> Array:
        """Time derivative [4B] of the state [4B] between impacts."""
        v = x[2 * self.count :]
        return jnp.concatenate([v, jnp.tile(jnp.asarray(self.g), self.count) - self.friction * v])

    def simulate(self, x0: Array, t: Array, key: Key) -> Array:  # noqa: ARG002 - there is no noise
        """Simulate the balls; return their states [T 4B] at the times `t` [T], from `x0` [4B] at t[0]."""
        return collisions.trajectory(x0, self._passing(x0, t), self._balls())

    def impacts(self, x0: Array, t: Array, most: int, g: Array | None = None) -> dict[str, Array]:
        """The impacts between t[0] and t[-1], from `x0` [4B], as `collisions.impacts` gives them.

        `g` [T-1 2] is the acceleration from each time to the next, if it is not the same all the time.
        """
        return collisions.impacts(x0, self._passing(x0, t), self._balls(), most, g)

    def _passing(self, x0: Array, t: Array) -> Array:
        """The times [T]; for balls that overlap, and will be rejected, none passes: they would meet without an end."""
        return jnp.where(self._clear(x0), t, t[0])

    def _clear(self, x: Array) -> Array:
        """Whether no balls overlap in a state [4B], but for what rounding does to them."""
        return self._apart(x[: 2 * self.count].reshape(-1, 2), -SLACK * self.side)

    def energy(self, q: Array, p: Array) -> Array:
        """Energy [J], a scalar, at positions q [2B] with velocities p [2B]; potential energy is 0 at the bottom."""
        (low, high), m, g = self._reach(), self._masses(), jnp.asarray(self.g)
        total = jnp.asarray(0.0)
        for k in range(self.count):
            place, v = q[2 * k : 2 * k + 2], p[2 * k : 2 * k + 2]
            height = jnp.where(g > 0, high[k] - place, place - low[k]) * jnp.abs(g)
            total = total + m[k] * ((v[0] ** 2 + v[1] ** 2) / 2 + height[0] + height[1])
        return total

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """The balls as discs, relative to the middle of the scene."""
        return x[: 2 * self.count].reshape(-1, 2) - self.side / 2, self._radii()

    def extent(self) -> float:
        """Half the side of the scene."""
        return self.side / 2

    def accept(self, x: Array, centres: Array, extent: Array | float) -> Array:  # noqa: ARG002 - walls hold the balls
        """Whether no balls overlap at the start."""
        return self._apart(x[0, : 2 * self.count].reshape(-1, 2), 0.0)

    def rejection(self) -> str:
        """Reason for a rejection."""
        return "starts with balls that overlap"

    def longest_step(self) -> float:
        """Shortest time from wall to wall [s]; it is not a step of the motion, but limits the impacts in a frame."""
        return self._free() / self._fastest() if self.walls and self._fastest() else inf

    def most_impacts(self, duration: float) -> int:
        """Length of the arrays of impacts of `duration` seconds: four times as many as balls at full speed have.

        There is no bound for impacts between balls that is any use.
        """
        gravity = np.abs(self.range_of("g")).max() > 0
        shortest = self._free() / 10 if gravity else self._free()
        each = 4 * (ceil(duration * self._fastest() / shortest) + 2)
        if gravity and self.restitution < 1:
            each += ceil(2 * duration / (self.restitution * collisions.BOUNCE))
        return self.count * (each if self.walls else 4) + 1

    def recordable(self) -> tuple[str, ...]:
        """As for all systems, and impacts."""
        return (*super().recordable(), "events")

    def keeps_energy(self) -> bool:
        """Whether impacts are elastic."""
        return self.restitution == 1

    def lost(self, x0: Array, t: Array) -> Array:
        """Energy [T]: friction takes the same share of all velocities, and there is no gravity beside it."""
        return self.energy(*jnp.split(x0, 2)) * -jnp.expm1(-2 * jnp.asarray(self.friction) * (t - t[0]))

    def check_start(self, x0: np.ndarray, frame: float) -> None:
        """Raise ValueError for balls that are too fast, in a wall, or in each other."""
        least, slack = self.range_of("radius")[0], SLACK * self.side
        x, v = (half.reshape(-1, 2) for half in np.split(np.asarray(x0), 2))
        low = self.margin + least[:, None] - slack
        if self.walls and (odd := ((x < low) | (x > self.side - low)).any(axis=1)).any():
            raise ValueError(f"ball {int(np.argmax(odd)) + 1} lies in a wall, or beyond it")
        for i, j in collisions.pairs(self.count):
            if np.hypot(*(x[i] - x[j])) < least[i] + least[j] - slack:
                raise ValueError(f"balls {i + 1} and {j + 1} overlap")
        if self.walls and np.abs(v).max() * frame > collisions.IMPACTS * self._free():
            raise ValueError(f"velocities are too high: more than {collisions.IMPACTS} impacts in {frame:g} s")

    def settle(self) -> None:
        """Give the state names for so many balls."""
        super().settle()
        numbers = [str(k + 1) for k in range(self.count)] if type(self.count) is int and 0 < self.count <= MOST else []
        own = {
            "state": tuple(f"{word}{k}" for words in (("x", "y"), ("vx", "vy")) for k in numbers for word in words),
            "units": (*("m",) * 2 * len(numbers), *("m/s",) * 2 * len(numbers)),
            "bodies_drawn": len(numbers),
        }
        for name, value in own.items():
            object.__setattr__(self, name, value)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.substep is not None:
            raise ValueError(f"{type(self).__name__} takes no steps of integration: leave substep = {self.substep} out")
        if self.high("friction") and np.any(self.range_of("g")):
            raise ValueError(f"{type(self).__name__}: friction = {self.friction} goes with g = (0, 0) alone")
        if self._free() <= 0:
            wide = self.side - 2 * self.margin
            raise ValueError(f"{type(self).__name__}: radius = {self.radius} is too large for walls {wide:g} apart")
        low = self.margin + self.high("radius")
        if self.place.low > self.side - low or self.place.high < low:
            raise ValueError(f"{type(self).__name__}: place = {self.place} is not within {low:g} … {self.side - low:g}")

    def _balls(self) -> collisions.Balls:
        margin = self.margin if self.walls else None
        friction = jnp.asarray(self.friction)
        own = self._radii(), self._masses(), jnp.asarray(self.g), friction, self.side, margin, self.restitution
        return collisions.Balls(*own)

    def _radii(self) -> Array:
        return jnp.broadcast_to(jnp.asarray(self.radius, dtype=float), (self.count,))

    def _masses(self) -> Array:
        return pi * self._radii() ** 2 if self.masses == "area" else jnp.ones(self.count)

    def _reach(self) -> tuple[Array, Array]:
        """Lowest and highest coordinate of each centre [B]."""
        low = self.margin + self._radii()
        return low, self.side - low

    def _apart(self, x: Array, gap: float) -> Array:
        """Whether no two balls at x [B 2] are nearer to each other than `gap`."""
        r, apart = self._radii(), jnp.asarray(True)
        for i, j in collisions.pairs(self.count):
            apart &= (x[i, 0] - x[j, 0]) ** 2 + (x[i, 1] - x[j, 1]) ** 2 >= (r[i] + r[j] + gap) ** 2
        return apart

    def _free(self) -> float:
        """Shortest way from wall to wall [m]."""
        return self.side - 2 * self.margin - 2 * self.high("radius")

    def _fastest(self) -> float:
        """Highest speed of a ball [m/s]: that of the lightest one with all of the energy."""
        uneven = (self.high("radius") / self.low("radius")) ** 2 if self.masses == "area" else 1.0
        fall = 2 * self.count * float(np.abs(self.range_of("g")).max(axis=0).sum()) * self.side
        return sqrt(uneven * (self._speed() ** 2 + fall))

    def _speed(self) -> float:
        """Highest root of the sum of all squared speeds at the start [m/s]."""
        return self.speed.high


def _root_of(squares: list[Any]) -> Array:
    """Root of a sum, in a fixed order."""
    return jnp.sqrt(total(squares))
