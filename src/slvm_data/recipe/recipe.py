"""A dataset as a recipe: its populations, the length and number of its sequences, its seed and its view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import isfinite
from sys import float_info
from typing import Any

from slvm_data.core.fields import check, floats, is_number, plain
from slvm_data.core.names import check_name, is_taken
from slvm_data.core.types import SPLITS
from slvm_data.observe.modifiers import CLEAN, Emission, check_all
from slvm_data.observe.render.style import Style, style_of
from slvm_data.observe.view import View
from slvm_data.observe.windowing import Windowing
from slvm_data.recipe.mistakes import is_own
from slvm_data.recipe.outline import Outline
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
        if not self.splits():
            raise ValueError("train, val and test are all 0: there is nothing to generate")
        self._check_tasks()
        self._check_windows()
        self._check_folders()
        self._check_observe()
        self._check_motion()
        for name in self.record:
            if name not in self.recordable():
                can = ", ".join(self.recordable())
                raise ValueError(f"record = {name!r} is not among what {self.name} can record: {can}")

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
            if field.name not in ("tasks", "dt", "view", "windows"):
                check(self, field.name)
        if isinstance(self.time, Regular):  # another word for `dt`: equal recipes give equal bytes
            object.__setattr__(self, "dt", self.time.dt)
            object.__setattr__(self, "time", None)

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
        for split in self.splits():
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
        if self.observe and self.original:
            raise ValueError(f"the original scripts have no modifiers: leave {self.observe[0]} out, or --original")

    def _check_motion(self) -> None:
        """Raise ValueError for a rule of time, a control or drifts that do not fit the systems."""
        rules = [one for one in (self.time, self.control, *self.drift) if one]
        if rules and self.original:
            raise ValueError(f"the original scripts know no {rules[0]}: leave it out, or --original")
        if self.time:
            self.time.check(self.steps)
        for system in self.tasks if rules else ():
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
            check_all_drifts(self.drift, system)

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
