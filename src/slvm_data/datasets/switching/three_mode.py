"""A spiral of three kinds, each for a random but not memoryless time; 180 frames of context, then 20 to predict."""

from math import cos, pi, sin

from slvm_data.observe.windowing import Windowing
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import ExplicitDuration


def spiral(angle: float) -> tuple[tuple[float, float], ...]:
    """Matrix of a clockwise turn by `angle` [rad] that also shrinks by 1 %."""
    c, s = 0.99 * cos(angle), 0.99 * sin(angle)
    return (c, s), (-s, c)


RECIPE = Recipe(
    name="three_mode",
    about=__doc__ or "",
    source="arXiv:2110.13878",
    tasks=(
        ExplicitDuration(
            A=(spiral(0.0), spiral(pi / 8), spiral(pi / 4)),
            durations=(
                ((6, 2), (11, 5), (16, 7), (20, 3)),
                ((8, 5), (17, 8), (19, 6), (20, 1)),
                ((13, 3), (16, 7), (18, 5), (20, 2)),
            ),
            transitions=((0.1, 0.2, 0.7), (0.3, 0.5, 0.2), (0.3, 0.3, 0.4)),
        ),
    ),
    steps=200,
    dt=1.0,
    train=10_000,
    val=500,
    test=500,
    observation="signals",
    windows=Windowing(length=20, contexts=9, spacing=20, separate=True),
)

if __name__ == "__main__":
    main(RECIPE)
