"""Any flow of the package dysts, with its own parameters, as signals, such as dysts:Rossler."""

from __future__ import annotations

from slvm_data.observe.modifiers import Emission
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split, times
from slvm_data.systems.dysts_flow import flow

PAPER = "arXiv:2110.05266"
FRAMES = 100  # in a period, as the package itself has


def recipe(name: str) -> Recipe:
    """The dataset of a flow: five periods; raises ValueError for a flow that cannot be used."""
    system = flow(name)()
    return Recipe(
        name=f"dysts_{name}",
        about=system.__doc__ or "",
        source=PAPER,
        tasks=(system,),
        observation="signals",
        observe=(Emission(kind="state"),),
        dt=system.period / FRAMES,
        steps=5 * FRAMES,
        train=1_000,
        val=100,
        test=100,
        splits={"long": Split(count=100, steps=times(2), paired="test")},
    )
