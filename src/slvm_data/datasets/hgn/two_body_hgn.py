"""Two equal bodies on orbits that are nearly circles, drawn with noise on their state.

The first is red and the second yellow.
"""

from slvm_data.observe.modifiers import StateNoise
from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import TwoBodyRing, uniform

RED, YELLOW = "#fe585d", "#feea5d"

RECIPE = Recipe(
    name="two_body_hgn",
    about=__doc__ or "",
    source="arXiv:1909.13789",
    tasks=(TwoBodyRing(m=1.0, g=1.0, radii=uniform(0.5, 1.5), orbit_noise=0.1, both_ways=True, half_width=3.0),),
    view=View(color="rgb", body_colors=(RED, YELLOW)),
    observe=(StateNoise(sigma=0.05),),
    dt=0.125,
    steps=34,
    train=50_000,
    val=5_000,
    test=10_000,
)

if __name__ == "__main__":
    main(RECIPE)
