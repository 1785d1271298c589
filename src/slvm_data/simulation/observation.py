"""Apply the modifiers of a recipe to the observations of a batch, one modifier after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from slvm_data.core.keys import root, sequence_keys, streams
from slvm_data.core.types import Arrays
from slvm_data.observe.modifiers import CLEAN, Canvas, Emission, Modifier
from slvm_data.observe.render.style import background, seen_colors
from slvm_data.recipe.recipe import Recipe

UNCHANGED = {"image": CLEAN, "signal": "clean_signal"}
"""Names of the observations without modifiers, for `--record clean`."""


def keys(recipe: Recipe, key: np.ndarray, index: np.ndarray, attempt: np.ndarray) -> np.ndarray:
    """Key of each modifier for the sequences with these indices [N] and attempts [N], uint32 [N M 2]."""
    own = streams(sequence_keys(key, index, attempt), _streams(recipe)).values()
    return np.stack([*own], axis=1) if own else np.zeros((len(index), 0, 2), np.uint32)


def _streams(recipe: Recipe) -> tuple[str, ...]:
    """Names of the random streams of the modifiers: of several of a kind, all but the first have a number."""
    names = [one.name() for one in recipe.observe]
    count = [names[:i].count(name) for i, name in enumerate(names)]
    return tuple(f"observe {name}{f' {n}' if n else ''}" for name, n in zip(names, count, strict=True))


def shared_key(recipe: Recipe) -> np.ndarray:
    """Key of draws that all sequences share, uint32 [2]."""
    return streams(root(recipe.seed), ["observe"])["observe"]


def shared(recipe: Recipe, task: int) -> Arrays:
    """What modifiers draw once for all sequences, by name: the weights of an emission."""
    system, key = recipe.tasks[task], shared_key(recipe)
    numbers = len(getattr(system, "latents", ()) or system.state)
    every = (one.weights(numbers, key) for one in recipe.observe if isinstance(one, Emission))
    return next(every, {})


def observe(recipe: Recipe, task: int, keys: np.ndarray, every: Arrays) -> Arrays:
    """Arrays of a batch [N …] after the modifiers, with what these store; frames are changed in place.

    `keys` [N M 2] are those that `keys` gives.
    """
    if not recipe.observe:
        return every
    record = CLEAN in recipe.record
    if record:
        every = every | {new: every.get(new, every[name].copy()) for name, new in UNCHANGED.items() if name in every}
    image = _pictures(every["image"]) if "image" in every else None
    looked_at = {name: every[name] for one in recipe.observe for name in one.looks_at if name in every}
    canvas = replace(_canvas(recipe, task), arrays=looked_at)
    if image is not None and any("behind" in one.sides for one in recipe.observe[1:]):
        canvas = replace(canvas, clean=image.copy())
    seen = Seen(every["time"], image, every.get("signal"))
    return every | _all(recipe.observe, keys, seen, canvas, record)


def hidden(recipe: Recipe, keys: np.ndarray) -> np.ndarray | None:
    """Frames [N T] that the first modifier hides, so that they need not be drawn; None if it hides none for sure."""
    first = next((i for i, one in enumerate(recipe.observe) if one.stage in ("frames", "any")), None)
    if first is None or CLEAN in recipe.record or recipe.original:
        return None
    return recipe.observe[first].hidden(keys[:, first], recipe.steps)


def _canvas(recipe: Recipe, task: int) -> Canvas:
    """What modifiers know of the frames of a task."""
    style = recipe.style_of(task)
    top, levels = background(style, recipe.view_of(task).color)
    own = seen_colors(style) if style.body_colors or style.ground else ()
    return Canvas(top, levels, {}, shared_key(recipe), bodies=own)


class Seen(NamedTuple):
    """The observations of a batch before the modifiers."""

    time: np.ndarray  # [N T]
    frames: np.ndarray | None  # [N T C H W]
    signal: np.ndarray | None  # [N T S]


def _all(observe: tuple[Modifier, ...], keys: np.ndarray, seen: Seen, canvas: Canvas, record: bool) -> Arrays:
    """What the modifiers of a batch store, and its signal; its frames are changed in place.

    With `record`, the signal of an emission is stored as it is without noise, too.
    """
    (time, frames, signal), found = seen, dict[str, np.ndarray]()
    for one, own in zip(observe, keys.swapaxes(0, 1), strict=True):
        stored: Arrays = {}
        if frames is not None and one.stage in ("frames", "any"):
            changed, stored = one.apply_all(frames, time, own, canvas)
            if changed is not frames:
                frames[...] = changed
        if one.stage == "signal" or (one.stage == "any" and signal is not None):
            before = np.zeros((len(own), 0, 0), np.float32) if signal is None else signal.copy()
            changed, stored = one.apply_all(before, time, own, replace(canvas, top=1, background=(), clean=None))
            found["signal"] = signal = np.asarray(changed, np.float32)
            if record and isinstance(one, Emission):
                found[UNCHANGED["signal"]] = signal
        if "mask" in stored and "mask" in found:
            stored["mask"] = stored["mask"] & found["mask"]
        found |= stored
    return found


def _pictures(image: np.ndarray) -> np.ndarray:
    """Frames [N T H W] or [N T C H W] as [N T C H W], in the same memory."""
    return image.reshape(*image.shape[:2], -1, *image.shape[-2:])
