"""A ball thrown downwards under gravity in three of sixteen directions: 0, 6, 11."""

from slvm_data.recipe import Recipe
from slvm_data.recipes.hamiltonian import gravity16
from slvm_data.script import main

RECIPE = Recipe(
    name="gravity3",
    about=__doc__ or "",
    source="https://openreview.net/forum?id=7C9aRX2nBf2",
    tasks=tuple(gravity16.RECIPE.tasks[k] for k in (0, 6, 11)),
    dt=0.25,
    train=3_000,
    val=1_000,
    test=1_000,
    alias="grav",
)

if __name__ == "__main__":
    main(RECIPE)
