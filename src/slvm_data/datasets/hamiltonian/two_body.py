"""Two bodies of random masses that attract each other, one red and one cyan."""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import TwoBody, uniform

RECIPE = Recipe(
    name="two_body",
    about=__doc__ or "",
    source="arXiv:2111.05458",
    tasks=(TwoBody(m=uniform(0.5, 1.5), g=1.0, radii=uniform(0.5, 1.5), half_width=5.0),),
    view=View(palette=2),
)

if __name__ == "__main__":
    main(RECIPE)
