"""Two populations play matching pennies, seen as tiles: the more two strategies meet, the brighter."""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split
from slvm_data.script import main
from slvm_data.systems import MatchingPennies

RECIPE = Recipe(
    name="matching_pennies_tiles",
    about=__doc__ or "",
    source="arXiv:2111.05458",
    tasks=(MatchingPennies(),),
    view=View(color="rgb"),
    dt=0.1,
    steps=60,
    train=50_000,
    val=5_000,
    test=20_000,
    splits={"long": Split(count=1_000, steps=255, paired="test")},
)

if __name__ == "__main__":
    main(RECIPE)
