"""Arguments of public functions: each becomes a plain value of its annotated type, or is refused in one sentence."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import cache, reduce, wraps
from operator import or_
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import ArrayLike

from slvm_data.core.fields import floats, is_number, plain
from slvm_data.core.types import Numbers

P = ParamSpec("P")
R = TypeVar("R")
LONGEST = 60  # characters of a value that an error shows


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Call a function with plain values: a NumPy number becomes one of Python, and a list or an array a tuple.

    A value that is not of the annotated type raises ValueError: words, or True, for numbers; 1 for True; 7.0 for 7.
    """
    signature = inspect.signature(function)

    @cache
    def kinds() -> dict[str, Any]:  # later, as annotations may name what is not defined yet
        return get_type_hints(function)

    @wraps(function)
    def call(*given: P.args, **named: P.kwargs) -> R:
        bound = signature.bind(*given, **named)
        for name in bound.arguments.keys() & kinds().keys():
            bound.arguments[name] = _plain(name, bound.arguments[name], kinds()[name])
        return function(*bound.args, **bound.kwargs)

    return call


def _plain(name: str, value: Any, kind: Any) -> Any:
    members = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    if NoneType in members and value is None:
        return None
    kind = reduce(or_, (member for member in members if member is not NoneType))
    if kind in _READERS:
        return _READERS[kind](name, value)
    if kind is not Any and isinstance(kind, type) and not isinstance(value, kind):
        example = f", such as {kind.example(value)}" if hasattr(kind, "example") else ""  # pyright: ignore
        raise refused(name, value, f"{'an' if kind.__name__[0] in 'AEIOU' else 'a'} {kind.__name__}{example}")
    return value


def refused(name: str, value: Any, expected: str) -> ValueError:
    """The error for an argument that is not what it has to be."""
    text = " ".join(repr(plain(value)).split())
    return ValueError(f"{name} = {text if len(text) <= LONGEST else text[:LONGEST] + ' …'} has to be {expected}")


def _flag(name: str, value: Any) -> bool:
    if not isinstance(found := plain(value), bool):
        raise refused(name, value, "True or False")
    return found


def _whole(name: str, value: Any) -> int:
    found = plain(value)
    if not isinstance(found, int) or isinstance(found, bool):
        raise refused(name, value, "a whole number")
    return int(found)


def _number(name: str, value: Any) -> float:
    if not is_number(found := plain(value)):
        raise refused(name, value, "a number")
    return floats(found)


def _word(name: str, value: Any) -> str:
    if not isinstance(found := plain(value), str):
        raise refused(name, value, "a word")
    return str.__str__(found)  # also of an Enum


def _path(name: str, value: Any) -> str:
    found = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(found, str):
        raise refused(name, value, "a path")
    return str.__str__(found)


def _pair(name: str, value: Any) -> tuple[int, int]:
    found = plain(value)
    if not isinstance(found, tuple) or len(found) != 2:
        raise refused(name, value, "two whole numbers, such as (0, 10)")
    return _whole(name, found[0]), _whole(name, found[1])


def _several(read: Callable[[str, Any], R], what: str) -> Callable[[str, Any], tuple[R, ...]]:
    """A reader of several values in order; one by itself is none of them."""

    def found(name: str, value: Any) -> tuple[R, ...]:
        if isinstance(value, str | bytes | dict | Set) or not hasattr(value, "__iter__"):
            found = plain(value)
            example = f", such as [{found!r}]" if type(found) in (str, int) else ""
            raise refused(name, value, f"a list of {what}{example}")
        return tuple(read(name, one) for one in value)

    return found


def _array(name: str, value: Any) -> Any:
    try:
        found = np.asarray(value)
    except (TypeError, ValueError):  # rows of several lengths, and what else NumPy makes no array of
        found = np.array([None])
    if found.size and found.dtype.kind not in "iuf":
        raise refused(name, value, "an array of finite numbers")
    return value


def _by_name(name: str, value: Any) -> Numbers:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise refused(name, value, "a dict of numbers by name, such as {'m': 0.5}")
    return value


_READERS: dict[Any, Callable[[str, Any], Any]] = {
    bool: _flag,
    int: _whole,
    float: _number,
    str: _word,
    Path | str: _path,
    tuple[int, int]: _pair,
    ArrayLike: _array,
    Sequence[int] | np.ndarray: _array,
    Numbers: _by_name,
    Sequence[int]: _several(_whole, "whole numbers"),
    Iterable[str]: _several(_word, "names"),
}


def whole_number(name: str, value: Any, low: int, high: int | None = None, unit: str = "") -> int:
    """Return `value` as a whole number between `low` and `high`; raises ValueError for anything else."""
    number = _whole(name, value)
    if number < low or (high is not None and number > high):
        limits = f"at least {low}" if high is None else f"between {low} and {high}"
        raise ValueError(f"{name} = {number} has to be {limits}{f' {unit}' if unit else ''}")
    return number


def share(name: str, value: float) -> float:
    """Return `value` as a number above 0 and at most 1; raises ValueError for anything else."""
    number = _number(name, value)
    if not 0 < number <= 1:
        raise ValueError(f"{name} = {number!r} has to lie above 0 and be at most 1")
    return number


def names_of_fields(fields: Iterable[str] | None) -> tuple[str, ...] | None:
    """Return names of arrays, None for all; raises ValueError for an empty list."""
    if (found := None if fields is None else tuple(fields)) == ():
        raise ValueError("fields is empty: name at least one array")
    return found


def check_known(fields: Iterable[str] | None, known: Iterable[str], where: object) -> None:
    """Raise ValueError for a field that is not among the known ones."""
    if odd := [name for name in fields or () if name not in known]:
        raise ValueError(f"{odd[0]!r} is not among the arrays of {where}: {', '.join(known)}")
