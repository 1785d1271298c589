"""A star in a galaxy, at energies from regular to chaotic motion, as signals."""

from slvm_data.observe.modifiers import Emission
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split, times
from slvm_data.script import main
from slvm_data.systems import HenonHeiles

RECIPE = Recipe(
    name="henon_heiles",
    about=__doc__ or "",
    source="https://doi.org/10.1086/109234",
    tasks=(HenonHeiles(),),
    observation="signals",
    observe=(Emission(kind="state"),),
    dt=0.5,
    steps=100,
    train=1_000,
    val=100,
    test=100,
    splits={"long": Split(count=100, steps=times(2), paired="test")},
)

if __name__ == "__main__":
    main(RECIPE)
