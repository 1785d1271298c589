"""Description of a dataset for a page: tasks, parameters, names of the states, sizes, the command to make it."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from slvm_data.core.types import SPLITS
from slvm_data.recipe.outline import SystemRecord
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.serialisation import equation, to_stored
from slvm_data.store import card
from slvm_data.systems.drift import regimes_of
from slvm_data.systems.switching import Switching
from slvm_data.systems.system import System
from slvm_data.view.command_line import changed_name, command
from slvm_data.view.curves import few
from slvm_data.view.dataset import Dataset
from slvm_data.view.sliders import of_modifiers, sliders

CELLS = (8, 64)  # sequences on a page of the grid: fewer where they are large
FIXED = "There are no sliders here: the tasks have no parameter in common."
HELD_OUT = "There are no sliders here: the splits are held out from the parameters of train."
PIXELS = 2**24  # of all sequences on a page


def summary(dataset: Dataset) -> dict[str, Any]:
    """Return the description of a dataset as JSON values."""
    recipe = dataset.recipe
    movable = [] if dataset.content else [*sliders(recipe), *of_modifiers(recipe)]
    return {
        "name": recipe.name,
        "title": _heading(dataset),
        "about": recipe.about.strip(),
        "source": recipe.source,
        "equation": dataset.content.equation if dataset.content else equation(recipe),
        "command": command(dataset),
        "generated": dataset.content is None,
        "splits": recipe.split_names(),
        "tasks": [_task(dataset, task) for task in range(len(recipe.tasks))],
        "frames": recipe.has_frames(),
        "original": card.ORIGINAL.replace("`", "") if recipe.original else "",
        "windows": card.of_windows(recipe.windows) if recipe.windows else "",
        "cells": max(CELLS[0], min(CELLS[1], PIXELS // _largest(recipe))),
        "changes": {name: card.of_split(recipe, name) for name in recipe.splits},
        "searched": dataset.searched,
        "sliders": movable,
        "forecast": dataset.forecasts.name if dataset.forecasts else "",
        "fixed": (HELD_OUT if recipe.splits else FIXED) if not dataset.content and not movable else "",
        "files": _files(dataset),
    }


def _largest(recipe: Recipe) -> int:
    """Number of pixels of a sequence, in the split where it has most; of frames if there are none."""
    every = map(recipe.of_split, recipe.split_names())
    return max((own.view_of(0).size ** 2 if own.has_frames() else 1) * own.length() for own in every)


def _heading(dataset: Dataset) -> str:
    """Title of the page: the name of the folder, or that of the recipe with what was changed in it."""
    if dataset.folder:
        return dataset.folder.resolve().name or dataset.recipe.name
    return changed_name(dataset)


def _files(dataset: Dataset) -> list[dict[str, Any]]:
    if dataset.content is None:
        return []
    files = dataset.content.files | dataset.content.series
    return [{"name": name, "bytes": entry.bytes, "sequences": entry.rows} for name, entry in files.items()]


def _task(dataset: Dataset, task: int) -> dict[str, Any]:
    recipe, system = dataset.recipe, dataset.recipe.tasks[task]
    counts = {split: dataset.count(task, split) for split in (*SPLITS, *recipe.splits)}
    names = list((isinstance(system, Switching) and recipe.windows is not None and system.latents) or system.state)
    return {
        "system": type(system).__name__,
        "title": title(recipe, task),
        "parameters": _parameters(dataset, task),
        "scores": dataset.forecasts.keys(task) if dataset.forecasts else [],
        "state": names[few(len(names))],
        "units": list(system.units)[few(len(names))] if names == list(system.state) else [],
        "energy_unit": system.energy_unit if system.units else "",
        "halves": list(system.halves) if len(system.state) > 2 else [],
        "portraits": _portraits(system, names[few(len(names))]),
        "down": system.y_down,
        "regimes": regimes_of(system, recipe.drift),
        "counts": counts,
        "stored": counts,
    }


def title(recipe: Recipe, task: int) -> str:
    """A short name of a task: its system, if there are several, and the parameters in which its tasks differ."""
    tasks = to_stored(recipe).tasks
    own = tasks[task]
    alike: list[SystemRecord] = [other for other in tasks if other.system == own.system]
    different = [name for name, value in own.values.items() if any(other.values[name] != value for other in alike)]
    words = [f"{name} {card.value_text(_rounded(own.values[name]))}" for name in different]
    return ", ".join([own.system, *words] if len(alike) < len(tasks) or not words else words)


def _rounded(value: Any) -> Any:
    """Round numbers to three digits, for a title."""
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return float(f"{value:.3g}") if isinstance(value, float) else value


def _parameters(dataset: Dataset, task: int) -> list[dict[str, Any]]:
    """Name, range in words and components of each parameter; whether it is drawn at random, and its values stored."""
    system, values = dataset.recipe.tasks[task], to_stored(dataset.recipe).tasks[task].values
    return [
        {
            "name": name,
            "text": card.value_text(values[name]),
            "unit": bounds.unit,
            "components": bounds.count(system.bodies_drawn) or 1,
            "drawn": not np.array_equal(*system.range_of(name)),
            "stored": not dataset.recipe.original,
            "scalar": bounds.count(system.bodies_drawn) is None,
        }
        for name, bounds in system.parameters().items()
    ]


def _portraits(system: System, names: list[str]) -> list[dict[str, Any]]:
    """Pairs of numbers of a state to draw against each other; the positions of several bodies share one picture."""
    half = len(names) // 2
    if isinstance(system, Switching) or not system.halves:
        return [_portrait(names, [pair]) for pair in combinations(range(min(4, len(names))), 2)]
    pairs = [_portrait(names, [(i, i + half)]) for i in range(half)]
    in_plane = half == 2 * system.bodies_drawn
    plane = [(2 * body, 2 * body + 1) for body in range(system.bodies_drawn)]
    return [_portrait(names, plane), *pairs] if in_plane else pairs


def _portrait(names: list[str], curves: list[tuple[int, int]]) -> dict[str, Any]:
    return {"title": "; ".join(f"{names[x]}, {names[y]}" for x, y in curves), "curves": curves}
