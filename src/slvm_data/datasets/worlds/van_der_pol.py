"""The oscillator of van der Pol, whose damping differs between sequences, as signals."""

from slvm_data.observe.modifiers import Emission
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split, times
from slvm_data.script import main
from slvm_data.systems import VanDerPol, uniform

RECIPE = Recipe(
    name="van_der_pol",
    about=__doc__ or "",
    source="https://doi.org/10.1080/14786442608564127",
    tasks=(VanDerPol(mu=uniform(0.2, 2.0)),),
    observation="signals",
    observe=(Emission(kind="state"),),
    dt=0.2,
    steps=100,
    train=1_000,
    val=100,
    test=100,
    splits={"long": Split(count=100, steps=times(2), paired="test")},
)

if __name__ == "__main__":
    main(RECIPE)
