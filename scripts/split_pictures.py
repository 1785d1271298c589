"""Draw where the named splits of each dataset lie: docs/pictures/splits/NAME.png, for docs/generalisation.md."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from slvm_data import RECIPES, Recipe, sample

PLACE = Path(__file__).parents[1] / "docs/pictures/splits"
COLORS = ("#e69f00", "#56b4e9", "#009e73", "#d55e00", "#0072b2")  # M. Okabe and K. Ito, told apart by everybody
POINTS = 150
AXES: dict[str, tuple[Any, Any]] = {  # what is drawn to the right and upwards: name of an array, and its component
    "pendulum_ood": (("param_l", None, "l [m]"), ("param_g", None, "g [m/s²]")),
    "gravity16_gap": (("param_g", 0, "gx [px/s²]"), ("param_g", 1, "gy [px/s²]")),
    "two_body_ood": (("state", 0, "x of the first body at the start [m]"), ("state", 1, "y [m]")),
    "pendulum_sdvae": (("param_l", None, "l [m]"), ("state", 0, "q at the start [rad]")),
    "lotka_volterra_coda": (("param_beta", None, "β"), ("param_delta", None, "δ")),
    "glycolytic_coda": (("param_k1", None, "k1 [1/(mM min)]"), ("param_K1", None, "K1 [mM]")),
}


def values(recipe: Recipe, split: str, axis: tuple[str, int | None, str]) -> np.ndarray:
    """Numbers of the first sequences of a split, of all its tasks."""
    name, component, _ = axis
    tasks = recipe.tasks_of(split)
    count = min(recipe.count(split), max(1, POINTS // len(tasks)))
    arrays = [sample(recipe, split, slice(0, count), task)[name] for task in tasks]
    every = np.concatenate([array[:, 0] if name == "state" else array for array in arrays])
    return every if component is None else every[:, component]


def picture(name: str) -> Figure:
    """Where the splits of a dataset lie, beside train."""
    recipe = RECIPES[name]
    short = {own: replace(split, steps=None) for own, split in recipe.splits.items() if split.change or split.tasks}
    recipe = replace(recipe, steps=2, observe=recipe.observe[:1], splits=short)
    figure = Figure(figsize=(5.2, 3.2), layout="constrained")
    axes = figure.subplots()
    for split, color in zip(("train", *short), ("#8b949e", *COLORS), strict=False):
        x, y = (values(recipe, split, axis) for axis in AXES[name])
        axes.scatter(x, y, s=9, color=color, label=split, zorder=1 if split == "train" else 2)
    axes.set_xlabel(AXES[name][0][2])
    axes.set_ylabel(AXES[name][1][2])
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right upper", frameon=False)
    return figure


if __name__ == "__main__":
    PLACE.mkdir(exist_ok=True)
    for name in AXES:
        picture(name).savefig(PLACE / f"{name}.png", dpi=90, pil_kwargs={"optimize": True})
    print(PLACE)
