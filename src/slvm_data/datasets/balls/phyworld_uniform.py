"""A ball that flies past at constant velocity; splits with sizes, speeds or both outside of what was trained."""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split
from slvm_data.script import main
from slvm_data.systems import PassingBalls, uniform

SMALL, LARGE = uniform(0.3, 0.6), uniform(1.5, 2.0)  # m, radii outside of training
SLOW, FAST = uniform(0.0, 0.8), uniform(4.5, 6.0)  # m/s, speeds outside of training

LEVELS = {
    "small_r": Split(count=1_000, change={"radius": SMALL}),
    "small_v": Split(count=1_000, change={"v": SLOW}),
    "small_rv": Split(count=1_000, change={"radius": SMALL, "v": SLOW}),
    "large_r": Split(count=1_000, change={"radius": LARGE}),
    "large_v": Split(count=1_000, change={"v": FAST}),
    "large_rv": Split(count=1_000, change={"radius": LARGE, "v": FAST}),
}
"""Sizes, speeds or both below the training ranges, and above."""

RECIPE = Recipe(
    name="phyworld_uniform",
    about=__doc__ or "",
    source="arXiv:2411.02385",
    tasks=(PassingBalls(),),
    train=30_000,
    val=1_000,
    test=1_000,
    steps=32,
    view=View(size=256, color="rgb", body_colors=("#ff0000",), background="#ffffff"),
    splits=LEVELS,
)

if __name__ == "__main__":
    main(RECIPE)
