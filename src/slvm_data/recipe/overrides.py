"""Changes to a recipe from the command line.

`m=0.5` sets a parameter of its systems to a number, `m=0.5..1.0` to a range, `m=0.5..0.6|0.9..1.0` to a range with a
gap, `g=[0,2.5]` to a vector; `g=2,3,4` makes one task for each value.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Iterable, Mapping
from functools import partial
from math import prod
from typing import Any

from slvm_data.core.kinds import COMMA
from slvm_data.core.numerals import REAL, did_you_mean
from slvm_data.core.ranges import joined
from slvm_data.core.types import INDICES, SPLITS
from slvm_data.observe.view import View
from slvm_data.observe.windowing import Windowing
from slvm_data.recipe.options import OPTIONS, TRAJECTORIES, is_option, named
from slvm_data.recipe.outline import Outline
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split_words import with_split
from slvm_data.systems.parameters import uniform
from slvm_data.systems.system import System

TASKS = 10_000  # that changes may make
VARIANT = "A variant of the dataset {name}, with other parameters or options."
_ENDS = rf"{REAL}(?<!\.)\.\.(?!\.){REAL}"
_RANGE = rf"(?:{_ENDS}\|{_ENDS}|{REAL}(?:(?<!\.)\.\.(?!\.){REAL})?)"  # with a gap, or without; or a number
_VALUE = re.compile(rf"{_RANGE}|\[(?:{_RANGE}(?:,{_RANGE})*)?\]|true|false")


def override(
    recipe: Recipe, changes: Iterable[str], options: Mapping[str, Any] | None = None, *, most: int = TASKS
) -> Recipe:
    """Return the recipe with each change made to every task; tasks that become equal are merged.

    A description that may no longer be true, `about`, is replaced by one that says so.

    `options` are new values for fields of the recipe, of the views of all tasks, and of its windows, by their names in
    `recipe.options`; None leaves a field as it is. `trajectories` is the total number of trajectories, which are
    divided among the splits. `splits` are texts as of `split_words`. Raises ValueError for a change that is not of the
    form KEY=VALUE, an unknown parameter, a value that the parameter cannot have, or changes that make more than `most`
    tasks of fewer.
    """
    given = {name: value for name, value in (options or {}).items() if value is not None}
    fields, seen, cut = ({n: v for n, v in given.items() if _owner(n) is kind} for kind in (Outline, View, Windowing))
    fields = _cut(recipe, fields, cut) | fields
    splits = fields.pop("splits", ())
    dt = fields.pop("dt", None)
    tasks = [
        (system, recipe.dt_of(i) if dt is None else dt, dataclasses.replace(recipe.view_of(i), **seen))
        for i, system in enumerate(recipe.tasks)
    ]
    parted = list(map(_parted, changes))
    _check_number(len(tasks), [len(COMMA.split(text)) for _, text in parted], most)
    for name, text in parted:
        pairs = [(task, value) for task in tasks for value in _values(task[0], name, text)]
        tasks = [(_changed(system, name, value), *rest) for (system, *rest), value in pairs]
    systems, times, views = zip(*(dict.fromkeys(tasks) if parted else tasks), strict=True)
    _check_labels(recipe, len(systems))
    made = dataclasses.replace(recipe, tasks=systems, dt=_common(times), view=_common(views), **fields)
    for text in splits:
        made = with_split(made, text, partial(_single, made.tasks))
    return _truly_described(recipe, made)


def _check_labels(recipe: Recipe, tasks: int) -> None:
    """Raise ValueError if there are more or fewer tasks than the recipe has, and labels of it say what they are for."""
    if tasks != len(recipe.tasks) and (recipe.held_out or any(split.tasks for split in recipe.splits.values())):
        raise ValueError(
            f"these values make {tasks} tasks, and splits of {recipe.name} are of certain ones of its "
            f"{len(recipe.tasks)}: give one value for each parameter"
        )


def _single(tasks: tuple[System, ...], name: str, text: str) -> Any:
    """Read the value of a parameter in a split, of the first task that has this parameter."""
    having = [system for system in tasks if name in (*system.parameters(), *system.hyperparameters())]
    system = having[0] if having else tasks[0]
    (value,) = _values(system, name, text)
    if name in system.hyperparameters():
        _changed(system, name, value)  # raises an error if it does not fit
    return value


def _truly_described(recipe: Recipe, made: Recipe) -> Recipe:
    """The changed recipe, without the description of the other one where that may not be true of it."""
    spoken_of = (
        "tasks",
        "splits",
        "dt",
        "view",
        "observation",
        "windows",
        "time",
        "control",
        "drift",
        *(["steps"] if recipe.windows else []),
    )
    if all(getattr(made, name) == getattr(recipe, name) for name in spoken_of) or not recipe.about:
        return made
    return dataclasses.replace(made, about=VARIANT.format(name=recipe.name))


def _check_number(tasks: int, values: list[int], most: int) -> None:
    """Raise ValueError, before they are made, if there is a task for each combination of too many values."""
    number = tasks * prod(values)
    if number > max(tasks, most):
        raise ValueError(f"these values make {number} tasks, and there may be {most}: give fewer values")


def _owner(name: str) -> type:
    return (OPTIONS | {TRAJECTORIES.field: TRAJECTORIES})[name].owner


def _cut(recipe: Recipe, fields: Mapping[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return the changed windows, and their number in each split, as fields of the recipe.

    With `trajectories` it is the number of windows on that many trajectories, else the recipe's, or as many as fit.
    """
    wanted = changes.get("trajectories")
    changes = {name: value for name, value in changes.items() if name != "trajectories"}
    if recipe.windows is None and (changes or wanted is not None):
        word = OPTIONS[next(iter(changes))].word if changes else TRAJECTORIES.word
        raise ValueError(f"{recipe.name} has whole trajectories, not windows: leave --{word} out")
    if recipe.windows is None or not (changes or wanted is not None or "steps" in fields):
        return {}
    windows = dataclasses.replace(recipe.windows, **changes, separate=recipe.windows.separate or wanted is not None)
    steps = fields.get("steps", recipe.steps)
    per = {split: len(windows.starts(split, steps)) for split in SPLITS}
    if empty := [split for split in SPLITS if not per[split] and fields.get(split) != 0]:
        needed = windows.lead + windows.length
        raise ValueError(
            f"steps = {steps} leave no window for {empty[0]}: one takes {needed} frames of its part, context included; "
            f"give more --steps, a smaller --gap or shorter windows, or --{empty[0]} 0"
        )
    if wanted is not None and wanted * max(per.values()) >= INDICES:
        raise ValueError(
            f"trajectories = {wanted} have more than {INDICES - 1} windows: ask for fewer, or a larger --stride"
        )
    if wanted is not None:
        return {"windows": windows, **{split: n * per[split] for split, n in windows.shared_out(wanted).items()}}
    if windows.separate:
        return {"windows": windows}
    return {"windows": windows, **{split: min(recipe.count(split), n) for split, n in per.items()}}


def _parted(change: str) -> tuple[str, str]:
    """Split KEY=VALUE,… into its name and its values."""
    name, equals, text = change.partition("=")
    if not equals or not text:
        forms = "m=0.5, m=0.5..1.0 or g=2,3,4"
        raise ValueError(f"{change!r} is not of the form KEY=VALUE, such as {forms}, without spaces")
    return name, text


def _values(system: System, name: str, text: str) -> list[Any]:
    """Read the values for a parameter, to the letter; of a word, such as `motion`, any text is one."""
    kind = type(system).__name__
    if name not in (*system.parameters(), *system.hyperparameters()):
        raise ValueError(_unknown(system, name, text))
    if name in system.shared_parameter_names():
        raise ValueError(f"{kind}: {name} is an array of numbers: give it in a .py file with a RECIPE of your own")
    if isinstance(getattr(system, name), str):
        return text.split(",")
    if isinstance(getattr(system, name), bool) and not {*text.split(",")} <= {"true", "false"}:
        raise ValueError(f"{kind}: {name} = {text!r} has to be true or false")
    if not _readable(text):
        hint = did_you_mean(text, lambda guess: f"{name}={guess}" if _readable(guess) else None)
        raise ValueError(f"{kind}: {name} = {text!r} is neither a number nor a range such as 0.5..1.0{hint}")
    return [_value(name, part) for part in COMMA.split(text)]


def _unknown(system: System, name: str, text: str) -> str:
    """What to say of a name that is no parameter: it may be an option, or nearly the name of one."""
    if option := named(name):
        return is_option(option.word, text)
    own, others = ", ".join(system.parameters()), ", ".join(system.hyperparameters())
    near = difflib.get_close_matches(name.lower(), [*system.parameters(), *system.hyperparameters()], n=1)
    hint = f"did you mean {near[0]}={text}?" if near else f"it has {own} (and the hyperparameters {others})"
    return f"{type(system).__name__} has no parameter {name!r}; {hint}"


def _readable(text: str) -> bool:
    return all(map(_VALUE.fullmatch, COMMA.split(text)))


def _common(values: tuple[Any, ...]) -> Any:
    return values[0] if len(set(values)) == 1 else values


def _changed(system: System, name: str, value: Any) -> System:
    if name in system.hyperparameters() and _kind(value) is not _kind(getattr(system, name)):
        now = str(getattr(system, name)).translate(str.maketrans("()", "[]", " "))
        now = now if len(now) < 80 else f"{now[:60]} …"
        raise ValueError(f"{type(system).__name__}: {name} = {value} does not fit: write it like {name}={now}")
    return dataclasses.replace(system, **{name: value})


def _kind(value: object) -> type:
    return float if isinstance(value, int | None) and not isinstance(value, bool) else type(value)


def _value(name: str, text: str) -> Any:
    """Convert a number, range, vector of these, true or false."""
    if text in ("true", "false"):
        return text == "true"
    if text.startswith("["):
        return tuple(_value(name, part) for part in text[1:-1].split(",") if part)
    below, gap, above = text.partition("|")
    low, dots, high = below.partition("..")
    try:
        if gap:
            return joined(_value(name, below), _value(name, above))
        return uniform(float(low), float(high)) if dots else float(low)
    except ValueError as error:
        raise ValueError(f"{name} = {text}: {error}") from None
