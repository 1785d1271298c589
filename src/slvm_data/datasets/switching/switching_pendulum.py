"""A pendulum whose gravity jumps among three values at random instants; between them its energy is constant."""

from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import Pendulum, uniform
from slvm_data.systems.switch import Switch

RECIPE = Recipe(
    name="switching_pendulum",
    about=__doc__ or "",
    source="https://doi.org/10.1111/j.2517-6161.1984.tb01308.x",
    tasks=(Pendulum(m=0.5, g=3.0, l=1.0, radii=uniform(1.3, 2.3), substep=0.05),),
    drift=(Switch(of="g", to=(1.0, 9.0), rate=0.5),),
    steps=100,
    dt=0.1,
    train=5_000,
    val=500,
    test=500,
)

if __name__ == "__main__":
    main(RECIPE)
