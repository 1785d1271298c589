"""Draw docs/pictures/observed.png: what each modifier does to the frames of one pendulum. `--out` writes elsewhere."""

import argparse
import dataclasses
from pathlib import Path

import numpy as np
from pictures import FAINT, GAP, INK, PAPER, SCALE, TILE, font
from PIL import Image, ImageDraw

from slvm_data import RECIPES, Recipe, View, sample
from slvm_data.export.animation import colours
from slvm_data.observe.modifiers import Emission, Modifier

TARGET = Path(__file__).parents[1] / "docs/pictures/observed.png"
SHOWN, INDEX, STEPS = 9, 6, 30  # frames of a row, of a sequence with this number, frames in all
MARGIN, LEFT = 12, 330  # px
ROWS = (
    *("", "missing(p=0.5,keep=5)", "missing_block(length=8,count=2)", "pixel_noise(sigma=0.1)", "correlated_noise"),
    *("correlated_noise(quarters=true)", "light(drift=0.6,cycles=1)", "state_noise(sigma=0.1)", "bit_flips(p=0.05)"),
    *("background(kind=flat)", "background(kind=gradient)", "background(kind=texture)", "background(kind=moving)"),
    *(
        "occluder(width=0.3,moving=true)",
        "sector(share=0.4,count=3)",
        "distractors(n=8)",
        "distractors(n=8,front=false)",
    ),
    *("clutter", "camera_walk(step=2,reach=6)", "emission(kind=mlp)"),
)
WIDTH, HEIGHT = LEFT + SHOWN * TILE + MARGIN, 2 * MARGIN + len(ROWS) * TILE


def recipe_of(text: str) -> Recipe:
    """A pendulum seen through a modifier, or without one."""
    color = "binary" if text.startswith("bit") else "grey"
    observe = (Modifier.parse(text),) if text else ()
    return dataclasses.replace(RECIPES["pendulum"], steps=STEPS, view=View(color=color), observe=observe)


def row(text: str) -> Image.Image:
    """Some frames beside each other; of an emission, its channels over time."""
    recipe = recipe_of(text)
    found = sample(recipe, index=INDEX)
    image = Image.new("RGB", (SHOWN * TILE - GAP, TILE - GAP), PAPER)
    if recipe.observe and isinstance(recipe.observe[0], Emission):
        signal = found["signal"].T
        shades = np.interp(signal, (signal.min(), signal.max()), (0, 255)).astype(np.uint8)
        return Image.fromarray(shades).resize(image.size, Image.Resampling.NEAREST).convert("RGB")
    frames = colours(found["image"][None], recipe.view_of(0).top)[0][:, ::-1]
    for k, t in enumerate(np.linspace(0, STEPS - 1, SHOWN).astype(int)):
        image.paste(Image.fromarray(frames[t].repeat(SCALE, 0).repeat(SCALE, 1)), (k * TILE, 0))
    return image


def place(number: int) -> tuple[int, int]:
    """Where the row with this number begins."""
    return LEFT, MARGIN + number * TILE


def sheet() -> Image.Image:
    """All rows, with their modifiers."""
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    pen = ImageDraw.Draw(image)
    for number, text in enumerate(ROWS):
        x, y = place(number)
        image.paste(row(text), (x, y))
        pen.text((MARGIN, y + TILE / 2), text or "no modifier", INK if text else FAINT, font(15), anchor="lm")
    return image


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=TARGET)
    out = parser.parse_args().out
    sheet().quantize(256, dither=Image.Dither.NONE).save(out, optimize=True)
    print(out)
