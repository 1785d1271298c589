"""A pendulum without friction, 14 pixels long and 3 wide, seen at 51 irregular instants from 0 to 3 s."""

from math import pi

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import RodPendulum, uniform
from slvm_data.systems.timing import Grid

RECIPE = Recipe(
    name="pendulum_msvi",
    about=__doc__ or "",
    source="arXiv:2210.03466",
    tasks=(RodPendulum(spin=uniform(-pi / 2, pi / 2), width=3 / 14),),
    steps=51,
    dt=0.06,
    time=Grid(),
    train=400,
    val=50,
    test=50,
    view=View(color="grey", extent=16 / 14),
)

if __name__ == "__main__":
    main(RECIPE)
