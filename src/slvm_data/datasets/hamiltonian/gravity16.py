"""A ball thrown downwards, under gravity in sixteen directions: to the right, then ever further round by the bottom."""

from math import cos, pi, sin

from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import BallBox, uniform

STRENGTH = 2.5  # px/s²


def direction(k: int) -> tuple[float, float]:
    """Gravity in direction k of sixteen [px/s²]; a component that should be 0 is exactly 0."""
    return round(STRENGTH * cos(k * pi / 8), 12) + 0.0, round(STRENGTH * sin(k * pi / 8), 12) + 0.0  # no -0.0


RECIPE = Recipe(
    name="gravity16",
    about=__doc__ or "",
    source="https://openreview.net/forum?id=7C9aRX2nBf2",
    tasks=tuple(BallBox(g=direction(k), angle=uniform(45, 135)) for k in range(16)),
    dt=0.25,
    train=3_000,
    val=1_000,
    test=1_000,
    alias="grav",
)

if __name__ == "__main__":
    main(RECIPE)
