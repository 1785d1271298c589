"""Masses of random weight on springs of three stiffnesses, seen by a shifted camera."""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import MassSpring, uniform

RECIPE = Recipe(
    name="mass_spring3",
    about=__doc__ or "",
    source="arXiv:2111.05458",
    tasks=tuple(
        MassSpring(m=uniform(0.4, 1.0), k=k, radii=uniform(0.1, 1.0), uniform_annulus=False) for k in (1.0, 2.0, 3.0)
    ),
    view=View(jitter=0.4),
    train=3_000,
    val=1_000,
    test=1_000,
    alias="mass_spring",
)

if __name__ == "__main__":
    main(RECIPE)
