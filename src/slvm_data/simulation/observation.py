"""Apply the modifiers of a recipe to the observations of a batch, one sequence after the other."""

from __future__ import annotations

import numpy as np

from slvm_data.core.compiled import compiled
from slvm_data.core.draws import Draws
from slvm_data.core.keys import exact, root, sequence_key, stream
from slvm_data.core.late import jax
from slvm_data.core.types import Array, Arrays, Key
from slvm_data.observe.modifiers import CLEAN, Canvas, Modifier
from slvm_data.observe.render.style import background
from slvm_data.recipe.recipe import Recipe

OBSERVED = {"frames": "image", "signal": "signal"}
"""The array that a modifier of each stage changes; the state is changed where it is drawn."""
UNCHANGED = {"image": CLEAN, "signal": "clean_signal"}
"""Names of the observations without modifiers, for `--record clean`."""


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


def observe(recipe: Recipe, task: int, keys: np.ndarray, every: Arrays) -> Arrays:
    """Arrays of a batch [N …] after the modifiers, with what these store; frames are changed in place.

    `keys` [N M 2] are those that `keys` gives.
    """
    if not recipe.observe:
        return every
    if CLEAN in recipe.record:
        every = every | {UNCHANGED[name]: every[name].copy() for name in OBSERVED.values() if name in every}
    top, levels = background(recipe.style_of(task), recipe.view_of(task).color)
    with exact():
        shared = np.asarray(jax.random.key_data(stream(root(recipe.seed), "observe")))
    rows = []
    for i in range(len(keys)):
        own = {name: array[i] for name, array in every.items()}
        rows.append(_one(recipe.observe, keys[i], own, Canvas(top, levels, own, shared)))
    return every | {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def _one(observe: tuple[Modifier, ...], keys: np.ndarray, arrays: Arrays, canvas: Canvas) -> Arrays:
    """What the modifiers of a sequence store, and its observations; its frames are changed in place."""
    found: Arrays = {}
    for one, key in zip(observe, keys, strict=True):
        if one.stage not in OBSERVED:
            continue
        name = OBSERVED[one.stage]
        seen = found.get(name, arrays.get(name, arrays["state"]))
        pictures = seen.reshape(len(seen), -1, *seen.shape[-2:]) if one.stage == "frames" else seen
        changed, stored = one.apply(pictures, arrays["time"], Draws(key), canvas)
        if one.stage == "frames":
            seen[...] = changed.reshape(seen.shape)
        else:
            found[name] = np.asarray(changed, np.float32)
        if "mask" in stored and "mask" in found:
            stored["mask"] = stored["mask"] & found["mask"]
        found |= stored
    return found
