"""The glycolytic oscillator in nine worlds, and in four others to adapt to from one sequence each."""

from slvm_data.observe.modifiers import Emission
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.worlds import worlds
from slvm_data.script import main
from slvm_data.systems import Glycolytic

BASE = Recipe(
    name="glycolytic_coda",
    about=__doc__ or "",
    source="arXiv:2202.01889",
    tasks=(Glycolytic(),),
    observation="signals",
    observe=(Emission(kind="state"),),
    dt=0.05,
    steps=20,
    train=32,
    val=0,
    test=32,
)
RECIPE = worlds(
    BASE,
    k1=(100.0, 90.0, 80.0),
    K1=(1.0, 0.75, 0.5),
    adapt={"k1": (85.0, 95.0), "K1": (0.625, 0.875)},
    support=1,
    count=1 + 32,
    paired=True,
)

if __name__ == "__main__":
    main(RECIPE)
