"""What a dataset is: which populations, how long, how many, from which seed, and how they are seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from slvm_data.core.keys import INDICES, SEEDS
from slvm_data.core.names import check_name
from slvm_data.core.types import SPLITS
from slvm_data.observe.render.style import Look, look_of
from slvm_data.observe.view import View
from slvm_data.observe.windowing import Windows
from slvm_data.store import manifest
from slvm_data.systems.switching import Switching
from slvm_data.systems.system import System

STEPS = 10**8  # of a path that windows are cut from


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A dataset in full. Two equal recipes give the same bytes.

    `tasks` holds one population per parameter setting; its place is the label. Each task gets `train`, `val` and
    `test` sequences of `steps` frames, `dt` seconds apart; frame 0 shows the initial state. `dt` and `view` are one
    for all tasks, or one for each; frames have the same shape in all of them. With `windows`, a sequence is a window
    cut from a path of `steps` frames.
    """

    name: str
    tasks: tuple[System, ...]
    train: int = 10_000
    val: int = 3_000
    test: int = 3_000
    steps: int = 30
    dt: float | tuple[float, ...] = 0.1  # s
    seed: int = 0
    view: View | tuple[View, ...] = View()
    windows: Windows | None = None  # None: sequences are whole films
    record: tuple[str, ...] = ()  # what to store beside the frames and states
    folder: str = ""  # of each task, with {i} for its label and {name}; empty: `dataset_{i}`, none for a single task
    alias: str = ""  # what {name} stands for, if it is not the dataset's name
    original: bool = False  # write what the scripts in use write: `slvm_data.recipe.original`
    about: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        check_name(self.name)
        if not isinstance(self.tasks, tuple) or not all(isinstance(system, System) for system in self.tasks):
            raise ValueError(f"{self.name}: tasks = {self.tasks} has to be a tuple of systems, such as (Pendulum(),)")
        if not self.tasks:
            raise ValueError(f"{self.name}: tasks is empty; give at least one population")
        self._check_numbers()
        self._check_tasks()
        self._check_windows()
        self._check_folders()
        for name in self.record:
            if name not in self.recordable():
                can = ", ".join(self.recordable())
                raise ValueError(f"record = {name!r} is not among what {self.name} can record: {can}")

    def _check_numbers(self) -> None:
        for name in SPLITS:
            if not 0 <= self.count(name) < INDICES:
                raise ValueError(f"{name} = {self.count(name)} has to lie between 0 and {INDICES - 1}")
        if not any(map(self.count, SPLITS)):
            raise ValueError("train, val and test are all 0: there is nothing to generate")
        if self.steps < 1:
            raise ValueError(f"steps = {self.steps} has to be at least 1 frame")
        if not 0 <= self.seed < SEEDS:
            raise ValueError(f"seed = {self.seed} has to lie between 0 and 2^63 - 1")

    def _check_tasks(self) -> None:
        for name in ("dt", "view"):
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) != len(self.tasks):
                raise ValueError(
                    f"{name} has {len(value)} values for {len(self.tasks)} tasks: give one, or one for each"
                )
        for task, system in enumerate(self.tasks):
            view, dt = self.view_of(task), self.dt_of(task)
            if not isinstance(view, View) or isinstance(dt, bool) or not isinstance(dt, int | float | np.number):
                raise ValueError(
                    f"dt = {dt!r} has to be a number, view = {view!r} a View, or tuples of one for each task"
                )
            if not (dt > 0 and isfinite(dt)):
                raise ValueError(f"dt = {dt:g} has to be a time above 0 s")
            self._check_view(system, view)
        if len({self.view_of(task).kind for task in range(len(self.tasks))}) > 1:
            raise ValueError(f"the views of {self.name} are of different kinds: make a dataset of each")
        if len(shapes := {self.view_of(task).shape() for task in range(len(self.tasks))}) > 1:
            raise ValueError(f"the views of {self.name} give frames of different shapes: {sorted(shapes)}")

    def _check_view(self, system: System, view: View) -> None:
        if view.kind == "signals" and not isinstance(system, Switching):
            raise ValueError(f"view = signals: {type(system).__name__} has no emission, only frames to look at")
        if self.steps * view.size**2 > 2**30 and view.kind == "pixels":
            raise ValueError(f"steps = {self.steps} of size = {view.size} are more than 2^30 pixels a sequence")
        if 1 < view.palette < system.bodies_drawn:
            raise ValueError(f"palette = {view.palette} is too small for {system.bodies_drawn} bodies")
        look_of(system, view)

    def _check_windows(self) -> None:
        if not self.windows:
            return
        if self.steps > STEPS:
            raise ValueError(f"steps = {self.steps} are more than {STEPS} frames of a path: take several --paths")
        if any(isinstance(s, Switching) and s.normalised for s in self.tasks) and not self.windows.shares[0]:
            raise ValueError("shares[0] is 0: there is no training part to normalise by (normalised=false)")
        if not all(isinstance(system, Switching) for system in self.tasks):
            raise ValueError(f"windows are cut from the signals of switching systems; {self.tasks[0]} has none")
        fits = {split: len(self.windows.starts(split, self.steps)) for split in SPLITS}
        for split in filter(self.count, SPLITS):
            if not fits[split] or not (self.windows.whole or self.count(split) <= fits[split]):
                needed = self.windows.lead + self.windows.length
                room = ", ".join(f"{name} {n}" for name, n in fits.items())
                raise ValueError(
                    f"{split} = {self.count(split)} windows do not fit on a path of {self.steps} steps: one takes "
                    f"{needed} frames, context included, and there is room for {room} (on whole --paths for more)"
                )

    def _check_folders(self) -> None:
        for name in (folders := self.folders()):
            if name.lower() in (manifest.NAME, manifest.CARD.lower(), manifest.PREVIEW) or name.lower().endswith(
                (".npz", ".zarr", ".shards")
            ):
                raise ValueError(f"folder = {self.folder!r} is the name of a file that a dataset has, or may have")
            if name != ".":
                check_name(name)
        if len(set(folders)) < len(folders):
            raise ValueError(f"folder = {self.folder!r} is the same for every task: it needs {{i}}")

    def count(self, split: str) -> int:
        """Number of sequences per task in a split; raises ValueError for an unknown split."""
        if split not in SPLITS:
            raise ValueError(f"split = {split!r} is unknown; there are {', '.join(SPLITS)}")
        return getattr(self, split)

    def paths(self, split: str) -> int:
        """Number of films to simulate for a split: its sequences, or the paths that they are cut from."""
        count = self.count(split)
        return self.windows.paths(split, self.steps, count) if self.windows else count

    def recordable(self) -> tuple[str, ...]:
        """What `record` may name: what every task has, and how it was seen."""
        common = [name for name in self.tasks[0].recordable() if all(name in s.recordable() for s in self.tasks)]
        return (*common, "offset", "color_index")

    def dt_of(self, task: int) -> float:
        """Time between frames of a task [s]."""
        return self.dt[task] if isinstance(self.dt, tuple) else self.dt

    def view_of(self, task: int) -> View:
        """How a task is seen."""
        return self.view[task] if isinstance(self.view, tuple) else self.view

    def look_of(self, task: int) -> Look:
        """How a task is drawn."""
        return look_of(self.tasks[task], self.view_of(task))

    def time(self, task: int = 0) -> np.ndarray:
        """Instants of the frames of a task [T], in seconds."""
        return np.arange(self.steps) * self.dt_of(task)

    def folders(self) -> tuple[str, ...]:
        """One folder per task, relative to the dataset's: its own where there is one task, else `dataset_<i>`."""
        if not self.folder and len(self.tasks) == 1:
            return (".",)
        form = self.folder or "dataset_{i}"
        form = form.replace("{name}", self.alias or self.name)
        return tuple(form.replace("{i}", str(i)) for i in range(len(self.tasks)))

    def files(self, form: str = "npz") -> list[tuple[int, str, Path]]:
        """Task, split and file of each array file of a format, the last relative to the dataset's folder."""
        return [
            (task, split, Path(name) / f"{split}.{form}")
            for task, name in enumerate(self.folders())
            for split in filter(self.count, SPLITS)
        ]


def mixed(parts: Sequence[Recipe], **fields: Any) -> Recipe:
    """A recipe of all tasks of these, each with its own time step and view, and with these values of other fields."""
    places = [(part, task) for part in parts for task in range(len(part.tasks))]
    return Recipe(
        tasks=tuple(part.tasks[task] for part, task in places),
        dt=tuple(part.dt_of(task) for part, task in places),
        view=tuple(part.view_of(task) for part, task in places),
        **fields,
    )
