"""What several tests need."""

import dataclasses
import re
from pathlib import Path

import pytest

from slvm_data import RECIPES, Recipe


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`task` runs over every task of every dataset, `dataset` over every dataset."""
    if "task" in metafunc.fixturenames:
        pairs = [(recipe, i) for recipe in RECIPES.values() for i in range(len(recipe.tasks))]
        metafunc.parametrize("task", pairs, ids=[f"{recipe.name}-{i}" for recipe, i in pairs])
    if "dataset" in metafunc.fixturenames:
        metafunc.parametrize("dataset", RECIPES.values(), ids=list(RECIPES))


@pytest.fixture
def tiny() -> Recipe:
    """A dataset of three tasks, small enough to write in a moment."""
    return dataclasses.replace(RECIPES["pendulum3"], train=5, val=3, test=2, steps=4)


@pytest.fixture
def own_system() -> str:
    """The file that the documentation shows how to write."""
    text = (Path(__file__).parents[1] / "docs/your_own_system.md").read_text()
    found = re.search(r"^```python\n(# my_dataset\.py\n.*?)^```", text, re.M | re.S)
    assert found
    return found[1]
