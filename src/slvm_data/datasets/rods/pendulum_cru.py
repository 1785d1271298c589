"""A pendulum with friction and a random torque, seen at half of 100 instants, where every other frame is missing.

A frame is black with probability 1/2, but for the first five. The coefficient of the sine, 3 g / l, is that of the
source, which takes the moment of inertia of a rod, and the weight at its end. There, the velocity gets a kick at each
frame; here, a torque between frames changes it by as much. Frames are not made smaller from 128 pixels, as there.
"""

from slvm_data.observe.modifiers import Missing
from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import ShakenPendulum
from slvm_data.systems.timing import Thinned

KICK = 0.1  # rad/s, standard deviation of the velocity's change from frame to frame


def pendulum(dt: float) -> ShakenPendulum:
    """The pendulum whose velocity changes by `KICK` within `dt` [s]: 55 px long and 8 px wide on 128 px."""
    return ShakenPendulum(friction=0.1, lever=3.0, width=8 / 55, shake=KICK / dt**0.5)


VIEW = View(size=24, color="grey", extent=64 / 55)

RECIPE = Recipe(
    name="pendulum_cru",
    about=__doc__ or "",
    source="arXiv:2111.11344",
    tasks=(pendulum(0.05),),
    steps=50,
    dt=0.05,
    time=Thinned(share=0.5),
    observe=(Missing(p=0.5, keep=5),),
    train=2_000,
    val=1_000,
    test=1_000,
    view=VIEW,
)

if __name__ == "__main__":
    main(RECIPE)
