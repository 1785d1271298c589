"""Double pendulums of random masses, lengths and gravity, in two of six colours, seen by a shifted camera."""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split
from slvm_data.script import main
from slvm_data.systems import DoublePendulum, uniform

RECIPE = Recipe(
    name="double_pendulum_colors",
    about=__doc__ or "",
    source="arXiv:2111.05458",
    tasks=(DoublePendulum(m=uniform(0.4, 0.6), l=uniform(0.75, 1.0), g=uniform(2.5, 4.0), radii=uniform(1.0, 2.5)),),
    view=View(color="rgb", palette=6, jitter=0.4),
    dt=0.05,
    steps=60,
    train=50_000,
    val=5_000,
    test=20_000,
    splits={"long": Split(count=1_000, steps=255, paired="test")},
)

if __name__ == "__main__":
    main(RECIPE)
