"""The sequences of a dataset: whole trajectories, or windows cut from them."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from slvm_data.arrays import SERIES, info
from slvm_data.core import text
from slvm_data.core.arguments import checked
from slvm_data.core.types import INDICES, Arrays
from slvm_data.observe.windowing import Windowing
from slvm_data.recipe.recipe import Recipe
from slvm_data.simulation import batch

MEMORY = 2**23  # bytes of windows cut at a time


@checked
def sample(
    recipe: Recipe, split: str = "train", index: slice | int | Sequence[int] | np.ndarray = slice(0, 8), task: int = 0
) -> Arrays:
    """Make sequences of a dataset in memory: the arrays of its files, for these indices of one split and task.

    `index` is a slice, a list, range or array of numbers, or a single number, which gives arrays without the first
    axis. A negative number counts from the end of the split. A number may also be beyond the split's size: sequence i
    does not depend on the number of sequences. Raises ValueError for what is no recipe, an unknown split or task, or an
    index that names no sequence.
    """
    count = recipe.count(split)
    if not 0 <= task < len(recipe.tasks):
        raise ValueError(f"task = {task} does not exist; {recipe.name} has {len(recipe.tasks)}")
    if task not in recipe.tasks_of(split):
        there = text.numbers(recipe.tasks_of(split))
        raise ValueError(f"task = {task} has no sequences in {split}, whose tasks are {there}")
    chosen = _chosen(index, count)
    if chosen.ndim > 1 or not chosen.size or chosen.min() < 0 or chosen.max() >= INDICES:
        raise ValueError(
            f"index = {str(index)[:80]} names no sequence: give a whole number from {-count} to 2^32 - 1, or a slice "
            "or list of such numbers"
        )
    arrays = collect(recipe, task, split, np.atleast_1d(chosen))
    return arrays if chosen.ndim else {name: array[0] for name, array in arrays.items()}


def _chosen(index: Any, count: int) -> np.ndarray:
    """The numbers [n], or the number [], that an index means; empty if it means none."""
    try:
        found = np.array(_in_slice(index, count)) if isinstance(index, slice) else np.asarray(index)
    except (TypeError, ValueError):  # such as words, or lists of different lengths
        return np.arange(0)
    if found.dtype.kind not in "iu":
        return np.arange(0)
    return np.where(found < 0, found + count, found)


def _in_slice(index: slice, count: int) -> range:
    """The numbers of a slice; unlike those of a list, they may be beyond the end."""
    step = 1 if index.step is None else operator.index(index.step)
    first, beyond = (0, count) if step > 0 else (count - 1, -1)
    ends = ((index.start, first), (index.stop, beyond))
    start, stop = (default if end is None else _from_start(operator.index(end), count) for end, default in ends)
    return range(start, stop, step)


def _from_start(number: int, count: int) -> int:
    """A number of a slice, which is counted from the end if it is negative."""
    return max(number + count * (number < 0), 0)


def collect(recipe: Recipe, task: int, split: str, index: np.ndarray) -> Arrays:
    """Make any number of sequences [n] of a split and return their arrays; also beyond its size, if windows remain."""
    if recipe.windows is None:
        return batch.collect(recipe, task, split, index)
    trajectory, _ = recipe.windows.places(split, recipe.steps, index)
    numbers = np.unique(trajectory)
    return _cut(recipe, recipe.windows, split, batch.collect(recipe, task, split, numbers), numbers, index)


def forms(recipe: Recipe, task: int, split: str) -> tuple[Arrays, Arrays]:
    """Zeros of the type and shape of a sequence [1 …], and of an uncut trajectory [1 …] if these are kept."""
    recipe = recipe.of_split(split)
    first = np.arange(1)
    arrays = batch.blank(recipe, task, split, first)
    if recipe.windows is None:
        return arrays, {}
    uncut = series(recipe, split, arrays, first) if recipe.windows.series else {}
    return _cut(recipe, recipe.windows, split, arrays, first, first), uncut


def windows_of(
    recipe: Recipe, windows: Windowing, split: str, arrays: Arrays, numbers: np.ndarray, index: np.ndarray
) -> Iterator[Arrays]:
    """Yield these windows [n], in increasing order, in chunks, from the trajectories with these numbers [N]."""
    size = max(1, MEMORY // _window_size(windows, arrays))
    for start in range(0, len(index), size):
        yield _cut(recipe, windows, split, arrays, numbers, index[start : start + size])


def series(recipe: Recipe, split: str, arrays: Arrays, numbers: np.ndarray) -> Arrays:
    """The stored arrays of the uncut trajectories [N] with these numbers [N]."""
    assert recipe.windows
    number = recipe.windows.number(split, numbers)
    driven = [name for name in arrays if name == "control" or name.startswith("drift_")]
    return {name: number if name == "path" else arrays[name] for name in (*SERIES, *driven)}


def has_series(recipe: Recipe) -> bool:
    """Whether uncut trajectories are kept."""
    return bool(recipe.windows and recipe.windows.series)


def first_series(recipe: Recipe, task: int, split: str) -> Arrays:
    """The stored arrays of the first uncut trajectory [1 …]; empty if uncut trajectories are not kept."""
    if not has_series(recipe):
        return {}
    return series(recipe, split, batch.collect(recipe, task, split, np.arange(1)), np.arange(1))


def _cut(
    recipe: Recipe, windows: Windowing, split: str, arrays: Arrays, numbers: np.ndarray, index: np.ndarray
) -> Arrays:
    """Cut these windows [n] from the trajectories with these numbers [N], in increasing order."""
    trajectory, start = windows.places(split, recipe.steps, index)
    row, first = np.searchsorted(numbers, trajectory), windows.part(split, recipe.steps).start
    found = windows.cut(arrays, row, start - first)
    found |= {name: array[row] for name, array in arrays.items() if not info(name).per_frame}
    if not recipe.time:  # then they follow from those of the window
        found.pop("domain_time", None)
    time = found.pop("time")  # the order of arrays is part of the data
    return found | {"path": windows.number(split, trajectory), "time": time}


def _window_size(windows: Windowing, arrays: Arrays) -> int:
    """Bytes of a window, about."""
    frame = sum(array[0, :1].nbytes for name, array in arrays.items() if info(name).per_frame)
    return (1 + windows.contexts) * windows.length * frame
