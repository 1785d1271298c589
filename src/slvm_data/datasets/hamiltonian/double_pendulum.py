"""Double pendulums of random masses and lengths, one bob red and one cyan."""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import DoublePendulum, uniform

RECIPE = Recipe(
    name="double_pendulum",
    about=__doc__ or "",
    source="arXiv:2111.05458",
    tasks=(
        DoublePendulum(
            m=uniform(0.4, 0.6), l=uniform(0.75, 1.0), g=3.0, radii=uniform(1.3, 2.3), uniform_annulus=False
        ),
    ),
    view=View(palette=2),
)

if __name__ == "__main__":
    main(RECIPE)
