"""`preview.gif`: the first films of a dataset, as they stand in its files, for its card."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from slvm_data.export import animation
from slvm_data.observe.view import View
from slvm_data.recipe.recipe import SPLITS, Recipe
from slvm_data.store import formats, npz
from slvm_data.store.manifest import CARD, NAME, PREVIEW
from slvm_data.systems.ball_box import BallBox

FRAMES = 60  # of a film, at most
SIDE = 64  # px of a film, about
ROOM = 2**23  # bytes of frames read, about


def shown(recipe: Recipe) -> bool:
    """Whether there are frames to show."""
    return recipe.view_of(0).kind == View().kind


def beside(recipe: Recipe) -> list[Path]:
    """What stands beside the files of a dataset."""
    return [*[Path(PREVIEW)] * shown(recipe), Path(CARD), Path(NAME)]


def add(folder: Path, recipe: Recipe, content: dict[str, Any], form: str) -> None:
    """Write the preview of a dataset that has frames, and say so in its manifest."""
    if shown(recipe):
        content["preview"] = write(folder, recipe, form)
        content["versions"]["pillow"] = version("pillow")  # which decides the bytes of a GIF


def write(folder: Path, recipe: Recipe, form: str) -> dict[str, Any]:
    """Write the preview of the files in a folder; what the manifest says of it."""
    tasks = range(len(recipe.tasks))
    films = np.concatenate([animation.colours(_films(folder, recipe, task, form)) for task in tasks])
    _, columns = animation.layout(len(films), len(tasks))
    sheet = animation.grid(films, columns)
    scale = max(1, SIDE // films.shape[-2])
    with npz.whole(folder / PREVIEW) as file:
        file.write(animation.encode(sheet, scale, animation.rate(recipe.dt_of(0)), "gif"))
    return {"bytes": (folder / PREVIEW).stat().st_size, "sha256": npz.sha256(folder / PREVIEW)}


def fault(folder: Path, entry: dict[str, Any]) -> str | None:
    """What is wrong with the preview that a manifest lists, in a sentence; None if it is as it was written."""
    return npz.altered(folder / PREVIEW, entry)


def _films(folder: Path, recipe: Recipe, task: int, form: str) -> np.ndarray:
    """The first films [n T H W] or [n T 3 H W] of a task, upright, no larger than they are shown.

    Windows follow each other on their path.
    """
    split = next(filter(recipe.count, SPLITS))
    path = next(folder / path for own, name, path in recipe.files(form) if (own, name) == (task, split))
    frames, step = recipe.steps, 1
    if recipe.windows:
        frames, step = recipe.windows.length, recipe.windows.apart(split, recipe.steps)
    room = ROOM // (step * frames * int(np.prod(recipe.view_of(task).shape())))
    most = max(1, min(animation.FILMS // len(recipe.tasks), room, -(-recipe.count(split) // step)))
    image = _first(path, (most - 1) * step + 1)[::step][:, :FRAMES]
    apart = -(-image.shape[-1] // SIDE)
    small = image[..., ::apart, ::apart]
    return small if isinstance(recipe.tasks[task], BallBox) else np.flip(small, axis=-2)  # whose y points up


def _first(path: Path, count: int) -> np.ndarray:
    """Frames of the first sequences of a file."""
    if path.suffix == ".npz":
        return next(npz.blocks(path, count))["image"]
    return formats.of(path).read(path, np.arange(count), ["image"])["image"]
