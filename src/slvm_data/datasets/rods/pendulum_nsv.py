"""A rod of half a metre that swings and turns over, in large frames at 60 Hz."""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import RodPendulum, uniform

RECIPE = Recipe(
    name="pendulum_nsv",
    about=__doc__ or "",
    source="doi:10.1038/s43588-022-00281-6",
    tasks=(RodPendulum(l=0.5, lever=1.5, width=0.05, spin=uniform(-10.0, 10.0)),),
    steps=60,
    dt=1 / 60,
    train=960,
    val=120,
    test=120,
    view=View(size=128, color="rgb"),
)

if __name__ == "__main__":
    main(RECIPE)
