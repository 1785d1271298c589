"""A range of numbers, from which each sequence draws its own."""

from __future__ import annotations

import math
from dataclasses import dataclass

from slvm_data.core.fields import floats, is_number, plain


@dataclass(frozen=True)
class Uniform:
    """The uniform distribution between `low` and `high`."""

    low: float
    high: float

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

    def __str__(self) -> str:
        return f"{self.low:g}..{self.high:g}"


def uniform(low: float, high: float) -> Uniform:
    """A range for a parameter: each sequence draws its own value, uniformly between `low` and `high`.

    Raises ValueError if `low` exceeds `high` or one of them is not a finite number.
    """
    return Uniform(low, high)
