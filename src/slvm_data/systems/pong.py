"""A ball between floor and roof, and a paddle on either side that follows it: ẋ = v between impacts at exact times.

Within a frame, paddles stand still. Floor, roof and paddles turn the velocity across them into -e times itself.
M. Fraccaro et al., "A Disentangled Recognition and Nonlinear Dynamics Model for Unsupervised Learning", NeurIPS 2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf
from typing import ClassVar

import numpy as np

from slvm_data.core.fields import limited
from slvm_data.core.keys import stream
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems import legs
from slvm_data.systems.flight import LEFT, TOP
from slvm_data.systems.parameters import Parameter, Uniform, parameter
from slvm_data.systems.system import System

IMPACTS = 10_000  # in a frame, at most
FLOOR = 1.0  # px
RIGHT_PADDLE = 2.0  # px, from the right border of the scene; the left paddle stands on the left border
THICK, TALL = 1.0, 3.0  # px, halves of a paddle: the radius of a capsule, and half of the line between its ends
STRIDE = 2.0  # px, of a paddle in a frame
CLEAR = 3.0  # px, least distance of the ball from the border of the scene at the start


@dataclass(frozen=True, kw_only=True)
class Pong(System):
    """State: x, y [px], the centre of the ball, y pointing up; left, right [px], heights of the paddles; vx, vy [px/s].

    After each frame, a paddle that is more than 1 px off the height of the ball jumps by 2 px towards it, but not out
    of the scene. The ball bounces where it touches the line in front of a paddle, if its centre is level with the
    paddle, round ends included; else it is missed, and flies on beyond. Of the recorded walls, 0 and 1 are the left
    and the right paddle, 2 is the floor, and 3 the roof.

    The physics engine of the source finds impacts once per frame, lets a ball run into what it hits, and turns it aside
    at the round end of a paddle. There, the first frame shows the state after the first step.
    """

    state: ClassVar = ("x", "y", "left", "right", "vx", "vy")
    units: ClassVar = ("px", "px", "px", "px", "px/s", "px/s")
    bodies_drawn: ClassVar = 3
    style: ClassVar = "clean"
    events: ClassVar = ("time", "wall", "before", "after")
    steady: ClassVar = ("radius",)

    radius: Parameter = parameter(3.0, positive=True, unit="px")
    side: float = limited(32.0, positive=True)  # px, of the scene
    restitution: float = limited(0.891, positive=True, maximum=1)  # of the ball, 0.9, times that of what it hits, 0.99
    speed: Uniform = limited(Uniform(10.0, 10.0), minimum=0)  # px/s, at the start
    spread: float = limited(3.0, minimum=0)  # px, standard deviation of the start about the middle of the scene

    def start(self, key: Key) -> Array:
        """Draw a normal position, clipped to the clear part of the scene, and a velocity; paddles are in the middle."""
        middle, clear = self.side / 2, CLEAR + self.radius
        position = middle + self.spread * jax.random.normal(stream(key, "position"), (2,), dtype=float)
        place = jnp.clip(position, clear, self.side - clear)
        return jnp.stack([*place, middle, middle, *legs.thrown(key, self.speed)])

    def simulate(self, x0: Array, t: Array, key: Key) -> Array:  # noqa: ARG002 - there is no noise
        """Simulate one game; return its states [T 6] at the times `t` [T], from `x0` [6] at t[0]."""
        return self._game(x0, t)

    def _game(self, x0: Array, t: Array) -> Array:
        def frame(state: Array, interval: Array) -> tuple[Array, Array]:
            paddles = self._followed(state)
            x, v = legs.flown(state[:2], state[4:], interval, lambda x, v, left: self._fly(x, v, left, paddles))
            state = jnp.concatenate([x, paddles, v])
            return state, state

        return jnp.concatenate([x0[None], jax.lax.scan(frame, x0, jnp.diff(t))[1]])

    def impacts(self, x0: Array, t: Array, most: int) -> dict[str, Array]:
        """The impacts between t[0] and t[-1], from `x0` [6]: time [most], wall, velocity before and after [most 2]."""
        ends = t if len(t) > 1 else jnp.append(t, t)
        states = self._game(x0, ends)
        ball = jnp.concatenate([x0[:2], x0[4:]])
        return legs.impacts_in_parts(ball, ends, self._fly, (states[1:, 2:4],), most)

    def _followed(self, state: Array) -> Array:
        """Heights [2] of the paddles in the next frame."""
        off = state[1] - state[2:4]
        jump = jnp.where(jnp.abs(off) > STRIDE / 2, STRIDE * jnp.sign(off), 0.0)
        return jnp.clip(state[2:4] + jump, TALL, self.side - TALL)

    def _fly(self, x: Array, v: Array, left: Array, paddles: Array) -> legs.Leg:
        """Fly from `x`, `v` [2] to the next impact, or for the time that is `left` [s]; heights of the paddles [2]."""
        (low, high), onwards = self._reach(), v > 0  # each [2]
        away = jnp.where(onwards, high - x, x - low)  # from what is ahead
        times = jnp.where(v != 0, jnp.maximum(away, 0.0) / jnp.where(v != 0, jnp.abs(v), 1.0), jnp.inf)
        ahead = jnp.where(onwards[0], paddles[1], paddles[0])
        level = jnp.abs(x[1] + v[1] * times[0] - ahead) <= TALL + THICK
        to_paddle = jnp.where(level & (away[0] >= 0), times[0], jnp.inf)
        first = jnp.minimum(to_paddle, times[1])
        hit = (first < left) & jnp.stack([to_paddle <= times[1], to_paddle > times[1]])
        seconds = jnp.minimum(first, left)
        place = jnp.where(hit, jnp.where(onwards, high, low), x + v * seconds)
        wall = jnp.where(hit[0], LEFT + onwards[0], jnp.where(hit[1], TOP + onwards[1], -1))
        return legs.Leg(place, v, jnp.where(hit, -self.restitution * v, v), seconds, wall)

    def _reach(self) -> tuple[Array, Array]:
        """Lowest and highest place [2] of the ball: in front of the paddles, between floor and roof."""
        low = jnp.asarray([THICK, FLOOR]) + self.radius
        return low, jnp.asarray([self.side - RIGHT_PADDLE - THICK, self.side]) - self.radius

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """The ball, the left and the right paddle as capsules, relative to the middle of the scene."""
        places = jnp.stack([x[:2], jnp.stack([0.0, x[2]]), jnp.stack([self.side - RIGHT_PADDLE, x[3]])])
        half = jnp.asarray([[0.0, 0.0], [0.0, TALL], [0.0, TALL]])
        ends = jnp.stack([places - half, places + half], axis=1) - self.side / 2
        return ends, jnp.stack([jnp.asarray(self.radius, float), jnp.asarray(THICK), jnp.asarray(THICK)])

    def extent(self) -> float:
        """Half the side of the scene."""
        return self.side / 2

    def accept(self, x: Array, centres: Array, extent: Array | float) -> Array:  # noqa: ARG002 - see below
        """Accept every sequence, also one whose ball a paddle misses."""
        return jnp.array(True)

    def longest_step(self) -> float:
        """Shortest time between impacts [s]; it is not a step of the motion, but limits the impacts in a frame."""
        return min(self._free()) / self.speed.high if self.speed.high else inf

    def most_impacts(self, duration: float) -> int:
        """Largest number of impacts of a ball in `duration` seconds: it never gains speed."""
        return sum(ceil(duration * self.speed.high / free) + 1 for free in self._free())

    def recordable(self) -> tuple[str, ...]:
        """As for all systems, and impacts."""
        return (*super().recordable(), "events")

    def check_start(self, x0: np.ndarray, frame: float) -> None:
        """Raise ValueError for a ball that is too fast, or in the floor or the roof."""
        least, slack = self.low("radius"), 1e-6 * self.side  # of a position that was stored as float32
        low, high = FLOOR + least, self.side - least
        if not low - slack <= x0[1] <= high + slack:
            raise ValueError(f"y = {x0[1]:g} lies in the floor or the roof: it has to be within {low:g} … {high:g}")
        if np.abs(x0[4:]).max() * frame > IMPACTS * min(self._free()):
            raise ValueError(f"vx, vy = {x0[4]:g}, {x0[5]:g} is too fast: more than {IMPACTS} impacts in {frame:g} s")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.substep is not None:
            raise ValueError(f"Pong takes no steps of integration: leave substep = {self.substep} out")
        if self.side <= 2 * (CLEAR + self.high("radius")):
            raise ValueError(f"Pong: radius = {self.radius} is too large for a scene of side {self.side:g}")

    def _free(self) -> tuple[float, float]:
        """Shortest way [px] from paddle to paddle, and from floor to roof."""
        around = 2 * self.high("radius")
        return self.side - RIGHT_PADDLE - 2 * THICK - around, self.side - FLOOR - around
