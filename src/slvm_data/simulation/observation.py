"""Apply the modifiers of a recipe to the observations of a batch, one sequence after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from slvm_data.core.compiled import compiled
from slvm_data.core.draws import Draws
from slvm_data.core.keys import exact, root, sequence_key, stream
from slvm_data.core.late import jax
from slvm_data.core.types import Array, Arrays, Key
from slvm_data.observe.modifiers import CLEAN, Canvas, Emission, Modifier
from slvm_data.observe.render.style import background
from slvm_data.recipe.recipe import Recipe

UNCHANGED = {"image": CLEAN, "signal": "clean_signal"}
"""Names of the observations without modifiers, for `--record clean`."""
NOTHING = np.zeros((0, 0), np.float32)  # where there is no signal yet


def keys(recipe: Recipe, key: Key, index: np.ndarray, attempt: np.ndarray) -> np.ndarray:
    """Key of each modifier for the sequences with these indices [N] and attempts [N], uint32 [N M 2]."""
    names = _streams(recipe)
    return np.asarray(_keys(key, index, attempt, names=names)) if names else np.zeros((len(index), 0, 2), np.uint32)


def _streams(recipe: Recipe) -> tuple[str, ...]:
    """Names of the random streams of the modifiers: of several of a kind, all but the first have a number."""
    names = [one.name() for one in recipe.observe]
    count = [names[:i].count(name) for i, name in enumerate(names)]
    return tuple(f"observe {name}{f' {n}' if n else ''}" for name, n in zip(names, count, strict=True))


@compiled("names")
def _keys(key: Key, index: Array, attempt: Array, *, names: tuple[str, ...]) -> Array:
    def one(index: Array, attempt: Array) -> Array:
        own = sequence_key(key, index, attempt)
        return jax.numpy.stack([jax.random.key_data(stream(own, name)) for name in names])

    return jax.vmap(one)(index, attempt)


def shared_key(recipe: Recipe) -> np.ndarray:
    """Key of draws that all sequences share, uint32 [2]."""
    with exact():
        return np.asarray(jax.random.key_data(stream(root(recipe.seed), "observe")))


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
    draws, rows = Draws(np.zeros(2, np.uint32)), []
    canvas, image = _canvas(recipe, task), _pictures(every["image"]) if "image" in every else None
    looked_at = [name for one in recipe.observe for name in one.looks_at if name in every]
    for i in range(len(keys)):
        if looked_at:
            canvas = replace(canvas, arrays={name: every[name][i] for name in looked_at})
        seen = Seen(
            every["time"][i], None if image is None else image[i], every["signal"][i] if "signal" in every else None
        )
        rows.append(_one(recipe.observe, keys[i], seen, canvas, draws, record))
    return every | {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def _canvas(recipe: Recipe, task: int) -> Canvas:
    """What modifiers know of the frames of a task."""
    top, levels = background(recipe.style_of(task), recipe.view_of(task).color)
    return Canvas(top, levels, {}, shared_key(recipe))


class Seen(NamedTuple):
    """The observation of a sequence before the modifiers."""

    time: np.ndarray  # [T]
    frames: np.ndarray | None  # [T C H W]
    signal: np.ndarray | None  # [T S]


def _one(
    observe: tuple[Modifier, ...], keys: np.ndarray, seen: Seen, canvas: Canvas, draws: Draws, record: bool
) -> Arrays:
    """What the modifiers of a sequence store, and its signal; its frames are changed in place.

    With `record`, the signal of an emission is stored as it is without noise, too.
    """
    (time, frames, signal), found = seen, dict[str, np.ndarray]()
    if frames is not None and len(observe) > 1:
        canvas = _with_clean(canvas, observe, frames)
    for one, key in zip(observe, keys, strict=True):
        stored: Arrays = {}
        if frames is not None and one.stage in ("frames", "any"):
            changed, stored = one.apply(frames, time, draws.restart(key), canvas)
            if changed is not frames:
                frames[...] = changed
        if one.stage == "signal" or (one.stage == "any" and signal is not None):
            before = NOTHING if signal is None else signal.copy()
            changed, stored = one.apply(before, time, draws.restart(key), replace(canvas, top=1, background=()))
            found["signal"] = signal = np.asarray(changed, np.float32)
            if record and isinstance(one, Emission):
                found[UNCHANGED["signal"]] = signal
        if "mask" in stored and "mask" in found:
            stored["mask"] = stored["mask"] & found["mask"]
        found |= stored
    return found


def _with_clean(canvas: Canvas, observe: tuple[Modifier, ...], frames: np.ndarray) -> Canvas:
    """The canvas with a copy of the clean frames, if a modifier after the first one needs them."""
    return replace(canvas, clean=frames.copy()) if any("behind" in one.sides for one in observe[1:]) else canvas


def _pictures(image: np.ndarray) -> np.ndarray:
    """Frames [N T H W] or [N T C H W] as [N T C H W], in the same memory."""
    return image.reshape(*image.shape[:2], -1, *image.shape[-2:])
