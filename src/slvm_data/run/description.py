"""What a manifest says of a recipe and of what made its files."""

from __future__ import annotations

import platform
import sys
from typing import Any

import jax
import numpy as np

from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.serialisation import as_json
from slvm_data.simulation.batch import parameters, prepare
from slvm_data.store import formats, manifest
from slvm_data.systems.switching import Switching


def bits(recipe: Recipe) -> tuple[str, ...]:
    """Arrays of zeros and ones in an octet each."""
    binary = all(recipe.view_of(task).binary for task in range(len(recipe.tasks)))
    return tuple(formats.FRAMES) if binary and not recipe.original else ()


def describe(recipe: Recipe, files: dict[str, Any], certificate: list[dict[str, Any]], form: str) -> dict[str, Any]:
    """The manifest. No clock, no path, no name of a machine: the same run gives the same bytes."""
    return {
        "name": recipe.name,
        "recipe": as_json(recipe),
        "equation": equation(recipe),
        **({"parameters": shared} if any(shared := _parameters(recipe)) else {}),
        **manifest.current(machine(), form),
        "files": files,
        "certificate": certificate,
    }


def _parameters(recipe: Recipe) -> list[dict[str, Any]]:
    """For each task the arrays that all its sequences share, and how its signal was scaled."""
    tasks = []
    for task, system in enumerate(recipe.tasks):
        found = {name: value.tolist() for name, value in parameters(recipe, task).items()}
        if isinstance(system, Switching) and system.normalised:
            mean, deviation = prepare(recipe, task, "train").scale
            found |= {"mean": mean.tolist(), "deviation": deviation.tolist()}
        tasks.append(found)
    return tasks


def machine() -> dict[str, str]:
    """The class of machine within which the same recipe gives the same bytes."""
    simd = np.show_config(mode="dicts")["SIMD Extensions"]  # pyright: ignore
    return {
        "backend": jax.default_backend(),
        "cpu": f"{platform.machine()} {(simd.get('found') or ['baseline'])[-1]}",
    }


def equation(recipe: Recipe) -> str:
    """What the files of the recipe's systems say first, once each."""
    modules = [sys.modules[type(system).__module__] for system in recipe.tasks]
    return "\n".join(dict.fromkeys((module.__doc__ or "").strip() for module in modules))
