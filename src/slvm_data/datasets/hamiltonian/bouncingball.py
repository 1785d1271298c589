"""A ball that bounces between four walls, with nothing to pull it."""

from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import BallBox

RECIPE = Recipe(
    name="bouncingball",
    about=__doc__ or "",
    source="https://openreview.net/forum?id=7C9aRX2nBf2",
    tasks=(BallBox(margin=2.0),),
    dt=0.25,
    val=1_000,
    test=1_000,
)

if __name__ == "__main__":
    main(RECIPE)
