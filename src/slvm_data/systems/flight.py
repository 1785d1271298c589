"""Free flight in a box from one impact to the next, each found exactly: x(t) = x + v t + g t² / 2 on either axis.

The two axes do not know of each other, so that the instant of an impact is the root of a quadratic. An impact turns
the velocity across the wall into -e times itself and leaves the other one.
"""

from __future__ import annotations

from math import ceil, log, sqrt
from typing import NamedTuple

from slvm_data.core.late import jnp
from slvm_data.core.types import Array
from slvm_data.systems import legs

REST = 1e-6  # s; a ball whose next bounce would be shorter lies on the wall from then on
LEFT, RIGHT, TOP, BOTTOM = range(4)  # walls, y pointing down


class Box(NamedTuple):
    """Lowest and highest position of the centre on each axis, and the share of speed left after an impact."""

    low: float
    high: float
    restitution: float


def fly(x: Array, v: Array, g: Array, box: Box, left: Array) -> legs.Leg:
    """Fly from `x`, `v` [2] to the next impact, or for the time that is `left` [s]."""
    a = jnp.where(rests(x, v, g, box), 0.0, g)
    (to_low, fast_low), (to_high, fast_high) = reach(x - box.low, -v, -a), reach(box.high - x, v, a)
    high = to_high <= to_low  # [2], which wall of each axis comes first
    time = jnp.where(high, to_high, to_low)
    first = jnp.stack([time[0] <= time[1], time[0] > time[1]])
    seconds = jnp.minimum(jnp.minimum(time[0], time[1]), left)
    hit = first & (time < left)
    x = jnp.where(hit, jnp.where(high, box.high, box.low), x + v * seconds + a * seconds**2 / 2)
    before = jnp.where(hit, jnp.where(high, fast_high, -fast_low), v + a * seconds)
    after = jnp.where(hit, -box.restitution * before, before)
    pressed = jnp.where(high, a, -a)  # towards the wall
    after = jnp.where(hit & (2 * jnp.abs(after) < REST * pressed), 0.0, after)
    wall = jnp.where(hit[0], LEFT + high[0], jnp.where(hit[1], TOP + high[1], -1))
    return legs.Leg(jnp.clip(x, box.low, box.high), before, after, seconds, wall)


def rests(x: Array, v: Array, g: Array, box: Box) -> Array:
    """Whether the ball lies on a wall, pressed to it by gravity, for each axis [2]."""
    return (v == 0) & (((g > 0) & (x == box.high)) | ((g < 0) & (x == box.low)))


def reach(distance: Array, speed: Array, acceleration: Array) -> tuple[Array, Array]:
    """Time [s] to cover a distance, infinite if it is never covered, and the speed at its end."""
    square = speed**2 + 2 * acceleration * distance
    final = jnp.sqrt(jnp.maximum(square, 0.0))
    towards, pulled = speed > 0, acceleration > 0
    way = jnp.where(towards, 2 * distance, final - speed)  # one division for both cases, as it takes long
    seconds = way / jnp.where(towards, final + speed, jnp.where(pulled, acceleration, 1.0))
    return jnp.where((square < 0) | ~(towards | pulled), jnp.inf, seconds), final


def trajectory(x0: Array, t: Array, g: Array, box: Box) -> Array:
    """States [T 4], positions then velocities, at the times `t` [T], from `x0` [4] at t[0].

    `g` [2] is the acceleration; or [T-1 2], one from each time to the next.
    """
    parts = (g,) if g.ndim == 2 else ()

    def on(x: Array, v: Array, left: Array, a: Array = g) -> legs.Leg:
        return fly(x, v, a, box, left)

    return jnp.concatenate([x0[None], legs.trajectory(_inside(x0, box), t, on, parts)[1:]])


def impacts(x0: Array, t: Array, g: Array, box: Box, most: int) -> dict[str, Array]:
    """The first `most` impacts between t[0] and t[-1], as `legs.impacts` gives them."""
    return legs.impacts(_inside(x0, box), t, lambda x, v, left: fly(x, v, g, box, left), most)


def impacts_in_parts(x0: Array, t: Array, g: Array, box: Box, most: int) -> dict[str, Array]:
    """As `impacts`, with an acceleration g [T-1 2] from each time to the next: see `legs.impacts_in_parts`."""
    return legs.impacts_in_parts(_inside(x0, box), t, lambda x, v, left, a: fly(x, v, a, box, left), (g,), most)


def _inside(x0: Array, box: Box) -> Array:
    """The state [4] of a ball that rounding may have left outside of the box."""
    return jnp.concatenate([jnp.clip(x0[:2], box.low, box.high), x0[2:]])


def fastest(g: float, box: Box, speed: float) -> float:
    """Highest speed along an axis [px/s], for this initial speed and acceleration g."""
    return sqrt(speed**2 + 2 * g * (box.high - box.low))


def most_impacts(g: float, box: Box, speed: float, gap: float, duration: float) -> int:
    """Largest number of impacts on one axis, with acceleration g >= 0 and a start at least `gap` from each wall.

    It counts crossings of the box at full speed, and the shortest bounces on the wall to which the ball falls.
    """
    highest, e = fastest(g, box, speed), box.restitution
    crossings = ceil(duration * highest / (box.high - box.low))
    if not g:
        return crossings + 1
    bounces = duration * g / (2 * sqrt(2 * g * gap))  # each begins at least as fast as after a fall through the gap
    if e < 1:
        until_rest = (log(2 * highest / REST) - log(g)) / -log(e)
        spent = bounces * (1 - e) / e  # share of the time that all bounces together take
        bounces = min(until_rest, log(1 - spent) / log(e)) if spent < 1 else until_rest
    return crossings + ceil(max(bounces, 0.0)) + 2
