"""The motion of a ball as a chain of legs: each is the flight to the next impact, or for the time that is left.

A system gives a function `fly` that takes place [2], velocity [2] and the time that is left [s], and returns a leg.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from slvm_data.core.keys import stream
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems.parameters import Uniform


class Leg(NamedTuple):
    """One flight: its end [2], the velocity before and after the impact there [2], and its duration [s]."""

    x: Array
    before: Array
    after: Array
    seconds: Array
    wall: Array  # a number of the system's own, or -1 if the time ran out before an impact


Fly = Callable[..., Leg]


def thrown(key: Key, speed: Uniform) -> Array:
    """Draw a velocity [2] of uniform speed and direction."""
    angle = 2 * jnp.pi * jax.random.uniform(stream(key, "angle"), dtype=float)
    share = jax.random.uniform(stream(key, "speed"), dtype=float)
    size = speed.low + (speed.high - speed.low) * share
    return size * jnp.stack([jnp.cos(angle), jnp.sin(angle)])


def flown(x: Array, v: Array, seconds: Array, fly: Fly) -> tuple[Array, Array]:
    """Place and velocity after so many seconds."""

    def on(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        leg = fly(*carry)
        return leg.x, leg.after, carry[2] - leg.seconds

    return jax.lax.while_loop(lambda carry: carry[2] > 0, on, (x, v, seconds))[:2]


def trajectory(x0: Array, t: Array, fly: Fly, parts: tuple[Array, ...] = ()) -> Array:
    """States [T 4], positions then velocities, at the times `t` [T], from `x0` [4] at t[0].

    `fly` also takes what holds from each time to the next, a row of each of the `parts` [T-1 …].
    """

    def frame(state: Array, own: tuple[Array, tuple[Array, ...]]) -> tuple[Array, Array]:
        interval, part = own
        state = jnp.concatenate(flown(state[:2], state[2:], interval, lambda *now: fly(*now, *part)))
        return state, state

    return jnp.concatenate([x0[None], jax.lax.scan(frame, x0, (jnp.diff(t), parts))[1]])


def impacts(x0: Array, t: Array, fly: Fly, most: int) -> dict[str, Array]:
    """The first `most` impacts between t[0] and t[-1]: time [s], wall, velocity before and velocity after.

    After the last impact, all values are 0, and the wall is -1.
    """

    def one(carry: tuple[Array, Array, Array], _: None) -> tuple[tuple[Array, Array, Array], dict[str, Array]]:
        leg = fly(*carry)
        left, happened = carry[2] - leg.seconds, leg.wall >= 0
        found = {"time": t[-1] - left, "before": leg.before, "after": leg.after}
        found = {name: jnp.where(happened, value, 0.0) for name, value in found.items()}
        return (leg.x, leg.after, left), {**found, "wall": leg.wall}

    return jax.lax.scan(one, (x0[:2], x0[2:], jnp.asarray(t[-1] - t[0])), length=most)[1]


def impacts_in_parts(x0: Array, t: Array, fly: Fly, parts: tuple[Array, ...], most: int) -> dict[str, Array]:
    """As `impacts`, where `fly` also takes what holds from each time to the next, as for `trajectory`.

    If there are more than `most`, the time of the last one is not a number.
    """

    def one(carry: tuple[Array, ...], _: None) -> tuple[tuple[Array, ...], dict[str, Array]]:
        x, v, part, left = carry
        leg = fly(x, v, left, *(own[part] for own in parts))
        left = left - leg.seconds
        found = {"time": t[part + 1] - left, "before": leg.before, "after": leg.after, "wall": leg.wall}
        over = (left <= 0) & (part < len(t) - 2)
        part = part + over
        return (leg.x, leg.after, part, jnp.where(over, t[part + 1] - t[part], left)), found

    start = x0[:2], x0[2:], jnp.asarray(0), t[1] - t[0]
    (*_, left), found = jax.lax.scan(one, start, length=most + len(t) - 1)
    happened = found["wall"] >= 0
    order = jnp.argsort(~happened, stable=True)[:most]
    here = happened[order]
    kept = {name: value[order] for name, value in found.items()}
    blank = {name: jnp.where(here[:, None] if value.ndim > 1 else here, value, 0) for name, value in kept.items()}
    lost = (jnp.sum(happened) > most) | (left > 0)
    time = blank["time"].at[-1].set(jnp.where(lost, jnp.nan, blank["time"][-1]))
    return blank | {"time": time, "wall": jnp.where(here, kept["wall"], -1)}
