"""Small datasets that several tests of files read."""

import functools
from dataclasses import replace

import pytest

from slvm_data import RECIPES, generate
from slvm_data.recipe.recipe import mixed

SIZES = {"train": 5, "val": 3, "test": 2}


def _first(name):
    return replace(RECIPES[name], tasks=RECIPES[name].tasks[:1])


def _windows():
    recipe = RECIPES["nascar"]
    cut = replace(recipe.windows, series=True, gap=5)
    return replace(recipe, **SIZES, steps=400, windows=cut, observation="pixels")


SETS = {
    "pendulums": replace(RECIPES["pendulum3"], **SIZES, steps=4),
    "mixed": mixed([_first("pendulum3"), _first("two_body3")], name="mixed", **SIZES, steps=4),
    "windows": _windows(),  # with frames, and with their trajectories
}


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """The folder of one of these sets in one of our formats, written once: not to be changed."""
    place = tmp_path_factory.mktemp("sets")
    return functools.cache(lambda name, form: generate(SETS[name], place / f"{name}.{form}", format=form))
