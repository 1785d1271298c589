"""Small swings of a rod of 1 m, one sequence like the other, for models that learn an energy from pixels.

The source takes pairs of neighbouring frames, has no validation part, and moves by Euler's method.
"""

from math import pi

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import RodPendulum, uniform

RECIPE = Recipe(
    name="pendulum_hnn",
    about=__doc__ or "",
    source="arXiv:1906.01563",
    tasks=(RodPendulum(g=10.0, lever=1.5, width=0.2, angle=uniform(-pi / 6, pi / 6), spin=uniform(-1.0, 1.0)),),
    steps=103,
    dt=0.05,
    train=200,
    val=50,
    test=50,
    view=View(size=28, color="grey"),
)

if __name__ == "__main__":
    main(RECIPE)
