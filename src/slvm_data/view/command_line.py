"""The command that makes a dataset again: a word that `generate` takes, and what differs from its recipe."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from slvm_data.core.types import SPLITS
from slvm_data.datasets import RECIPES
from slvm_data.recipe.original import as_original
from slvm_data.recipe.overrides import override
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.serialisation import KNOWN, kind
from slvm_data.store import manifest
from slvm_data.systems.parameters import Uniform
from slvm_data.view.dataset import Films

OPTIONS = {  # of fields of a recipe, its view and its windows, where they are not called alike
    "folder": "folder-name",
    "kind": "view",
    "length": "window",
}
FIELDS = ("seed", "steps", "dt", "record", "folder")
VIEW = ("size", "look", "kind")
WINDOWS = ("length", "stride", "contexts", "spacing", "gap", "series")


def command(films: Films) -> str:
    """A command line that gives these very films; empty if there is none, as for a recipe made in Python.

    By the shortest word that `generate` takes for them: a name, the user's own file, the manifest in their folder.
    """
    recipe, form = films.recipe, manifest.form(films.content) if films.content else "npz"
    for word, base in _bases(films):
        if words := _words(word, base, recipe):
            return shlex.join(["slvm-data", "generate", *words, *["--format", form] * (form != "npz")])
    if films.folder and films.known:
        return shlex.join(["slvm-data", "repair", str(films.folder), "--recipe", films.known[0]])
    return ""


def _bases(films: Films) -> Iterator[tuple[str, Recipe]]:
    """What `generate` takes, and what recipe it makes of it."""
    if base := RECIPES.get(films.recipe.name):
        yield films.recipe.name, base
    if films.known:
        yield films.known
    if films.folder and all(kind(system) in KNOWN for system in films.recipe.tasks):
        yield str(films.folder / manifest.NAME), films.recipe


def _words(word: str, base: Recipe, recipe: Recipe) -> list[str] | None:
    """Word and changes that make one recipe of the other; None where the command line has none for them."""
    if base == recipe:
        return [word]
    original = recipe.original and not base.original
    like = as_original(base) if original else base
    constants = _constants(like, recipe)
    fields, windows = _different(FIELDS, base, recipe), {}
    view = _different(VIEW, like.view_of(0), recipe.view_of(0))
    if base.windows and recipe.windows:
        windows = _different(WINDOWS, base.windows, recipe.windows)
    try:
        draft = override(base, constants, fields, view, windows)
        counts = _different(SPLITS, draft, recipe)
        made = override(base, constants, fields | counts, view, windows)
        made = as_original(made) if original else made
    except ValueError:
        return None
    options = [word for name, value in (fields | counts | view | windows).items() for word in _option(name, value)]
    return [word, *constants, *options, *["--original"] * original] if made == recipe else None


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
