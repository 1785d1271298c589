"""Changes to a recipe: what is said of a dataset stays true."""

import numpy as np
import pytest

from slvm_data import RECIPES
from slvm_data.recipe.overrides import VARIANT, override

KEPT = [{"train": 7}, {"val": 7}, {"test": 7}, {"seed": 3}, {"record": ("color_index",)}, {"folder": "task_{i}"}]


def different(system, name):
    """KEY=VALUE that gives a parameter another value than the system has."""
    values = (np.atleast_1d(system.range_of(name)[1]) * 1.01 + 0.01).tolist()
    return f"{name}={values[0]}" if np.ndim(system.range_of(name)[1]) == 0 else f"{name}={values}".replace(" ", "")


def changes_of(recipe):
    """Changes of each parameter, if all tasks have the same ones, and of what else a description may speak of."""
    if len(set(map(type, recipe.tasks))) == 1:
        yield from (([different(recipe.tasks[0], name)], {}) for name in recipe.tasks[0].parameters())
    yield from (([], options) for options in ({"dt": 0.017}, {"size": 48}))
    if recipe.windows:
        yield from (([], options) for options in ({"length": 6}, {"contexts": 1}))
        yield [], {"observation": "pixels"}


@pytest.mark.parametrize("name", [name for name, recipe in RECIPES.items() if not recipe.splits])
def test_a_description_is_true_of_what_was_made(name):
    recipe = RECIPES[name]
    found = list(changes_of(recipe))
    assert len(found) >= 2
    for changes, options in found:
        assert override(recipe, changes, options).about == VARIANT.format(name=name), (changes, options)
    for options in KEPT:
        assert override(recipe, [], options).about == recipe.about


def test_another_split_is_another_description():
    recipe = RECIPES["pendulum_ood"]
    assert override(recipe, [], {"splits": ["long: 0"]}).about == VARIANT.format(name="pendulum_ood")
    assert override(recipe, [], {"train": 9}).about == recipe.about


def test_a_variant_of_a_variant_is_described_once():
    variant = override(RECIPES["gravity3"], ["g=[0,2.5],[2.5,0]"])
    assert override(variant, [], {"dt": 0.1}).about == variant.about == VARIANT.format(name="gravity3")
