"""Two bodies of random masses under random strengths of attraction, in two of six colours.

In `long`, pairs that leave the scene after 60 frames have others in their place.
"""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split
from slvm_data.script import main
from slvm_data.systems import TwoBody, uniform

RECIPE = Recipe(
    name="two_body_colors",
    about=__doc__ or "",
    source="arXiv:2111.05458",
    tasks=(TwoBody(m=uniform(0.5, 1.5), g=uniform(0.5, 1.5), radii=uniform(0.5, 1.5), half_width=5.0),),
    view=View(color="rgb", palette=6),
    dt=0.05,
    steps=60,
    train=50_000,
    val=5_000,
    test=20_000,
    splits={"long": Split(count=1_000, steps=255, paired="test")},
)

if __name__ == "__main__":
    main(RECIPE)
