"""Convert trees of frozen dataclasses to plain JSON values, and back; on the way back every value is checked.

A field whose default is None or empty is left out of the JSON if its value is None or empty too.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from functools import cache
from typing import Any, TypeAlias, TypeVar

import numpy as np

Json: TypeAlias = Any
"""None, a bool, a number, a string, or a list or dict of these."""

T = TypeVar("T")
LONGEST = 60  # characters of a value that an error shows
WORDS = {int: "a whole number", float: "a number", str: "a string", bool: "true or false", type(None): "null"}


def to_json(value: Any) -> Json:
    """Convert a value to plain JSON values."""
    if hasattr(value, "__json__"):
        return value.__json__()
    if dataclasses.is_dataclass(value):
        fields = {field.name: (getattr(value, field.name), _default(field)) for field in dataclasses.fields(value)}
        return {name: to_json(own) for name, (own, default) in fields.items() if not (_empty(own) and _empty(default))}
    if isinstance(value, dict):
        return {str(name): to_json(own) for name, own in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(own) for own in value]
    return value.item() if isinstance(value, np.generic) else value


def from_json(kind: type[T], value: Json, where: str) -> T:
    """Make an object of this class from plain JSON values; `where` names them in errors.

    Raises ValueError, in one sentence that names the place, for a value that does not fit.
    """
    return _parsed(kind, value, where)


def _parsed(kind: Any, value: Json, where: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if origin in (types.UnionType, typing.Union):
        return _parsed(_member(arguments, value), value, where)
    if origin is tuple and isinstance(value, list):
        return _items(arguments, value, where)
    if origin is dict and isinstance(value, dict):
        return {name: _parsed(arguments[1], own, f"{where}: {_shown(name)}") for name, own in value.items()}
    if dataclasses.is_dataclass(kind) and isinstance(value, dict):
        return _object(kind, value, where)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ValueError(f"{where} has to be {_words(kind)}, and is {_shown(value)}")
    return value


def _member(kinds: tuple[Any, ...], value: Json) -> Any:
    """The one of several types that fits the JSON type of a value."""
    for kind in kinds:
        made_of = {tuple: list, dict: dict}.get(typing.get_origin(kind) or kind, kind)
        made_of = dict if dataclasses.is_dataclass(made_of) else made_of
        if type(value) is made_of or (kind is float and type(value) is int):
            return kind
    return kinds[0]


def _items(kinds: tuple[Any, ...], values: list[Json], where: str) -> tuple[Any, ...]:
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(values)
    if len(kinds) != len(values):
        raise ValueError(f"{where} has to be {len(kinds)} values, and has {len(values)}")
    pairs = enumerate(zip(kinds, values, strict=True))
    return tuple(_parsed(kind, value, f"{where}: {i}") for i, (kind, value) in pairs)


def _object(kind: Any, value: dict[str, Json], where: str) -> Any:
    if hasattr(kind, "__of_json__"):
        return kind.__of_json__(value, where)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    if odd := [name for name in value if name not in fields]:
        raise ValueError(f"{where} has the unknown key {_shown(odd[0])}")
    needed = (name for name, field in fields.items() if _default(field) is dataclasses.MISSING)
    if missing := [name for name in needed if name not in value]:
        raise ValueError(f"{where} lacks {missing[0]}")
    hints = _hints(kind)
    found = {name: _parsed(hints[name], own, f"{where}: {name}") for name, own in value.items()}
    try:
        return kind(**found)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _empty(value: object) -> bool:
    return value is None or (isinstance(value, str | tuple | dict) and not value)


def _default(field: dataclasses.Field[Any]) -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _words(kind: Any) -> str:
    """The values that a type allows, in words."""
    if kind in WORDS:
        return WORDS[kind]
    return "a list" if typing.get_origin(kind) is tuple else "an object"


def _shown(value: object) -> str:
    """Text of a value for an error: short, and without control characters for a terminal."""
    text = ascii(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 2]} …"
