"""Two rods in a chain, each sequence under one of nine pairs of constant torques, at the pivot and between the rods.

In the source, the torque at the pivot also turns the second rod as no torque does, by a slip in its equations; here
both are torques. The first rod is red and the second green.
"""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import Acrobot
from slvm_data.systems.control import Choice

TORQUES = (-2.0, -1.0, 1.0, 2.0)  # N m

RECIPE = Recipe(
    name="acrobot",
    about=__doc__ or "",
    source="arXiv:2007.01926",
    tasks=(Acrobot(),),
    control=Choice(among=((0.0, 0.0), *((u, 0.0) for u in TORQUES), *((0.0, u) for u in TORQUES))),
    steps=20,
    dt=0.05,
    train=9 * 256,
    val=0,
    test=9 * 256,
    view=View(size=64, color="rgb", body_colors=("#ff0000", "#00ff00")),
)

if __name__ == "__main__":
    main(RECIPE)
