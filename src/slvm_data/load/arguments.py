"""Check arguments; errors say in one sentence what is wrong."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

from slvm_data.core.fields import is_number, plain


def whole_number(name: str, value: Any, low: int, high: int | None = None, unit: str = "") -> int:
    """Return `value` as a whole number between `low` and `high`; raises ValueError for anything else."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise ValueError(f"{name} = {value!r} has to be a whole number")
    if number < low or (high is not None and number > high):
        limits = f"at least {low}" if high is None else f"between {low} and {high}"
        raise ValueError(f"{name} = {number} has to be {limits}{f' {unit}' if unit else ''}")
    return number


def share(name: str, value: Any) -> float:
    """Return `value` as a number above 0 and at most 1; raises ValueError for anything else."""
    value = plain(value)
    if not is_number(value) or not 0 < value <= 1:
        raise ValueError(f"{name} = {value!r} has to lie above 0 and be at most 1")
    return float(value)


def names_of_fields(fields: Iterable[str] | None) -> tuple[str, ...] | None:
    """Return names of arrays, None for all; raises ValueError for a single word, or an empty list."""
    if isinstance(fields, str):
        raise ValueError(f"fields = {fields!r} has to be a list of names, such as ({fields!r},)")
    found = None if fields is None else tuple(fields)
    if found == ():
        raise ValueError("fields is empty: name at least one array")
    return found


def check_known(fields: Iterable[str] | None, known: Iterable[str], where: object) -> None:
    """Raise ValueError for a field that is not among the known ones."""
    if odd := [name for name in fields or () if name not in known]:
        raise ValueError(f"{odd[0]!r} is not among the arrays of {where}: {', '.join(known)}")
