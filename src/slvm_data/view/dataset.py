"""Films to be shown: those of a dataset's folder, of which no more is read than is asked for, or those of a recipe."""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from slvm_data.core.errors import DamageError
from slvm_data.core.types import Arrays
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.serialisation import from_json
from slvm_data.simulation.member import energies, strikes
from slvm_data.simulation.sequences import collect
from slvm_data.store import formats, manifest
from slvm_data.store.npz import stands_once
from slvm_data.store.npz_rows import Rows
from slvm_data.systems.ball_box import BallBox
from slvm_data.systems.system import System

SEARCHED, SEARCHED_IF_MADE = 20_000, 2_000  # sequences of each task and split whose constants are looked through
STEP = 256  # films made at a time for their constants


@dataclass(frozen=True)
class Films:
    """The sequences of a dataset, by task, split and index, wherever they come from.

    With a `folder` they are read from there, where a manifest has this `content`; without, they are made in memory.
    """

    recipe: Recipe
    folder: Path | None = None
    content: dict[str, Any] | None = None
    known: tuple[str, Recipe] | None = None  # what the command line calls the recipe, and which it takes that for
    written: int = 0  # when the manifest was [ns]
    _open: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)  # what has been opened, by its name

    def count(self, task: int, split: str) -> int:
        """Number of sequences of a task in a split; raises ValueError for one that there is not."""
        self.recipe.count(split)
        if not 0 <= task < len(self.recipe.tasks):
            raise ValueError(f"task = {task} does not exist; {self.recipe.name} has {len(self.recipe.tasks)}")
        if self.content is None:
            return self.recipe.count(split)
        return next((entry["arrays"]["label"]["shape"][0] for _, entry in self._file(task, split)), 0)

    def check_current(self) -> None:
        """Raise ValueError where the folder holds another dataset by now: what was read of the old one is no use."""
        if self.folder and _written(self.folder) != self.written:
            raise ValueError(f"{self.folder} was written anew: start slvm-data view again")

    def rows(self, task: int, split: str, index: Iterable[int]) -> Arrays:
        """The arrays of these sequences [n …], as files have them (docs/format.md), in this order.

        Frames are uint8, a pixel each, row 0 the least y. `time` is [n T]. Where it is not stored, but follows from
        constants and states, `energy` [n T] is computed, and the impacts of balls, `event_*` [n K …]. Raises
        ValueError for a sequence that there is not, DamageError for a damaged file.
        """
        arrays = self._read(task, split, list(index))
        if arrays["time"].ndim == 1:
            arrays["time"] = np.tile(arrays["time"], (len(arrays["label"]), 1))
        return arrays | _computed(self.recipe.tasks[task], arrays)

    def constants(self, task: int, split: str) -> Arrays:
        """Of the first sequences, as many as are `searched`, the drawn constants by name, [n …] each."""
        count, step = min(self.searched, self.count(task, split)), SEARCHED if self.content else STEP
        names = [f"param_{name}" for name in self.recipe.tasks[task].domains()]
        parts = []
        for start in range(0, count, step):
            index = np.arange(start, min(start + step, count))
            found = self._stored(task, split, index, names) if self.content else self._made(task, split, index)
            parts.append({name.removeprefix("param_"): found[name] for name in names if name in found})
        return {name: np.concatenate([part[name] for part in parts]) for name in (parts[0] if parts else ())}

    @property
    def searched(self) -> int:
        """How many sequences of each task and split are looked through for their constants: fewer if made for it."""
        return SEARCHED if self.content else SEARCHED_IF_MADE

    def upright(self, task: int, frames: np.ndarray) -> np.ndarray:
        """Frames […, H W] with what is up on top: the y of balls points down, that of all others up."""
        return frames if isinstance(self.recipe.tasks[task], BallBox) else np.flip(frames, axis=-2)

    def _read(self, task: int, split: str, index: list[int]) -> Arrays:
        count = self.count(task, split)
        if odd := [i for i in index if not 0 <= i < count]:
            raise ValueError(f"index = {odd[0]} does not exist: {split} of task {task} has {count} sequences")
        rows, place = np.unique(np.array(list(map(operator.index, index)), int), return_inverse=True)
        found = self._stored(task, split, rows) if self.content else self._made(task, split, rows)
        time = found.pop("time", self.recipe.time(task))  # an original has none
        each = {name: array[place] for name, array in found.items()}
        return each | {"time": time[place] if time.ndim > 1 else time}

    def _made(self, task: int, split: str, rows: np.ndarray) -> Arrays:
        return collect(self.recipe, task, split, rows)

    def _file(self, task: int, split: str) -> list[tuple[str, dict[str, Any]]]:
        """Name and entry of the file of a task in a split, if there is one."""
        assert self.content
        stems = [path.with_suffix("") for t, s, path in self.recipe.files() if (t, s) == (task, split)]
        return [(name, entry) for name, entry in self.content["files"].items() if Path(name).with_suffix("") in stems]

    def _stored(self, task: int, split: str, rows: np.ndarray, names: Collection[str] | None = None) -> Arrays:
        assert self.folder
        (name, entry), *_ = self._file(task, split)
        path, arrays = self.folder / name, entry["arrays"]
        series = [n for n in arrays if n != "time" and stands_once(n, arrays[n]["shape"], arrays)]
        wanted = [n for n in arrays if n not in series and (names is None or n in names)]
        if path.suffix == ".npz":
            if name not in self._open:
                self._open[name] = Rows(path)
            found = self._open[name].read(rows, wanted)
        else:
            found = formats.of(path).read(path, rows, wanted)
        for n in wanted:
            _check(path, n, found.get(n), arrays[n])
        return found


def of_folder(folder: Path, own: Iterable[System] = (), known: tuple[str, Recipe] | None = None) -> Films:
    """The films of a dataset's folder, whose systems are of this package or of the classes of `own`.

    Raises DamageError where the manifest is missing or damaged, ValueError where a class is unknown.
    """
    content = manifest.read(folder)
    return Films(from_json(content["recipe"], own), folder, content, known, _written(folder))


def of_recipe(recipe: Recipe, known: tuple[str, Recipe] | None = None) -> Films:
    """The films of a recipe, made in memory when they are asked for."""
    return Films(recipe, known=known)


def _written(folder: Path) -> int:
    return (folder / manifest.NAME).stat().st_mtime_ns


def _check(path: Path, name: str, rows: np.ndarray | None, promised: dict[str, Any]) -> None:
    """Raise DamageError unless these rows are of the type and shape that the manifest promised."""
    if rows is None or [str(rows.dtype), *rows.shape[1:]] != [promised["dtype"], *promised["shape"][1:]]:
        there = "missing" if rows is None else f"{rows.dtype} {list(rows.shape[1:])} a row"
        raise DamageError(f"{path} is damaged, at {name}: it is {there}, not {promised['dtype']} {promised['shape']}")


def _computed(system: System, arrays: Arrays) -> Arrays:
    """What follows from the constants and states of films [n T D], and is not among the arrays."""
    if "queries" in arrays or not all(f"param_{name}" in arrays for name in system.domains()):
        return {}
    members = [{name: arrays[f"param_{name}"][i] for name in system.domains()} for i in range(len(arrays["label"]))]
    states, found = arrays["state"], {}
    if "energy" not in arrays and hasattr(system, "energy"):
        found["energy"] = np.array([energies(system, m, x) for m, x in zip(members, states, strict=True)])
    if "event_time" not in arrays and isinstance(system, BallBox) and system.motion == "exact":
        each = [strikes(system, m, x[0], t) for m, x, t in zip(members, states, arrays["time"], strict=True)]
        found |= {f"event_{name}": np.array([one[name] for one in each]) for name in each[0]} if each else {}
    return found
