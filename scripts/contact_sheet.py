"""Draw docs/pictures/datasets.png: some datasets of every family, with name and size. `--out` writes elsewhere."""

import argparse
from pathlib import Path

import pictures
from pictures import EDGE, FAINT, HEIGHT, INK, PAPER, WIDTH
from PIL import Image, ImageDraw

from slvm_data import RECIPES, Recipe

COLUMNS, MARGIN, HEAD, FOOT = 2, 24, 26, 18  # px
TARGET = Path(__file__).parents[1] / "docs/pictures/datasets.png"
SHOWN = (
    *("gravity", "pendulum", "mass_spring", "double_pendulum", "two_body", "mixed_physics_iclr2025"),
    *("balls3_sutskever", "pong_citris", "pendulum_msvi", "acrobot"),
    *("phyworld_collision", "kvae_polygon", "pendulum_ood", "mixed_physics_held_out"),
    *("nascar", "lorenz", "switching_double_pendulum", "three_mode"),
    *("double_pendulum_colors", "three_body", "mass_spring_hgn", "two_body_hgn"),
    *("lotka_volterra_monode", "driven_pendulum_geps", "springs5_nri", "lennard_jones_16"),
    *("gray_scott_coda", "lambda_omega_nsv"),
)
LEGEND = (
    "Three frames of a sequence, then four as trails, or the ends of four fields.",
    "Of switching dynamics two frames, a trajectory, and its signal, by regime.",
)


def place(number: int) -> tuple[int, int]:
    """Where the picture of the dataset with this number begins."""
    row, column = divmod(number, COLUMNS)
    return MARGIN + column * (WIDTH + MARGIN), MARGIN + row * (HEAD + HEIGHT + FOOT) + HEAD


def words(recipe: Recipe) -> str:
    """Tasks and size of a dataset."""
    count = len(recipe.tasks_of("train"))
    tasks = f"{count} tasks, " if count > 1 else ""
    return f"{tasks}{recipe.train * count:,} {'windows' if recipe.windows else 'sequences'} to train on"


def sheet(names: list[str]) -> Image.Image:
    """These datasets, and below them how to read it."""
    rows = -(-(len(names) + 1) // COLUMNS)
    size = MARGIN + COLUMNS * (WIDTH + MARGIN), 2 * MARGIN + rows * (HEAD + HEIGHT + FOOT) - FOOT
    image = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(image)
    for number, name in enumerate(names):
        x, y = place(number)
        image.paste(pictures.picture(name), (x, y))
        pen.text((x, y - 6), name, INK, pictures.font(16), anchor="ls")
        pen.text((x + WIDTH, y - 6), words(RECIPES[name]), FAINT, pictures.font(12), anchor="rs")
    x, y = place(len(names))
    pen.rounded_rectangle((x, y, x + WIDTH - 1, y + HEIGHT - 1), 4, outline=EDGE)
    for line, text in enumerate(LEGEND):
        pen.text((x + WIDTH / 2, y + HEIGHT * (0.34 + 0.34 * line)), text, FAINT, pictures.font(13), anchor="mm")
    return image


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=TARGET)
    out = parser.parse_args().out
    sheet([*SHOWN]).quantize(256, dither=Image.Dither.NONE).save(out, optimize=True)
    print(out)
