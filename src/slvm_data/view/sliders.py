"""The sliders of a page: parameters that can be changed, with ends beyond both ends of the range; modifiers."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Iterable
from dataclasses import fields, replace
from math import ceil, floor, inf, log10
from typing import Any

import numpy as np

from slvm_data.core.fields import is_number, limits_of
from slvm_data.core.numerals import READERS
from slvm_data.observe.modifiers import Modifier
from slvm_data.observe.view import View
from slvm_data.recipe.overrides import override
from slvm_data.recipe.recipe import Recipe

STEPS = 100  # of a slider, at least
EACH = 8  # values of tasks that are moved together, at most
FEW = 4  # numbers that are listed one by one
REACH, WHOLES = 4, 10  # of a modifier's number: how often it, and of whole ones at least how many, a slider has
FRICTION = 0.2  # largest value of a slider for a parameter that is 0, such as friction


def sliders(recipe: Recipe) -> list[dict[str, Any]]:
    """Sliders for the parameters that all tasks have: name, label, unit; ends, step and first value of each component.

    `apart` says that tasks differ in it, so that one value joins them; `each` is then the value of each task, if these
    can be moved together. None where named splits are held out from certain values, which a slider would cross.
    """
    if recipe.splits or recipe.held_out:
        return []
    bounds = recipe.tasks[0].parameters()
    common = [name for name in bounds if all(name in s.parameters() for s in recipe.tasks) and _alike(recipe, name)]
    found = [
        {
            "name": name,
            "label": name,
            "unit": bounds[name].unit,
            "components": _components(recipe, name),
            "apart": len({getattr(system, name) for system in recipe.tasks}) > 1,
            "each": _each(recipe, name),
        }
        for name in common
    ]
    return [_in_view(recipe, one) for one in found] if any(view.extent for view in _views(recipe)) else found


def _views(recipe: Recipe) -> list[View]:
    return [recipe.view_of(task) for task in range(len(recipe.tasks))]


def _in_view(recipe: Recipe, slider: dict[str, Any]) -> dict[str, Any]:
    """A slider that goes no further up than frames of a fixed extent show the scene."""
    parts = slider["components"]
    most = max(round((part["high"] - part["now"]) / part["step"]) for part in parts)

    def after(k: int) -> list[float]:
        return [min(part["high"], round(part["now"] + k * part["step"], part["digits"])) for part in parts]

    def cut(k: int) -> bool:
        try:
            override(recipe, [f"{slider['name']}={after(k) if len(parts) > 1 else after(k)[0]}".replace(" ", "")])
        except ValueError:
            return True
        return False

    highest = after(bisect_left(range(1, most + 1), True, key=cut))
    return slider | {"components": [part | {"high": end} for part, end in zip(parts, highest, strict=True)]}


def _each(recipe: Recipe, name: str) -> list[float]:
    """The numbers of the tasks, if a list of them makes the same tasks again; empty if it does not."""
    values = list(dict.fromkeys(getattr(system, name) for system in recipe.tasks))
    if not 1 < len(values) <= EACH or not all(map(is_number, values)):
        return []
    words = ",".join(map(repr, values))
    try:
        return values if override(recipe, [f"{name}={words}"]).tasks == recipe.tasks else []
    except ValueError:
        return []


def of_modifiers(recipe: Recipe) -> list[dict[str, Any]]:
    """Sliders for the numbers of the modifiers of a recipe, in the same form; a name is such as `missing.p`."""
    return [
        {
            "name": f"{name}.{field}",
            "label": f"{name} {field}",
            "unit": "",
            "components": [_of_number(one, field, value) for value in _numbers(getattr(one, field))],
            "apart": False,
            "each": [],
        }
        for name, one in _named(recipe).items()
        for field in (own.name for own in fields(one))
        if _numbers(getattr(one, field))
    ]


def moved(recipe: Recipe, changes: Iterable[str], most: int) -> Recipe:
    """The recipe with these changes KEY=VALUE of its parameters and modifiers.

    Raises ValueError for what a slider cannot do, or if they make more than `most` tasks.
    """
    pairs = [change.partition("=") for change in changes]
    own = {name: text for name, _, text in pairs if "." in name}
    others = ["".join(pair) for pair in pairs if "." not in pair[0]]
    made = override(recipe, others, most=most)
    check_reach(recipe, made, [pair[0] for pair in pairs if "." not in pair[0]])
    return replace(made, observe=_changed(recipe, own)) if own else made


def _changed(recipe: Recipe, changes: dict[str, str]) -> tuple[Modifier, ...]:
    """The modifiers of a recipe with these values of numbers, each for the name of its slider."""
    known = {one["name"]: one["components"] for one in of_modifiers(recipe)}
    found = _named(recipe)
    for name, text in changes.items():
        _check_slider(name, known)
        modifier, _, field = name.partition(".")
        try:
            value = _read(getattr(found[modifier], field), text)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
        if len(_numbers(value)) != len(known[name]):
            raise ValueError(f"{name} = {text} has to have as many numbers as its modifier: {len(known[name])}")
        for number, part in zip(_numbers(value), known[name], strict=True):
            _check_within(name, number, number, part)
        found[modifier] = replace(found[modifier], **{field: value})
    return tuple(found.values())


def _read(like: Any, text: str) -> Any:
    """A number, or numbers in brackets, of the type of another value."""
    if isinstance(like, tuple):
        return tuple(_read(part, word) for part, word in zip(like, text.strip("[]").split(","), strict=False))
    return READERS[type(like)](text.strip())


def _named(recipe: Recipe) -> dict[str, Modifier]:
    """The modifiers, each with its name; of several of a kind, all but the first have a number too."""
    names = [one.name() for one in recipe.observe]
    count = [names[: i + 1].count(name) for i, name in enumerate(names)]
    return {f"{name}{n if n > 1 else ''}": one for name, n, one in zip(names, count, recipe.observe, strict=True)}


def _numbers(value: Any) -> tuple[float, ...]:
    """A number, or several, as a tuple; empty for everything else, such as a word."""
    parts = value if isinstance(value, tuple) else (value,)
    return parts if parts and all(map(is_number, parts)) else ()


def _of_number(one: Modifier, field: str, value: float) -> dict[str, Any]:
    """A slider over the limits of a field; where these are far away, beyond the value and the default."""
    limits, whole = limits_of(type(one), field), isinstance(value, int)
    default = next(own.default for own in fields(one) if own.name == field)
    far = REACH * max(map(abs, (value, *_numbers(default))))
    far = max(far, WHOLES if whole else 1.0)
    high = limits.maximum if limits.maximum <= 1 else min(limits.maximum, far)
    step = 1 if whole else 10.0 ** floor(log10(high / STEPS))
    digits = max(0, -floor(log10(step) + 1e-9))
    low = limits.minimum + (0 if not limits.strict else step) if limits.minimum > -inf else -high
    ends = {"low": round(low, digits), "high": round(high, digits), "step": round(step, digits)}
    return ends | {"now": value, "digits": digits, "given": f"{value:.4g}"}


def _check_slider(name: str, known: Container[str]) -> None:
    if name not in known:
        raise ValueError(f"{name} has no slider: give it to slvm-data view on the command line")


def check_reach(recipe: Recipe, changed: Recipe, names: Iterable[str]) -> None:
    """Raise ValueError unless sliders of a recipe can change it into another one, by the parameters of these names.

    Then the program that was compiled for the recipe makes the other one too, in about the same time.
    """
    components = {one["name"]: one["components"] for one in sliders(recipe)}
    for name in names:
        _check_slider(name, components)
        for system in changed.tasks:
            ends = np.stack(system.range_of(name)).reshape(2, -1)  # [ends components]
            for part, (low, high) in zip(components[name], ends.T.tolist(), strict=True):
                _check_within(name, low, high, part)


def _check_within(name: str, low: float, high: float, part: dict[str, Any]) -> None:
    """Raise ValueError if a slider cannot be moved to both values."""
    if low < part["low"] - part["step"] / 2 or high > part["high"] + part["step"] / 2:  # its ends are rounded
        wanted = f"{low:g}" if low == high else f"{low:g}..{high:g}"
        raise ValueError(
            f"{name} = {wanted}: its slider goes from {part['low']:g} to {part['high']:g}; "
            "give it to slvm-data view on the command line"
        )


def _alike(recipe: Recipe, name: str) -> bool:
    return len({np.shape(system.range_of(name)[0]) for system in recipe.tasks}) == 1


def _components(recipe: Recipe, name: str) -> list[dict[str, Any]]:
    ends = np.array([system.range_of(name) for system in recipe.tasks])
    each = ends.reshape(*ends.shape[:2], -1)  # [tasks 2 components]
    bounds = recipe.tasks[0].parameters()[name]
    return [_range(each[:, :, k], bounds.minimum, bounds.strict) for k in range(each.shape[2])]


def _range(ends: np.ndarray, minimum: float, strict: bool) -> dict[str, Any]:
    low, high = float(ends[:, 0].min()), float(ends[:, 1].max())
    reach = (high - low) / 2 or max(abs(low), abs(high)) or FRICTION
    step = 10.0 ** floor(log10((high - low + 2 * reach) / STEPS))
    least = max(low - reach, minimum + step if strict else minimum)
    first, last = ceil(round(least / step, 6)), floor(round((high + reach) / step, 6))
    now = round((low + high) / 2 / step)
    digits = max(0, -floor(log10(step) + 1e-9))
    places = {"low": first * step, "high": last * step, "step": step, "now": now * step}
    rounded = {name: round(value, digits) for name, value in places.items()}
    return rounded | {"digits": digits, "given": _given(ends)}


def _given(ends: np.ndarray) -> str:
    """The values of the recipe as text: a few numbers, if each task has one, or a range."""
    low, high = ends.T
    numbers = sorted(set(low.tolist()))
    if (low == high).all() and len(numbers) <= FEW:
        return ", ".join(f"{value:.4g}" for value in numbers)
    return f"{low.min():.4g} … {high.max():.4g}"
