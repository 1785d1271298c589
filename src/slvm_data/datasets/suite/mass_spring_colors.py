"""Masses of random weight on one spring, each in one of six colours, seen by a shifted camera."""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split
from slvm_data.script import main
from slvm_data.systems import MassSpring, uniform

RECIPE = Recipe(
    name="mass_spring_colors",
    about=__doc__ or "",
    source="arXiv:2111.05458",
    tasks=(MassSpring(m=uniform(0.2, 1.0), k=2.0, radii=uniform(0.1, 1.0)),),
    view=View(color="rgb", palette=6, jitter=0.4),
    dt=0.05,
    steps=60,
    train=50_000,
    val=5_000,
    test=20_000,
    splits={"long": Split(count=1_000, steps=255, paired="test")},
)

if __name__ == "__main__":
    main(RECIPE)
