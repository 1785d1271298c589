"""Convert a recipe to the plain values that a manifest stores, and back."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from slvm_data import systems
from slvm_data.core.json_tree import to_json
from slvm_data.core.kinds import plain_value
from slvm_data.core.named import Named
from slvm_data.recipe.outline import StoredRecipe, SystemRecord
from slvm_data.recipe.own_file import OwnFiles, module_name, own_files, run_stored
from slvm_data.recipe.recipe import Recipe
from slvm_data.systems.system import System

KNOWN: Named[type[System]] = Named(
    (
        (name, kind)
        for name, kind in vars(systems).items()
        if isinstance(kind, type) and issubclass(kind, System) and not inspect.isabstract(kind)
    ),
    systems.SOURCES,
)


def to_stored(recipe: Recipe) -> StoredRecipe:
    """Return the recipe as a manifest stores it."""
    fields = _fields(recipe)
    fields["tasks"] = tuple(map(_record, recipe.tasks))
    return StoredRecipe(**fields)


def from_stored(stored: StoredRecipe, own: Iterable[System | type[System]] = ()) -> Recipe:
    """Return the recipe, with systems of this package or of the classes of `own`; raises ValueError for any other."""
    kinds = [one if isinstance(one, type) else type(one) for one in own]
    known = Named([*KNOWN.items(), *((class_name(kind), kind) for kind in kinds)], KNOWN.sources)
    fields = _fields(stored)
    fields["tasks"] = tuple(_system(task, known) for task in stored.tasks)
    return Recipe(**fields)


def equation(recipe: Recipe) -> str:
    """The equations of the recipe's systems, each once."""
    return "\n".join(dict.fromkeys(system.equation().strip() for system in recipe.tasks))


def class_name(kind: type[System]) -> str:
    """Name of a system's class, with its module in front unless the class is part of this package."""
    name, module = kind.__name__, kind.__module__
    if name in KNOWN and KNOWN[name] is kind:
        return name
    if file := getattr(sys.modules["__main__"], "__file__", None) if module == "__main__" else None:
        module = module_name(Path(file))  # the same as by `slvm-data generate FILE`
    return f"{module}.{name}"


def own_files_of(recipe: Recipe) -> OwnFiles:
    """The user's own files that define the systems of a recipe, and what these import from beside them."""
    return own_files(base.__module__ for system in recipe.tasks for base in type(system).__mro__)


def stored_classes(stored: StoredRecipe, files: OwnFiles) -> list[type[System]]:
    """Run the texts that a dataset keeps, and return the classes of its systems that are not of this package."""
    found = run_stored(files, [task.system for task in stored.tasks if task.system not in KNOWN])
    if odd := [kind for kind in found if not issubclass(kind, System)]:
        raise ValueError(f"{odd[0].__name__} in the text that the dataset keeps is not a system")
    return found


def _fields(owner: Any) -> dict[str, Any]:
    return {field.name: getattr(owner, field.name) for field in dataclasses.fields(owner)}


def _record(system: System) -> SystemRecord:
    return SystemRecord(class_name(type(system)), {name: to_json(value) for name, value in _fields(system).items()})


def _system(record: SystemRecord, known: Mapping[str, type[System]]) -> System:
    if record.system not in known:
        raise ValueError(
            f"the system {record.system!a} is not part of slvm_data: use the file that defines it "
            "(--recipe, in Python slvm_data.view.dataset.of_folder), or --recipe stored to run the text that the "
            "dataset keeps; read it first with slvm-data info"
        )
    kind = known[record.system]
    names = {field.name for field in dataclasses.fields(kind)}
    if odd := [name for name in record.values if name not in names]:
        raise ValueError(f"{record.system} has no field {odd[0]!a}")
    return kind(**{name: plain_value(value) for name, value in record.values.items()})
