"""A mass on a spring whose stiffness jumps among three values at random instants."""

from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import MassSpring, uniform
from slvm_data.systems.switch import Switch

RECIPE = Recipe(
    name="switching_mass_spring",
    about=__doc__ or "",
    source="https://doi.org/10.1111/j.2517-6161.1984.tb01308.x",
    tasks=(MassSpring(m=0.5, k=2.0, radii=uniform(0.1, 1.0), substep=0.05),),
    drift=(Switch(of="k", to=(1.0, 4.0), rate=0.5),),
    steps=100,
    dt=0.1,
    train=5_000,
    val=500,
    test=500,
)

if __name__ == "__main__":
    main(RECIPE)
