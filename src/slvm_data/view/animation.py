"""An animation (GIF, WebP or MP4) of several sequences of a dataset side by side."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from slvm_data.export import animation
from slvm_data.recipe.recipe import Recipe
from slvm_data.view.dataset import Dataset, of_recipe

FORMATS = (*animation.FORMATS, "mp4")
SIDE, WIDTH = 96, 960  # px, by default: side of a sequence, about; width of the whole, at most
FRAMES = 500  # of a sequence, at most
TRAJECTORY = 150  # frames of a trajectory shown where a recipe has signals
PIXELS = 2**28  # pixels of all frames, at most


def animate(
    dataset: Dataset,
    out: Path,
    *,
    split: str = "train",
    tasks: Sequence[int] | None = None,
    rows: int | None = None,
    columns: int | None = None,
    scale: int | None = None,
    fps: float | None = None,
) -> np.ndarray:
    """Write the first sequences of a split to `out`, a .gif, .webp or .mp4, and return its frames [T Y X 3].

    It shows `rows` times `columns` sequences of these `tasks` (None: all), in order. A pixel becomes a square of
    `scale` pixels; `fps` is frames per second (None: in real time, but between 8 and 25). All loop.
    WebP is lossless, and so is a GIF of up to 256 colours. The same sequences give the same bytes.

    Raises ValueError if there are no frames to show, or too many for a picture.
    """
    if (kind := out.suffix.removeprefix(".")) not in FORMATS:
        raise ValueError(f"{out} has to end in {', '.join('.' + kind for kind in FORMATS)}")
    long = dataset.folder is None and dataset.recipe.windows is not None  # the beginning of long trajectories
    dataset = _with_frames(dataset)
    tasks = list(range(len(dataset.recipe.tasks))) if tasks is None else list(tasks)
    rows, columns = _shape(dataset, split, tasks, rows, columns)
    sheet = animation.grid(_chosen(dataset, split, tasks, rows * columns), columns)
    scale = scale or max(1, min(SIDE // dataset.recipe.view_of(tasks[0]).size, WIDTH // sheet.shape[2]))
    _check_size(sheet, scale)
    fps = fps or (animation.RATES[1] if long else animation.rate(dataset.recipe.dt_of(tasks[0])))
    if kind == "mp4":
        _mp4(out, animation.enlarged(sheet, scale), fps)
    else:
        with _unfinished(out) as partial:
            partial.write_bytes(animation.encode(sheet, scale, fps, kind))
    return animation.enlarged(sheet, scale)


def _with_frames(dataset: Dataset) -> Dataset:
    """Return a dataset with frames; for a recipe with signals or windows, it has the first part of the trajectories."""
    recipe = dataset.recipe
    if recipe.has_frames() and (dataset.folder or not recipe.windows):
        return dataset
    if dataset.folder:
        raise ValueError(f"{dataset.folder} holds signals and no frames: generate it again with --observation pixels")
    steps = min(TRAJECTORY, recipe.steps)
    return of_recipe(dataclasses.replace(recipe, windows=None, observation="pixels", steps=steps, record=()))


def _shape(dataset: Dataset, split: str, tasks: list[int], rows: int | None, columns: int | None) -> tuple[int, int]:
    """Numbers of rows and columns of the picture."""
    if not tasks:
        raise ValueError("tasks is empty: name at least one, or leave it out for all")
    there = sum(_count(dataset, split, task) for task in tasks)
    if not there:
        raise ValueError(f"{dataset.recipe.name} has no sequence in {split}")
    per = max(1, animation.SEQUENCES // len(tasks))
    default = animation.layout(min(there, per * len(tasks)), len(tasks))
    for name, value in (("rows", rows), ("columns", columns)):
        if value is not None and value < 1:
            raise ValueError(f"{name} = {value} has to be at least 1")
    return rows or (default[0] if columns is None else 1), columns or default[1]


def _count(dataset: Dataset, split: str, task: int) -> int:
    """Number of sequences of a task that share no frame; for windows, those that do not overlap."""
    return -(-dataset.count(task, split) // _step(dataset.recipe, split))


def _step(recipe: Recipe, split: str) -> int:
    return recipe.windows.disjoint(split, recipe.steps) if recipe.windows else 1


def _chosen(dataset: Dataset, split: str, tasks: list[int], most: int) -> np.ndarray:
    """The first sequences of each task, upright, uint8 [N T H W 3], `most` in all."""
    found = []
    for i, task in enumerate(tasks):
        share = (i + 1) * most // len(tasks) - i * most // len(tasks)
        index = np.arange(min(share, _count(dataset, split, task))) * _step(dataset.recipe, split)
        if len(index):
            image = dataset.rows(task, split, index.tolist())["image"][:, :FRAMES]
            found.append(animation.colours(dataset.upright(task, image)))
    return np.concatenate(found)


def _check_size(sheet: np.ndarray, scale: int) -> None:
    T, Y, X, _ = sheet.shape
    if T * Y * X * scale**2 > PIXELS:
        size = f"{T} frames of {X * scale} x {Y * scale} pixels"
        raise ValueError(f"{size} are more than fit into a picture: take fewer rows or columns, or a smaller scale")


def _mp4(out: Path, frames: np.ndarray, fps: float) -> None:
    """Write a video in H.264, which every browser shows; its width and height have to be even."""
    try:
        import imageio_ffmpeg
    except ModuleNotFoundError as error:
        raise ValueError(
            f"{out} needs a package that is not installed: pip install 'slvm-data[mp4]', or write a .gif"
        ) from error
    even = np.pad(frames, ((0, 0), (0, frames.shape[1] % 2), (0, frames.shape[2] % 2), (0, 0)), mode="edge")
    size = f"{even.shape[2]}x{even.shape[1]}"
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", f"{fps:g}", "-i", "-"]
    exact = ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-threads", "1"]  # no version, no clock
    options = ["-c:v", "libx264", "-crf", "12", "-preset", "slow", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
    with _unfinished(out) as partial:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *source, *options, *exact, "-f", "mp4"]
        subprocess.run([*command, str(partial)], input=even.tobytes(), check=True, capture_output=True)


@contextmanager
def _unfinished(out: Path) -> Iterator[Path]:
    """A temporary name for a file, which gets its own name when it is complete."""
    partial = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        yield partial
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
