"""A ball that bounces between the six walls of an irregular hexagon, in sequences of 20 frames, and of 100 to test."""

from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split
from slvm_data.script import main
from slvm_data.systems import PolygonBox

RECIPE = Recipe(
    name="kvae_polygon",
    about=__doc__ or "",
    source="arXiv:1710.05741",
    tasks=(PolygonBox(),),
    steps=20,
    dt=0.2,
    train=5_000,
    val=100,
    test=1_000,
    splits={"long": Split(count=1_000, steps=100, paired="test")},
)

if __name__ == "__main__":
    main(RECIPE)
