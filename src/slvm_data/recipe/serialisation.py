"""A recipe as plain JSON values, and back."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from slvm_data import systems
from slvm_data.observe.view import View
from slvm_data.observe.windowing import Windows
from slvm_data.recipe.own_file import module_name
from slvm_data.recipe.recipe import Recipe
from slvm_data.systems.parameters import Uniform, uniform
from slvm_data.systems.system import System

KNOWN: dict[str, type[System]] = {
    name: kind
    for name, kind in vars(systems).items()
    if isinstance(kind, type) and issubclass(kind, System) and not inspect.isabstract(kind)
}


def as_json(recipe: Recipe) -> dict[str, Any]:
    """The recipe in full."""
    values = {field.name: getattr(recipe, field.name) for field in dataclasses.fields(recipe)}
    values["tasks"] = [{"system": kind(s), **_fields(s)} for s in recipe.tasks]
    values["view"] = _each(dataclasses.asdict, recipe.view)
    values["windows"] = recipe.windows and _fields(recipe.windows)
    return {name: _value(value) for name, value in values.items()}


def from_json(values: Mapping[str, Any], own: Iterable[System] = ()) -> Recipe:
    """The recipe, of systems of this package or of the classes of `own`; raises ValueError for one of neither."""
    known = KNOWN | {kind(system): type(system) for system in own}
    ours: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    ours["tasks"] = tuple(_system(task, known) for task in values["tasks"])
    ours["view"] = _each(lambda view: View(**view), ours["view"])
    if windows := values.get("windows"):
        ours["windows"] = Windows(**windows)
    return Recipe(**ours)


def _each(change: Callable[[Any], Any], value: Any) -> Any:
    return tuple(map(change, value)) if isinstance(value, tuple) else change(value)


def kind(system: System) -> str:
    """The name of a system's class, with its module unless it is one of ours."""
    name, module = type(system).__name__, type(system).__module__
    if KNOWN.get(name) is type(system):
        return name
    if file := getattr(sys.modules["__main__"], "__file__", None) if module == "__main__" else None:
        module = module_name(Path(file))  # the same as by `slvm-data generate FILE`
    return f"{module}.{name}"


def _fields(owner: System | Windows) -> dict[str, Any]:
    return {field.name: _value(getattr(owner, field.name)) for field in dataclasses.fields(owner)}


def _value(value: Any) -> Any:
    if isinstance(value, Uniform):
        return {"low": value.low, "high": value.high}
    if isinstance(value, np.generic):
        return value.item()
    return [_value(v) for v in value] if isinstance(value, tuple) else value


def _system(values: Mapping[str, Any], known: Mapping[str, type[System]]) -> System:
    fields = {name: _constant(value) for name, value in values.items()}
    name = fields.pop("system")
    if name not in known:
        raise ValueError(
            f"the system {name} is not part of slvm_data: use the file that defines it "
            "(--recipe, in Python slvm_data.view.dataset.of_folder)"
        )
    return known[name](**fields)


def _constant(value: Any) -> Any:
    if isinstance(value, dict):
        return uniform(value["low"], value["high"])
    return tuple(_constant(v) for v in value) if isinstance(value, list) else value
