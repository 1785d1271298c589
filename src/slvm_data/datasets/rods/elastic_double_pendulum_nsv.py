"""A rod that hangs from a spring, which turns about a pivot, in large frames at 60 Hz.

Both are drawn 1.7 times as wide as the rod is, as in the source, the spring dark and the rod blue, on a light
background.
"""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import ElasticDoublePendulum

RECIPE = Recipe(
    name="elastic_double_pendulum_nsv",
    about=__doc__ or "",
    source="doi:10.1038/s43588-022-00281-6",
    tasks=(ElasticDoublePendulum(),),
    steps=60,
    dt=1 / 60,
    train=960,
    val=120,
    test=120,
    view=View(size=128, color="rgb", body_colors=("#3f4255", "#115dea"), background="#d7cdc0"),
)

if __name__ == "__main__":
    main(RECIPE)
