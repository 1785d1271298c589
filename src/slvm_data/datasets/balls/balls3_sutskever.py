"""Three balls of equal mass that bounce off each other in a box.

At the start, the root of the sum of their squared speeds is 0.5 m/s. The brightness of a ball
of radius r is exp(-(d / r)⁸) at the distance d from its centre.
"""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import Balls, uniform

RECIPE = Recipe(
    name="balls3_sutskever",
    about=__doc__ or "",
    source="https://papers.nips.cc/paper/2008/hash/9ad6aaed513b73148b7d49f70afcfb32-Abstract.html",
    tasks=(Balls(place=uniform(2.0, 10.0)),),
    dt=1.0,
    val=1_000,
    test=1_000,
    view=View(color="grey", style="bump"),
)

if __name__ == "__main__":
    main(RECIPE)
