"""Two balls that meet head on, masses as their areas; splits with sizes or speeds outside of what was trained."""

from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split
from slvm_data.script import main
from slvm_data.systems import PassingBalls, uniform

RADIUS, SPEED = uniform(0.5, 1.5), uniform(1.0, 4.0)  # m, m/s
OUTSIDE = {"small": (uniform(0.3, 0.4), uniform(0.0, 0.8)), "large": (uniform(1.7, 2.0), uniform(4.5, 6.0))}


def levels(word: str) -> dict[str, Split]:
    """The six levels: which of sizes and speeds are outside of the training ranges."""
    r, v = OUTSIDE[word]
    every = {
        "r1": {"radius": (r, RADIUS)},
        "v1": {"v": (v, SPEED)},
        "r1_r2": {"radius": (r, r)},
        "v1_v2": {"v": (v, v)},
        "r1_v1": {"radius": (r, RADIUS), "v": (v, SPEED)},
        "all": {"radius": (r, r), "v": (v, v)},
    }
    return {f"{word}_{name}": Split(count=1_000, change=change) for name, change in every.items()}


RECIPE = Recipe(
    name="phyworld_collision",
    about=__doc__ or "",
    source="arXiv:2411.02385",
    tasks=(PassingBalls(count=2, radius=(RADIUS, RADIUS), v=(SPEED, SPEED)),),
    train=30_000,
    val=1_000,
    test=1_000,
    steps=32,
    view=View(size=256, color="rgb", body_colors=("#ff0000", "#0000ff"), background="#ffffff"),
    splits=levels("small") | levels("large"),
)

if __name__ == "__main__":
    main(RECIPE)
