"""A nerve whose current differs between sequences: some are at rest, others fire again and again; as signals."""

from slvm_data.observe.modifiers import Emission
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split, times
from slvm_data.script import main
from slvm_data.systems import FitzHughNagumo, uniform

RECIPE = Recipe(
    name="fitzhugh_nagumo",
    about=__doc__ or "",
    source="https://doi.org/10.1109/JRPROC.1962.288235",
    tasks=(FitzHughNagumo(current=uniform(0.0, 1.0)),),
    observation="signals",
    observe=(Emission(kind="state"),),
    dt=1.0,
    steps=100,
    train=1_000,
    val=100,
    test=100,
    splits={"long": Split(count=100, steps=times(2), paired="test")},
)

if __name__ == "__main__":
    main(RECIPE)
