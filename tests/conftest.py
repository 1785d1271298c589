"""What several tests need."""

import dataclasses
import os
import re
from collections.abc import Iterator
from pathlib import Path

# Modules, and processes that tests begin, find what others have compiled: half of the time of all tests.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[1] / ".pytest_cache/compiled"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.02")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

import jax
import pytest

from slvm_data import RECIPES, Hamiltonian, Recipe

MANY = ("gravity6", "gravity16")  # more directions of what gravity3 has
FILMS = {name: recipe for name, recipe in RECIPES.items() if recipe.windows is None}


def different_tasks() -> list[tuple[Recipe, int]]:
    """Every task of every dataset of films, but those that stand in another dataset already."""
    found = {}
    for recipe in FILMS.values():
        for i, system in enumerate(recipe.tasks if recipe.name not in MANY else ()):
            found.setdefault((system, recipe.dt_of(i), recipe.view_of(i)), (recipe, i))
    return list(found.values())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`task` runs over every different task of films, `smooth_task` over those with an energy alone."""
    tasks = different_tasks()
    smooth = [(recipe, i) for recipe, i in tasks if isinstance(recipe.tasks[i], Hamiltonian)]
    for name, pairs in (("task", tasks), ("smooth_task", smooth)):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, pairs, ids=[f"{recipe.name}-{i}" for recipe, i in pairs])
    smooth_sets = {recipe.name: recipe for recipe, i in smooth if i == 0}
    if "smooth_dataset" in metafunc.fixturenames:
        metafunc.parametrize("smooth_dataset", smooth_sets.values(), ids=list(smooth_sets))


@pytest.fixture(autouse=True, scope="module")
def few_compiled() -> Iterator[None]:
    """Forget what was compiled for a module's tests: each piece holds memory maps, of which a process has so many."""
    yield
    jax.clear_caches()


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
