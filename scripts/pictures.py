"""Pictures of the datasets, for the README and for docs/datasets.md.

Three frames of a sequence, then four sequences as trails, late over early and brighter, or the last frames of four
fields; of switching datasets two frames, a trajectory and the end of its signal, coloured by regime.
"""

import dataclasses

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from slvm_data import RECIPES, Recipe, sample
from slvm_data.core.types import Arrays
from slvm_data.export.animation import colours
from slvm_data.observe.render.soft import LIT
from slvm_data.observe.view import rgb

SCALE, GAP = 2, 2  # px
TILE = 32 * SCALE + GAP
FRAMES, TRAILS = 3, 4
WIDTH, HEIGHT = (FRAMES + TRAILS) * TILE - GAP, TILE - GAP
PAPER, EDGE, INK, FAINT = "#0d1117", "#21262d", "#f0f6fc", "#9198a1"
REGIMES = ("#e69f00", "#56b4e9", "#009e73", "#cc79a7")  # M. Okabe and K. Ito, told apart by everybody
COOLING = np.array([[70, 40, 130], [215, 70, 105], [255, 240, 190]])  # colours of a trail, from its first frame on
LONGEST = 150  # frames of a sequence of signals
FINE = 4  # a curve is drawn so many times as large, and made smaller
TRAJECTORIES = {  # of switching datasets: how many frames, latents across and up (None: time), frames of the signal
    "nascar": (700, (0, 1), 300),
    "lorenz": (5_000, (0, 2), 600),
    "switching_double_pendulum": (160, (2, 3), 160),
    "three_mode": (200, (0, 1), 200),
    "bouncing_ball_1d": (150, (None, 0), 150),
}


def picture(name: str) -> Image.Image:
    """A dataset in a row of `WIDTH` times `HEIGHT` pixels."""
    recipe = _seen(RECIPES[name])
    image = Image.new("RGB", (WIDTH, HEIGHT), EDGE)
    for place, part in _switching(recipe) if recipe.windows else _sequences(recipe):
        image.paste(part, (place * TILE, 0))
    return image


def _seen(recipe: Recipe) -> Recipe:
    """A recipe with frames; without windows, of the first frames of its sequences alone."""
    if recipe.windows or recipe.has_frames():
        return recipe
    return dataclasses.replace(recipe, observation="pixels", observe=(), steps=min(recipe.steps, LONGEST))


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The one that comes with Pillow."""
    return ImageFont.load_default(size)


def _sequences(recipe: Recipe) -> list[tuple[int, Image.Image]]:
    tasks = np.linspace(0, len(recipe.tasks) - 1, TRAILS).astype(int).tolist()
    index = [tasks[:i].count(task) for i, task in enumerate(tasks)]
    splits = ["test" if t in recipe.tasks_of("test") else recipe.first_split(t) for t in tasks]
    pairs = zip(tasks, index, splits, strict=True)
    every = [_upright(recipe, t, sample(recipe, split, i, t)["image"]) for t, i, split in pairs]
    chosen = np.linspace(0, recipe.steps - 1, FRAMES).astype(int)
    parts = [*every[0][chosen], *(_whole(recipe, frames) for frames in every)]
    return list(enumerate(map(_enlarged, parts)))


def _whole(recipe: Recipe, frames: np.ndarray) -> np.ndarray:
    """A sequence [T H W 3] in one picture [H W 3]: a trail, or the end of a field."""
    if recipe.tasks[0].style == "field":
        return frames[-1]
    ground = recipe.view_of(0).background
    return faded(frames, np.array(rgb(ground))) if ground else trail(frames)


def _upright(recipe: Recipe, task: int, image: np.ndarray) -> np.ndarray:
    """Frames [T H W 3], seen the right way up: a file's row 0 is the lowest y, which is the top where y points down."""
    down = 1 if recipe.tasks[task].y_down else -1
    return colours(image[None], recipe.view_of(task).top)[0][:, ::down]


def trail(frames: np.ndarray) -> np.ndarray:
    """Frames [T H W 3] in one [H W 3]: white takes the colour of its instant, other colours its brightness.

    Shades count as black or full, by the rule of binary frames, so that a grey background is none.
    """
    T, frames = len(frames), 255 * (frames >= LIT)
    shades = np.stack([np.interp(np.linspace(0, 1, T), (0, 0.55, 1), COOLING[:, c]) for c in range(3)], axis=1)
    sheet = np.zeros(frames.shape[1:])
    for t, frame in enumerate(frames):
        lit = frame.max(axis=-1) > 0
        white = frame.min(axis=-1) > 0
        sheet[lit] = frame[lit] * (0.25 + 0.75 * t / max(1, T - 1))
        sheet[white] = shades[t]
    return sheet.astype(np.uint8)


def faded(frames: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """Frames [T H W 3] in one [H W 3], on a background [3] of their own: the longer ago, the fainter."""
    sheet = np.broadcast_to(ground, frames.shape[1:]).astype(float)
    for t, frame in enumerate(frames):
        way = frame - ground
        seen = np.abs(way).max(axis=-1) > 64
        sheet[seen] = (ground + way * (0.25 + 0.75 * t / max(1, len(frames) - 1)))[seen]
    return sheet.astype(np.uint8)


def _enlarged(frame: np.ndarray) -> Image.Image:
    return Image.fromarray(frame).resize((HEIGHT, HEIGHT), Image.Resampling.BOX)


def _switching(recipe: Recipe) -> list[tuple[int, Image.Image]]:
    frames, axes, shown = TRAJECTORIES[recipe.name]
    seen = dataclasses.replace(recipe, windows=None, observation="pixels", steps=frames)
    found = sample(seen, "test", 0)
    scenes = [_enlarged(frame) for frame in _upright(seen, 0, found["image"])[[0, frames // 3]]]
    size = 2 * TILE - GAP, 3 * TILE - GAP
    return [*enumerate(scenes), (2, _curve(found, axes, size[0])), (4, _signal(found, shown, size[1]))]


def _curve(found: Arrays, axes: tuple[int | None, int], width: int) -> Image.Image:
    """Latents against each other, or over time."""
    latent, mode = found["latent"], found["mode"]
    x, y = (np.arange(len(latent)) if axis is None else latent[:, axis] for axis in axes)
    return _drawn([(x, y)], mode, width)


def _signal(found: Arrays, shown: int, width: int) -> Image.Image:
    """Up to four channels over time, at the end of the trajectory, above each other."""
    signal = found["signal"][-shown:, :4]
    lanes = signal / np.ptp(signal, axis=0).max() - np.arange(signal.shape[1])
    return _drawn([(np.arange(shown), lane) for lane in lanes.T], found["mode"][-shown:], width)


def _drawn(curves: list[tuple[np.ndarray, np.ndarray]], mode: np.ndarray, width: int) -> Image.Image:
    """Curves in a picture that they fill, coloured by regime."""
    image = Image.new("RGB", (width * FINE, HEIGHT * FINE), "black")
    pen, room = ImageDraw.Draw(image), 5 * FINE
    low, high = (f([f(y) for _, y in curves]) for f in (np.min, np.max))
    for x, y in curves:
        across = np.interp(x, (x.min(), x.max()), (room, width * FINE - room))
        up = np.interp(y, (low, high), (HEIGHT * FINE - room, room))
        points = list(zip(across.tolist(), up.tolist(), strict=True))
        for a, b, regime in zip(points, points[1:], mode[1:].tolist(), strict=False):
            pen.line([a, b], fill=REGIMES[regime], width=FINE + 1)
    return image.resize((width, HEIGHT), Image.Resampling.LANCZOS)
