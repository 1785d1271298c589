"""Draw docs/pictures/switching.png: a trajectory of each switching dataset, in two latents, coloured by regime."""

import dataclasses
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from slvm_data import RECIPES, sample

SIZE, EDGE, TOP = 260, 14, 28
COLORS = ("#e6553f", "#3fa7e6", "#f2c14e", "#6fd08c")
SHOWN = {  # dataset: axes across and up (None: the frame's number), trajectory, frames
    "nascar": (0, 1, 0, 2_000),
    "lorenz": (0, 2, 0, 3_000),
    "switching_double_pendulum": (2, 3, 0, 600),
    "three_mode": (None, "signal", 0, 200),
    "bouncing_ball_1d": (None, "signal", 1, 150),
}


def panel(name: str) -> Image.Image:
    """One dataset."""
    across, up, index, frames = SHOWN[name]
    found = sample(dataclasses.replace(RECIPES[name], windows=None, steps=frames), index=index)
    x = np.arange(frames) if across is None else found["latent"][:, across]
    y = found["signal"][:, 0] if up == "signal" else found["latent"][:, up]
    place = [np.interp(v, (v.min(), v.max()), ends) for v, ends in ((x, (EDGE, SIZE - EDGE)), (y, (SIZE, TOP + EDGE)))]
    image = Image.new("RGB", (SIZE, SIZE + EDGE), "#30363d")
    pen = ImageDraw.Draw(image)
    pen.text((EDGE, 8), name, fill="white")
    for a, b, regime in zip(*place, found["mode"], strict=True):
        pen.ellipse((a - 1.5, b - 1.5, a + 1.5, b + 1.5), fill=COLORS[regime])
    return image


sheet = Image.new("RGB", (SIZE * len(SHOWN), SIZE + EDGE))
for i, name in enumerate(SHOWN):
    sheet.paste(panel(name), (i * SIZE, 0))
target = Path(__file__).parents[1] / "docs/pictures/switching.png"
sheet.save(target, optimize=True)
print(target)
