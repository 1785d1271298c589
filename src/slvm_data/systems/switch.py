"""Switch: a drift that jumps among K values of a parameter at random instants, a Markov chain in continuous time.

The time in a regime is exponential with mean 1 / rate, and each other regime is equally likely to come next. So from
one instant to another, Δ later, a regime is kept with probability 1/K + (1 - 1/K) exp(-rate Δ K / (K - 1)).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any, ClassVar

import numpy as np

from slvm_data.core.fields import is_number, limited
from slvm_data.core.keys import stream
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems.drift import Course, Drift, rounded
from slvm_data.systems.parameters import ends_of
from slvm_data.systems.switching import Switching
from slvm_data.systems.system import System


@dataclass(frozen=True, kw_only=True)
class Switch(Drift):
    """Regime 0 has the value that was drawn, regimes 1, 2, … have those in `to`; the first regime is any of them.

    The first `most` switches are drawn. `times` and `order` are given to repeat what was drawn for a sequence.
    """

    smooth: ClassVar = False

    rate: float = limited(0.5, minimum=1e-9)  # switches per second
    most: int = limited(24, minimum=1, maximum=1_000)
    times: tuple[float, ...] = ()  # s, of the switches
    order: tuple[int, ...] = ()  # regimes, one more than there are `times`; empty: both are drawn

    def __post_init__(self) -> None:
        super().__post_init__()
        K = 1 + len(self._levels())
        if any(not isinstance(z, int) or not 0 <= z < K for z in self.order):
            raise ValueError(f"switch: order = {self.order} has to be regimes from 0 to {K - 1}")
        if (self.times or self.order) and len(self.order) != len(self.times) + 1:
            raise ValueError(f"switch: order = {self.order} has to be one regime more than there are times")
        if not all(is_number(t) and t >= 0 for t in self.times) or list(self.times) != sorted(self.times):
            raise ValueError(f"switch: times = {self.times} have to be instants of at least 0, in order")

    @property
    def instants(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Number of switches that are drawn or given."""
        return len(self.times) if self.order else self.most

    def regimes(self) -> int:
        """Number K of regimes."""
        return 1 + len(self._levels())

    def _levels(self) -> tuple[Any, ...]:
        return self.to if isinstance(self.to, tuple) else (self.to,)

    def course(self, start: Array, to: Array, key: Key, duration: Array) -> Course:  # noqa: ARG002 - a rate in time
        """Draw the instants [M] of the switches and the regimes [M + 1]; instants may lie beyond the end."""
        if self.order:
            return Course(start, to, jnp.asarray(self.times, float), jnp.asarray(self.order))
        waits = jax.random.exponential(stream(key, "wait"), (self.most,), dtype=float) / self.rate
        chance, K = jax.random.uniform(stream(key, "regime"), (self.most + 1,), dtype=float), self.regimes()
        steps = jnp.append(jnp.floor(K * chance[0]), 1 + jnp.floor((K - 1) * chance[1:]))
        return Course(start, to, rounded(jnp.cumsum(waits)), jnp.cumsum(steps.astype(int)) % K)

    def regime(self, course: Course, since: Array) -> Array:
        """Regime [] or [T] in an interval, or in several, that begin at `since`, [] or [T]."""
        return course.order[jnp.sum(course.arrival <= since[..., None], axis=-1)]

    def regimes_along(self, course: Course, t: Array) -> dict[str, Array]:
        """The regime at each frame, and from each instant on."""
        return {"mode": self.regime(course, t).astype(np.int64), "drift_mode": course.order[1:].astype(np.int64)}

    def value(self, course: Course, now: Array, since: Array) -> Array:  # noqa: ARG002 - intervals end at switches
        """The value of the regime."""
        return jnp.append(course.start, course.to)[self.regime(course, since)]

    def stored(self, start: np.ndarray, to: np.ndarray, times: np.ndarray, arrays: Mapping[str, Any]) -> Course:
        """The course of a sequence, or of several, from stored arrays."""
        return Course(start, to, times, np.concatenate([arrays["mode"][..., :1], arrays["drift_mode"]], axis=-1))

    def known(self, course: Course, duration: float) -> dict[str, Any]:  # noqa: ARG002
        """The instants and regimes of one sequence."""
        return {"times": tuple(course.arrival.tolist()), "order": tuple(course.order.tolist())}

    def goals(self, system: System) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest value of each of regimes 1, 2, … [K - 1]."""
        bounds, bodies = system.parameters()[self.of], system.bodies_drawn
        low, high = np.array([ends_of(level, bounds, bodies) for level in self._levels()]).T
        return low, high

    def ends(self, system: System) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest value of all these regimes, []."""
        low, high = self.goals(system)
        return low.min(), high.max()

    def plain(self) -> bool:
        """Whether instants and regimes are given, and values have no range."""
        return bool(self.order) and super().plain()

    def check(self, system: System, duration: float = 0.0) -> None:
        """Raise ValueError as for each drift, for a system that has regimes of its own, and for too small a `most`."""
        kind = type(system).__name__
        if isinstance(system, Switching):
            raise ValueError(f"{self}: {kind} has regimes of its own: use jump")
        bounds = system.parameters().get(self.of)
        if bounds and bounds.count(system.bodies_drawn) is not None:
            raise ValueError(f"{self}: {kind}: {self.of} is several numbers, and only a single one switches: use jump")
        super().check(system, duration)
        expected = self.rate * duration
        if not self.order and self.most < (needed := int(expected + 6 * sqrt(expected)) + 1):  # chance of more: 1e-6
            raise ValueError(
                f"{self}: most = {self.most} is too few for {expected:.3g} switches on average: give most={needed}"
            )
