"""Changes to a recipe's systems from the command line: `m=0.5`, `m=0.5..1.0` for a range, `g=2,3,4` for a task each."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from slvm_data.recipe import Recipe
from slvm_data.systems.base import System
from slvm_data.systems.constants import Uniform, uniform


def override(recipe: Recipe, changes: Iterable[str]) -> Recipe:
    """The recipe with each change made to every task; populations that have become equal are merged.

    Raises ValueError for a change that is no KEY=VALUE, an unknown constant, or a value that it cannot take.
    """
    tasks, changes = recipe.tasks, list(changes)
    for change in changes:
        name, equals, text = change.partition("=")
        if not equals or not text:
            raise ValueError(f"{change!r} is not of the form KEY=VALUE, such as m=0.5, m=0.5..1.0 or g=2,3,4")
        values = [_value(name, part) for part in text.split(",")]
        tasks = tuple(_changed(system, name, value) for system in tasks for value in values)
    return dataclasses.replace(recipe, tasks=tuple(dict.fromkeys(tasks))) if changes else recipe


def _changed(system: System, name: str, value: float | bool | Uniform) -> System:
    if name not in (*system.domains(), *system.settings()):
        kind, constants, settings = (
            type(system).__name__,
            ", ".join(system.domains()),
            ", ".join(system.settings()),
        )
        raise ValueError(f"{kind} has no constant {name!r}; it has {constants} (and the settings {settings})")
    if name in system.settings() and _kind(value) is not _kind(getattr(system, name)):
        raise ValueError(f"{type(system).__name__}: {name} is {getattr(system, name)}, which {value} cannot replace")
    return dataclasses.replace(system, **{name: value})


def _kind(value: object) -> type:
    return float if isinstance(value, int | None) and not isinstance(value, bool) else type(value)


def _value(name: str, text: str) -> float | bool | Uniform:
    if text in ("true", "false"):
        return text == "true"
    low, dots, high = text.partition("..")
    try:
        ends = (float(low), float(high)) if dots else (float(low), float(low))
    except ValueError:
        raise ValueError(f"{name} = {text!r} is neither a number, nor a range such as 0.5..1.0") from None
    try:
        return uniform(*ends) if dots else ends[0]
    except ValueError as error:
        raise ValueError(f"{name} = {text}: {error}") from None
