"""One ball in a box that is slowed by friction, which differs between sequences.

In the source, the speed is 1 m/s at the start, and friction lowers it by a constant at each frame. Here friction takes
that share of the velocity in a second, so that impacts have exact times; the two agree while the speed is near 1 m/s.
"""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split, times
from slvm_data.script import main
from slvm_data.systems import Balls, uniform

RECIPE = Recipe(
    name="ball_monode",
    about=__doc__ or "",
    source="arXiv:2302.13262",
    tasks=(Balls(count=1, radius=1.0, friction=uniform(0.0, 0.02), place=uniform(2.0, 8.0), speed=uniform(1.0, 1.0)),),
    steps=20,
    dt=1.0,
    train=1_000,
    val=100,
    test=100,
    view=View(size=28, color="grey"),
    splits={"long": Split(count=100, steps=times(2), paired="test")},
)

if __name__ == "__main__":
    main(RECIPE)
