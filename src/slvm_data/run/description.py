"""The manifest of a recipe: what its arrays are, what its tasks share, and which software made its files."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from slvm_data.arrays import DRIFT, EVENTS, GOAL, PARAMETER, info, of_event
from slvm_data.core.devices import backend
from slvm_data.core.late import jax
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.serialisation import equation, to_stored
from slvm_data.simulation import observation
from slvm_data.simulation.batch import prepare, shared_parameters
from slvm_data.store import manifest
from slvm_data.store.formats import Format
from slvm_data.store.manifest import Certificate, FileEntry, Manifest
from slvm_data.systems.switching import Switching
from slvm_data.systems.system import System

HARMLESS = ("--xla_dump", "--xla_force_host_platform_device_count")  # flags of XLA that change no bit


def describe(
    recipe: Recipe,
    files: dict[str, FileEntry],
    series: dict[str, FileEntry],
    certificate: Iterable[Certificate],
    written: Format,
) -> Manifest:
    """Manifest of a dataset in this format, without the files beside the arrays, such as card and preview."""
    shared = [_shared(recipe, task) for task in range(len(recipe.tasks))]
    return Manifest(
        name=recipe.name,
        recipe=to_stored(recipe),
        equation=equation(recipe),
        versions=manifest.versions(written),
        machine=machine(),
        arrays=manifest.entries_of([*files.values(), *series.values()], units(recipe)),
        files=files,
        series=series,
        certificate=tuple(certificate),
        shared_parameters=tuple(shared) if any(shared) else (),
    )


def units(recipe: Recipe) -> dict[str, str]:
    """Units of the arrays whose unit depends on the system, by name of the array."""
    found: dict[str, dict[str, None]] = {}
    for own in map(recipe.of_split, recipe.split_names()):
        for name, unit in (pair for system in own.tasks for pair in _units_in(own, system).items()):
            if unit:
                found.setdefault(name, {})[unit] = None
    return {name: " or ".join(every) for name, every in found.items()}


def _units_in(recipe: Recipe, system: System) -> dict[str, str]:
    """Units of the arrays of one system under the control and drifts of a recipe."""
    found, bounds = units_of(system), system.parameters()
    found |= {start + one.of: bounds[one.of].unit for one in recipe.drift for start in (DRIFT, GOAL)}
    if recipe.control:
        found["control"] = found["domain_control"] = ", ".join(system.input_units)
    return found


def units_of(system: System) -> dict[str, str]:
    """Units of the arrays whose unit depends on the system, of one system; those of several numbers with commas."""
    own = {"state": ", ".join(system.units), "offset": "px" if system.y_down else "m"}
    if hasattr(system, "energy"):
        own["energy"] = system.energy_unit if system.units else ""
    own["dx_dt"] = ", ".join(f"{unit}/s" for unit in system.units)
    own |= _speeds(system)
    own |= {PARAMETER + name: bounds.unit for name, bounds in system.parameters().items()}
    return {name: unit for name, unit in own.items() if unit}


def _speeds(system: System) -> dict[str, str]:
    """Units of the velocities of impacts, where they are other ones than in the table."""
    names = [name for name in EVENTS if of_event(name) in system.events and name.endswith(("before", "after"))]
    return {name: system.units[-1] for name in names if info(name).unit != system.units[-1]}


def _shared(recipe: Recipe, task: int) -> dict[str, Any]:
    """The arrays that all sequences of a task share, and how its signal was scaled."""
    every = shared_parameters(recipe, task) | observation.shared(recipe, task)
    found = {name: value.tolist() for name, value in every.items()}
    system = recipe.tasks[task]
    if isinstance(system, Switching) and system.normalised:
        mean, deviation = prepare(recipe, task, "train").scale
        found |= {"mean": mean.tolist(), "deviation": deviation.tolist()}
    return found


def machine() -> dict[str, str]:
    """The class of machine within which the same recipe gives the same bytes."""
    simd = np.show_config(mode="dicts")["SIMD Extensions"]  # pyright: ignore
    return {
        "backend": backend(),
        "cpu": f"{platform.machine()} {(simd.get('found') or ['baseline'])[-1]}",
        **({"compiler": flags} if (flags := _flags()) else {}),
    }


def _flags() -> str:
    """Settings of the compiler that may change bits, such as the instructions that it uses; usually there are none."""
    given = os.environ.get("XLA_FLAGS", "").strip()
    if given and not given.startswith("-"):  # the name of a file
        given = Path(given).read_text(encoding="utf-8") if Path(given).is_file() else ""
    flags = {flag for flag in given.split() if not flag.startswith(HARMLESS)}
    if jax.config.values.get("jax_disable_most_optimizations"):
        flags.add("jax_disable_most_optimizations")
    return " ".join(sorted(flags))
