"""The fields of a recipe, and what follows from them alone: numbers of sequences, files, times of frames.

A `Recipe` has systems as its tasks, a `StoredRecipe` the plain values of them that a manifest stores. So a program
that only reads files knows a recipe without loading JAX.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from slvm_data.core.fields import option
from slvm_data.core.json_tree import Json, from_json, to_json
from slvm_data.core.names import check_name
from slvm_data.core.types import INDICES, SEEDS, SPLITS
from slvm_data.observe.modifiers import Modifier
from slvm_data.observe.view import View
from slvm_data.observe.windowing import Windowing
from slvm_data.systems.control import Control
from slvm_data.systems.drift import Drift
from slvm_data.systems.timing import TimeRule, span_of

OBSERVATIONS = ("pixels", "signals")  # signals: the emission of a switching system, and no frames
RECORD = (
    "Further arrays to store: dx_dt, energy, angles (sine and cosine), events, offset, color_index; "
    "separate them by commas, or repeat the option."
)
OBSERVE = (
    "What a sensor does to the observation: a modifier such as missing(p=0.5,keep=5), or the name of a preset; "
    "repeat the option for several, which are applied in order."
)
TIME = "Times of the frames, drawn for each sequence: a rule such as jittered(share=0.3) (docs/motion.md)."
CONTROL = "Control of the systems, drawn for each sequence: a rule such as held(low=-1,high=1,steps=5)."
DRIFT = (
    "A parameter that moves within a sequence, such as jump(of=g,to=1.5,at=0.3..0.7), ramp(of=g,to=1.5) or "
    "sine(of=g,to=1.5,cycles=2); repeat the option for several."
)
FOLDER = "Name of each task's folder, such as dataset_{i}; {i} stands for its label, {name} for a name of the dataset."


@dataclass(frozen=True, kw_only=True)
class Outline:
    """A dataset in full. Two equal recipes give the same bytes.

    `tasks` holds one population per parameter setting; its position is the label. Each task gets `train`, `val` and
    `test` sequences of `steps` frames, `dt` seconds apart; frame 0 shows the initial state. `dt` and `view` hold one
    value for all tasks, or one for each; frames have the same shape in all tasks. `observe` holds modifiers of the
    observation, applied in order. `time` is a rule for other times of the frames, `control` acts on the systems from
    outside, and `drift` moves parameters within a sequence. With `windows`, a sequence is a
    window cut from a trajectory of `steps` frames. Numbers of other libraries become equal numbers of
    Python: `np.float32(0.1)` is 0.10000000149011612, and another time step than 0.1.
    """

    name: str
    tasks: tuple[Any, ...]
    train: int = option(10_000, "Sequences per task in train.", minimum=0, maximum=INDICES - 1)
    val: int = option(3_000, "Sequences per task in val.", minimum=0, maximum=INDICES - 1)
    test: int = option(3_000, "Sequences per task in test.", minimum=0, maximum=INDICES - 1)
    steps: int = option(30, "Frames per sequence (switching datasets: per trajectory).", minimum=1)
    dt: float | tuple[float, ...] = option(0.1, "Time between frames [s].")
    time: TimeRule | None = option(None, TIME, kinds=TimeRule)  # None: regular, `dt` apart
    control: Control | None = option(None, CONTROL, kinds=Control)
    drift: tuple[Drift, ...] = option((), DRIFT, kinds=Drift)
    seed: int = option(0, "Random seed.", minimum=0, maximum=SEEDS - 1)
    observation: str = option("pixels", "Kind of observation.", choices=OBSERVATIONS)
    view: View | tuple[View, ...] = View()
    observe: tuple[Modifier, ...] = option((), OBSERVE, kinds=Modifier)
    windows: Windowing | None = None  # None: a sequence is a whole trajectory
    record: tuple[str, ...] = option((), RECORD, words=True)
    folder: str = option("", FOLDER, name="folder-name")  # empty: `dataset_{i}`, or none for a single task
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
        """Number of frames of a sequence."""
        return self.windows.length if self.windows else self.steps

    def dt_of(self, task: int) -> float:
        """Time between frames of a task [s]."""
        return self.dt[task] if isinstance(self.dt, tuple) else self.dt

    def rules(self) -> dict[str, str]:
        """The rule of time, the control and the drifts in words, by what they are; empty without them."""
        every = {"times of frames": self.time, "control": self.control}
        found = {name: rule.whole() for name, rule in every.items() if rule}
        return found | ({"drift": "; ".join(rule.whole() for rule in self.drift)} if self.drift else {})

    def view_of(self, task: int) -> View:
        """View of a task: how it is drawn."""
        return self.view[task] if isinstance(self.view, tuple) else self.view

    def has_frames(self) -> bool:
        """Whether the dataset has frames."""
        return self.observation == "pixels"

    def binary(self) -> bool:
        """Whether all frames are of zeros and ones."""
        return all(self.view_of(task).binary for task in range(len(self.tasks)))

    def bit_packed(self) -> bool:
        """Whether a format may pack frames into bits: they hold zeros and ones, a byte each (not if `original`)."""
        return self.binary() and not self.original

    def times(self, task: int = 0) -> np.ndarray:
        """Times k dt of the frames of a task's trajectories [T], in seconds; a rule of `time` draws others."""
        return np.arange(self.steps) * self.dt_of(task)

    def duration(self, task: int = 0) -> float:
        """Longest time from the first to the last frame of a task's trajectories, in seconds."""
        return span_of(self.time, self.steps, self.dt_of(task))

    def interval(self, task: int = 0) -> float:
        """Mean time between the frames of a task, in seconds."""
        return self.duration(task) / (self.steps - 1) if self.time and self.steps > 1 else self.dt_of(task)

    def folders(self) -> tuple[str, ...]:
        """One folder per task, relative to the dataset's folder: "." for a single task, else `dataset_<i>`."""
        if not self.folder and len(self.tasks) == 1:
            return (".",)
        name = (self.folder or "dataset_{i}").replace("{name}", self.alias or self.name)
        return tuple(name.replace("{i}", str(i)) for i in range(len(self.tasks)))

    def files(self, ending: str = "npz") -> list[tuple[int, str, Path]]:
        """Task, split and path of each array file of a format; paths are relative to the dataset's folder."""
        return [
            (task, split, Path(name) / f"{split}.{ending}")
            for task, name in enumerate(self.folders())
            for split in self.splits()
        ]


@dataclass(frozen=True)
class SystemRecord:
    """The plain values of a system: name of its class, and for each field a number, range, word or list of these."""

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
    """A recipe as a manifest stores it."""

    tasks: tuple[SystemRecord, ...]

    def __post_init__(self) -> None:
        check_name(self.name)
        if not self.tasks:
            raise ValueError("has no task")
        for name in ("dt", "view"):
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) != len(self.tasks):
                raise ValueError(f"{name} has {len(value)} values for {len(self.tasks)} tasks")


def _check_value(value: Json, where: str) -> None:
    """Raise ValueError for a value that no field of a system can have."""
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
