"""Two populations play rock, paper, scissors, as signals: the shares of their strategies."""

from slvm_data.observe.modifiers import Emission
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split
from slvm_data.script import main
from slvm_data.systems import RockPaperScissors

RECIPE = Recipe(
    name="rock_paper_scissors",
    about=__doc__ or "",
    source="arXiv:2111.05458",
    tasks=(RockPaperScissors(),),
    observation="signals",
    observe=(Emission(kind="state"),),
    dt=0.1,
    steps=60,
    train=50_000,
    val=5_000,
    test=20_000,
    splits={"long": Split(count=1_000, steps=255, paired="test")},
)

if __name__ == "__main__":
    main(RECIPE)
