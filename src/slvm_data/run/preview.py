"""`preview.gif`: the first sequences of a dataset, as they stand in its files, for its card."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from slvm_data.core.files import atomic
from slvm_data.core.types import Arrays
from slvm_data.export import animation
from slvm_data.recipe.recipe import Recipe
from slvm_data.store import formats, npz
from slvm_data.store.formats import Format
from slvm_data.store.manifest import CARD, NAME, PREVIEW, Checksum, Manifest

FRAMES = 60  # of a sequence, at most
SIDE = 64  # px of a picture, about
MEMORY = 2**23  # bytes of frames read, about


def beside(recipe: Recipe) -> list[Path]:
    """The files beside the arrays of a dataset."""
    shown = [PREVIEW] if recipe.has_frames() else []
    return [Path(name) for name in (*shown, CARD, NAME)]


def added(shown: Checksum, content: Manifest) -> Manifest:
    """The manifest of a dataset with the preview that was written."""
    versions = content.versions | {"pillow": version("pillow")}  # which decides the bytes of a GIF
    return replace(content, preview=shown, versions=versions)


def write(folder: Path, recipe: Recipe, written: Format, shown: Path | None = None) -> Checksum:
    """Write to a folder the preview of the files of this format in it, or in the folder `shown`."""
    source = shown or folder
    tasks = recipe.tasks_of(recipe.split_names()[0])
    parts = [_first_frames(source, recipe, task, written) for task in tasks]
    tops = [recipe.view_of(task).top for task in tasks]
    first = np.concatenate([animation.colours(own, top) for top, (own, _) in zip(tops, parts, strict=True)])
    _, columns = animation.layout(len(first), len(tasks))
    sheet = animation.grid(first, columns, np.concatenate([mask for _, mask in parts]))
    scale = max(1, SIDE // first.shape[-2])
    with atomic(folder / PREVIEW) as file:
        file.write(animation.encode(sheet, scale, animation.rate(recipe.interval(tasks[0])), "gif"))
    return Checksum.of(folder / PREVIEW)


def _first_frames(folder: Path, recipe: Recipe, task: int, written: Format) -> tuple[np.ndarray, np.ndarray]:
    """Frames of the first sequences of a task [n T H W] or [n T 3 H W], and which of them are there [n T].

    They are upright, and no larger than they are shown. Windows follow each other on their trajectory.
    """
    split = recipe.split_names()[0]
    recipe = recipe.of_split(split)
    step = recipe.windows.disjoint(split, recipe.steps) if recipe.windows else 1
    size = step * recipe.length() * int(np.prod(recipe.view_of(task).shape()))
    most = max(1, min(animation.SEQUENCES // len(recipe.tasks), MEMORY // size, -(-recipe.count(split) // step)))
    masked = any("mask" in one.recorded for one in recipe.observe)
    names = ["image", *(["mask"] if masked else [])]
    rows = first_rows(folder, recipe, task, split, written, (most - 1) * step + 1, names)
    image, *mask = (rows[name][::step][:, :FRAMES] for name in names)
    apart = -(-image.shape[-1] // SIDE)
    small = image[..., ::apart, ::apart]
    upright = small if recipe.tasks[task].y_down else np.flip(small, axis=-2)
    return upright, mask[0] if mask else np.ones(image.shape[:2], bool)


def first_rows(
    folder: Path, recipe: Recipe, task: int, split: str, written: Format, count: int, names: list[str]
) -> Arrays:
    """The first rows of some arrays of a task and split, from its file of this format in a folder."""
    path = next(folder / path for *where, path in recipe.files(written.ending) if where == [task, split])
    if path.suffix == ".npz":
        return next(npz.blocks(path, count, names))
    return formats.store_of(path).read(path, np.arange(count), names)
