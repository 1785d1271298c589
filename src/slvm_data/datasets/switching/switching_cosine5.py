"""Five random cosine networks that take turns, by a sticky chain; a network of rectifiers makes the signal."""

from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import SwitchingCosine

RECIPE = Recipe(
    name="switching_cosine5",
    about=__doc__ or "",
    source="arXiv:2305.15925",
    tasks=(SwitchingCosine(K=5),),
    steps=200,
    dt=1.0,
    train=5_000,
    val=500,
    test=500,
    observation="signals",
)

if __name__ == "__main__":
    main(RECIPE)
