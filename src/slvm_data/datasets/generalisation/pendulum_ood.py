"""Pendulums whose length or gravity lies just outside of what was trained, near or far; and longer sequences."""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split, shell, times
from slvm_data.script import main
from slvm_data.systems import Pendulum, uniform

NEAR, FAR = shell(0.0, 0.1), shell(0.1, 0.2)  # shares of the width of the training range

RECIPE = Recipe(
    name="pendulum_ood",
    about=__doc__ or "",
    source="arXiv:2108.11684",
    tasks=(Pendulum(m=0.5, g=uniform(2.5, 3.5), l=uniform(0.8, 1.2)),),
    view=View(extent=1.7),
    splits={
        "near_length": Split(count=1_000, change={"l": NEAR}),
        "far_length": Split(count=1_000, change={"l": FAR}),
        "near_gravity": Split(count=1_000, change={"g": NEAR}),
        "far_gravity": Split(count=1_000, change={"g": FAR}),
        "long": Split(count=1_000, steps=times(2), paired="test"),
    },
)

if __name__ == "__main__":
    main(RECIPE)
