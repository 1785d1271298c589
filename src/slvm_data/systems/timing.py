"""Times of the frames of a sequence, drawn for each sequence anew. Frame 0 is at 0 s and shows the initial state."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from math import ceil
from typing import ClassVar

from slvm_data.core.fields import limited
from slvm_data.core.kinds import Kind
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key

CHOSEN = 10**7  # points of a grid, at most


@dataclass(frozen=True, kw_only=True)
class TimeRule(Kind, abc.ABC):
    """A rule for the times of T frames that would otherwise lie dt seconds apart."""

    family: ClassVar = "rule of time"

    @abc.abstractmethod
    def later(self, key: Key, t: Array) -> Array:
        """Times [T-1] of the frames after the first, increasing, in seconds; `t` [T] are the times k dt, T above 1."""

    @abc.abstractmethod
    def span(self, steps: int, dt: float) -> float:
        """Longest time [s] from the first to the last of `steps` frames."""

    def check(self, steps: int) -> None:
        """Raise ValueError if `steps` frames cannot have such times."""

    def times(self, key: Key, t: Array) -> Array:
        """Times [T] of the frames of one sequence; `t` [T] are the times k dt."""
        return jnp.concatenate([t[:1], self.later(key, t)]) if len(t) > 1 else t


@dataclass(frozen=True, kw_only=True)
class Regular(TimeRule):
    """Frames `dt` seconds apart: the same as the option `dt`."""

    dt: float = limited(0.1, positive=True)  # s

    def later(self, key: Key, t: Array) -> Array:  # noqa: ARG002 - nothing is random
        """Times k `dt`."""
        return self.dt * jnp.arange(1, len(t))

    def span(self, steps: int, dt: float) -> float:  # noqa: ARG002
        """T - 1 intervals."""
        return (steps - 1) * self.dt


@dataclass(frozen=True, kw_only=True)
class Grid(TimeRule):
    """Frames at random points of a fine regular grid, at least `gap` mean intervals apart.

    The grid has `of` points from 0 to (T - 1) dt, or 100 for each frame if `of` is 0. Every choice of points that
    holds the first one and keeps the distance is equally likely. Source: V. Iakovlev et al., "Latent neural ODEs with
    sparse Bayesian multiple shooting", ICLR 2023.
    """

    of: int = limited(0, minimum=0, maximum=CHOSEN)  # points
    gap: float = limited(0.25, minimum=0, maximum=1)  # share of (T - 1) dt / (T - 1)

    def later(self, key: Key, t: Array) -> Array:
        """Choose points of a grid that is shorter by what the least distances take, then put these between them."""
        points, apart, later = self._points(len(t)), self._apart(len(t)), len(t) - 1
        chosen = _chosen(key, points - 1 - later * (apart - 1), later) + (apart - 1) * jnp.arange(1, later + 1)
        return chosen * (t[-1] / (points - 1))

    def span(self, steps: int, dt: float) -> float:
        """The length of the grid."""
        return (steps - 1) * dt

    def check(self, steps: int) -> None:
        """Raise ValueError if the grid has too few points, or too many."""
        points = self._points(steps)
        if points > CHOSEN:
            raise ValueError(f"{self}: a grid of {points} points is too fine: give of = {CHOSEN} or fewer")
        if points - 1 < (steps - 1) * max(1, self._apart(steps)):
            raise ValueError(f"{self}: {steps} frames do not fit on {points} points: give a larger of or a smaller gap")

    def _points(self, steps: int) -> int:
        return self.of or 100 * steps

    def _apart(self, steps: int) -> int:
        """Least distance of two frames, in points."""
        return max(1, ceil(self.gap * (self._points(steps) - 1) / max(1, steps - 1) - 1e-9))


@dataclass(frozen=True, kw_only=True)
class Thinned(TimeRule):
    """Frames at random points of a regular grid, of which a `share` is left out; its points are dt apart.

    Of T / (1 - share) points the first one stays, and every choice of T - 1 of the others is equally likely.
    Source: M. Schirmer et al., "Modeling irregular time series with continuous recurrent units", ICML 2022.
    """

    share: float = limited(0.5, minimum=0, maximum=0.99)

    def later(self, key: Key, t: Array) -> Array:
        """Choose the points that stay."""
        return _chosen(key, self._points(len(t)) - 1, len(t) - 1) * t[1]

    def span(self, steps: int, dt: float) -> float:
        """The length of the grid."""
        return (self._points(steps) - 1) * dt

    def check(self, steps: int) -> None:
        """Raise ValueError for a grid of too many points."""
        if self._points(steps) > CHOSEN:
            raise ValueError(f"{self}: {steps} frames are chosen from more than {CHOSEN} points: give a smaller share")

    def _points(self, steps: int) -> int:
        return round(steps / (1 - self.share))


@dataclass(frozen=True, kw_only=True)
class Poisson(TimeRule):
    """Frames at the events of a Poisson process with this `rate` (0: one for each dt), given their number.

    The T - 1 frames after the first lie in the span of (T - 1) / rate seconds. Given their number, the events of a
    Poisson process are independent and uniform there: these are such times, in order.
    """

    rate: float = limited(0.0, minimum=0)  # 1/s

    def later(self, key: Key, t: Array) -> Array:
        """Uniform times, in order."""
        span = (len(t) - 1) / self.rate if self.rate else t[-1]
        return jnp.sort(jax.random.uniform(key, (len(t) - 1,), dtype=float)) * span

    def span(self, steps: int, dt: float) -> float:
        """The span of the process."""
        return (steps - 1) / (self.rate or 1 / dt)


@dataclass(frozen=True, kw_only=True)
class Jittered(TimeRule):
    """Frames dt apart, each but the first moved by up to half a `share` of dt, uniformly, to either side."""

    share: float = limited(0.5, minimum=0, maximum=1)

    def later(self, key: Key, t: Array) -> Array:
        """Move each frame."""
        return t[1:] + self.share * t[1] * (jax.random.uniform(key, (len(t) - 1,), dtype=float) - 0.5)

    def span(self, steps: int, dt: float) -> float:
        """As of regular frames, and what the last one may move."""
        return (steps - 1 + self.share / 2) * dt


def _chosen(key: Key, of: int, count: int) -> Array:
    """`count` of the whole numbers 1 … `of`, in order; every choice is equally likely."""
    return jnp.sort(jnp.argsort(jax.random.uniform(key, (of,), dtype=float))[:count]) + 1


def span_of(rule: TimeRule | None, steps: int, dt: float) -> float:
    """Longest time [s] from the first to the last of `steps` frames; without a rule they are `dt` apart."""
    return rule.span(steps, dt) if rule else (steps - 1) * dt
