"""The sequences of a dataset: whole films, or windows cut from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from slvm_data.core.types import Arrays
from slvm_data.observe.windowing import PER_FRAME, Windows
from slvm_data.recipe.recipe import Recipe
from slvm_data.simulation import batch as batches
from slvm_data.store.npz import SERIES

ROOM = 2**23  # bytes of windows cut at a time


def collect(recipe: Recipe, task: int, split: str, index: np.ndarray) -> Arrays:
    """The arrays of these sequences [n], however many; also beyond the size of the split, if there is more to cut."""
    if recipe.windows is None:
        return batches.collect(recipe, task, split, index) | once(recipe, task, split)
    path, _ = recipe.windows.places(split, recipe.steps, index)
    films = batches.collect(recipe, task, split, np.unique(path))
    return _cut(recipe, recipe.windows, task, split, films, np.unique(path), index)


def once(recipe: Recipe, task: int, split: str) -> Arrays:
    """The arrays that all sequences of a split have in common: instants, except in an original, which has none."""
    if recipe.original:
        return {}
    if recipe.windows is None:
        return {"time": recipe.time(task)}
    part = recipe.windows.part(split, recipe.steps)
    return {"series_time": recipe.time(task)[part]} if recipe.windows.series else {}


def from_films(recipe: Recipe, task: int, split: str, films: Iterable[Arrays]) -> Iterator[Arrays]:
    """The arrays of all sequences of a split, some at a time, from those of its films, in order."""
    if recipe.windows is None:
        yield from films
        return
    per, done = len(recipe.windows.starts(split, recipe.steps)), 0
    for film in films:
        paths = np.arange(done, done + len(film["label"]))
        done += len(paths)
        index = np.arange(paths[0] * per, min(done * per, recipe.count(split)))
        yield from from_paths(recipe, recipe.windows, task, split, film, paths, index)
        if recipe.windows.series:
            yield {name: film[name] for name in SERIES}


def from_paths(
    recipe: Recipe, windows: Windows, task: int, split: str, films: Arrays, paths: np.ndarray, index: np.ndarray
) -> Iterator[Arrays]:
    """The windows with these indices [n], in increasing order, some at a time, from the films of these paths [P]."""
    size = max(1, ROOM // _bytes(windows, films))
    for start in range(0, len(index), size):
        yield _cut(recipe, windows, task, split, films, paths, index[start : start + size])


def first_series(recipe: Recipe, task: int, split: str) -> Arrays:
    """Of the uncut paths, where they are kept, the first [1 T …]."""
    if not (recipe.windows and recipe.windows.series):
        return {}
    films = batches.collect(recipe, task, split, np.arange(1))
    return {name: films[name] for name in SERIES}


def _cut(
    recipe: Recipe, windows: Windows, task: int, split: str, films: Arrays, paths: np.ndarray, index: np.ndarray
) -> Arrays:
    """The windows with these indices [n] from the films of these paths [P], in increasing order."""
    path, start = windows.places(split, recipe.steps, index)
    row, first = np.searchsorted(paths, path), windows.part(split, recipe.steps).start
    found = windows.cut(films, row, start - first)
    found |= {name: array[row] for name, array in films.items() if name not in PER_FRAME}
    frame = start[:, None] + np.arange(windows.length)
    return found | {"path": windows.number(split, path), "time": frame * recipe.dt_of(task)}


def _bytes(windows: Windows, films: Arrays) -> int:
    """Size of a window, about."""
    frame = sum(array[0, :1].nbytes for name, array in films.items() if name in PER_FRAME)
    return (1 + windows.contexts) * windows.length * frame
