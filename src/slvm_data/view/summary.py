"""What a page says of a dataset: tasks and their constants, names of the states, sizes, and the command to make it."""

from __future__ import annotations

from dataclasses import asdict
from itertools import combinations
from typing import Any

from slvm_data.core.types import SPLITS
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.serialisation import as_json
from slvm_data.run.description import equation
from slvm_data.store import card
from slvm_data.systems.ball_box import BallBox
from slvm_data.systems.hamiltonian import Hamiltonian
from slvm_data.systems.switching import Switching
from slvm_data.systems.system import System
from slvm_data.view.command_line import command
from slvm_data.view.dataset import Films
from slvm_data.view.sliders import sliders

CELLS = (8, 64)  # films on a page of the grid: fewer where they are large
FIXED = "No constant can be moved here: there is none that all tasks have."
PIXELS = 2**24  # of all films on a page


def about(films: Films) -> dict[str, Any]:
    """Plain JSON values; see the keys."""
    recipe = films.recipe
    size = recipe.view_of(0).size if recipe.view_of(0).kind == "pixels" else 1
    length = recipe.windows.length if recipe.windows else recipe.steps
    movable = [] if films.content else sliders(recipe)
    return {
        "name": recipe.name,
        "about": recipe.about.strip(),
        "source": recipe.source,
        "equation": films.content["equation"] if films.content else equation(recipe),
        "command": command(films),
        "generated": films.content is None,
        "splits": [split for split in SPLITS if recipe.count(split)],
        "tasks": [_task(films, task) for task in range(len(recipe.tasks))],
        "frames": recipe.view_of(0).kind == "pixels",
        "original": card.ORIGINAL.replace("`", "") if recipe.original else "",
        "windows": card.of_windows(asdict(recipe.windows)) if recipe.windows else "",
        "cells": max(CELLS[0], min(CELLS[1], PIXELS // (size**2 * length))),
        "searched": films.searched,
        "sliders": movable,
        "fixed": FIXED if not films.content and not movable else "",
        "files": _files(films),
    }


def _files(films: Films) -> list[dict[str, Any]]:
    if films.content is None:
        return []
    files = films.content["files"].items()
    return [{"name": n, "bytes": e["bytes"], "sequences": e["arrays"]["label"]["shape"][0]} for n, e in files]


def _task(films: Films, task: int) -> dict[str, Any]:
    recipe, system = films.recipe, films.recipe.tasks[task]
    windows = recipe.windows is not None
    counts = {split: films.count(task, split) for split in SPLITS}
    names = list((isinstance(system, Switching) and windows and system.latents) or system.state)
    return {
        "system": type(system).__name__,
        "title": _title(recipe, task),
        "constants": _constants(films, task),
        "state": names,
        "halves": _halves(system),
        "portraits": _portraits(system, names),
        "down": isinstance(system, BallBox),
        "regimes": system.regimes() if isinstance(system, Switching) else 0,
        "counts": counts,
        "stored": counts,
    }


def _halves(system: System) -> list[str]:
    """What the first and the second half of a state are, where it is long enough to be shown in two plots."""
    if isinstance(system, BallBox):
        return ["Position", "Velocity"]
    return ["Positions", "Momenta"] if isinstance(system, Hamiltonian) and len(system.state) > 2 else []


def _title(recipe: Recipe, task: int) -> str:
    """In what a task differs from the others: its system, and its constants among those of the same system."""
    tasks = as_json(recipe)["tasks"]
    own = tasks[task]
    alike = [other for other in tasks if other["system"] == own["system"]]
    different = [name for name in own if any(other[name] != own[name] for other in alike)]
    words = [f"{name} {card.constant(_rounded(own[name]))}" for name in different]
    return ", ".join([own["system"]] * (len(alike) < len(tasks) or not words) + words)


def _rounded(value: Any) -> Any:
    """Numbers as short as a title needs them."""
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return float(f"{value:.3g}") if isinstance(value, float) else value


def _constants(films: Films, task: int) -> list[dict[str, Any]]:
    """Name, range in words, and components of each constant, and whether its values stand with the sequences."""
    system, values = films.recipe.tasks[task], as_json(films.recipe)["tasks"][task]
    return [
        {
            "name": name,
            "text": card.constant(values[name]),
            "components": domain.count(system.bodies_drawn) or 1,
            "stored": not films.recipe.original,
            "scalar": domain.count(system.bodies_drawn) is None,
        }
        for name, domain in system.domains().items()
    ]


def _portraits(system: Any, names: list[str]) -> list[dict[str, Any]]:
    """Pairs of numbers of a state worth drawing against each other, those of several bodies in one picture."""
    half = len(names) // 2
    if isinstance(system, Hamiltonian) and half == 1:
        return [_portrait(names, [(0, 1)])]
    pairs = [_portrait(names, [(i, i + half)]) for i in range(half)]
    if isinstance(system, Hamiltonian):
        bodies = system.bodies_drawn
        plane = [_portrait(names, [(2 * b, 2 * b + 1) for b in range(bodies)])] if half == 2 * bodies else []
        return plane + pairs
    if isinstance(system, BallBox):
        return [_portrait(names, [(0, 1)]), *pairs]
    return [_portrait(names, [pair]) for pair in combinations(range(min(4, len(names))), 2)]


def _portrait(names: list[str], curves: list[tuple[int, int]]) -> dict[str, Any]:
    return {"title": "; ".join(f"{names[x]}, {names[y]}" for x, y in curves), "curves": curves}
