"""The pendulum of `pendulum_cru` under noise that changes slowly; sine and cosine of its angle are to be found.

The noise is that of the recurrent Kalman network: it hides and shows the rod for several frames at a time.
"""

from slvm_data.datasets.rods.pendulum_cru import VIEW, pendulum
from slvm_data.observe.modifiers import CorrelatedNoise
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems.timing import Thinned

RECIPE = Recipe(
    name="pendulum_cru_regression",
    about=__doc__ or "",
    source="arXiv:2111.11344",
    tasks=(pendulum(0.01),),
    steps=50,
    dt=0.01,
    time=Thinned(share=0.5),
    observe=(CorrelatedNoise(r=0.2),),
    record=("angles",),
    train=2_000,
    val=1_000,
    test=1_000,
    view=VIEW,
)

if __name__ == "__main__":
    main(RECIPE)
