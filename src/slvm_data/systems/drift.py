"""Drift: a parameter θ that goes from the value θ₀ that was drawn to another one within a sequence.

θ(t) = (1 - w) θ₀ + w θ₁, with a share w from 0 to 1 that each kind of drift gives as a function of time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from math import pi
from typing import Any, ClassVar, NamedTuple

import numpy as np

from slvm_data.core.fields import leaves, limited
from slvm_data.core.keys import stream
from slvm_data.core.kinds import Kind
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems.parameters import Uniform, ends_of
from slvm_data.systems.switching import Switching
from slvm_data.systems.system import System

APART = ("observation_noise",)  # parameters of the observation, not of the motion


@dataclass(frozen=True, kw_only=True)
class Drift(Kind):
    """The motion of the parameter `of` towards `to`: a number, a range that each sequence draws from, or a vector."""

    family: ClassVar = "drift"
    smooth: ClassVar[bool] = True
    """Whether the parameter moves all the time, not by a jump."""
    instants: ClassVar[int] = 1
    """Number of its instants in `drift_time`."""

    of: str = limited("")
    to: Any = limited(None, amounts=True, ranges=True)

    @classmethod
    def _form(cls) -> str:
        return f"{cls.name()}(of=g,to=1.5)"

    @classmethod
    def example(cls) -> str:
        """How a drift is written in Python."""
        return 'Jump(of="g", to=1.5)'

    def arrival(self, key: Key, duration: Array) -> Array:
        """Instant [s] at which the parameter is first at `to`, in a sequence of this duration [s]."""
        raise NotImplementedError

    def share(self, now: Array, since: Array, arrival: Array) -> Array:
        """How far it has gone, from 0 to 1, at the instant `now`, in an interval that begins at `since`."""
        raise NotImplementedError

    def course(self, start: Array, to: Array, key: Key, duration: Array) -> Course:
        """Draw the course in a sequence of this duration [s], with the values `start` and `to`, [] or [P] each."""
        return Course(start, to, self.arrival(key, duration))

    def value(self, course: Course, now: Array, since: Array) -> Array:
        """The parameter [] or [P] at the instant `now`, in an interval that begins at `since` and holds no jump."""
        share = self.share(now, since, course.arrival)
        return (1 - share) * course.start + share * course.to

    def stored(self, start: np.ndarray, to: np.ndarray, times: np.ndarray, arrays: Mapping[str, Any]) -> Course:  # noqa: ARG002
        """The course of a sequence, or of several, from stored arrays; `times` [… instants] are those of this drift."""
        return Course(start, to, times[..., 0])

    def regimes(self) -> int:
        """Number of regimes among which the parameter switches; 0 if it has none."""
        return 0

    def regimes_along(self, course: Course, t: Array) -> dict[str, Array]:  # noqa: ARG002
        """What is stored of the regimes of a sequence with frames at `t` [T], by the name of the array."""
        return {}

    def known(self, course: Course, duration: float) -> dict[str, Any]:  # noqa: ARG002
        """The options, apart from `to`, that give this course in a sequence of this duration [s]."""
        return {}

    def goals(self, system: System) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest value to which it goes, [] or [P] each."""
        return ends_of(self.to, system.parameters()[self.of], system.bodies_drawn)

    def ends(self, system: System) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest value of the parameter, apart from that of the start, [] or [P] each."""
        return self.goals(system)

    def plain(self) -> bool:
        """Whether it has no range, so that it is the same in each sequence."""
        return not any(isinstance(part, Uniform) for value in vars(self).values() for part in leaves(value))

    def check(self, system: System, duration: float = 0.0) -> None:  # noqa: ARG002 - of switches
        """Raise ValueError for a system that has no such parameter, or whose parameter cannot go there, or not so.

        `duration` [s] is the longest of a sequence.
        """
        kind, names = type(system).__name__, [n for n in system.parameters() if n not in (*APART, *system.steady)]
        if self.of not in names:
            raise ValueError(f"{self}: {kind} has no parameter {self.of!r} that can drift; it has {', '.join(names)}")
        if self.to is None:
            raise ValueError(f"{self}: say where {self.of} goes, such as {self.name()}(of={self.of},to=1.5)")
        try:
            self.ends(system)
        except ValueError as error:
            raise ValueError(f"{self}: {kind}: {self.of} = {error}") from None
        if self.smooth and not system.integrated():
            raise ValueError(f"{self}: the motion of {kind} has a closed form, so its parameters only jump: use jump")


@dataclass(frozen=True, kw_only=True)
class Jump(Drift):
    """One jump, at the share `at` of the time from the first to the last frame: a number, or a range to draw from."""

    smooth: ClassVar = False

    at: Any = limited(Uniform(0.3, 0.7), minimum=0, maximum=1, amounts=True, ranges=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.at, tuple):
            raise ValueError(f"{self.name()}: at = {self.at} has to be one number or range")

    def arrival(self, key: Key, duration: Array) -> Array:
        """The instant of the jump."""
        low, high = (getattr(self.at, end, self.at) for end in ("low", "high"))
        return rounded(low + (high - low) * jax.random.uniform(key, dtype=float)) * duration

    def known(self, course: Course, duration: float) -> dict[str, Any]:
        """The share of time at which the jump is."""
        return {"at": min(float(course.arrival) / duration, 1.0)} if duration else {}

    def share(self, now: Array, since: Array, arrival: Array) -> Array:  # noqa: ARG002 - intervals end at jumps
        """All at once: constant within an interval, which never holds the jump."""
        return jnp.where(since >= arrival, 1.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Ramp(Drift):
    """A steady change from the first frame to the last."""

    def arrival(self, key: Key, duration: Array) -> Array:  # noqa: ARG002 - nothing is random
        """The end of the sequence."""
        return duration

    def share(self, now: Array, since: Array, arrival: Array) -> Array:  # noqa: ARG002
        """In proportion to time."""
        return now / jnp.where(arrival > 0, arrival, 1.0)


@dataclass(frozen=True, kw_only=True)
class Sine(Drift):
    """To and fro, `cycles` times in a sequence: w = (1 - cos(2π `cycles` t / duration)) / 2."""

    cycles: Any = limited(1.0, positive=True, amounts=True, ranges=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.cycles, tuple):
            raise ValueError(f"{self.name()}: cycles = {self.cycles} has to be one number or range")

    def arrival(self, key: Key, duration: Array) -> Array:
        """After half a cycle; it may lie beyond the end."""
        low, high = (getattr(self.cycles, end, self.cycles) for end in ("low", "high"))
        return duration / (2 * rounded(low + (high - low) * jax.random.uniform(key, dtype=float)))

    def known(self, course: Course, duration: float) -> dict[str, Any]:
        """The number of cycles."""
        return {"cycles": duration / (2 * float(course.arrival))} if duration else {}

    def share(self, now: Array, since: Array, arrival: Array) -> Array:  # noqa: ARG002
        """Half a cycle until it arrives."""
        return (1 - jnp.cos(pi * now / jnp.where(arrival > 0, arrival, 1.0))) / 2


class Course(NamedTuple):
    """What a drift is in one sequence."""

    start: Any  # value of the parameter in frame 0, [] or [P], a JAX or NumPy array, like the others
    to: Any  # where it goes, [] or [P]; of a switch, values of regimes 1, 2, … [K - 1]
    arrival: Any  # s, []; of a switch, its instants [M]
    order: Any = ()  # of a switch, regimes before, between and after its instants [M + 1]


def courses(drift: tuple[Drift, ...], system: System, numbers: Mapping[str, Any], key: Key, t: Array) -> list[Course]:
    """Draw the course of each drift, in a sequence with these parameters and frames at `t` [T]; t[0] is 0."""
    found = []
    for one in drift:
        own = stream(key, one.of)
        low, high = one.goals(system)
        to = rounded(low + (high - low) * jax.random.uniform(stream(own, "to"), low.shape, dtype=float))
        found.append(one.course(numbers[one.of], to, stream(own, "at"), t[-1] - t[0]))
    return found


def check_all(drift: tuple[Drift, ...], system: System, duration: float = 0.0) -> None:
    """Raise ValueError for drifts that do not fit the system, or of which two move the same parameter.

    `duration` [s] is the longest of a sequence.
    """
    for i, one in enumerate(drift):
        one.check(system, duration)
        if one.of in [other.of for other in drift[:i]]:
            raise ValueError(f"{one}: there is another drift of {one.of}: leave one out")
        if one.regimes() and any(other.regimes() for other in drift[:i]):
            raise ValueError(f"{one}: another parameter switches, and a sequence has one regime at a time: use jump")


def regimes_of(system: System, drift: tuple[Drift, ...]) -> int:
    """Number of regimes: of a system that has some, or of a parameter that switches; 0 without any."""
    return system.regimes() if isinstance(system, Switching) else max((one.regimes() for one in drift), default=0)


def widened(system: System, drift: tuple[Drift, ...]) -> System:
    """The population with ranges that also hold the values to which parameters go."""
    ranges = {}
    for one in drift:
        (low, high), (least, most) = system.range_of(one.of), one.ends(system)
        low, high = np.minimum(low, least), np.maximum(high, most)
        each = [_range(*ends) for ends in zip(low.ravel().tolist(), high.ravel().tolist(), strict=True)]
        ranges[one.of] = tuple(each) if low.ndim else each[0]
    return dataclasses.replace(system, **ranges) if ranges else system


def _range(low: float, high: float) -> Any:
    return low if low == high else Uniform(low, high)


def rounded(x: Any) -> Array:
    """A number as single precision holds it, in double precision, so that all processors agree on it."""
    return jnp.asarray(x, np.float32).astype(np.float64)
