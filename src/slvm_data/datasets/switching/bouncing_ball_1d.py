"""A ball between two walls, its position seen with noise; 100 frames of context, then 50 to predict."""

from slvm_data.observe.windowing import Windowing
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import BouncingBall1D

RECIPE = Recipe(
    name="bouncing_ball_1d",
    about=__doc__ or "",
    source="arXiv:2110.13878",
    tasks=(BouncingBall1D(),),
    steps=150,
    dt=1.0,
    train=100_000,
    val=1_000,
    test=1_000,
    observation="signals",
    windows=Windowing(length=50, contexts=2, spacing=50, separate=True),
)

if __name__ == "__main__":
    main(RECIPE)
