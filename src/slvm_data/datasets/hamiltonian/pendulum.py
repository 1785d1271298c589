"""One ideal pendulum seen by a fixed camera; three in ten starts have the energy to turn over."""

from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import Pendulum, uniform

RECIPE = Recipe(
    name="pendulum",
    about=__doc__ or "",
    source="arXiv:2111.05458",
    tasks=(Pendulum(m=0.5, g=3.0, l=1.0, radii=uniform(1.3, 2.3), uniform_annulus=False),),
)

if __name__ == "__main__":
    main(RECIPE)
