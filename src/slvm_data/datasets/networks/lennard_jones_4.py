"""Four particles of a gas in a periodic box, which repel each other when near and attract each other when far.

The source cuts forces off at once, and prepares its starts for longer. Its files do not say how far apart frames are:
here it is 0.05 s, as in the rest of the suite.
"""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split
from slvm_data.script import main
from slvm_data.systems import LennardJones

RECIPE = Recipe(
    name="lennard_jones_4",
    about=__doc__ or "",
    source="arXiv:2111.05458",
    tasks=(LennardJones(count=4, temperature=1.0, side=10.0),),
    steps=60,
    dt=0.05,
    train=10_000,
    val=1_000,
    test=1_000,
    splits={"long": Split(count=100, steps=255, paired="test")},
    view=View(color="rgb", palette=4),
)

if __name__ == "__main__":
    main(RECIPE)
