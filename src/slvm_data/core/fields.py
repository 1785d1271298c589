"""Fields of dataclasses that know which values they may have, and what the command line says of them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any


@dataclass(frozen=True)
class Limits:
    """The values that a field may have; of a range, both ends."""

    minimum: float = -math.inf
    maximum: float = math.inf
    strict: bool = False  # the minimum itself is forbidden
    choices: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.maximum == math.inf:
            return f"{'above' if self.strict else 'at least'} {self.minimum}"
        return f"{'above' if self.strict else 'between'} {self.minimum} and {'not above ' * self.strict}{self.maximum}"


def limited(
    default: Any,
    *,
    minimum: float = -math.inf,
    positive: bool = False,
    maximum: float = math.inf,
    choices: tuple[str, ...] = (),
) -> Any:
    """Make a dataclass field with limits; with `positive` its value must be above 0, else at least `minimum`.

    A subclass that gives the field another default keeps the limits.
    """
    limits = Limits(0 if positive else minimum, maximum, positive, choices)
    return dataclasses.field(default=default, metadata={"limits": limits})


def option(default: Any, help: str, *, name: str = "", **limits: Any) -> Any:  # noqa: A002 - as everybody calls it
    """Make a dataclass field that is also an option of the command line, with its own name unless `name` is given.

    `limits` are those of `limited`.
    """
    field = limited(default, **limits)
    return dataclasses.field(default=default, metadata={**field.metadata, "help": help, "name": name})


def check(owner: Any, name: str, where: str = "") -> None:
    """Raise ValueError unless a field has the type of its default, and a value within its limits.

    `where` stands before the name in errors.
    """
    field = next(field for field in dataclasses.fields(owner) if field.name == name)
    value = getattr(owner, name)
    if value is None and field.default is None:
        return
    limits = limits_of(type(owner), name)
    default = ("" if limits.choices else 0.0) if field.default is None else field.default
    if fault := _wrong_type(value, default) or _outside(value, limits):
        raise ValueError(f"{where}{name} = {value if hasattr(value, 'low') else repr(value)} {fault}")


def limits_of(kind: type, name: str) -> Limits:
    """The limits of a field, from the class that sets them."""
    every = (base.__dict__.get("__dataclass_fields__", {}).get(name) for base in kind.__mro__)
    return next((field.metadata["limits"] for field in every if field and "limits" in field.metadata), Limits())


def _wrong_type(value: Any, default: Any) -> str:
    """What a value has to be, in words; empty if it has the type of the default."""
    kinds = {
        bool: (bool, "True or False"),
        int: (Integral, "a whole number"),
        float: (Real, "a number"),
        str: (str, "a word"),
        tuple: (tuple, "finite numbers, such as [1,2]"),
    }
    kind, expected = kinds.get(type(default), (type(default), "a range such as uniform(0.5, 1.0)"))
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        return f"has to be {expected}"
    if isinstance(value, tuple):
        return "" if all(isinstance(x, Real) and _finite(x) for x in _leaves(value)) else f"has to be {expected}"
    return "has to be finite" if isinstance(value, Real) and not isinstance(default, int) and not _finite(value) else ""


def _finite(x: Real) -> bool:
    """Whether a number is one that a float can be."""
    try:
        return math.isfinite(float(x))
    except OverflowError:  # of a whole number
        return False


def _outside(value: Any, limits: Limits) -> str:
    """What a value has to be, in words; empty if it is within its limits."""
    if limits.choices:
        return "" if value in limits.choices else f"is unknown; there are {', '.join(limits.choices)}"
    if limits == Limits():
        return ""
    low, high = getattr(value, "low", value), getattr(value, "high", value)
    if (low > limits.minimum if limits.strict else low >= limits.minimum) and high <= limits.maximum:
        return ""
    if low is not value:
        return f"has to be a range {'above' if limits.strict else 'from'} {limits.minimum}{' up' * (not limits.strict)}"
    return f"has to {'be' if limits.maximum == math.inf else 'lie'} {limits}"


def _leaves(value: Any) -> Iterator[Any]:
    """Yield the values in nested tuples."""
    if not isinstance(value, tuple):
        yield value
    else:
        for part in value:
            yield from _leaves(part)
