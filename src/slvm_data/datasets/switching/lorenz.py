"""The Lorenz system seen through ten mixed channels with noise; its regime is the lobe that it is in."""

from slvm_data.observe.windowing import Windowing
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import Lorenz

RECIPE = Recipe(
    name="lorenz",
    about=__doc__ or "",
    source="arXiv:2009.05135",
    tasks=(Lorenz(),),
    steps=10_000,
    dt=0.01,
    train=8_000,
    val=850,
    test=850,
    observation="signals",
    windows=Windowing(shares=(0.82, 0.09, 0.09)),  # 8,000 windows to train on, as in the original scripts
)

if __name__ == "__main__":
    main(RECIPE)
