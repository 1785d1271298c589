"""A parameter of a system: a number, a range from which each member of a population draws, or one of these per body."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from slvm_data.core.fields import is_number, leaves
from slvm_data.core.ranges import Uniform as Uniform
from slvm_data.core.ranges import uniform as uniform

Parameter: TypeAlias = Any
"""In a population: a number, `Uniform`, or tuple of these (one per body). In a member: the drawn value, [] or [B]."""


@dataclass(frozen=True)
class Bounds:
    """Bounds of a parameter, its unit, and whether it is one number, one per body, or a vector."""

    minimum: float
    strict: bool  # the minimum itself is forbidden
    per_body: bool
    length: int | None  # of a vector
    unit: str

    def count(self, bodies: int) -> int | None:
        """Number of values in a system with this number of bodies; None for a scalar."""
        return bodies if self.per_body else self.length


def parameter(
    default: Parameter,
    *,
    unit: str = "",
    positive: bool = False,
    minimum: float = -math.inf,
    per_body: bool = False,
    length: int | None = None,
) -> Any:
    """Make a dataclass field for a physical parameter; with `positive` it must be above 0, else at least `minimum`.

    It is one number, or with `per_body` one for each body, or with `length` a vector of this length. Every sequence
    stores its value as `param_<name>`.
    """
    bounds = Bounds(0.0 if positive else minimum, positive, per_body, length, unit)
    return dataclasses.field(default=default, metadata={"bounds": bounds})


SharedParameter: TypeAlias = Any
"""In a population: a nested tuple of numbers, or None if it is to be drawn. In a member: an array."""


def shared_parameter() -> Any:
    """Make a dataclass field for an array that all sequences of a task share; if None (default), it is drawn once.

    The class gives its shape in `shapes`, and draws it from the seed in `drawn`.
    """
    return dataclasses.field(default=None, metadata={"shared": True})


def check_shared(name: str, value: Any, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless `value` is an array of this shape, of finite numbers."""
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        array = None
    if array is None or not all(map(is_number, leaves(value))):
        raise ValueError(f"{name} = {value} is not an array of numbers")
    if (array.shape != shape and (array.size or 0 not in shape)) or not np.isfinite(array).all():
        raise ValueError(f"{name} = {value} has to be {' x '.join(map(str, shape))} finite numbers")


def ends_of(value: Parameter, bounds: Bounds, bodies: int) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest value of a parameter: two scalars [], or two vectors, one number per body or component.

    Raises ValueError if a value is not a number, lies out of bounds, or has a wrong number of components.
    """
    count = bounds.count(bodies)
    single = not isinstance(value, tuple)
    if bounds.length if single else len(value) != count:
        expected = f"{bounds.length} values" if bounds.length else "one value"
        expected += f" or {bodies}" if bounds.per_body else ""
        a_range = not single and len(value) == 2 and all(isinstance(number, int | float) for number in value)
        ranged = "; a range is {0:g}..{1:g}, or uniform({0:g}, {1:g}) in Python".format(*value) if a_range else ""
        raise ValueError(f"{_text(value)} does not fit: {expected} expected{ranged}")
    ends = [_ends(value, bounds)] * (count or 1) if single else [_ends(v, bounds) for v in value]
    low, high = np.array(ends, dtype=np.float64).T
    return (low[0], high[0]) if count is None else (low, high)


def gaps_of(value: Parameter, high: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Ends of the gap in a parameter, as large as its highest value `high`, [] or [B]; None if it has no gap.

    Where only some components have one, the gap of the others has no width and lies at their end.
    """
    each = value if isinstance(value, tuple) else (value,)
    if not any(getattr(own, "gap", None) for own in each):
        return None
    gaps = [getattr(own, "gap", None) or (np.nan, np.nan) for own in each]
    first, last = (np.reshape(ends, np.shape(high) if len(each) > 1 else ()) for ends in zip(*gaps, strict=True))
    return np.where(np.isnan(first), high, first), np.where(np.isnan(last), high, last)


def _ends(value: Parameter, bounds: Bounds) -> tuple[float, float]:
    if not (is_number(value) or isinstance(value, Uniform)):
        raise ValueError(f"{_text(value)} is neither a number nor a range such as uniform(0.5, 1.0)")
    low, high = (value.low, value.high) if isinstance(value, Uniform) else (float(value), float(value))
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"{_text(value)} is not finite")
    if low < bounds.minimum or (bounds.strict and low == bounds.minimum):
        raise ValueError(f"{_text(value)} has to be {'above' if bounds.strict else 'at least'} {bounds.minimum:g}")
    return low, high


def _text(value: Parameter) -> str:
    return str(value) if isinstance(value, Uniform) else repr(value)
