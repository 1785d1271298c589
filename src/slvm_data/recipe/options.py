"""The options of the command line that change a recipe: fields of it, of its views, or of its windows.

A field that is made with `core.fields.option` is one of them; nothing else has to know of it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from slvm_data.core.fields import limits_of
from slvm_data.observe.view import View
from slvm_data.observe.windowing import Windowing
from slvm_data.recipe.outline import Outline


@dataclass(frozen=True)
class Option:
    """An option: the field that it changes, and the class that has the field."""

    field: str
    owner: type
    word: str  # on the command line, after --
    kind: type  # of its values
    help: str


def _option(owner: type, field: dataclasses.Field[Any]) -> Option:
    text, limits = field.metadata["help"], limits_of(owner, field.name)
    if limits.choices:
        text = f"{text.rstrip('.')}: {', '.join(limits.choices)}."
    kind = tuple if field.default is dataclasses.MISSING else type(field.default)
    if field.default is None:
        kind = str if limits.choices or limits.kinds else float
    return Option(field.name, owner, field.metadata["name"] or field.name, kind, text)


OPTIONS = {
    field.name: _option(owner, field)
    for owner in (Outline, View, Windowing)
    for field in dataclasses.fields(owner)
    if "help" in field.metadata
}
TRAJECTORIES = Option(
    "trajectories", Windowing, "trajectories", int, "Number of trajectories, each for one split."
)  # not a field: it decides how many windows each split has


def of(owner: type) -> tuple[str, ...]:
    """The fields of a class that are options."""
    return tuple(name for name, option in OPTIONS.items() if option.owner is owner)


def named(word: str) -> Option | None:
    """The option with this word or field, if there is one."""
    return next((own for own in (*OPTIONS.values(), TRAJECTORIES) if word in (own.word, own.field)), None)


def is_option(word: str, value: str) -> str:
    """What to say of an option that was written as a parameter, KEY=VALUE."""
    written = f"--{word}" if value == "true" else f"--{word} {value}"
    return f"{word} is an option of `slvm-data generate`, not a parameter: write {written}"
