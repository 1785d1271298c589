"""Small swings of pendulums of different lengths, which only the motion tells: every rod is drawn 1 m long.

The source moves by Euler's method, has no validation part, and a variant with friction: `friction=0.7`.
"""

from math import pi

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split, times
from slvm_data.script import main
from slvm_data.systems import RodPendulum, uniform

RECIPE = Recipe(
    name="pendulum_goku",
    about=__doc__ or "",
    source="arXiv:2003.10775",
    tasks=(
        RodPendulum(
            g=10.0, l=uniform(1.0, 2.0), width=0.2, shown=1.0, angle=uniform(-pi / 6, pi / 6), spin=uniform(-1.0, 1.0)
        ),
    ),
    steps=50,
    dt=0.05,
    train=450,
    val=50,
    test=50,
    view=View(size=28, color="grey"),
    splits={"long": Split(count=50, steps=times(2), paired="test")},
)

if __name__ == "__main__":
    main(RECIPE)
