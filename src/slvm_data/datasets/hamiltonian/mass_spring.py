"""Masses of random weight on one spring, seen by a fixed camera."""

from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import MassSpring, uniform

RECIPE = Recipe(
    name="mass_spring",
    about=__doc__ or "",
    source="arXiv:2111.05458",
    tasks=(MassSpring(m=uniform(0.4, 1.0), k=2.0, radii=uniform(0.1, 1.0), uniform_annulus=False),),
)

if __name__ == "__main__":
    main(RECIPE)
