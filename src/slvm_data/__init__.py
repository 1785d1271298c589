"""Datasets for sequential latent-variable models: films of moving scenes, with the truth behind every frame.

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
    from slvm_data.datasets import RECIPES
    from slvm_data.observe.view import View
    from slvm_data.observe.windowing import Windows
    from slvm_data.recipe.recipe import Recipe
    from slvm_data.run.generation import generate
    from slvm_data.simulation.member import render, sample, simulate
    from slvm_data.systems import (
        BallBox,
        BouncingBall1D,
        DoublePendulum,
        ExplicitDuration,
        Hamiltonian,
        Lorenz,
        MassSpring,
        NBody,
        Pendulum,
        Rslds,
        Switching,
        SwitchingDoublePendulum,
        System,
        TwoBody,
        Uniform,
        constant,
        parameter,
        uniform,
    )

__all__ = [
    "BallBox",
    "BouncingBall1D",
    "constant",
    "DoublePendulum",
    "ExplicitDuration",
    "generate",
    "Hamiltonian",
    "Lorenz",
    "MassSpring",
    "NBody",
    "parameter",
    "Pendulum",
    "Recipe",
    "RECIPES",
    "render",
    "Rslds",
    "sample",
    "simulate",
    "Switching",
    "SwitchingDoublePendulum",
    "System",
    "TwoBody",
    "Uniform",
    "uniform",
    "View",
    "Windows",
]

_HOMES = {
    "Recipe": "recipe.recipe",
    "RECIPES": "datasets",
    "View": "observe.view",
    "Windows": "observe.windowing",
    "generate": "run.generation",
    **dict.fromkeys(("render", "sample", "simulate"), "simulation.member"),
}


def __getattr__(name: str) -> object:
    # Names are fetched when they are first used, so that what reads the files never loads JAX.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"slvm_data.{_HOMES.get(name, 'systems')}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
