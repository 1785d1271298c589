"""Heavy double pendulums, started almost at rest under three gravities, seen by a shifted camera."""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import DoublePendulum, uniform

RECIPE = Recipe(
    name="double_pendulum3",
    about=__doc__ or "",
    source="arXiv:2111.05458",
    tasks=tuple(
        DoublePendulum(m=uniform(5.0, 8.0), l=uniform(2.5, 3.0), g=g, radii=uniform(1.5, 2.5)) for g in (2.0, 3.0, 4.0)
    ),
    view=View(jitter=0.4),
    train=3_000,
    val=1_000,
    test=1_000,
    alias="double_pendulum",
)

if __name__ == "__main__":
    main(RECIPE)
