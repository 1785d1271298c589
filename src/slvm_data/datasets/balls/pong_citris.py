"""Pong with interventions, which are stored: 1,000 games of 100 frames to train on.

In the source, one game of 100,000 frames is the training set. There, the scene is grey with dark borders, and shows the
score; here it is black.
"""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import InterventionalPong

RECIPE = Recipe(
    name="pong_citris",
    about=__doc__ or "",
    source="arXiv:2202.03169",
    tasks=(InterventionalPong(),),
    steps=100,
    dt=1.0,
    train=1_000,
    val=100,
    test=100,
    view=View(color="rgb", palette=3),
    record=("intervention",),
)

if __name__ == "__main__":
    main(RECIPE)
