"""Pong in steps with noise, in which an intervention sets at most one of five variables before each frame.

P. Lippe et al., "CITRIS: Causal Identifiability from Temporal Intervened Sequences", ICML 2022.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, pi
from typing import ClassVar, NamedTuple

import numpy as np

from slvm_data.core.fields import limited
from slvm_data.core.keys import stream
from slvm_data.core.late import jax, jnp
from slvm_data.core.sines import sine_cosine
from slvm_data.core.types import Array, Key
from slvm_data.systems.parameters import Parameter, parameter
from slvm_data.systems.system import System

SIDE, BORDER = 32.0, 2.0  # px, of the scene, and of the dark border on each side
MIDDLE = SIDE / 2
RADIUS = 1.2  # px, of the ball
PADDLE, THICK, TALL = 5.0, 1.0, 3.0  # px, from a side of the scene to the middle of a paddle, and halves of a paddle
FRONT, BACK = PADDLE + THICK + RADIUS, PADDLE - THICK  # px from a side: where a paddle hits the centre of the ball
SCORED = BORDER + RADIUS  # px from a side: the ball is out nearer to it; and it turns there at the floor and the roof
SERVED = 0.25 * MIDDLE, 1.75 * MIDDLE  # px, range of the paddles after a point
LOWEST = BORDER, SCORED, BORDER, BORDER, -inf
HIGHEST = SIDE - BORDER, SIDE - SCORED, SIDE - BORDER, SIDE - BORDER, inf


class Drawn(NamedTuple):
    """What T - 1 steps are drawn with."""

    noise: Array  # [T-1 5], standard normal, one number for each variable
    value: Array  # [T-1 5], uniform in 0 … 1, where an intervention sets each variable
    served: Array  # [T-1 3], uniform in 0 … 1, paddles and direction after a point
    target: Array  # [T-1], the variable that is set, or -1


@dataclass(frozen=True, kw_only=True)
class InterventionalPong(System):
    """State: x, y [px], the centre of the ball; left, right [px], heights of the paddles; direction [rad], from x to y.

    In a step, the ball moves by `speed`, and turns at the floor, the roof, and a paddle that is level with it; paddles
    move towards where it was; then noise is added. A ball that leaves the field is served again from the middle, in any
    direction, and paddles start anywhere. An intervention sets the place or the direction of the ball anywhere, or
    moves a paddle by `stride` up or down, whatever the ball does. The score is not counted or drawn, other than in the
    source. The direction is not wrapped.
    """

    state: ClassVar = ("x", "y", "left", "right", "direction")
    units: ClassVar = ("px", "px", "px", "px", "rad")
    bodies_drawn: ClassVar = 3
    style: ClassVar = "clean"
    own_hues: ClassVar = True

    speed: Parameter = parameter(2.0, minimum=0.0, unit="px")  # of the ball, in a step
    stride: float = limited(1.5, minimum=0)  # px, of a paddle in a step, at most
    place_noise: float = limited(0.2, minimum=0)  # px, of the ball; standard deviations, like the next two
    direction_noise: float = limited(0.1, minimum=0)  # rad
    paddle_noise: float = limited(0.5, minimum=0)  # px
    probability: float = limited(0.15, minimum=0, maximum=1)  # of an intervention on a variable, were all independent

    def start(self, key: Key) -> Array:
        """Draw every variable uniformly."""
        share = jax.random.uniform(stream(key, "state"), (5,), dtype=float)
        return jnp.stack([*self._anywhere(share[:2]), *(BORDER + (SIDE - 2 * BORDER) * share[2:4]), 2 * pi * share[4]])

    def simulate(self, x0: Array, t: Array, key: Key) -> Array:
        """Simulate one game; return its states [T 5], one step for each time after the first, from `x0` [5]."""

        def step(x: Array, own: Drawn) -> tuple[Array, Array]:
            regular, out = self._regular(x, own)
            x = jnp.where(jnp.arange(5) == own.target, self._changed(x, own, out), regular)
            x = jnp.clip(x, jnp.asarray(LOWEST), jnp.asarray(HIGHEST))
            return x, x

        return jnp.concatenate([x0[None], jax.lax.scan(step, x0, self._drawn(key, len(t) - 1))[1]])

    def interventions(self, key: Key, T: int) -> Array:
        """The variable [T] that an intervention set for each frame, as its place in the state; -1 for none."""
        return jnp.append(-1, self._drawn(key, T - 1).target)

    def _drawn(self, key: Key, steps: int) -> Drawn:
        """What so many steps are drawn with: with probability (1 - p)⁵ no variable is set, else any of the five."""
        chance = jax.random.uniform(stream(key, "target"), (steps, 2), dtype=float)
        target = jnp.where(chance[:, 0] < (1 - self.probability) ** 5, -1, jnp.floor(5 * chance[:, 1]).astype(int))
        noise = jax.random.normal(stream(key, "noise"), (steps, 5), dtype=float)
        value = jax.random.uniform(stream(key, "value"), (steps, 5), dtype=float)
        return Drawn(noise, value, jax.random.uniform(stream(key, "serve"), (steps, 3), dtype=float), target)

    def _regular(self, state: Array, own: Drawn) -> tuple[Array, Array]:
        """The next state [5] without an intervention; and whether the ball was out."""
        paddles, direction = state[2:4], state[4]
        sine, cosine = sine_cosine(direction)
        x, y = state[0] + self.speed * cosine, state[1] + self.speed * sine
        out = (x < SCORED) | (x > SIDE - SCORED)
        beyond = jnp.where(y < SCORED, SCORED, SIDE - SCORED)
        turned = (y < SCORED) | (y > SIDE - SCORED)
        y, direction = jnp.where(turned, 2 * beyond - y, y), jnp.where(turned, -direction, direction)
        level = jnp.abs(y - paddles) <= TALL
        left = level[0] & (x > BACK) & (x < FRONT)
        hit = left | (level[1] & (x > SIDE - FRONT) & (x < SIDE - BACK))
        x = jnp.where(hit, 2 * jnp.where(left, FRONT, SIDE - FRONT) - x, x)
        direction = jnp.where(hit, pi - direction, direction)
        moved = paddles + jnp.clip(state[1] - paddles, -self.stride, self.stride)
        played = jnp.stack([x, y, *moved, direction]) + self._deviations() * own.noise
        return jnp.where(out, jnp.stack([MIDDLE, MIDDLE, *_served(own), 2 * pi * own.served[2]]), played), out

    def _changed(self, state: Array, own: Drawn, out: Array) -> Array:
        """The values [5] that an intervention sets."""
        steps = self.stride * jnp.where(own.value[2:4] > 0.5, -1, 1) + self.paddle_noise * own.noise[2:4]
        paddles = jnp.where(out, _served(own), state[2:4] + steps)
        return jnp.stack([*self._anywhere(own.value[:2]), *paddles, 2 * pi * own.value[4]])

    def _anywhere(self, share: Array) -> Array:
        """A place [2] of the ball between the paddles, and between floor and roof."""
        least = jnp.asarray([FRONT, SCORED])
        return least + (SIDE - 2 * least) * share

    def _deviations(self) -> Array:
        """Standard deviation [5] of the noise on each variable."""
        return jnp.asarray([self.place_noise] * 2 + [self.paddle_noise] * 2 + [self.direction_noise])

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """The ball, the right and the left paddle as capsules: red, green and blue, as in the source."""
        places = jnp.stack([x[:2], jnp.stack([SIDE - PADDLE, x[3]]), jnp.stack([PADDLE, x[2]])])
        half = jnp.asarray([[0.0, 0.0], [0.0, TALL - THICK], [0.0, TALL - THICK]])
        return jnp.stack([places - half, places + half], axis=1) - MIDDLE, jnp.asarray([RADIUS, THICK, THICK])

    def extent(self) -> float:
        """Half the side of the scene."""
        return MIDDLE

    def accept(self, x: Array, centres: Array, extent: Array | float) -> Array:  # noqa: ARG002 - see below
        """Accept every sequence: nothing leaves the scene."""
        return jnp.array(True)

    def recordable(self) -> tuple[str, ...]:
        """As for all systems, and interventions."""
        return (*super().recordable(), "intervention")

    def check_start(self, x0: np.ndarray, frame: float) -> None:  # noqa: ARG002 - a step takes any time
        """Raise ValueError for a ball or a paddle in the border of the scene, or beyond."""
        for name, value, low, high in zip(self.state, x0, LOWEST, HIGHEST, strict=True):
            if not low - 1e-4 <= value <= high + 1e-4:
                raise ValueError(f"{name} = {value:g} has to be within {low:g} … {high:g}")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.substep is not None:
            raise ValueError(f"InterventionalPong moves in steps: leave substep = {self.substep} out")


def _served(own: Drawn) -> Array:
    """Heights [2] of the paddles after a point."""
    return SERVED[0] + (SERVED[1] - SERVED[0]) * own.served[:2]
