"""Patterns of two substances on a grid in four worlds, and in four others to adapt to from one sequence each.

The source has no frames: there, as here in `state`, are the numbers of the field. In a frame u is red and v cyan.
"""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.worlds import worlds
from slvm_data.script import main
from slvm_data.systems import GrayScott

BASE = Recipe(
    name="gray_scott_coda",
    about=__doc__ or "",
    source="arXiv:2202.01889",
    tasks=(GrayScott(),),
    view=View(color="rgb", palette=2),
    dt=40.0,
    steps=10,
    train=1,
    val=0,
    test=32,
)
RECIPE = worlds(
    BASE,
    f=(0.03, 0.039),
    k=(0.058, 0.062),
    adapt={"f": (0.033, 0.036), "k": (0.059, 0.061)},
    support=1,
    count=1 + 32,
    paired=True,
)

if __name__ == "__main__":
    main(RECIPE)
