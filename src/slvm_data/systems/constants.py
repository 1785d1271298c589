"""A constant of a system: a number, a range from which each member of a population draws, or one of these per body."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Constant: TypeAlias = Any
"""In a population a number, a `Uniform`, or a tuple of these (one per body); in a member what was drawn, [] or [B]."""


@dataclass(frozen=True)
class Uniform:
    """The uniform distribution between `low` and `high`."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise ValueError(f"the range {self} is not finite")
        if self.low > self.high:
            raise ValueError(f"the range {self} starts above its end: write {self.high:g}..{self.low:g}")

    def __str__(self) -> str:
        return f"{self.low:g}..{self.high:g}"


def uniform(low: float, high: float) -> Uniform:
    """A range for a constant: each sequence draws its own value, uniformly between `low` and `high`.

    Raises ValueError where `low` exceeds `high` or one of them is not finite.
    """
    return Uniform(float(low), float(high))


@dataclass(frozen=True)
class Domain:
    """Where a constant may lie, and whether each body has its own."""

    minimum: float
    strict: bool  # the minimum itself is forbidden
    per_body: bool


def constant(default: Constant, *, positive: bool = False, minimum: float = -math.inf, per_body: bool = False) -> Any:
    """A dataclass field for a physical constant; `positive` forbids zero and below, `minimum` what is below it."""
    domain = Domain(0.0 if positive else minimum, positive, per_body)
    return dataclasses.field(default=default, metadata={"domain": domain})


def bounds(value: Constant, domain: Domain, bodies: int) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest value of a constant: two scalars [], or two vectors [B] if each body has its own.

    Raises ValueError where a value is no number, lies outside `domain`, or the tuple does not fit the bodies.
    """
    if isinstance(value, tuple):
        if not (domain.per_body and len(value) == bodies):
            raise ValueError(f"{_text(value)} does not fit: one value{f' or {bodies}' * domain.per_body} expected")
        ends = [_ends(v, domain) for v in value]
    else:
        ends = [_ends(value, domain)] * (bodies if domain.per_body else 1)
    low, high = np.array(ends, dtype=np.float64).T
    return (low, high) if domain.per_body else (low[0], high[0])


def _ends(value: Constant, domain: Domain) -> tuple[float, float]:
    if isinstance(value, bool) or not isinstance(value, (int, float, Uniform, np.number)):
        raise ValueError(f"{_text(value)} is neither a number nor a range such as uniform(0.5, 1.0)")
    low, high = (value.low, value.high) if isinstance(value, Uniform) else (float(value), float(value))
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"{_text(value)} is not finite")
    if low < domain.minimum or (domain.strict and low == domain.minimum):
        raise ValueError(f"{_text(value)} has to be {'above' if domain.strict else 'at least'} {domain.minimum:g}")
    return low, high


def _text(value: Constant) -> str:
    return str(value) if isinstance(value, Uniform) else repr(value)
