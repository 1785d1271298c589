"""One mass on a spring, drawn with noise on its state."""

from slvm_data.observe.modifiers import StateNoise
from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import MassSpring, uniform

YELLOW = "#feea5d"

RECIPE = Recipe(
    name="mass_spring_hgn",
    about=__doc__ or "",
    source="arXiv:1909.13789",
    tasks=(MassSpring(m=0.5, k=2.0, radii=uniform(0.1, 1.0), uniform_annulus=False),),
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
