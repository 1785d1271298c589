"""A dataset as a recipe: its populations, the length and number of its sequences, its seed and its view."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from math import isfinite
from sys import float_info
from typing import Any

from slvm_data.core.fields import check, floats, is_number, plain
from slvm_data.core.names import check_license, check_name, is_taken
from slvm_data.core.numerals import rounded_up
from slvm_data.core.types import SPLITS
from slvm_data.observe.modifiers import CLEAN, Emission, check_all
from slvm_data.observe.render.style import Style, style_of
from slvm_data.observe.view import View
from slvm_data.observe.windowing import Windowing
from slvm_data.recipe.mistakes import is_own, named
from slvm_data.recipe.outline import Outline, check_splits
from slvm_data.recipe.overlap import check_apart
from slvm_data.recipe.split import Hole, Split, changed, without_hole
from slvm_data.systems.drift import check_all as check_all_drifts
from slvm_data.systems.drift import widened
from slvm_data.systems.switching import Switching
from slvm_data.systems.system import System
from slvm_data.systems.timing import Regular

STEPS = 10**8  # of a trajectory that windows are cut from, at most
PIXELS = 2**30  # of a sequence, at most


@dataclass(frozen=True, kw_only=True)
class Recipe(Outline):
    """A dataset in full, with systems as its tasks; every field is checked. See `Outline` for the fields."""

    tasks: tuple[System, ...]

    def __post_init__(self) -> None:
        self._check_fields()
        if not self.tasks:
            raise ValueError(f"{self.name}: tasks is empty; give at least one population")
        check_splits(self)
        if not self.split_names():
            raise ValueError("train, val and test are all 0: there is nothing to generate")
        self._cut_holes()
        self._check_tasks()
        self._check_windows()
        self._check_folders()
        self._check_observe()
        self._check_motion()
        for name in self.record:
            if name not in self.recordable():
                can = ", ".join(self.recordable())
                raise ValueError(f"record = {name!r} is not among what {self.name} can record: {can}")
        self._check_extents()
        for name in self.splits:
            self._check_split(name)

    def _check_fields(self) -> None:
        """Check each field for itself, and give it the plain value that it means."""
        for field in fields(self):
            object.__setattr__(self, field.name, plain(getattr(self, field.name)))
        if not isinstance(self.name, str):
            raise ValueError(f"name = {self.name!r} has to be a word")
        check_name(self.name)
        object.__setattr__(self, "dt", floats(self.dt))
        if not isinstance(self.tasks, tuple) or not all(isinstance(system, System) for system in self.tasks):
            raise ValueError(f"{self.name}: tasks = {self.tasks} has to be a tuple of systems, such as (Pendulum(),)")
        if not isinstance(self.windows, Windowing | None):
            raise ValueError(f"windows = {self.windows!r} has to be a Windowing, or None")
        for field in fields(self):
            if field.name not in ("tasks", "dt", "view", "windows", "splits", "held_out"):
                check(self, field.name)
        check_license(self.license)
        self._check_named()
        if isinstance(self.time, Regular):  # another word for `dt`: equal recipes give equal bytes
            object.__setattr__(self, "dt", self.time.dt)
            object.__setattr__(self, "time", None)

    def _check_named(self) -> None:
        """Check the types of named splits and of what is held out, and put splits in the order of their names."""
        splits: Any = self.splits
        if not isinstance(splits, Mapping) or not all(isinstance(one, Split) for one in splits.values()):
            raise ValueError(f"splits = {splits!r} has to be a dict of Splits, such as {{'long': Split(count=9)}}")
        object.__setattr__(self, "splits", {name: splits[name] for name in sorted(splits, key=str)})
        if not isinstance(self.held_out, tuple) or not all(type(label) is int for label in self.held_out):
            raise ValueError(f"held_out = {self.held_out!r} has to be a tuple of labels, such as (2, 3)")
        if self.original and (self.splits or self.held_out or self.paired):
            raise ValueError("the original scripts have train, val and test alone: leave the others out, or --original")

    def _cut_holes(self) -> None:
        """Leave out of the training ranges what a split asks for as a hole in them."""
        pairs = [pair for split in self.splits.values() for pair in split.change.items()]
        holes = [(name, hole) for name, hole in pairs if isinstance(hole, Hole)]
        tasks = list(self.tasks)
        for name, hole in sorted(holes, key=lambda own: (-own[1].share, own[0])):  # the widest first
            for task in self.tasks_of(SPLITS[0]):
                if hasattr(tasks[task], name):
                    tasks[task] = replace(tasks[task], **{name: without_hole(getattr(tasks[task], name), hole)})
        object.__setattr__(self, "tasks", tuple(tasks))

    def _check_split(self, name: str) -> None:
        """Raise ValueError for a split that is no dataset, or that overlaps what it is held out from."""
        if self.is_alone(name):
            return
        split = self.splits[name]
        for system in self.tasks:
            if isinstance(system, Switching) and system.normalised:
                kind = type(system).__name__
                raise ValueError(
                    f"split {name}: the signals of {kind} are scaled by those of train: set normalised=false"
                )
        known = {field.name for system in self.tasks for field in fields(system)}
        if odd := [key for key in split.change if key not in known]:
            near = difflib.get_close_matches(odd[0], known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}"
            raise ValueError(f"split {name}: no system has a parameter {odd[0]!r}; {hint}")
        try:
            own = self.of_split(name)
        except ValueError as error:
            raise ValueError(f"split {name}: {error}") from None
        if split.overlap or not self.train:
            return
        trained = {task: self.tasks[task] for task in self.tasks_of(SPLITS[0])}
        new = {task for task, system in enumerate(self.tasks) if split.change.keys() & {*vars(system)}}
        labels = [task for task in own.tasks_of(name) if task in new | set(self.held_out)]
        check_apart(name, [own.tasks[task] for task in labels], trained, list(split.change))

    def _changed(self, split: Split) -> dict[str, Any]:
        """The fields that a split changes. The camera stays where it is in training, so that sizes can be compared."""
        found = super()._changed(split)
        view = found.pop("view", None)
        views = [view or self.view_of(task) for task in range(len(self.tasks))]
        if self.has_frames() and (split.change or split.drift or split.control):
            views = [
                replace(own, extent=self._needed(task)) if own.extent is None else own for task, own in enumerate(views)
            ]
        return {**found, "view": views[0] if len(set(views)) == 1 else tuple(views)}

    @staticmethod
    def _with(system: System, change: Mapping[str, Any]) -> System:
        new = {
            name: changed(getattr(system, name), value)
            for name, value in change.items()
            if name in {field.name for field in fields(system)}
        }
        return replace(system, **new) if new else system

    def _needed(self, task: int) -> float:
        """Half the width of the scene that holds every member of a task's population [m]."""
        system = self.reach(task)
        with named(type(system), "extent"):
            return float(system.extent())

    def _check_extents(self) -> None:
        """Raise ValueError for a view that does not show the whole scene of a task."""
        for task, system in enumerate(self.tasks if self.has_frames() else ()):
            extent = self.view_of(task).extent
            if extent is not None and extent < (needed := self._needed(task)) * (1 - 1e-9):
                wide = rounded_up(needed)
                raise ValueError(
                    f"the scene is shown to ±{extent:.4g} m, and {system} needs ±{wide} m: give --extent {wide} or "
                    "more, for all splits"
                )

    def _check_tasks(self) -> None:
        for name in ("dt", "view"):
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) != len(self.tasks):
                raise ValueError(
                    f"{name} has {len(value)} values for {len(self.tasks)} tasks: give one, or one for each"
                )
        for task, system in enumerate(self.tasks):
            view, dt = self.view_of(task), self.dt_of(task)
            if not (isinstance(view, View) and is_number(dt)):
                raise ValueError(
                    f"dt = {dt!r} has to be a number, view = {view!r} a View, or tuples of one for each task"
                )
            if not (dt > 0 and isfinite(dt)):
                raise ValueError(f"dt = {dt:g} has to be a time above 0 s")
            if self.steps > float_info.max / dt:  # compared as they are, since a large number is no float
                raise ValueError(f"dt = {dt:g} is too long for {self.steps} frames: their times would not be finite")
            self._check_view(system, view)
        if len(shapes := {self.view_of(task).shape() for task in range(len(self.tasks))}) > 1:
            raise ValueError(f"the views of {self.name} give frames of different shapes: {sorted(shapes)}")

    def _check_view(self, system: System, view: View) -> None:
        if not self.has_frames() and not self.channels_of(system):
            raise ValueError(
                f"observation = signals: {type(system).__name__} has no signal of its own: add "
                "--observe 'emission(channels=10)', or leave the frames"
            )
        if self.has_frames() and self.steps * view.size**2 > PIXELS:
            raise ValueError(f"steps = {self.steps} of size = {view.size} are more than 2^30 pixels a sequence")
        if 1 < view.palette < system.bodies_drawn:
            raise ValueError(f"palette = {view.palette} is too small for {system.bodies_drawn} bodies")
        if len(view.body_colors) not in (0, 1, system.bodies_drawn):
            raise ValueError(f"body_colors = {view.body_colors} has to be one colour, or {system.bodies_drawn} of them")
        style_of(system, view)

    def _check_windows(self) -> None:
        if not self.windows:
            return
        if self.steps > STEPS:
            raise ValueError(f"steps = {self.steps} are more than {STEPS} of a trajectory: take several --trajectories")
        if any(isinstance(s, Switching) and s.normalised for s in self.tasks) and not self.windows.shares[0]:
            raise ValueError("shares[0] is 0: there is no training part to normalise by (set normalised=false)")
        if not all(isinstance(system, Switching) for system in self.tasks):
            raise ValueError(f"windows are cut from the signals of switching systems; {self.tasks[0]} has none")
        fits = {split: len(self.windows.starts(split, self.steps)) for split in SPLITS}
        for split in self.split_names():
            if not fits[split] or not (self.windows.separate or self.count(split) <= fits[split]):
                needed = self.windows.lead + self.windows.length
                most = ", ".join(f"{name} {n}" for name, n in fits.items())
                raise ValueError(
                    f"{split} = {self.count(split)} windows do not fit on a trajectory of {self.steps} steps: one "
                    f"takes {needed} frames, context included, and at most there are {most} (--trajectories gives more)"
                )

    def _check_observe(self) -> None:
        """Raise ValueError for modifiers that do not fit the frames or signals, or each other."""
        colors = sorted({self.view_of(task).color for task in range(len(self.tasks))}) if self.has_frames() else ()
        check_all(self.observe, self.steps, colors, all(isinstance(system, Switching) for system in self.tasks))
        behind = next((one for one in self.observe if self.has_frames() and "behind" in one.sides), None)
        for system in self.tasks:
            self.channels_of(system)  # which an emission may refuse
            if behind and system.style == "field":
                raise ValueError(
                    f"{behind} goes behind bodies, and {type(system).__name__} fills the frame: leave it out"
                )
        if self.observe and self.original:
            raise ValueError(f"the original scripts have no modifiers: leave {self.observe[0]} out, or --original")

    def _check_motion(self) -> None:
        """Raise ValueError for a rule of time, a control or drifts that do not fit the systems."""
        rules = [one for one in (self.time, self.control, *self.drift) if one]
        if rules and self.original:
            raise ValueError(f"the original scripts know no {rules[0]}: leave it out, or --original")
        if self.time:
            self.time.check(self.steps)
        for task, system in enumerate(self.tasks if rules else ()):
            kind = type(system).__name__
            if self.control:
                self.control.check(kind, system.inputs)
            if system.in_steps():
                own = (
                    " (or let its method in_steps return False, if it takes any times)" if is_own(type(system)) else ""
                )
                raise ValueError(
                    f"{kind} moves in steps, one for each frame of equal length: leave {rules[0]} out{own}"
                )
            check_all_drifts(self.drift, system, self.duration(task))

    def reach(self, task: int) -> System:
        """The population of a task as wide as drifts, and as fast as a control, make it: for bounds, not for draws."""
        system = widened(self.tasks[task], self.drift)
        if not self.control:
            return system
        impulse = self.control.impulse(self.duration(task), self.interval(task))
        return system.pushed(self.control.largest(), impulse)

    def _check_folders(self) -> None:
        for name in (folders := self.folders()):
            if is_taken(name):
                raise ValueError(f"folder = {self.folder!r} is the name of a file that a dataset has, or may have")
            for word in name.split("/") if name != "." else ():
                check_name(word)
        if len(set(folders)) < len(folders):
            raise ValueError(f"folder = {self.folder!r} is the same for every task: it needs {{i}}")

    def channels_of(self, system: System) -> int:
        """Number of channels of the signal of one of the systems: of its own, or by an emission; 0 without a signal."""
        own = isinstance(system, Switching)
        for one in self.observe:
            if isinstance(one, Emission):
                return one.width(len((own and system.latents) or system.state))
        return system.channels if own else 0

    def recordable(self) -> tuple[str, ...]:
        """Names allowed in `record`: arrays that every task has, and those of the camera."""
        common = [name for name in self.tasks[0].recordable() if all(name in s.recordable() for s in self.tasks)]
        return (*common, "offset", "color_index", *((CLEAN,) if self.observe else ()))

    @staticmethod
    def example(name: object) -> str:
        """How the recipe of a dataset is written, for who gives its name, or anything else."""
        return f"slvm_data.RECIPES[{(name if isinstance(name, str) else 'pendulum')!r}]"

    def style_of(self, task: int) -> Style:
        """The style in which a task is drawn."""
        return style_of(self.tasks[task], self.view_of(task))


def mixed(parts: Sequence[Recipe], **fields: Any) -> Recipe:
    """Return a recipe with the tasks of all `parts`, with their time steps and views; `fields` are its other fields.

    A recipe has one observation and one rule of motion for all of its tasks: those of the parts, if they are equal.

    Raises:
        ValueError: The parts differ in `observe`, `time`, `control` or `drift`, and `fields` does not say which counts.

    """
    places = [(part, task) for part in parts for task in range(len(part.tasks))]
    return Recipe(
        tasks=tuple(part.tasks[task] for part, task in places),
        dt=tuple(part.dt_of(task) for part, task in places),
        view=tuple(part.view_of(task) for part, task in places),
        **{name: _shared(parts, name) for name in ("observe", "time", "control", "drift") if name not in fields},
        **fields,
    )


def _shared(parts: Sequence[Recipe], name: str) -> Any:
    """Return the field that all `parts` have in common."""
    first, *others = (getattr(part, name) for part in parts)
    for other in others:
        if other != first:
            raise ValueError(f"{name} = {first} of a part and {other} of another: mixed(…, {name}=…) says which counts")
    return first
