"""A spiral wave that turns on a grid, in large frames, five a second.

The source cuts one trajectory of 2,000 s into pieces, and its frames show u alone, darker away from the middle. Here
each sequence begins as its trajectory does, at a phase of its own. In a frame u is red and v cyan.
"""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import LambdaOmega

RECIPE = Recipe(
    name="lambda_omega_nsv",
    about=__doc__ or "",
    source="doi:10.1038/s43588-022-00281-6",
    tasks=(LambdaOmega(),),
    steps=100,
    dt=0.2,
    train=80,
    val=10,
    test=10,
    view=View(size=128, color="rgb", palette=2),
)

if __name__ == "__main__":
    main(RECIPE)
