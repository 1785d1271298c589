"""The command that makes a recipe's dataset again: its name, and what differs from the recipe of that name."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from slvm_data.originals import as_original
from slvm_data.overrides import override
from slvm_data.recipe import Recipe
from slvm_data.store import manifest
from slvm_data.systems.constants import Uniform
from slvm_data.types import SPLITS

OPTIONS = {  # of fields of a recipe, its view and its windows, where they are not called alike
    "folder": "folder-name",
    "kind": "view",
    "length": "window",
}
FIELDS = ("seed", "steps", "dt", "record", "folder")
VIEW = ("size", "look", "kind")
WINDOWS = ("length", "stride", "contexts", "spacing", "gap", "series")


def command(recipe: Recipe, known: Mapping[str, Recipe]) -> str:
    """A command line that gives this very recipe; by the manifest in its folder, if no shorter one does."""
    base = known.get(recipe.name)
    words = _words(base, recipe) if base else None
    return shlex.join(["slvm-data", "generate", *(words or [manifest.NAME])])


def _words(base: Recipe, recipe: Recipe) -> list[str] | None:
    """Name and changes that make one recipe of the other; None where the command line has no words for them."""
    constants = _constants(base, recipe)
    fields, view, windows = _different(FIELDS, base, recipe), {}, {}
    if not isinstance(recipe.view, tuple) and not isinstance(base.view, tuple):
        view = _different(VIEW, base.view, recipe.view)
    if base.windows and recipe.windows:
        windows = _different(WINDOWS, base.windows, recipe.windows)
    try:
        draft = override(base, constants, fields, view, windows)
        counts = _different(SPLITS, draft, recipe)
        made = override(base, constants, fields | counts, view, windows)
        made = as_original(made) if recipe.original else made
    except ValueError:
        return None
    options = [word for name, value in (fields | counts | view | windows).items() for word in _option(name, value)]
    return [base.name, *constants, *options, *["--original"] * recipe.original] if made == recipe else None


def _different(names: tuple[str, ...], base: Any, other: Any) -> dict[str, Any]:
    return {name: getattr(other, name) for name in names if getattr(other, name) != getattr(base, name)}


def _option(name: str, value: Any) -> list[str]:
    word = "--" + OPTIONS.get(name, name)
    return [word] if value is True else [word, ",".join(value) if isinstance(value, tuple) else _text(value)]


def _constants(base: Recipe, recipe: Recipe) -> list[str]:
    """KEY=VALUE,… for what differs between the tasks of two recipes."""
    names = [field.name for field in fields(recipe.tasks[0])]
    changes = [(name, _values(recipe, name)) for name in names if _values(recipe, name) != _values(base, name)]
    return [f"{name}={','.join(map(_text, values))}" for name, values in changes]


def _values(recipe: Recipe, name: str) -> list[Any]:
    """The different values of a constant, in the order of the tasks."""
    return list(dict.fromkeys(getattr(system, name, None) for system in recipe.tasks))


def _text(value: Any) -> str:
    if isinstance(value, Uniform):
        return f"{_text(value.low)}..{_text(value.high)}"
    if isinstance(value, tuple):
        return f"[{','.join(map(_text, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return str(value)
