"""Two equal bodies under three strengths of attraction: circles, ellipses, and longer ellipses."""

from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import TwoBody, uniform

RECIPE = Recipe(
    name="two_body3",
    about=__doc__ or "",
    source="arXiv:2111.05458",
    tasks=tuple(TwoBody(m=1.0, g=g, radii=uniform(0.5, 1.5), half_width=2.75) for g in (1.0, 2.0, 3.0)),
    train=3_000,
    val=1_000,
    test=1_000,
    alias="two_body",
)

if __name__ == "__main__":
    main(RECIPE)
