"""A ball thrown downwards, under gravity, between four walls."""

from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import BallBox, uniform

RECIPE = Recipe(
    name="gravity",
    about=__doc__ or "",
    source="https://openreview.net/forum?id=7C9aRX2nBf2",
    tasks=(BallBox(g=(0.0, 2.5), angle=uniform(45, 135)),),
    dt=0.25,
    val=2_000,
    test=2_000,
    alias="grav",
)

if __name__ == "__main__":
    main(RECIPE)
