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
    words: bool = False  # a tuple of words, not of numbers
    kinds: Any = None  # a family of `core.kinds`, of which it is a tuple; or a member, if the default is None
    amounts: bool = False  # a number, or a vector of them
    ranges: bool = False  # also ranges in the place of the numbers

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
    words: bool = False,
    kinds: Any = None,
    amounts: bool = False,
    ranges: bool = False,
) -> Any:
    """Make a dataclass field with limits; with `positive` its value must be above 0, else at least `minimum`.

    A subclass that gives the field another default keeps the limits.
    """
    limits = Limits(0 if positive else minimum, maximum, positive, choices, words, kinds, amounts, ranges)
    return dataclasses.field(default=default, metadata={"limits": limits})


def option(default: Any, help: str, *, name: str = "", **limits: Any) -> Any:  # noqa: A002 - as everybody calls it
    """Make a dataclass field that is also an option of the command line, with its own name unless `name` is given.

    `limits` are those of `limited`.
    """
    field = limited(default, **limits)
    return dataclasses.field(default=default, metadata={**field.metadata, "help": help, "name": name})


def check(owner: Any, name: str, where: str = "") -> None:
    """Raise ValueError unless a field has the type of its default, and a value within its limits.

    What another library calls a number, such as `np.float32(0.5)`, becomes the number of Python that it is equal to.
    `where` stands before the name in errors.
    """
    field = next(field for field in dataclasses.fields(owner) if field.name == name)
    value = plain(getattr(owner, name))
    object.__setattr__(owner, name, value)
    if field.default is dataclasses.MISSING or (value is None and field.default is None):
        return
    limits = limits_of(type(owner), name)
    default = ("" if limits.choices else 0.0) if field.default is None else field.default
    if limits.kinds:
        _check_kinds(value, limits.kinds, f"{where}{name}", single=field.default is None)
        return
    if limits.amounts:
        object.__setattr__(owner, name, _amounts(value, limits, f"{where}{name}"))
        return
    if fault := _wrong_type(value, default, limits.words) or _outside(value, limits):
        raise ValueError(f"{where}{name} = {value if hasattr(value, 'low') else repr(value)} {fault}")
    object.__setattr__(owner, name, _converted(value, default))


def _check_kinds(value: Any, family: Any, where: str, *, single: bool) -> None:
    """Raise ValueError unless a value is a tuple of members of a family, or a `single` one."""
    if single:
        if not isinstance(value, family):
            raise ValueError(f"{where} = {value!r} has to be a {family.family}, such as {family.example()}")
        return
    if odd := [one for one in (value if isinstance(value, tuple) else (value,)) if not isinstance(one, family)]:
        raise ValueError(f"{where} = {odd[0]!r} has to be a tuple of {family.family}s, such as ({family.example()},)")
    if not isinstance(value, tuple):
        raise ValueError(f"{where} = {value} has to be a tuple: write ({value!r},)")


def _amounts(value: Any, limits: Limits, where: str) -> Any:
    """A number, range or vector of these as floats; raises ValueError for anything else, or beyond the limits."""
    parts: Any = value if isinstance(value, tuple) and value else (value,)
    for part in parts:
        right = (is_number(part) and _finite(part)) or (limits.ranges and hasattr(part, "low"))
        wanted = "a number, a range or a vector of these" if limits.ranges else "a number or a vector of numbers"
        if fault := _outside(part, limits) if right else f"has to be {wanted}":
            raise ValueError(f"{where} = {part if hasattr(part, 'low') else repr(part)} {fault}")
    return floats(value)


def plain(value: Any) -> Any:
    """Convert lists and arrays, however deep, to tuples, and numbers of other libraries to numbers of Python."""
    if hasattr(value, "__array__") and hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return tuple(map(plain, value))
    return floats(value) if isinstance(value, Real) and not isinstance(value, Integral) else value


def is_number(value: Any) -> bool:
    """Whether a value is a real number, and not True or False."""
    return isinstance(value, Real) and not isinstance(value, bool)


def floats(value: Any) -> Any:
    """Convert numbers in nested tuples to floats, an infinite one if it is too large; anything else stays."""
    if isinstance(value, tuple):
        return tuple(map(floats, value))
    try:
        return float(value) if is_number(value) else value
    except OverflowError:  # of a whole number
        return math.inf


def limits_of(kind: type, name: str) -> Limits:
    """The limits of a field, from the class that sets them."""
    every = (base.__dict__.get("__dataclass_fields__", {}).get(name) for base in kind.__mro__)
    return next((field.metadata["limits"] for field in every if field and "limits" in field.metadata), Limits())


_KINDS = {
    bool: (bool, "True or False"),
    int: (Integral, "a whole number"),
    float: (Real, "a number"),
    str: (str, "a word"),
    tuple: (tuple, "finite numbers, such as [1,2]"),
}


def _wrong_type(value: Any, default: Any, words: bool) -> str:
    """What a value has to be, in words; empty if it has the type of the default."""
    kind, expected = _KINDS.get(type(default), (type(default), "a range such as uniform(0.5, 1.0)"))
    if words:
        right = isinstance(value, tuple) and all(isinstance(x, str) for x in value)
        return "" if right else "has to be a tuple of words, such as ('energy',)"
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        return f"has to be {expected}"
    if isinstance(value, tuple):
        numbers = all(is_number(x) and _finite(x) for x in leaves(value))
        flat = any(map(is_number, default)) and not all(map(is_number, value))
        return "" if numbers and not flat else f"has to be {expected}"
    return "has to be finite" if isinstance(value, Real) and not isinstance(default, int) and not _finite(value) else ""


def _converted(value: Any, default: Any) -> Any:
    """A value of the right type as exactly this type."""
    if isinstance(default, bool):
        return value
    if isinstance(default, int):
        return int(value)
    if isinstance(default, str):
        return str.__str__(value)  # also of an Enum
    whole = any(isinstance(x, int) for x in leaves(default)) or default == ()
    return value if isinstance(default, tuple) and whole else floats(value)


def _finite(x: Real) -> bool:
    """Whether a number is one that a float can be."""
    try:
        return math.isfinite(float(x))
    except OverflowError:  # of a whole number
        return False


def _outside(value: Any, limits: Limits) -> str:
    """What a value has to be, in words; empty if it is within its limits."""
    if getattr(value, "gap", None):
        return "has a gap, which only the range of a parameter of a system may have"
    if limits.choices:
        return "" if value in limits.choices else f"is unknown; there are {', '.join(limits.choices)}"
    if limits.words or limits == Limits():
        return ""
    low, high = getattr(value, "low", value), getattr(value, "high", value)
    if (low > limits.minimum if limits.strict else low >= limits.minimum) and high <= limits.maximum:
        return ""
    if low is not value:
        return f"has to be a range {'above' if limits.strict else 'from'} {limits.minimum}{' up' * (not limits.strict)}"
    return f"has to {'be' if limits.maximum == math.inf else 'lie'} {limits}"


def leaves(value: Any) -> Iterator[Any]:
    """Yield the values in nested tuples."""
    if not isinstance(value, tuple):
        yield value
    else:
        for part in value:
            yield from leaves(part)
