"""A double pendulum seen through eight mixed channels; its regime says how the links move against each other."""

from slvm_data.observe.windowing import Windowing
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import SwitchingDoublePendulum

RECIPE = Recipe(
    name="switching_double_pendulum",
    about=__doc__ or "",
    source="arXiv:2009.05135",
    tasks=(SwitchingDoublePendulum(),),
    steps=20_000,
    dt=0.05,
    train=8_000,
    val=1_000,
    test=1_000,
    observation="signals",
    windows=Windowing(segment=200),
)

if __name__ == "__main__":
    main(RECIPE)
