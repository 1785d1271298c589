"""The plan of a dataset: its files, and the units in which these are made, in any order and in any process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any

import numpy as np

from slvm_data.core.progress import Progress
from slvm_data.core.types import Arrays
from slvm_data.recipe.own_file import OwnFiles
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.serialisation import own_files_of
from slvm_data.simulation.batch import LEAST, Batch, Inputs, batch_size, frame_buffer, make, prepare
from slvm_data.simulation.sequences import forms, has_series, series, windows_of
from slvm_data.store import formats
from slvm_data.store.formats import Format
from slvm_data.store.manifest import forms_of

SERIES = "series-"  # prefix of the names of files of uncut trajectories


@dataclass(frozen=True)
class File:
    """A file of arrays (with Zarr, a group) that has one row per sequence, or per uncut trajectory."""

    task: int
    split: str
    path: Path  # relative to the dataset's folder
    series: bool  # whether its rows are uncut trajectories

    def rows(self, recipe: Recipe) -> int:
        """Number of rows."""
        return recipe.trajectories(self.split) if self.series else recipe.count(self.split)


@dataclass(frozen=True)
class Unit:
    """A range of the rows of a file, made and stored as a whole: an .npz, or a shard of a group."""

    file: File
    number: int  # in its file
    first: int
    stop: int

    def __str__(self) -> str:
        return f"{self.file.path} shard {self.number}" if self.file.path.suffix == ".zarr" else str(self.file.path)

    @property
    def sequences(self) -> int:
        """Number of sequences; uncut trajectories are not counted."""
        return 0 if self.file.series else self.stop - self.first


@dataclass(frozen=True)
class Job:
    """Trajectories of the file of a unit, by their consecutive numbers [n]; each is counted by one unit alone."""

    file: File
    numbers: np.ndarray
    counted: bool


def files_of(recipe: Recipe, written: Format) -> list[File]:
    """The files of a dataset in this format, those of sequences first."""
    found = [File(task, split, path, False) for task, split, path in recipe.files(written.ending)]
    if not has_series(recipe):
        return found
    return found + [File(f.task, f.split, f.path.with_name(SERIES + f.path.name), True) for f in found]


class Plan:
    """The units of a recipe in a format, and what they have in common.

    `batch` is the number of trajectories made at a time (None: by their size), which does not change the data.
    `layouts` are those of the same plan, if they are at hand: the program of each task is traced to find them.
    """

    def __init__(
        self,
        recipe: Recipe,
        written: Format,
        batch: int | None = None,
        layouts: dict[File, formats.Layout] | None = None,
    ) -> None:
        self.recipe, self.format, self._layouts = recipe, written, layouts
        self.files = files_of(recipe, written)
        self._recipes = {split: recipe.of_split(split) for split in recipe.split_names()}
        self.batch = batch
        self._sizes = {split: max(LEAST, batch or batch_size(own)) for split, own in self._recipes.items()}
        self.bar: Progress | None = None  # of who makes units in this process
        self._inputs: dict[tuple[int, str], Inputs] = {}
        self._kept: tuple[tuple[int, str], Batch] | None = None
        self._lock = Lock()

    def recipe_of(self, split: str) -> Recipe:
        """The recipe of a split alone."""
        return self._recipes[split]

    def batch_of(self, split: str) -> int:
        """Number of trajectories of a split that are made at a time."""
        return self._sizes[split]

    def buffers(self, units: list[Unit], count: int) -> list[dict[str, np.ndarray]]:
        """Memory for the frames of `count` batches of these units, by split; splits that need the same share it."""
        splits = dict.fromkeys(unit.file.split for unit in units)
        return [self._buffers(splits) for _ in range(count)]

    def _buffers(self, splits: Iterable[str]) -> dict[str, np.ndarray]:
        made: dict[tuple[Any, ...], np.ndarray] = {}
        found = {}
        for split in splits:
            recipe = self.recipe_of(split)
            packed = self.format.packed and recipe.bit_packed() and not recipe.observe  # drawn with 8 pixels per byte
            frames = frame_buffer(recipe, self.batch_of(split), packed)  # takes no memory until it is written to
            found[split] = made.setdefault(frames.shape, frames)
        return found

    @property
    def store(self) -> ModuleType:
        """The module of the format."""
        return formats.module_of(self.format)

    @cached_property
    def own_files(self) -> OwnFiles:
        """The user's own files that define the systems, as they are when the dataset is begun."""
        return own_files_of(self.recipe)

    @cached_property
    def layouts(self) -> dict[File, formats.Layout]:
        """The layout of each file: how it is divided into units."""
        if self._layouts is not None:
            return self._layouts
        recipe, found = self.recipe, {}
        for file in self.files:
            row = forms(self.recipe_of(file.split), file.task, file.split)[file.series]
            every = forms_of(row, file.rows(recipe))
            packed = self.recipe_of(file.split).bit_packed()
            found[file] = self.store.Layout.of(every, packed, one_by_one=file.series)
        return found

    @cached_property
    def units(self) -> list[Unit]:
        """All units of the dataset, in order."""
        every = self.layouts.items()
        return [Unit(file, k, *rows) for file, layout in every for k, rows in enumerate(layout.ranges())]

    def jobs(self, unit: Unit) -> list[Job]:
        """The trajectories that a unit is made from, some at a time."""
        windows, file = self.recipe.windows, unit.file
        if windows is None or file.series:  # trajectories of windows are counted when these are cut
            every = self._split(np.arange(unit.first, unit.stop), file.split)
            return [Job(file, numbers, not file.series) for numbers in every]
        per = len(windows.starts(file.split, self.recipe.steps))
        first, own, stop = unit.first // per, -(-unit.first // per), -(-unit.stop // per)
        others = [Job(file, part, False) for part in self._split(np.arange(first, own), file.split)]  # begun before
        return others + [Job(file, part, True) for part in self._split(np.arange(own, stop), file.split)]

    def _split(self, numbers: np.ndarray, split: str) -> Iterator[np.ndarray]:
        size = self.batch_of(split)
        for start in range(0, len(numbers), size):
            yield numbers[start : start + size]

    def make(self, job: Job, frames: np.ndarray) -> Batch:
        """Make the trajectories of a job; if a split has only one, it is kept for all its windows."""
        key = job.file.task, job.file.split
        recipe = self.recipe_of(job.file.split)
        if not recipe.windows or recipe.trajectories(job.file.split) > 1:
            return make(recipe, *key, self._prepared(key), job.numbers, frames)
        inputs = self._prepared(key)
        with self._lock:
            if self._kept is None or self._kept[0] != key:
                self._kept = key, make(recipe, *key, inputs, job.numbers)
            return self._kept[1]

    def _prepared(self, key: tuple[int, str]) -> Inputs:
        """The numbers that all units of a task and split are made from."""
        with self._lock:
            if key not in self._inputs:
                self._inputs[key] = prepare(self.recipe, *key)
            return self._inputs[key]

    def rows(self, unit: Unit, job: Job, batch: Batch) -> Iterator[Arrays]:
        """Yield the rows of a unit that come from one of its jobs, some at a time."""
        recipe, file = self.recipe_of(unit.file.split), unit.file
        if file.series:
            yield series(recipe, file.split, batch.arrays, job.numbers)
        elif recipe.windows is None:
            yield batch.arrays
        else:
            per, first, last = len(recipe.windows.starts(file.split, recipe.steps)), job.numbers[0], job.numbers[-1]
            within = np.arange(max(unit.first, first * per), min(unit.stop, (last + 1) * per))
            yield from windows_of(recipe, recipe.windows, file.split, batch.arrays, job.numbers, within)
