"""Prey and predators in nine worlds, and in four others to adapt to from one sequence each."""

from slvm_data.observe.modifiers import Emission
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.worlds import worlds
from slvm_data.script import main
from slvm_data.systems import LotkaVolterra

BASE = Recipe(
    name="lotka_volterra_coda",
    about=__doc__ or "",
    source="arXiv:2202.01889",
    tasks=(LotkaVolterra(),),
    observation="signals",
    observe=(Emission(kind="state"),),
    dt=0.5,
    steps=20,
    train=4,
    val=0,
    test=32,
)
VALUES, NEW = (0.5, 0.75, 1.0), (0.625, 1.125)
RECIPE = worlds(
    BASE, beta=VALUES, delta=VALUES, adapt={"beta": NEW, "delta": NEW}, support=1, count=1 + 32, paired=True
)

if __name__ == "__main__":
    main(RECIPE)
