"""Five bodies in a box, of which any two have a spring between them with probability 1/2; this graph is stored.

Frame 0 is the start, which the source leaves out, and the motion is exact. The 10,000 test sequences of the source are
as long as those of `long`. The pictures are not in the source.
"""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split
from slvm_data.script import main
from slvm_data.systems import SpringNetwork

RECIPE = Recipe(
    name="springs5_nri",
    about=__doc__ or "",
    source="arXiv:1802.04687",
    tasks=(SpringNetwork(),),
    steps=49,
    dt=0.1,
    train=50_000,
    val=10_000,
    test=10_000,
    splits={"long": Split(count=1_000, steps=99, paired="test")},
    view=View(color="rgb", palette=5),
    record=("edges",),
)

if __name__ == "__main__":
    main(RECIPE)
