"""A range of numbers, with or without a gap in it, from which each sequence draws its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from slvm_data.core.fields import floats, is_number, plain


@dataclass(frozen=True)
class Uniform:
    """The uniform distribution between `low` and `high`, without what lies in the `gap`, if there is one.

    Where the gap is the whole range, it is one of both ends, each equally likely.
    """

    low: float
    high: float
    gap: tuple[float, float] | None = None  # of a parameter: no other range may have one

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            value = plain(getattr(self, name))
            if not is_number(value):
                raise ValueError(f"{name} = {value!r} of a range has to be a number")
            object.__setattr__(self, name, floats(value))
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise ValueError(f"the range {self} is not finite")
        if self.low > self.high:
            raise ValueError(f"the range {self} starts above its end: write {self.high:g}..{self.low:g}")
        if self.gap is not None:
            object.__setattr__(self, "gap", self._checked_gap())

    def _checked_gap(self) -> tuple[float, float]:
        gap: Any = floats(plain(self.gap))
        if not (isinstance(gap, tuple) and len(gap) == 2 and all(map(is_number, gap))):
            raise ValueError(f"gap = {gap!r} of a range has to be two numbers")
        if not (self.low < gap[0] < gap[1] < self.high or (self.low < self.high and gap == (self.low, self.high))):
            raise ValueError(f"gap = {gap[0]:g}..{gap[1]:g} has to lie within the range {self.low:g}..{self.high:g}")
        return gap

    def parts(self) -> tuple[tuple[float, float], ...]:
        """Lowest and highest value of each part of the range: one part, or one on each side of the gap."""
        return ((self.low, self.high),) if self.gap is None else ((self.low, self.gap[0]), (self.gap[1], self.high))

    def __str__(self) -> str:
        return "|".join(f"{low:g}..{high:g}" for low, high in self.parts())


def uniform(low: float, high: float, gap: tuple[float, float] | None = None) -> Uniform:
    """A range for a parameter: each sequence draws its own value, uniformly between `low` and `high`.

    With a `gap`, such as (0.9, 1.1), no value is drawn that lies in it; with (`low`, `high`) as the gap, it is one of
    both. Raises ValueError if `low` exceeds `high`, if one of them is not a finite number, or if the gap does not lie
    within.
    """
    return Uniform(low, high, gap)


def is_range(value: dict[str, Any]) -> bool:
    """Whether a JSON object is that of a range."""
    return value.keys() in ({"low", "high"}, {"low", "high", "gap"})


def of_json(value: dict[str, Any]) -> Uniform:
    """The range of a JSON object; raises ValueError for values that it cannot have."""
    return Uniform(value["low"], value["high"], value.get("gap"))


def joined(first: Uniform, second: Uniform) -> Uniform:
    """The range of both parts; raises ValueError unless the second one lies above the first."""
    return Uniform(first.low, second.high, (first.high, second.low))
