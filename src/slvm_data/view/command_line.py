"""The command that makes a dataset again: a name or file for `generate`, and the differences from its recipe."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from typing import Any

from slvm_data.core.fields import limits_of
from slvm_data.core.types import SPLITS
from slvm_data.datasets import RECIPES
from slvm_data.observe.view import View
from slvm_data.observe.windowing import Windowing
from slvm_data.recipe.options import OPTIONS, of
from slvm_data.recipe.original import as_original
from slvm_data.recipe.outline import Outline
from slvm_data.recipe.overrides import override
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.serialisation import KNOWN, class_name
from slvm_data.recipe.split_words import written
from slvm_data.store import manifest
from slvm_data.systems.parameters import Uniform
from slvm_data.view.dataset import Dataset


def command(dataset: Dataset) -> str:
    """A command line that gives exactly these sequences; empty if there is none, as for a recipe made in Python.

    It names the recipe in the shortest way: by a dataset's name, the user's own file, or the manifest in the folder.
    """
    recipe, content = dataset.recipe, dataset.content
    how = [] if content is None or content.format.name == "npz" else ["--format", content.format.name]
    for word, base in _bases(dataset):
        if words := _words(word, base, recipe):
            return shlex.join(["slvm-data", "generate", *words, *how])
    if dataset.folder and dataset.known:
        return shlex.join(["slvm-data", "repair", str(dataset.folder), "--recipe", dataset.known[0]])
    if dataset.folder and content and content.own_files:
        return shlex.join(["slvm-data", "repair", str(dataset.folder), "--recipe", "stored"])
    return ""


def changed_name(dataset: Dataset) -> str:
    """Name of a recipe, with what was changed in it: `pendulum3 · g=2.5 · steps 40`."""
    words = next((words for word, base in _bases(dataset) if (words := _words(word, base, dataset.recipe))), [""])
    parts: list[str] = []
    for word in words[1:]:
        if parts and not word.startswith("--") and parts[-1].startswith("--"):
            parts[-1] += f" {word}"  # the value of an option
        else:
            parts.append(word)
    return " · ".join([dataset.recipe.name, *(part.removeprefix("--") for part in parts)])


def _bases(dataset: Dataset) -> Iterator[tuple[str, Recipe]]:
    """Names and files that `generate` takes, and the recipe of each."""
    if base := RECIPES.get(dataset.recipe.name):
        yield dataset.recipe.name, base
    if dataset.known:
        yield dataset.known
    if dataset.folder and all(class_name(type(system)) in KNOWN for system in dataset.recipe.tasks):
        yield str(dataset.folder / manifest.NAME), dataset.recipe


def _words(word: str, base: Recipe, recipe: Recipe) -> list[str] | None:
    """The word and options that turn one recipe into the other; None if the command line cannot express them."""
    recipe = replace(recipe, about=base.about)  # which is for people
    if base == recipe:
        return [word]
    original = recipe.original and not base.original
    like = as_original(base) if original else base
    parameters = _parameters(like, recipe)
    options = _different([name for name in of(Outline) if name not in (*SPLITS, "splits")], base, recipe)
    options |= _different(of(View), like.view_of(0), recipe.view_of(0))
    if base.windows and recipe.windows:
        options |= _different(of(Windowing), base.windows, recipe.windows)
    if () in options.values():
        return None  # no option takes something away
    if splits := _splits(base, recipe):
        options["splits"] = splits
    try:
        options |= _different(SPLITS, override(base, parameters, options), recipe)
        made = override(base, parameters, options)
        made = as_original(made) if original else made
    except ValueError:
        return None
    words = [word for name, value in options.items() for word in _option(name, value)]
    if original:
        words.append("--original")
    return [word, *parameters, *words] if replace(made, about=base.about) == recipe else None


def _splits(base: Recipe, recipe: Recipe) -> list[str]:
    """The texts of the splits in which two recipes differ; a count of 0 takes one away."""
    texts = [f"{name}: 0" for name in base.splits if name not in recipe.splits]
    return texts + [written(name, own, recipe) for name, own in recipe.splits.items() if own != base.splits.get(name)]


def _different(names: Iterable[str], base: Any, other: Any) -> dict[str, Any]:
    return {name: getattr(other, name) for name in names if getattr(other, name) != getattr(base, name)}


def _option(name: str, value: Any) -> list[str]:
    """The words of an option; one that takes modifiers or the like is repeated for each of them."""
    word = "--" + OPTIONS[name].word
    if name == "splits":
        return [part for text in value for part in (word, text)]
    if limits_of(OPTIONS[name].owner, name).kinds:
        return [part for one in (value if isinstance(value, tuple) else (value,)) for part in (word, str(one))]
    return [word] if value is True else [word, ",".join(value) if isinstance(value, tuple) else _text(value)]


def _parameters(base: Recipe, recipe: Recipe) -> list[str]:
    """KEY=VALUE,… for the fields in which the tasks of two recipes differ."""
    names = [field.name for field in fields(recipe.tasks[0])]
    changes = [(name, _values(recipe, name)) for name in names if _values(recipe, name) != _values(base, name)]
    return [f"{name}={','.join(map(_text, values))}" for name, values in changes]


def _values(recipe: Recipe, name: str) -> list[Any]:
    """The different values of a field of the systems, in the order of the tasks."""
    return list(dict.fromkeys(getattr(system, name, None) for system in recipe.tasks))


def _text(value: Any) -> str:
    if isinstance(value, Uniform):
        return "|".join(f"{_text(low)}..{_text(high)}" for low, high in value.parts())
    if isinstance(value, tuple):
        return f"[{','.join(map(_text, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return str(value)
