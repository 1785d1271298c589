"""Whether two populations of one system may have a member in common."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from slvm_data.systems.parameters import Uniform
from slvm_data.systems.system import System

Parts = tuple[tuple[float, float], ...]


def check_apart(split: str, populations: Iterable[System], trained: Mapping[int, System], changed: list[str]) -> None:
    """Raise ValueError if a population of a split may have members that a trained one, by its label, has too.

    `changed` are the names of the fields that the split changes.
    """
    different = {system: task for task, system in reversed(list(trained.items()))}
    for population in populations:
        for system, task in different.items():
            common = overlap(population, system, changed)
            if common is not None:
                where = ", ".join(f"{name} = {common[name]}" for name in changed if name in common) or str(system)
                raise ValueError(
                    f"split {split} overlaps train (task {task}) in {where}: choose values apart from it, or say "
                    "overlap=true"
                )


def overlap(one: System, other: System, first: Iterable[str] = ()) -> dict[str, str] | None:
    """Where two populations overlap, as text by the name of a field that both draw from; None if they are apart.

    They are apart if they are of different systems, or if a single field keeps them apart. `first` are the names of
    fields that are looked at first.
    """
    if type(one) is not type(other):
        return None
    found: dict[str, str] = {}
    for name in dict.fromkeys([*first, *(field.name for field in dataclasses.fields(one))]):
        if name == "substep" or not hasattr(one, name):
            continue
        common = _common(getattr(one, name), getattr(other, name))
        if common is None:
            return None
        found[name] = common
    return found


def _common(one: Any, other: Any) -> str | None:
    """What two values of a field have in common, as text; None if that is nothing."""
    components = _components(one), _components(other)
    if None in components or len(components[0]) != len(components[1]):
        return str(one) if one == other else None
    common = [_shared(a, b) for a, b in zip(*components, strict=True)]
    return None if None in common else ", ".join(map(str, common))


def _components(value: Any) -> Any:
    """The parts of the range of each component of a parameter; None for anything but numbers and ranges."""
    each = value if isinstance(value, tuple) else (value,)
    found = [_parts(own) for own in each]
    return None if None in found else found


def _parts(value: Any) -> Parts | None:
    if isinstance(value, Uniform):
        return value.parts()
    return ((value, value),) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _shared(one: Parts, other: Parts) -> str | None:
    """What two components have in common; ranges that only touch have nothing."""
    for a, b in ((a, b) for a in one for b in other):
        low, high = max(a[0], b[0]), min(a[1], b[1])
        if low < high:
            return f"{low:g}..{high:g}"
        if low == high and (a[0] == a[1] or b[0] == b[1]):
            return f"{low:g}"
    return None
