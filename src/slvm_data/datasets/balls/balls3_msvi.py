"""Three balls of equal mass in a box, seen at 51 irregular instants: points of a grid of 0.1 s, from 0 to 20 s."""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import Balls, uniform
from slvm_data.systems.timing import Grid

RECIPE = Recipe(
    name="balls3_msvi",
    about=__doc__ or "",
    source="arXiv:2210.03466",
    tasks=(Balls(place=uniform(2.0, 10.0)),),
    steps=51,
    dt=0.4,
    time=Grid(of=201),
    val=1_000,
    test=1_000,
    view=View(color="grey"),
)

if __name__ == "__main__":
    main(RECIPE)
