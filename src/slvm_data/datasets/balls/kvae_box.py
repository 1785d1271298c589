"""A ball that bounces between four walls, in sequences of 20 frames, and of 100 to test."""

from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split
from slvm_data.script import main
from slvm_data.systems import BallBox, uniform

RECIPE = Recipe(
    name="kvae_box",
    about=__doc__ or "",
    source="arXiv:1710.05741",
    tasks=(BallBox(margin=2.0, spread=10.0, speed=uniform(10.0, 15.0)),),
    steps=20,
    dt=0.2,
    train=5_000,
    val=100,
    test=1_000,
    splits={"long": Split(count=1_000, steps=100, paired="test")},
)

if __name__ == "__main__":
    main(RECIPE)
