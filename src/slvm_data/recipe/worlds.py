"""Recipes whose tasks are a grid of parameters, with further tasks off the grid to adapt to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise, product
from typing import Any

from slvm_data.core.arguments import checked
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split
from slvm_data.systems.system import System

Axes = Mapping[str, Sequence[Any]]
"""Values of parameters by name: the axes of a grid."""

ADAPT = "adapt"  # name of the split of tasks off the grid
WHERE = ("inside", "outside", "both")


@checked
def worlds(
    recipe: Recipe,
    axes: Axes | None = None,
    *,
    adapt: Axes | str | None = None,
    support: int = 1,
    count: int = 32,
    paired: bool = False,
    **values: Sequence[Any],
) -> Recipe:
    """Return a recipe with a task for each combination of these values: `worlds(recipe, g=[2, 3], l=[1.0, 1.5])`.

    Tasks are in the order of the product, the last parameter fastest. `adapt` are values of further tasks, which make
    the split "adapt" and no other: a grid of their own, such as {"g": [2.5]}, or "inside" for the midpoints between
    neighbours, "outside" for a step beyond the lowest and the highest value, or "both" for these two together. That
    split has `count` sequences of each task, of which the first `support` are there to adapt a model. With `paired`,
    sequence i has the same draws in every task. All tasks are shown by one camera, wide enough for all.

    Source: the protocol of CoDA (Kirchmeyer et al. 2022).

    Raises ValueError for values that make no grid, or a task off the grid that lies on it.
    """
    grid = {name: list(own) for name, own in {**(axes or {}), **values}.items()}
    _check(grid, recipe.tasks[0])
    tasks = _product(recipe.tasks[0], grid)
    if adapt is None:
        return _with_tasks(recipe, tasks, (), paired)
    off = [task for own in _off(grid, adapt) for task in _product(recipe.tasks[0], own)]
    off = list(dict.fromkeys(off))
    labels = tuple(range(len(tasks), len(tasks) + len(off)))
    split = Split(count=count, tasks=labels, support=support)
    made = _with_tasks(recipe, [*tasks, *off], labels, paired)
    return replace(made, splits={**made.splits, ADAPT: split})


@checked
def corner(
    recipe: Recipe, names: Iterable[str] | None = None, *, count: int = 1000, share: int = 1, name: str = "corner"
) -> Recipe:
    """Return a recipe of a grid whose corner is a split: combinations of parameters that are never trained together.

    In the split are the tasks in which every one of the parameters `names` (None: all in which tasks differ) has one of
    its `share` highest values. Train has each of these values, but only with other values of the others. Raises
    ValueError if tasks differ in fewer than two of these parameters, or if nothing is left to train on.
    """
    every = {key: sorted({getattr(task, key) for task in recipe.tasks}) for key in names or _differing(recipe.tasks)}
    if len(every) < 2 or min(map(len, every.values())) <= share:
        raise ValueError(f"{recipe.name}: a corner needs at least two parameters with more than {share} values each")
    high = {key: own[-share:] for key, own in every.items()}
    labels = tuple(i for i, task in enumerate(recipe.tasks) if all(getattr(task, key) in high[key] for key in high))
    split = Split(count=count, tasks=labels)
    return replace(recipe, held_out=(*recipe.held_out, *labels), splits={**recipe.splits, name: split})


def _differing(tasks: Sequence[System]) -> list[str]:
    return [name for name in tasks[0].parameters() if len({getattr(task, name) for task in tasks}) > 1]


def _check(grid: Mapping[str, Sequence[Any]], system: System) -> None:
    if not grid:
        raise ValueError("worlds need values of at least one parameter, such as g=[2, 3]")
    for name, values in grid.items():
        if name not in system.parameters():
            has = ", ".join(system.parameters())
            raise ValueError(f"{type(system).__name__} has no parameter {name!r}; it has {has}")
        if not values or len(set(values)) < len(values):
            raise ValueError(f"{name} = {values} has to be at least one value, and each once")


def _product(system: System, grid: Mapping[str, Sequence[Any]]) -> list[System]:
    return [replace(system, **dict(zip(grid, values, strict=True))) for values in product(*grid.values())]


def _off(grid: dict[str, list[Any]], adapt: Axes | str) -> list[Axes]:
    """Grids of the tasks to adapt to."""
    if not isinstance(adapt, str):
        return [{**{name: values[:1] for name, values in grid.items() if name not in adapt}, **adapt}]
    if adapt not in WHERE:
        raise ValueError(f"adapt = {adapt!r} has to be a dict of values, or one of {', '.join(WHERE)}")
    if any(len(values) < 2 for values in grid.values()):
        raise ValueError(f"adapt = {adapt!r} needs at least two values of each parameter: give values off the grid")
    kinds = WHERE[:2] if adapt == "both" else (adapt,)
    return [{name: _beside(sorted(values), kind) for name, values in grid.items()} for kind in kinds]


def _beside(values: list[float], kind: str) -> list[float]:
    """Midpoints between neighbours, or a step beyond both ends."""
    if kind == "inside":
        return [(a + b) / 2 for a, b in pairwise(values)]
    return [2 * values[0] - values[1], 2 * values[-1] - values[-2]]


def _with_tasks(recipe: Recipe, tasks: Sequence[System], held_out: tuple[int, ...], paired: bool) -> Recipe:
    """The recipe with these tasks, all seen by one camera."""
    view = recipe.view_of(0)
    if recipe.has_frames() and view.extent is None:
        view = replace(view, extent=max(float(task.extent()) for task in tasks))
    fields = {"dt": recipe.dt_of(0), "view": view, "held_out": held_out, "paired": paired or recipe.paired}
    return replace(recipe, tasks=tuple(tasks), splits={}, **fields)
