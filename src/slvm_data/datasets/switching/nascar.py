"""A car on an oval track: two straights and two bends, four regimes of a recurrent switching linear system."""

from math import cos, pi, sin, sqrt

from slvm_data.observe.windowing import Windowing
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import Rslds


def bend(angle: float, x: float) -> tuple[tuple[tuple[float, float], ...], tuple[float, float]]:
    """A and b of a clockwise turn by `angle` [rad] about (x, 0)."""
    c, s = cos(angle), sin(angle)
    return ((c, s), (-s, c)), (x * (1 - c), x * s)


(RIGHT, RIGHT_B), (LEFT, LEFT_B), STRAIGHT = bend(pi / 24, 2.0), bend(pi / 48, -2.0), ((1.0, 0.0), (0.0, 1.0))

RECIPE = Recipe(
    name="nascar",
    about=__doc__ or "",
    source="https://proceedings.mlr.press/v54/linderman17a.html",
    tasks=(
        Rslds(
            A=(RIGHT, LEFT, STRAIGHT, STRAIGHT),
            b=(RIGHT_B, LEFT_B, (0.1, 0.0), (-0.35, 0.0)),
            R=((100.0, 0.0), (-100.0, 0.0), (0.0, 100.0)),
            r=(-201.5, -201.0, 0.0),  # right of 2, left of -2, above 0, the rest: all but the noise of the borders
            spread=sqrt(1e-3),
            reach=(5.5, 3.5),  # nothing but luck keeps a car on the track: one trajectory in ten would go farther
            observation_noise=sqrt(1e-5),
        ),
    ),
    steps=10_000,
    dt=1.0,
    train=8_000,
    val=850,
    test=850,
    observation="signals",
    windows=Windowing(shares=(0.82, 0.09, 0.09)),  # 8,000 windows to train on, as in the original scripts
)

if __name__ == "__main__":
    main(RECIPE)
