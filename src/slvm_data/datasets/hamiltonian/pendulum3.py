"""Pendulums of random mass and length under three gravities, seen by a shifted camera."""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import Pendulum, uniform

RECIPE = Recipe(
    name="pendulum3",
    about=__doc__ or "",
    source="arXiv:2111.05458",
    tasks=tuple(
        Pendulum(m=uniform(0.5, 1.0), g=g, l=uniform(0.5, 1.0), radii=uniform(1.3, 2.3)) for g in (2.0, 3.0, 4.0)
    ),
    view=View(jitter=0.4),
    train=3_000,
    val=1_000,
    test=1_000,
    alias="pendulum",
)

if __name__ == "__main__":
    main(RECIPE)
