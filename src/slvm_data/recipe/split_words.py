"""Named splits as the command line writes them: `ood_far: 1000 l=1.5..1.6 steps=60`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from itertools import product
from typing import Any

from slvm_data.core.fields import limits_of
from slvm_data.core.kinds import COMMA, Kind, written_value
from slvm_data.core.numerals import real, whole
from slvm_data.observe.presets import observations
from slvm_data.observe.view import View
from slvm_data.recipe.outline import Outline
from slvm_data.recipe.split import FIELDS, Rule, Split, check_split_name
from slvm_data.systems.control import Control
from slvm_data.systems.drift import Drift
from slvm_data.systems.system import System
from slvm_data.systems.timing import TimeRule

FORM = "NAME: COUNT KEY=VALUE …, such as 'far: 1000 l=1.5..1.6 steps=60'"
_SPLIT = re.compile(r"\s*(\w+)\s*:\s*([^\s=]+)((?:\s+\S.*)?)\s*", re.DOTALL)
_WORD = re.compile(r"(?:[^\s(\[]|\([^()]*\)|\[[^\[\]]*\])+")  # with no spaces but those in brackets
_RULE = re.compile(r"[a-z_]+(\(.*\))?")
_SEEN = tuple(field.name for field in dataclasses.fields(View))  # what a split may change of the view

Read = Callable[[str, str], Any]
"""Reads a value of a parameter from its name and text."""


def with_split(recipe: Any, text: str, read: Read) -> Any:
    """The recipe with the split that a text describes, or without it if its count is 0.

    A name that the recipe has already keeps what the text does not mention. Several values of a parameter, as in
    g=2.5,3.5, make a task for each, which train, val and test leave out. Raises ValueError for a text that is none.
    """
    found = _SPLIT.fullmatch(text)
    if not found:
        raise ValueError(f"split {text!r} is not of the form {FORM}")
    name, rest = found[1], found[3]
    check_split_name(name)
    try:
        if (count := whole(found[2])) == 0:
            return dataclasses.replace(recipe, splits={own: one for own, one in recipe.splits.items() if own != name})
        words = _WORD.findall(rest)
        if "".join(words) != re.sub(r"\s+(?![^(\[]*[)\]])", "", rest):
            raise ValueError(f"{rest.strip()!r} has brackets that do not close")
        return _added(recipe, name, count, [_parted(word) for word in words], read)
    except ValueError as error:
        text = str(error)
        raise ValueError(text if text.startswith(f"split {name}") else f"split {name}: {text}") from None


def _added(recipe: Any, name: str, count: int, pairs: list[tuple[str, str]], read: Read) -> Any:
    own = dataclasses.replace(recipe.splits.get(name, Split(count=count)), count=count)
    new, several = _fields(recipe, own, pairs), {}
    change = dict(own.change)
    for key, text in pairs:
        if key in _READERS or key in _SEEN:
            continue
        parts = [text] if _RULE.fullmatch(text) else COMMA.split(text)
        values = [_value(key, part, read) for part in parts]
        if len(values) == 1:
            change[key] = values[0]
        else:
            several[key] = values
    if several:
        recipe, new["tasks"] = _with_tasks(recipe, several)
    split = dataclasses.replace(own, change=change, **new)
    return dataclasses.replace(recipe, splits={**recipe.splits, name: split})


def _fields(recipe: Any, own: Split, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """The fields of a split that words with these names set; those of the view together."""
    found: dict[str, Any] = {}
    seen = {}
    for key, text in pairs:
        if key in ("observe", "drift"):
            found[key] = (*found.get(key, ()), *_READERS[key](text))
        elif key in _READERS:
            found[key] = _READERS[key](text)
        elif key in _SEEN:
            seen[key] = _of_view(key, text)
    if seen:
        views = {recipe.view_of(task) for task in range(len(recipe.tasks))} if own.view is None else {own.view}
        if len(views) > 1:
            raise ValueError(f"{next(iter(seen))} is not for tasks that are drawn in different ways")
        found["view"] = dataclasses.replace(views.pop(), **seen)
    return found


def _with_tasks(recipe: Any, several: dict[str, list[Any]]) -> tuple[Any, tuple[int, ...]]:
    """The recipe with a further task for each combination of these values, and the labels of these tasks."""
    sources = [task for task in range(len(recipe.tasks)) if task not in recipe.held_out]
    made = {}
    for task, values in product(sources, product(*several.values())):
        system = _replaced(recipe.tasks[task], dict(zip(several, values, strict=True)))
        made.setdefault(system, task)
    labels = tuple(range(len(recipe.tasks), len(recipe.tasks) + len(made)))
    fields: dict[str, Any] = {"tasks": (*recipe.tasks, *made), "held_out": (*recipe.held_out, *labels)}
    for name in ("dt", "view"):
        if isinstance(value := getattr(recipe, name), tuple):
            fields[name] = (*value, *(value[task] for task in made.values()))
    return dataclasses.replace(recipe, **fields), labels


def _replaced(system: System, values: dict[str, Any]) -> System:
    names = {field.name for field in dataclasses.fields(system)}
    if odd := [name for name in values if name not in names]:
        raise ValueError(f"{type(system).__name__} has no parameter {odd[0]!r}")
    return dataclasses.replace(system, **values)


def _parted(word: str) -> tuple[str, str]:
    name, equals, text = word.partition("=")
    if not equals or not text:
        raise ValueError(f"{word!r} is not of the form KEY=VALUE")
    return name, text


def _value(name: str, text: str, read: Read) -> Any:
    """The value of a parameter: a rule such as shell(inner=0,outer=0.1), or what `read` makes of it."""
    word = text.partition("(")[0]
    return Rule.parse(text) if word in Rule.members or (_RULE.fullmatch(text) and "(" in text) else read(name, text)


def _steps(text: str) -> Any:
    return Rule.parse(text) if _RULE.fullmatch(text) else whole(text)


def _observed(text: str) -> tuple[Any, ...]:
    found = observations([text])
    if odd := [name for name in found if name != "observe"]:
        raise ValueError(f"observe = {text} changes {odd[0]} too, which all splits share: name its modifiers alone")
    return found["observe"]


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"{text!r} has to be true or false")
    return text == "true"


def _labels(text: str) -> tuple[int, ...]:
    return tuple(whole(part) for part in text.strip("[]").split(","))


_READERS: dict[str, Callable[[str], Any]] = {
    "steps": _steps,
    "dt": real,
    "time": TimeRule.parse,
    "control": Control.parse,
    "drift": lambda text: (Drift.parse(text),),
    "observe": _observed,
    "paired": str,
    "support": whole,
    "overlap": _flag,
    "tasks": _labels,
}


def _of_view(name: str, text: str) -> Any:
    default = View.__dataclass_fields__[name].default
    limits = limits_of(View, name)
    if limits.choices or isinstance(default, str):
        return text
    if isinstance(default, tuple):
        return tuple(text.strip("[]").split(","))
    return whole(text) if isinstance(default, int) else real(text)


def written(name: str, split: Split, recipe: Outline) -> str:
    """The text of a split of this recipe; what `with_split` reads."""
    words = [f"{name}: {split.count}"]
    words += [f"{key}={_text(value)}" for key, value in split.change.items()]
    for field in FIELDS:
        value = getattr(split, field)
        if field == "view" and value is not None:
            base = recipe.view_of(0)
            pairs = [(key, getattr(value, key)) for key in _SEEN if getattr(value, key) != getattr(base, key)]
            words += [f"{key}={_text(own)}" for key, own in pairs]
        elif field in ("drift", "observe"):
            words += [f"{field}={one}" for one in value or ()]
        elif value is not None:
            words.append(f"{field}={_text(value)}")
    words += [f"paired={split.paired}"] * bool(split.paired) + [f"support={split.support}"] * bool(split.support)
    words += ["overlap=true"] * split.overlap
    words += [f"tasks=[{','.join(map(str, split.tasks))}]"] * bool(split.tasks)
    return " ".join(words)


def _text(value: Any) -> str:
    if isinstance(value, Rule):
        return value.whole().replace(" ", "")  # without its numbers, a rule says little
    return str(value) if isinstance(value, Kind) else written_value(value)
