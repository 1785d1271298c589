"""The sequences that a page or a picture shows: read from a folder as far as needed, or made from a recipe.

A `Dataset` with a folder reads its files; one without makes the sequences of its recipe in memory.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slvm_data.arrays import DRIFT, EVENTS, PARAMETER, of_event
from slvm_data.core.arguments import checked
from slvm_data.core.errors import DamageError, damage_named
from slvm_data.core.files import at_home, identity
from slvm_data.core.types import Arrays
from slvm_data.datasets import RECIPES, standing, suggestion
from slvm_data.observe.modifiers import CLEAN
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.serialisation import from_stored
from slvm_data.simulation.member import drift_of, energies, impacts
from slvm_data.simulation.sequences import collect
from slvm_data.store import formats, manifest
from slvm_data.store.manifest import FileEntry, Form, Manifest
from slvm_data.store.npz_rows import Rows
from slvm_data.systems.system import System

if TYPE_CHECKING:  # it is shown beside a dataset
    from slvm_data.view.forecasts import Forecasts

LARGE = 2**30  # bytes of a file from which on it is said that its checksum is computed
SEARCHED, SEARCHED_IF_MADE = 20_000, 2_000  # sequences of each task and split, by parameter
CONTEXT_TIMES, CONTEXT_MASK = "domain_time", "domain_mask"  # of the frames of context windows
STEP = 256  # sequences made at a time for their parameters

Identity = tuple[int, int, int]
"""Of a file, as `files.identity` gives it."""


@dataclass(frozen=True)
class Dataset:
    """The sequences of a dataset, by task, split and index, wherever they come from."""

    recipe: Recipe
    folder: Path | None = None
    content: Manifest | None = None  # of the folder
    known: tuple[str, Recipe] | None = None  # name or file of a recipe on the command line, and the recipe
    written: Identity | None = None  # of the manifest; None if nothing is compared with it
    forecasts: Forecasts | None = field(default=None, compare=False, repr=False)  # that are shown beside it
    _open: dict[str, tuple[Identity, Rows]] = field(default_factory=dict, compare=False, repr=False)  # .npz, by name

    def count(self, task: int, split: str) -> int:
        """Number of sequences of a task in a split; raises ValueError if either does not exist."""
        self.recipe.count(split)
        if not 0 <= task < len(self.recipe.tasks):
            raise ValueError(f"task = {task} does not exist; {self.recipe.name} has {len(self.recipe.tasks)}")
        if self.content is None:
            return self.recipe.count(split) if task in self.recipe.tasks_of(split) else 0
        return next((entry.rows for _, entry in self._file(self.content, task, split)), 0)

    def of_split(self, split: str) -> Dataset:
        """The dataset with the recipe of one split alone."""
        return replace(self, recipe=self.recipe.of_split(split))

    def check_current(self, again: str = "run the command again") -> None:
        """Raise ValueError if the folder was written again since it was opened, so that old and new parts would mix.

        `again` is what the user is told to do.
        """
        if self.folder is None or self.written is None:
            return
        try:
            now = identity(self.folder / manifest.NAME)
        except FileNotFoundError:
            raise ValueError(f"{self.folder} is gone, or is just being written anew: {again}") from None
        if now != self.written:
            raise ValueError(f"{self.folder} was written anew: {again}")

    def rows(self, task: int, split: str, index: Iterable[int]) -> Arrays:
        """The arrays of these sequences [n …], as files have them (docs/format.md), in this order.

        Frames are uint8, one byte per pixel. `energy` [n T] and the impacts of balls, `event_*` [n E …], are computed
        from parameters and states if they are not stored. Raises ValueError for a sequence that does
        not exist, DamageError for a damaged file.
        """
        arrays = self._read(task, split, list(index))
        if "time" not in arrays:  # as in files written with --original
            arrays["time"] = np.tile(self.recipe.times(task), (len(arrays["label"]), 1))
        return arrays | _computed(self.recipe.of_split(split), task, arrays)

    def parameters(self, task: int, split: str, most: int | None = None) -> Arrays:
        """The drawn parameters by name, [n …] each, of the first sequences: `most`, or as many as `searched` says."""
        count, step = min(most or self.searched, self.count(task, split)), SEARCHED if self.content else STEP
        names = [PARAMETER + name for name in self.recipe.tasks[task].parameters()]
        parts = []
        for start in range(0, count, step):
            index = np.arange(start, min(start + step, count))
            found = self._stored(task, split, index, names) if self.content else self._made(task, split, index)
            parts.append({name.removeprefix(PARAMETER): found[name] for name in names if name in found})
        return {name: np.concatenate([part[name] for part in parts]) for name in (parts[0] if parts else ())}

    @property
    def searched(self) -> int:
        """Number of sequences of each task and split that are searched by parameter: fewer if they have to be made."""
        return SEARCHED if self.content else SEARCHED_IF_MADE

    def context_times(self, task: int, row: Arrays) -> np.ndarray:
        """Times [K T] in seconds of the frames of the context windows of one query, from its arrays."""
        if CONTEXT_TIMES in row:  # of frames that are not evenly spaced
            return row[CONTEXT_TIMES]
        windows = self.recipe.windows
        assert windows
        frames = windows.first_frames()[:, None] + np.arange(windows.length)
        return row["time"][0] + frames * self.recipe.dt_of(task)

    def upright(self, task: int, frames: np.ndarray) -> np.ndarray:
        """Frames [… H W] as shown on screen: flipped if y points up, as in most systems, since row 0 is y_min."""
        return frames if self.recipe.tasks[task].y_down else np.flip(frames, axis=-2)

    def _read(self, task: int, split: str, index: list[int]) -> Arrays:
        count = self.count(task, split)
        if odd := [i for i in index if not 0 <= i < count]:
            raise ValueError(f"index = {odd[0]} does not exist: {split} of task {task} has {count} sequences")
        rows, place = np.unique(np.array(list(map(operator.index, index)), int), return_inverse=True)
        found = self._stored(task, split, rows) if self.content else self._made(task, split, rows)
        return {name: array[place] for name, array in found.items()}

    def _made(self, task: int, split: str, rows: np.ndarray) -> Arrays:
        """Sequences of the recipe; their observations without modifiers too, which cost nothing here."""
        recipe = self.recipe.of_split(split)
        extra = (CLEAN,) if recipe.observe and CLEAN not in recipe.record else ()
        return collect(replace(recipe, record=(*recipe.record, *extra)), task, split, rows)

    def _file(self, content: Manifest, task: int, split: str) -> list[tuple[str, FileEntry]]:
        """Name and entry of the file of a task in a split, if there is one."""
        return [(name, entry) for name, entry in content.files.items() if (entry.task, entry.split) == (task, split)]

    def _stored(self, task: int, split: str, rows: np.ndarray, names: Collection[str] | None = None) -> Arrays:
        """Rows of files, all of the dataset that was opened: it may be replaced at any time."""
        self.check_current()
        try:
            found = self._from_file(task, split, rows, names)
        except DamageError:
            self.check_current()  # then nothing is damaged
            raise
        self.check_current()
        return found

    def _from_file(self, task: int, split: str, rows: np.ndarray, names: Collection[str] | None) -> Arrays:
        assert self.folder
        assert self.content
        (name, entry), *_ = self._file(self.content, task, split)
        path = self.folder / name
        wanted = [n for n in entry.arrays if names is None or n in names]
        if path.suffix == ".npz":
            return self._intact(name, path, entry).read(rows, wanted)
        found = formats.store_of(path).read(path, rows, wanted, entry)
        for n in wanted:
            _check(path, n, Form.of(found[n], entry.arrays[n].shape[0]) if n in found else None, entry.arrays[n])
        return found

    def _intact(self, name: str, path: Path, entry: FileEntry) -> Rows:
        """An .npz whose bytes are those that were written: compared before its first row, and again if it changed.

        Its own checksums are of whole arrays, so that single rows cannot be compared with them.
        """
        with damage_named(path):
            now = identity(path)
        if not path.is_file():
            raise DamageError(f"{path} is not a file that can be read", path)
        if name not in self._open or self._open[name][0] != now:
            opened = Rows(path)
            for n, promised in entry.arrays.items():
                _check(path, n, opened.forms.get(n), promised)
            if entry.bytes > LARGE:
                print(f"comparing {path} ({entry.bytes / 1e9:.1f} GB) with its checksum, once", file=sys.stderr)
            if fault := formats.store_of(path).fault(path, entry):
                raise DamageError(fault, path)
            self._open[name] = now, opened
        return self._open[name][1]


def of_folder(
    folder: Path, own: Iterable[System | type[System]] = (), known: tuple[str, Recipe] | None = None
) -> Dataset:
    """Open the dataset in a folder, whose systems are of this package or of the classes of `own`.

    Raises DamageError if the manifest is missing or damaged, ValueError if a class is unknown.
    """
    now = identity(folder / manifest.NAME) if (folder / manifest.NAME).is_file() else None
    content = manifest.read(folder)
    return Dataset(from_stored(content.recipe, own), folder, content, known, now)


@checked
def of_recipe(recipe: Recipe, known: tuple[str, Recipe] | None = None) -> Dataset:
    """Return the dataset of a recipe, whose sequences are made in memory when they are asked for."""
    return Dataset(recipe, known=known)


def opened(dataset: Path | str | Recipe | Dataset) -> Dataset:
    """A dataset that is given as it is, by its recipe, its folder, or its name; a folder that stands is preferred.

    Raises ValueError if there is none, DamageError for a folder without a manifest that can be read.
    """
    if isinstance(dataset, Dataset):
        return dataset
    if not isinstance(dataset, str | Path):
        return of_recipe(dataset)
    word = str(at_home(dataset))
    if folder := standing(word):
        return of_folder(folder)
    if word in RECIPES:
        return of_recipe(RECIPES[word])
    raise ValueError(f"there is no dataset and no folder {word!r}; {suggestion(word)}")


def _check(path: Path, name: str, found: Form | None, promised: Form) -> None:
    """Raise DamageError unless an array is of the type and shape that the manifest promised."""
    if found is None:
        raise DamageError(f"{path} is damaged, at {name}: it is missing", path)
    if (found.dtype, found.row) != (promised.dtype, promised.row):
        there, expected = (f"{form.dtype} {list(form.row)}" for form in (found, promised))
        raise DamageError(f"{path} is damaged, at {name}: it is {there} per row, not {expected}", path)
    if found != promised:
        raise DamageError(f"{path} is damaged, at {name}: it has {found.shape[0]} rows, not {promised.shape[0]}", path)


def _computed(recipe: Recipe, task: int, arrays: Arrays) -> Arrays:
    """Arrays that are not stored, but follow from the parameters and the states [n T D] of these sequences."""
    system, found = recipe.reach(task), {}
    if "queries" in arrays or not all(PARAMETER + name in arrays for name in system.parameters()):
        return found
    rows = [{name: array[i] for name, array in arrays.items()} for i in range(len(arrays["label"]))]
    members = [{name: row[PARAMETER + name] for name in system.parameters()} for row in rows]
    if "energy" not in arrays and hasattr(system, "energy"):
        moving = [{one.of: row[DRIFT + one.of] for one in recipe.drift} for row in rows]
        each = zip(members, rows, moving, strict=True)
        found["energy"] = np.array([energies(system, m, row["state"], own) for m, row, own in each])
    if "event_time" not in arrays and "events" in system.recordable() and members:
        each = [_impacts(recipe, system, m, row) for m, row in zip(members, rows, strict=True)]
        names = {name: of_event(name) for name in EVENTS}
        found |= {name: np.array([one[own] for one in each]) for name, own in names.items() if own in system.events}
    return found


def _impacts(recipe: Recipe, system: System, member: Arrays, row: Arrays) -> Arrays:
    """Impacts of a stored sequence, under its control and drifts."""
    acting: dict[str, Any] = {"control": row.get("control"), "drift": drift_of(recipe.drift, row)}
    return impacts(system, member, row["state"][0], row["time"], **acting)
