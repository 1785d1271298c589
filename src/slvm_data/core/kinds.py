"""Families of small frozen dataclasses that are written as text, such as `missing(p=0.5, keep=5)`, and as JSON.

A family is a subclass of `Kind`, such as the modifiers of an observation; its members are the subclasses of the family.
A member is named by its class in small letters: `PixelNoise` is `pixel_noise`.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from slvm_data.core.fields import check
from slvm_data.core.json_tree import Json, from_json, to_json
from slvm_data.core.numerals import REAL
from slvm_data.core.ranges import Uniform, is_range, uniform
from slvm_data.core.ranges import of_json as range_of_json

_CALL = re.compile(r"\s*(\w+)\s*(?:\((.*)\))?\s*", re.DOTALL)
COMMA = re.compile(r",(?!(?:[^\[\]]|\[[^\[\]]*\])*\])")  # outside brackets, which may hold brackets
_NUMBER = re.compile(REAL)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A family of dataclasses, or a member of one. Every field has a default, and limits as `core.fields.limited`."""

    family: ClassVar[str] = ""
    """What a member of the family is called in errors."""
    members: ClassVar[dict[str, type[Any]]] = {}
    """The members of the family, by name."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "family" in vars(cls):
            cls.members = {}
        else:
            cls.members[cls.name()] = cls

    @classmethod
    def name(cls) -> str:
        """Name of the class as it is written."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            check(self, field.name, f"{self.name()}: ")

    def __str__(self) -> str:
        """The text that `parse` reads, without the values that are the defaults."""
        values = {field: getattr(self, field.name) for field in dataclasses.fields(self)}
        given = ",".join(f"{f.name}={written_value(value)}" for f, value in values.items() if value != f.default)
        return f"{self.name()}({given})" if given else self.name()

    def whole(self) -> str:
        """The text with all values, also the defaults."""
        pairs = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values = ", ".join(f"{name}={written_value(value)}" for name, value in pairs.items())
        return f"{self.name()}({values})" if values else self.name()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Make a member of the family from its text; raises ValueError, which says what is wrong."""
        call = _CALL.fullmatch(text)
        if not call:
            raise ValueError(f"{cls.family} {text!r} is not of the form {cls._example()}")
        kind, given = cls._member(call[1]), {}
        for part in filter(None, (part.strip() for part in COMMA.split(call[2] or ""))):
            name, equals, value = (word.strip() for word in part.partition("="))
            if not equals:
                raise ValueError(f"{cls.family} {text!r}: {part!r} is not of the form {kind._form()}")
            given[kind._field(name)] = _read(value)
        return kind(**given)

    @classmethod
    def _member(cls, name: str) -> type[Self]:
        if name in cls.members:
            return cls.members[name]
        near = difflib.get_close_matches(name.lower(), cls.members, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(cls.members))}"
        raise ValueError(f"{cls.family} {name[:40]!r} is unknown; {hint}")

    @classmethod
    def _field(cls, name: str) -> str:
        names = [field.name for field in dataclasses.fields(cls)]
        if name not in names:
            has = f"it has {', '.join(names)}" if names else "it has none"
            raise ValueError(f"{cls.name()} has no option {name[:40]!r}; {has}")
        return name

    @classmethod
    def _form(cls) -> str:
        """How a member is written, with its defaults."""
        fields = ",".join(f"{field.name}={written_value(field.default)}" for field in dataclasses.fields(cls))
        return f"{cls.name()}({fields})" if fields else cls.name()

    @classmethod
    def _example(cls) -> str:
        return next(iter(cls.members.values()))._form()

    @classmethod
    def example(cls) -> str:
        """How a member is written in Python."""
        return f"{next(iter(cls.members.values())).__name__}()"

    def __json__(self) -> Json:
        return {self.name(): {field.name: to_json(getattr(self, field.name)) for field in dataclasses.fields(self)}}

    @classmethod
    def __of_json__(cls, value: dict[str, Json], where: str) -> Self:
        if len(value) != 1:
            raise ValueError(f"{where} has to be an object of one {cls.family}, by its name")
        ((name, values),) = value.items()
        given = from_json(dict[str, Any], values, f"{where}: {name[:40]!a}")
        try:
            kind = cls._member(name)
            return kind(**{kind._field(key): plain_value(own) for key, own in given.items()})
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None


def plain_value(value: Json) -> Any:
    """A value of a field, from plain JSON values: ranges, and tuples of these, numbers or words."""
    if isinstance(value, dict):
        return range_of_json(value) if is_range(value) else value
    return tuple(map(plain_value, value)) if isinstance(value, list) else value


def written_value(value: Any) -> str:
    """A value of a field as `parse` reads it: a number, range, vector, true or false, or word."""
    if isinstance(value, tuple):
        return f"[{','.join(map(written_value, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Uniform):
        return "|".join(f"{written_value(low)}..{written_value(high)}" for low, high in value.parts())
    return _shortest(value) if isinstance(value, float) else str(value)


def _shortest(value: float) -> str:
    """A number without digits that it does not need, and all that it does."""
    short = f"{value:.15g}"
    return short if float(short) == value else repr(value)


def _read(text: str) -> Any:
    """A number, a range `0.3..0.7`, a vector `[1,2]`, true or false, or a word."""
    if text in ("true", "false"):
        return text == "true"
    if text.startswith("[") and text.endswith("]"):
        return tuple(_read(part.strip()) for part in COMMA.split(text[1:-1]) if part.strip())
    low, dots, high = text.partition("..")
    if dots and _NUMBER.fullmatch(low) and _NUMBER.fullmatch(high):
        return uniform(float(low), float(high))
    if not _NUMBER.fullmatch(text):
        return text
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
