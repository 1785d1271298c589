"""Datasets for sequential latent-variable models: sequences of moving scenes, with the truth behind every frame.

import slvm_data
recipe = slvm_data.RECIPES["pendulum3"]
arrays = slvm_data.sample(recipe, index=slice(0, 8))     # in memory
slvm_data.generate(recipe, "pendulum3")                  # on disk
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from slvm_data.datasets import RECIPES as RECIPES
    from slvm_data.evaluation.scoring import evaluate as evaluate
    from slvm_data.observe.view import View as View
    from slvm_data.observe.windowing import Windowing as Windowing
    from slvm_data.recipe.recipe import Recipe as Recipe
    from slvm_data.recipe.split import Split as Split
    from slvm_data.recipe.split import hole as hole
    from slvm_data.recipe.split import ring as ring
    from slvm_data.recipe.split import shell as shell
    from slvm_data.recipe.split import times as times
    from slvm_data.recipe.worlds import corner as corner
    from slvm_data.recipe.worlds import worlds as worlds
    from slvm_data.run.generation import generate as generate
    from slvm_data.simulation.member import render as render
    from slvm_data.simulation.member import simulate as simulate
    from slvm_data.simulation.sequences import sample as sample
    from slvm_data.store.dataset_view import open_xarray as open_xarray
    from slvm_data.systems import *  # noqa: F403 - every system is public

_HOMES = {
    "evaluate": "evaluation.scoring",
    "generate": "run.generation",
    "open_xarray": "store.dataset_view",
    "Recipe": "recipe.recipe",
    "RECIPES": "datasets",
    "sample": "simulation.sequences",
    "Split": "recipe.split",
    "View": "observe.view",
    "Windowing": "observe.windowing",
    **dict.fromkeys(("hole", "ring", "shell", "times"), "recipe.split"),
    **dict.fromkeys(("corner", "worlds"), "recipe.worlds"),
    **dict.fromkeys(("render", "simulate"), "simulation.member"),
    **dict.fromkeys(("parameter", "shared_parameter", "Uniform", "uniform"), "systems.parameters"),
}  # and every class in `systems`


def __getattr__(name: str) -> object:
    # Names are fetched when they are first used, so that reading files never loads JAX.
    if name == "__all__":
        return sorted({*_HOMES, *importlib.import_module("slvm_data.systems").__all__}, key=str.casefold)
    if name in _HOMES or name[0].isupper():
        home = importlib.import_module(f"slvm_data.{_HOMES.get(name, 'systems')}")
        if hasattr(home, name):
            return getattr(home, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    names: list[str] = __getattr__("__all__")  # pyright: ignore[reportAssignmentType]
    return [*names, "__version__"]
