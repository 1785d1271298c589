"""Three equal bodies in three of six colours, whose triangle turns and stays equal-sided."""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split
from slvm_data.script import main
from slvm_data.systems import ThreeBody, uniform

RECIPE = Recipe(
    name="three_body",
    about=__doc__ or "",
    source="arXiv:2111.05458",
    tasks=(ThreeBody(m=1.0, g=1.0, radii=uniform(0.9, 1.2), half_width=2.75),),
    view=View(color="rgb", palette=6),
    dt=0.05,
    steps=60,
    train=50_000,
    val=5_000,
    test=20_000,
    splits={"long": Split(count=1_000, steps=255, paired="test")},
)

if __name__ == "__main__":
    main(RECIPE)
