"""Two populations play rock, paper, scissors, seen as tiles: the more two strategies meet, the brighter.

In the source the tiles of three strategies are 11, 11 and 10 pixels wide; here the one in the middle has 10.
"""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split
from slvm_data.script import main
from slvm_data.systems import RockPaperScissors

RECIPE = Recipe(
    name="rock_paper_scissors_tiles",
    about=__doc__ or "",
    source="arXiv:2111.05458",
    tasks=(RockPaperScissors(),),
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
