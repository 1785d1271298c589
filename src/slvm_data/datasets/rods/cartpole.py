"""A pole on a cart, each sequence under one of nine pairs of a constant force and a constant torque.

In the source, the second control is the torque over 0.35 kg m, the pole's mass times half its length: 0, ±1 or ±2.
The cart is red and the pole green.
"""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import CartPole
from slvm_data.systems.control import Choice

PUSHES = (-2.0, -1.0, 1.0, 2.0)  # N
UNIT = 0.35  # N m, of the torque

RECIPE = Recipe(
    name="cartpole",
    about=__doc__ or "",
    source="arXiv:2007.01926",
    tasks=(CartPole(),),
    control=Choice(among=((0.0, 0.0), *((u, 0.0) for u in PUSHES), *((0.0, UNIT * u) for u in PUSHES))),
    steps=20,
    dt=0.05,
    train=9 * 256,
    val=0,
    test=9 * 256,
    view=View(size=64, color="rgb", body_colors=("#00ff00", "#ff0000")),
)

if __name__ == "__main__":
    main(RECIPE)
