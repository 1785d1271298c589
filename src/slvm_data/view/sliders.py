"""The sliders of a page: the parameters that can be changed, and their ends, beyond both ends of the range."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, floor, log10
from typing import Any

import numpy as np

from slvm_data.core.fields import is_number
from slvm_data.recipe.overrides import override
from slvm_data.recipe.recipe import Recipe

STEPS = 100  # of a slider, at least
EACH = 8  # values of tasks that are moved together, at most
FEW = 4  # numbers that are listed one by one
FRICTION = 0.2  # largest value of a slider for a parameter that is 0, such as friction


def sliders(recipe: Recipe) -> list[dict[str, Any]]:
    """Sliders for the parameters that all tasks have: name, unit, and ends, step and first value of each component.

    `apart` says that tasks differ in it, so that one value joins them; `each` is then the value of each task, if these
    can be moved together.
    """
    bounds = recipe.tasks[0].parameters()
    common = [name for name in bounds if all(name in s.parameters() for s in recipe.tasks) and _alike(recipe, name)]
    return [
        {
            "name": name,
            "unit": bounds[name].unit,
            "components": _components(recipe, name),
            "apart": len({getattr(system, name) for system in recipe.tasks}) > 1,
            "each": _each(recipe, name),
        }
        for name in common
    ]


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


def check_reach(recipe: Recipe, changed: Recipe, names: Iterable[str]) -> None:
    """Raise ValueError unless sliders of a recipe can change it into another one, by the parameters of these names.

    Then the program that was compiled for the recipe makes the other one too, in about the same time.
    """
    components = {one["name"]: one["components"] for one in sliders(recipe)}
    for name in names:
        if name not in components:
            raise ValueError(f"{name} has no slider: give it to slvm-data view on the command line")
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
