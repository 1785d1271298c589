"""One ideal pendulum, drawn with noise on its state."""

from slvm_data.observe.modifiers import StateNoise
from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import Pendulum, uniform

YELLOW = "#feea5d"

RECIPE = Recipe(
    name="pendulum_hgn",
    about=__doc__ or "",
    source="arXiv:1909.13789",
    tasks=(Pendulum(m=0.5, g=3.0, l=1.0, radii=uniform(1.3, 2.3), uniform_annulus=False),),
    view=View(color="rgb", extent=2.0, body_colors=(YELLOW,)),
    observe=(StateNoise(sigma=0.1),),
    dt=0.125,
    steps=34,
    train=50_000,
    val=5_000,
    test=10_000,
)

if __name__ == "__main__":
    main(RECIPE)
