"""One ball in a box that friction slows, by a share of its velocity that is another one in each sequence.

The source takes this number from the speed, 1 m/s at the start, at each frame. Here it is the share of the velocity
that friction takes in a second, the same as long as the speed is 1 m/s, so that impacts have exact times.
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
