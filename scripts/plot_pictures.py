"""Draw the pictures of docs/pictures.md: moving sequences, and the figures of a ball and of a window."""

from pathlib import Path

from slvm_data import RECIPES
from slvm_data.view import animate, plot
from slvm_data.view.dataset import of_recipe

PLACE = Path(__file__).parents[1] / "docs/pictures"

animate(of_recipe(RECIPES["double_pendulum"]), PLACE / "sequences.gif", rows=2, columns=6, scale=3)
plot("gravity3", index=1, task=1).savefig(PLACE / "plot_sequence.png", dpi=90, pil_kwargs={"optimize": True})
plot("three_mode", index=4).savefig(PLACE / "plot_window.png", dpi=90, pil_kwargs={"optimize": True})
