"""The fields of a recipe, and what follows from them alone: how many sequences, which files, which instants.

A `Recipe` has systems as its tasks, a `StoredRecipe` the plain values that a manifest has of them. So whoever reads
files knows a recipe without loading JAX.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from slvm_data.core.json_tree import Json, from_json, to_json
from slvm_data.core.types import SPLITS
from slvm_data.observe.view import View
from slvm_data.observe.windowing import Windowing

OBSERVATIONS = ("pixels", "signals")


@dataclass(frozen=True, kw_only=True)
class Outline:
    """A dataset in full. Two equal recipes give the same bytes.

    `tasks` holds one population per parameter setting; its place is the label. Each task gets `train`, `val` and
    `test` sequences of `steps` frames, `dt` seconds apart; frame 0 shows the initial state. `dt` and `view` are one
    for all tasks, or one for each; frames have the same shape in all of them. With `windows`, a sequence is a window
    cut from a trajectory of `steps` frames.
    """

    name: str
    tasks: tuple[Any, ...]
    train: int = 10_000
    val: int = 3_000
    test: int = 3_000
    steps: int = 30
    dt: float | tuple[float, ...] = 0.1  # s
    seed: int = 0
    observation: str = "pixels"  # or "signals": the emission of a switching system, and no frames
    view: View | tuple[View, ...] = View()
    windows: Windowing | None = None  # None: a sequence is a whole trajectory
    record: tuple[str, ...] = ()  # names of what to store beside the frames and states
    folder: str = ""  # of each task, with {i} for its label and {name}; empty: `dataset_{i}`, none for a single task
    alias: str = ""  # {name} in `folder`, if it is not the dataset's name
    original: bool = False  # write what the original scripts write: `slvm_data.recipe.original`
    about: str = ""
    source: str = ""

    def count(self, split: str) -> int:
        """Number of sequences per task in a split; raises ValueError for an unknown split."""
        if split not in SPLITS:
            raise ValueError(f"split = {split!r} is unknown; there are {', '.join(SPLITS)}")
        return getattr(self, split)

    def splits(self) -> list[str]:
        """The splits that have sequences, in order."""
        return [split for split in SPLITS if self.count(split)]

    def trajectories(self, split: str) -> int:
        """Number of trajectories to simulate for a split: its sequences, or those that its windows are cut from."""
        count = self.count(split)
        return self.windows.trajectories(split, self.steps, count) if self.windows else count

    def length(self) -> int:
        """Frames of a sequence."""
        return self.windows.length if self.windows else self.steps

    def dt_of(self, task: int) -> float:
        """Time between frames of a task [s]."""
        return self.dt[task] if isinstance(self.dt, tuple) else self.dt

    def view_of(self, task: int) -> View:
        """How a task is drawn."""
        return self.view[task] if isinstance(self.view, tuple) else self.view

    def has_frames(self) -> bool:
        """Whether there are pictures."""
        return self.observation == "pixels"

    def binary(self) -> bool:
        """Whether all frames are of zeros and ones."""
        return all(self.view_of(task).binary for task in range(len(self.tasks)))

    def bit_packed(self) -> bool:
        """Whether a format may pack frames: they are of zeros and ones in a byte each, as in all but an original."""
        return self.binary() and not self.original

    def time(self, task: int = 0) -> np.ndarray:
        """Instants of the frames of a task's trajectories [T], in seconds."""
        return np.arange(self.steps) * self.dt_of(task)

    def folders(self) -> tuple[str, ...]:
        """One folder per task, relative to the dataset's: its own where there is one task, else `dataset_<i>`."""
        if not self.folder and len(self.tasks) == 1:
            return (".",)
        name = (self.folder or "dataset_{i}").replace("{name}", self.alias or self.name)
        return tuple(name.replace("{i}", str(i)) for i in range(len(self.tasks)))

    def files(self, ending: str = "npz") -> list[tuple[int, str, Path]]:
        """Task, split and file of each array file of a format, the last relative to the dataset's folder."""
        return [
            (task, split, Path(name) / f"{split}.{ending}")
            for task, name in enumerate(self.folders())
            for split in self.splits()
        ]


@dataclass(frozen=True)
class SystemRecord:
    """The plain values of a system: the name of its class, and of each field a number, range, word or list of these."""

    system: str
    values: dict[str, Json]

    def __json__(self) -> Json:
        return {"system": self.system, **to_json(self.values)}

    @classmethod
    def __of_json__(cls, value: dict[str, Json], where: str) -> Self:
        values = dict(value)
        system = from_json(str, values.pop("system", None), f"{where}: system")
        for name, own in values.items():
            _check_value(own, f"{where}: {name!a}")
        return cls(system, values)


@dataclass(frozen=True, kw_only=True)
class StoredRecipe(Outline):
    """A recipe as a manifest has it."""

    tasks: tuple[SystemRecord, ...]

    def __post_init__(self) -> None:
        if not self.tasks:
            raise ValueError("has no task")
        for name in ("dt", "view"):
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) != len(self.tasks):
                raise ValueError(f"{name} has {len(value)} values for {len(self.tasks)} tasks")


def _check_value(value: Json, where: str) -> None:
    """Raise ValueError for what no field of a system can be."""
    if isinstance(value, list):
        for own in value:
            _check_value(own, where)
    elif isinstance(value, dict):
        if value.keys() != {"low", "high"}:
            raise ValueError(f"{where} has to be a range, with low and high")
        for end in value.values():
            from_json(float, end, where)
    elif not isinstance(value, int | float | str | None):
        raise ValueError(f"{where} is neither a number nor a word")
