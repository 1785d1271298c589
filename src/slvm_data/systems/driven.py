"""The motion of a member under a control and with drifting parameters.

Time is cut at the frames and at the jumps of parameters. In each of these intervals the control is constant, and the
parameters are constant or smooth: these are integrated together with time, as a part of the state.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

from slvm_data.core.integrator import solve
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems.drift import Course, Drift
from slvm_data.systems.system import System

S = TypeVar("S", bound=System)


class Drive(NamedTuple):
    """What acts on one member."""

    control: Array | None = None  # [T U], held from each frame to the next
    drift: tuple[Drift, ...] = ()
    courses: Sequence[Course] = ()  # one for each drift

    def moved(self, member: S, now: Array, since: Array) -> S:
        """The member with its parameters at the instant `now`, in an interval that begins at `since`."""
        pairs = zip(self.drift, self.courses, strict=True)
        return member.member({one.of: one.value(course, now, since) for one, course in pairs}) if self.drift else member


class Intervals(NamedTuple):
    """The intervals into which the times of T frames and J jumps cut a sequence."""

    instants: Array  # [M + 1], s
    frame: Array  # [M], in which frame an interval begins
    place: Array  # [T], which of the instants the frames are


def intervals(drive: Drive, t: Array) -> Intervals:
    """The intervals of a sequence with frames at `t` [T]."""
    pairs = zip(drive.drift, drive.courses, strict=True)
    instants = [jnp.ravel(course.arrival) for one, course in pairs if not one.smooth]
    if not instants:
        return Intervals(t, jnp.arange(len(t) - 1), jnp.arange(len(t)))
    jumps = jnp.clip(jnp.concatenate(instants), t[0], t[-1])
    every = jnp.sort(jnp.concatenate([t, jumps]))
    place = jnp.arange(len(t)) + jnp.sum(jumps[:, None] < t, axis=0)
    return Intervals(every, jnp.searchsorted(t, every[:-1], side="right") - 1, place)


def simulate(member: System, x0: Array, t: Array, key: Key, drive: Drive) -> Array:
    """States [T D] of one member at the times `t` [T], from `x0` [D] at t[0], under what drives it."""
    if not drive.drift:
        return member.simulate(x0, t, key) if drive.control is None else member.controlled(x0, t, key, drive.control)
    cut = intervals(drive, t)
    held = () if drive.control is None else (drive.control[cut.frame],)
    run = _integrated if member.integrated() else in_parts
    return run(member, x0, key, drive, cut.instants, held)[cut.place]


def _integrated(member: System, x0: Array, key: Key, drive: Drive, instants: Array, held: tuple[Array, ...]) -> Array:
    """States [M+1 D] at the instants [M+1], integrated together with time."""
    del key

    def velocity(y: Array, since: Array, *u: Array) -> Array:
        own = drive.moved(member, y[-1], since)
        return jnp.append(own.velocity(y[:-1]) + sum(map(own.push, u)), 1.0)

    assert member.substep is not None
    return solve(velocity, jnp.append(x0, instants[0]), instants, member.substep, (instants[:-1], *held))[:, :-1]


def in_parts(member: System, x0: Array, key: Key, drive: Drive, instants: Array, held: tuple[Array, ...]) -> Array:
    """States [M+1 D] at the instants [M+1], simulated from each to the next with constant parameters."""

    def part(x: Array, own: tuple[Array, tuple[Array, ...]]) -> tuple[Array, Array]:
        ends, u = own
        here = drive.moved(member, ends[0], ends[0])
        states = here.controlled(x, ends, key, jnp.stack([u[0], u[0]])) if u else here.simulate(x, ends, key)
        return states[1], states[1]

    ends = jnp.stack([instants[:-1], instants[1:]], axis=1)
    return jnp.concatenate([x0[None], jax.lax.scan(part, x0, (ends, held))[1]])


def impacts(member: System, x0: Array, t: Array, most: int, drive: Drive) -> dict[str, Array]:
    """The impacts of a ball, as `systems.flight.impacts` gives them, under what drives it."""
    ball: Any = member
    if (drive.control is None and not drive.drift) or len(t) == 1:
        return ball.impacts(x0, t, most)
    cut = intervals(drive, t)
    g = jax.lax.map(lambda since: jnp.asarray(drive.moved(ball, since, since).g), cut.instants[:-1])
    return ball.impacts(x0, cut.instants, most, g if drive.control is None else g + drive.control[cut.frame])
