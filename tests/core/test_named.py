"""Things by name: own ones, those of a source, and datasets whose files are read when they are asked for."""

import subprocess
import sys

import pytest

from slvm_data import RECIPES, Recipe
from slvm_data.core.named import Named
from slvm_data.datasets import NAMES, Recipes

COUNT = """
import sys
from slvm_data import RECIPES
def read():
    return sorted(name.split(".")[-1] for name in sys.modules if name.startswith("slvm_data.datasets.hamiltonian."))
assert "two_body" in RECIPES and len(RECIPES) > 80 and list(RECIPES)[0] == "bouncingball" and not read()
RECIPES["pendulum"]
print(*read())
"""


@pytest.fixture
def named():
    return Named([("one", 1), ("two", 2)], {"square": lambda word: int(word) ** 2})


def test_a_source_makes_what_is_asked_for(named):
    assert named["square:7"] == 49
    assert "square:7" in named
    assert "cube:7" not in named
    assert "square" not in named
    assert (len(named), [*named], dict(named)) == (2, ["one", "two"], {"one": 1, "two": 2})
    assert str(named) == "Named(one, two, square:…)"


def test_what_is_not_there(named):
    assert named.get("three") is None
    for name in ("three", "cube:7"):
        with pytest.raises(KeyError, match=name):
            named[name]


def test_one_may_be_changed(named):
    named["one"] = 5
    del named["two"]
    assert dict(named) == {"one": 5}


def test_the_file_of_a_dataset_is_read_when_it_is_asked_for():
    done = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["pendulum"]


def test_recipes_are_made_once_and_in_their_order():
    recipes = Recipes()
    assert [*recipes] == [name for names in NAMES.values() for name in names]
    assert recipes["lorenz"] is recipes["lorenz"] is RECIPES["lorenz"]
    assert recipes.get("lorenz") is RECIPES["lorenz"]
    for every in (dict(recipes), {**recipes}, dict(recipes.items())):
        assert all(isinstance(recipe, Recipe) and recipe.name == name for name, recipe in every.items())
