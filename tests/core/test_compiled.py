"""Compiled code is kept for the programs used last, and is what JAX compiles."""

import contextlib
import gc
import weakref
from dataclasses import replace
from functools import partial
from threading import Thread

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slvm_data import RECIPES, View
from slvm_data.core import compiled as module
from slvm_data.core.compiled import compiled, kept
from slvm_data.load import Stream
from slvm_data.recipe.recipe import mixed
from slvm_data.simulation import batch, sequences


class Kind:
    """A static value whose life can be watched."""


@pytest.fixture
def traced():
    """A compiled function, and the calls for which it was traced."""
    calls = []

    @compiled("kind", "times")
    def scaled(x, tree, *, kind, times):
        calls.append((kind, times, x.shape))
        return {"sum": times * x + tree["more"]}

    return scaled, calls


def test_one_program_for_each_shape_and_static_value(traced):
    scaled, calls = traced
    kind = Kind()
    for _ in range(2):
        for size in (2, 3):
            for times in (1, 5):
                found = scaled(np.ones(size), {"more": 2.0}, kind=kind, times=times)["sum"]
                assert found.tolist() == [times + 2.0] * size
    assert len(calls) == 4
    scaled(np.ones(2), {"more": np.ones(2)}, kind=kind, times=1)
    assert len(calls) == 5


def test_what_was_used_longest_ago_is_forgotten(traced, kept_for_users):
    scaled, calls = traced
    kinds = [Kind() for _ in range(kept_for_users + 3)]
    alive = [weakref.ref(kind) for kind in kinds]
    for kind in kinds[:kept_for_users]:
        scaled(np.ones(2), {"more": 1}, kind=kind, times=1)
    scaled(np.ones(2), {"more": 1}, kind=kinds[0], times=1)  # again, so that it stays
    for kind in kinds[kept_for_users:]:
        scaled(np.ones(2), {"more": 1}, kind=kind, times=1)
    calls.clear()
    del kinds, kind
    gc.collect()
    assert [number for number, kind in enumerate(alive) if kind() is None] == [1, 2, 3]


def test_as_many_are_kept_as_a_round_needs(traced, kept_for_users):
    """Of twenty systems none is compiled again while the round goes on; after it, few are kept, at once."""
    scaled, calls = traced
    kinds = [Kind() for _ in range(kept_for_users + 4)]
    alive = [weakref.ref(kind) for kind in kinds]

    def rounds():
        with kept(3), kept(len(kinds)):
            while True:
                for kind in kinds:
                    scaled(np.ones(2), {"more": 1}, kind=kind, times=1)
                yield len(calls)

    own = rounds()
    assert [next(own) for _ in range(3)] == [len(kinds)] * 3
    calls.clear()
    del own
    kinds.clear()
    gc.collect()
    assert sum(kind() is not None for kind in alive) == kept_for_users


def test_a_recipe_of_many_systems_compiles_each_once(monkeypatch):
    """However many rounds a stream makes."""
    monkeypatch.setattr(module, "KEPT", 1)
    made, jit = [], jax.jit
    monkeypatch.setattr(
        module.jax, "jit", lambda function: made.append(getattr(function, "func", None)) or jit(function)
    )
    parts = [replace(RECIPES[name], view=View(size=4)) for name in ("pendulum", "mass_spring")]
    recipe = mixed(parts, name="x", steps=3)
    with contextlib.closing(iter(Stream(recipe, batch=300, fields=("index",)))) as batches:
        for _ in range(9):
            next(batches)
    assert made.count(batch._scenes.__wrapped__) == 2


def test_shapes_are_traced_once_with_the_call(traced):
    scaled, calls = traced
    kind = Kind()
    for _ in range(2):
        assert scaled.shape(np.ones(4), {"more": 2.0}, kind=kind, times=1)["sum"].shape == (4,)
        assert scaled(np.ones(4), {"more": 2.0}, kind=kind, times=1)["sum"].tolist() == [3.0] * 4
    assert len(calls) == 1


def test_threads_share_a_program(traced):
    scaled, calls = traced
    kind, found = Kind(), []
    threads = [
        Thread(target=lambda: found.append(scaled(np.ones(2), {"more": 1}, kind=kind, times=1))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert {id(one) for one, _, _ in calls} == {id(kind)}


def test_it_may_be_traced_itself(traced):
    scaled, _ = traced
    run = partial(scaled, kind=Kind(), times=3)
    assert jax.eval_shape(run, jnp.ones(4), {"more": 1.0})["sum"].shape == (4,)
    assert jax.jit(run)(jnp.ones(4), {"more": 1.0})["sum"].tolist() == [4.0] * 4


def test_recipes_of_many_lengths(monkeypatch):
    """Each needs a program of its own; few are kept, and one that was forgotten gives the same numbers again."""
    monkeypatch.setattr(module, "KEPT", 2)
    kept = []
    jit = jax.jit

    def watched(function):
        if getattr(function, "func", None) is batch._scenes.__wrapped__:
            kept.append(weakref.ref(function))
        return jit(function)

    monkeypatch.setattr(module.jax, "jit", watched)
    recipes = [replace(RECIPES["pendulum"], steps=steps) for steps in (2, 4, 30, 2)]  # as others do
    first, *_, last = [sequences.collect(recipe, 0, "train", np.arange(3)) for recipe in recipes]
    for name, array in first.items():
        np.testing.assert_array_equal(array, last[name])
    gc.collect()
    assert len(kept) >= 4
    assert sum(function() is not None for function in kept) <= 2
