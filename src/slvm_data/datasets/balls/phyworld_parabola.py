"""A ball thrown horizontally under gravity; splits with sizes, speeds or both outside of what was trained."""

from slvm_data.datasets.balls.phyworld_uniform import LEVELS
from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import PassingBalls

RECIPE = Recipe(
    name="phyworld_parabola",
    about=__doc__ or "",
    source="arXiv:2411.02385",
    tasks=(PassingBalls(g=(0.0, -2.5), below_top=1.0),),
    train=30_000,
    val=1_000,
    test=1_000,
    steps=32,
    view=View(size=256, color="rgb", body_colors=("#ff0000",), background="#ffffff"),
    splits=LEVELS,
)

if __name__ == "__main__":
    main(RECIPE)
