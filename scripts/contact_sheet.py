"""Draw docs/pictures/datasets.png: for datasets and tasks one sequence each, every third frame, as it is stored.

Of switching datasets the start of a path, in as many steps as show what it does.
"""

import dataclasses
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from slvm_data import RECIPES, BallBox, View, sample

SCALE, GAP, LEFT, FRAMES = 2, 4, 180, 10
EVERY = {"nascar": 13, "lorenz": 9, "switching_double_pendulum": 3, "three_mode": 6, "bouncing_ball_1d": 6}
CELL = 32 * SCALE + GAP


def strip(name: str, task: int) -> np.ndarray:
    """Frames [T H W 3] of one sequence, right way up: a file's row 0 is the lowest y, which is on top for balls."""
    recipe = RECIPES[name]
    if recipe.windows:
        recipe = dataclasses.replace(recipe, windows=None, view=View(), steps=10 * EVERY[name])
    image = sample(recipe, "test", 0, task)["image"][:: EVERY.get(name, 3)]
    color = np.repeat(image[:, None], 3, axis=1) if image.ndim == 3 else image
    down = 1 if isinstance(RECIPES[name].tasks[task], BallBox) else -1
    return 255 * color.transpose(0, 2, 3, 1)[:, ::down].repeat(SCALE, 1).repeat(SCALE, 2)


OTHERS = ("gravity6", "gravity16", "mixed")  # made of what other sets show
whole = {name: recipe for name, recipe in RECIPES.items() if not name.startswith(OTHERS)}
rows = [(name, task) for name, recipe in whole.items() for task in range(len(recipe.tasks))]
sheet = Image.new("RGB", (LEFT + FRAMES * CELL, len(rows) * CELL), "#30363d")
for y, (name, task) in enumerate(rows):
    ImageDraw.Draw(sheet).text((8, y * CELL + CELL // 2 - 8), f"{name}\nlabel {task}", fill="white")
    for x, frame in enumerate(strip(name, task)):
        sheet.paste(Image.fromarray(frame), (LEFT + x * CELL, y * CELL + GAP // 2))
target = Path(__file__).parents[1] / "docs/pictures/datasets.png"
sheet.save(target, optimize=True)
print(target)
