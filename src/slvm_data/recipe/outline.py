"""The fields of a recipe, and what follows from them alone: numbers of sequences, files, times of frames.

A `Recipe` has systems as its tasks, a `StoredRecipe` the plain values of them that a manifest stores. So a program
that only reads files knows a recipe without loading JAX.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from slvm_data.core.fields import Limits, option
from slvm_data.core.json_tree import Json, from_json, to_json
from slvm_data.core.kinds import plain_value
from slvm_data.core.names import check_license, check_name
from slvm_data.core.ranges import is_range
from slvm_data.core.text import numbers
from slvm_data.core.types import INDICES, SEEDS, SPLITS
from slvm_data.observe.modifiers import Modifier
from slvm_data.observe.view import View
from slvm_data.observe.windowing import Windowing
from slvm_data.recipe.split import FIELDS, Split, changed, check_split_name
from slvm_data.systems.control import Control
from slvm_data.systems.drift import Drift
from slvm_data.systems.timing import TimeRule, span_of

OBSERVATIONS = ("pixels", "signals")  # signals: the emission of a switching system, and no frames
RECORD = (
    "Further arrays to store: dx_dt, energy, angles (sine and cosine), events, intervention, edges, offset, "
    "color_index; separate them by commas, or repeat the option."
)
OBSERVE = (
    "What a sensor does to the observation: a modifier such as missing(p=0.5,keep=5), or the name of a preset; "
    "repeat the option for several, which are applied in order."
)
TIME = "Times of the frames, drawn for each sequence: a rule such as jittered(share=0.3) (docs/motion.md)."
CONTROL = "Control of the systems, drawn for each sequence: a rule such as held(low=-1,high=1,steps=5)."
DRIFT = (
    "A parameter that moves within a sequence, such as jump(of=g,to=1.5,at=0.3..0.7), ramp(of=g,to=1.5), "
    "sine(of=g,to=1.5,cycles=2) or switch(of=g,to=[1.5,6],rate=0.5); repeat the option for several."
)
SPLIT = (
    "A split beside train, val and test: 'far: 1000 l=1.5..1.6', 'long: 500 steps=times(k=2)' or 'near: 1000 "
    "l=shell(inner=0,outer=0.1)'; repeat the option for several (docs/generalisation.md)."
)
LICENSE = "Licence of the data: its identifier at spdx.org/licenses, or LicenseRef-NAME for one of your own."
FOLDER = "Name of each task's folder, such as dataset_{i}; {i} stands for its label, {name} for a name of the dataset."


@dataclass(frozen=True, kw_only=True)
class Outline:
    """A dataset in full. Two equal recipes give the same bytes.

    `tasks` holds one population per parameter setting; its position is the label. Each task gets `train`, `val` and
    `test` sequences of `steps` frames, `dt` seconds apart; frame 0 shows the initial state. `dt` and `view` hold one
    value for all tasks, or one for each; frames have the same shape in all tasks. `observe` holds modifiers of the
    observation, applied in order. `time` is a rule for other times of the frames, `control` acts on the systems from
    outside, and `drift` moves parameters within a sequence. With `windows`, a sequence is a
    window cut from a trajectory of `steps` frames. `splits` holds further splits by name; train, val and test have
    all tasks but those that are `held_out`. With `paired`, sequence i has the same random draws in all tasks, so that
    only their parameters differ. Numbers of other libraries become equal numbers of
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
    splits: dict[str, Split] = dataclasses.field(
        default_factory=dict, hash=False, metadata={"limits": Limits(), "help": SPLIT, "name": "split"}
    )  # in the order of their names
    held_out: tuple[int, ...] = ()  # labels of the tasks that train, val and test leave out
    paired: bool = option(False, "Give sequence i of every task the same random draws: only parameters differ.")
    license: str = option("CC-BY-4.0", LICENSE)
    original: bool = False  # write what the original scripts write: `slvm_data.recipe.original`
    about: str = ""
    source: str = ""

    def count(self, split: str) -> int:
        """Number of sequences per task in a split; raises ValueError for an unknown split."""
        if split in self.splits:
            return self.splits[split].count
        if split not in SPLITS:
            raise ValueError(f"split = {split!r} is unknown; there are {', '.join((*SPLITS, *self.splits))}")
        return getattr(self, split)

    def split_names(self) -> list[str]:
        """The splits that have sequences: train, val, test, then the named ones in the order of their names."""
        return [split for split in (*SPLITS, *sorted(self.splits)) if self.count(split)]

    def tasks_of(self, split: str) -> tuple[int, ...]:
        """Labels of the tasks that a split has."""
        own, held_out = self.splits[split].tasks if split in self.splits else (), set(self.held_out)
        return own or tuple(task for task in range(len(self.tasks)) if task not in held_out)

    def first_split(self, task: int) -> str:
        """The first split that has sequences of a task."""
        return next(split for split in self.split_names() if task in self.tasks_of(split))

    def part_of(self, split: str) -> str:
        """What a split is counted and measured with: train, val and test together (""), each named one by itself."""
        return split if split in self.splits else ""

    def parts(self) -> dict[tuple[str, int], str]:
        """The first split of each part, as of `part_of`, and task that has sequences; named splits last."""
        found: dict[tuple[str, int], str] = {}
        for task, split, _ in self.files():
            found.setdefault((self.part_of(split), task), split)
        return dict(sorted(found.items(), key=lambda pair: pair[0][0] != ""))

    def support_of(self, split: str) -> int:
        """Number of sequences of each task of a split, the first ones, that a model may adapt to."""
        return self.splits[split].support if split in self.splits else 0

    def draws_of(self, split: str) -> str:
        """Name of the split whose random draws a split has: its own, unless it is paired with another one."""
        while split in self.splits and self.splits[split].paired:
            split = self.splits[split].paired
        return split

    def of_split(self, split: str) -> Self:
        """The recipe of one split alone: what its sequences are made from. Labels of tasks stay the same.

        Of a recipe without named splits, or of such a recipe of one split, it is the recipe itself.
        """
        if not self.splits or self.is_alone(split):
            return self
        if split not in self.splits:
            self.count(split)  # raises an error for an unknown one
            return dataclasses.replace(self, splits={})
        own, labels, draws = self.splits[split], self.tasks_of(split), self.draws_of(split)
        paired = draws if draws != split else ""
        alone = dataclasses.replace(own, change={}, paired=paired, tasks=labels, **dict.fromkeys(FIELDS))
        return dataclasses.replace(self, **dict.fromkeys(SPLITS, 0), **self._changed(own), splits={split: alone})

    def is_alone(self, split: str) -> bool:
        """Whether this is the recipe of one named split alone, as `of_split` returns it."""
        others = any(getattr(self, name) for name in SPLITS)
        return not others and list(self.splits) == [split] and self.splits[split].is_plain()

    def _changed(self, split: Split) -> dict[str, Any]:
        """The fields that a split changes; its systems, too."""
        labels = set(split.tasks or self.tasks_of(SPLITS[0]))
        pairs = enumerate(self.tasks)
        tasks = tuple(self._with(system, split.change) if task in labels else system for task, system in pairs)
        return {**split.fields(self.steps), "tasks": tasks}

    @staticmethod
    def _with(system: Any, change: Mapping[str, Any]) -> Any:
        """A system with those of these values that it has a place for."""
        raise NotImplementedError

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
        there = {split: set(self.tasks_of(split)) for split in self.split_names()}
        return [
            (task, split, Path(name) / f"{split}.{ending}")
            for task, name in enumerate(self.folders())
            for split, tasks in there.items()
            if task in tasks
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
        check_license(self.license)
        if not self.tasks:
            raise ValueError("has no task")
        for name in ("dt", "view"):
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) != len(self.tasks):
                raise ValueError(f"{name} has {len(value)} values for {len(self.tasks)} tasks")
        check_splits(self)

    @staticmethod
    def _with(system: SystemRecord, change: Mapping[str, Any]) -> SystemRecord:
        new = {
            name: to_json(changed(plain_value(system.values[name]), value))
            for name, value in change.items()
            if name in system.values
        }
        return SystemRecord(system.system, system.values | new)


def check_splits(recipe: Outline) -> None:
    """Raise ValueError for named splits, or tasks that are held out, that fit no recipe, whatever its systems are."""
    last = len(recipe.tasks) - 1
    named = {f"tasks of {name}": split.tasks for name, split in recipe.splits.items()}
    for name, labels in {"held_out": recipe.held_out, **named}.items():
        if odd := [label for label in labels if not 0 <= label <= last]:
            raise ValueError(f"{name} = {odd[0]} does not exist; labels of tasks are {numbers(range(last + 1))}")
        if len(set(labels)) < len(labels):
            raise ValueError(f"{name} = {labels} names a task twice")
    if not recipe.tasks_of(SPLITS[0]) and any(getattr(recipe, name) for name in SPLITS):
        raise ValueError("held_out leaves no task for train, val and test")
    if recipe.windows and (recipe.splits or recipe.held_out):
        raise ValueError(f"{recipe.name} is cut into windows: only datasets of whole trajectories have named splits")
    for name, split in recipe.splits.items():
        check_split_name(name)
        others = [other for other in recipe.split_names() if other != name]
        if split.paired and split.paired not in (*others, name) and not recipe.is_alone(name):
            raise ValueError(f"split {name}: paired = {split.paired!r} is not among {', '.join(others)}")
        seen = [name]
        while (nxt := recipe.splits[seen[-1]].paired) in recipe.splits:
            if nxt in seen:
                raise ValueError(f"split {name}: paired = {split.paired!r} leads back to {nxt}")
            seen.append(nxt)


def _check_value(value: Json, where: str) -> None:
    """Raise ValueError for a value that no field of a system can have."""
    if isinstance(value, list):
        for own in value:
            _check_value(own, where)
    elif isinstance(value, dict):
        if not is_range(value):
            raise ValueError(f"{where} has to be a range, with low and high")
        for name, end in value.items():
            from_json(tuple[float, float] if name == "gap" else float, end, where)
    elif not isinstance(value, int | float | str | None):
        raise ValueError(f"{where} is neither a number nor a word")
