"""An animation (GIF, WebP or MP4) of several sequences of a dataset side by side."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from slvm_data.core.files import at_home, atomic
from slvm_data.export import animation
from slvm_data.recipe.recipe import Recipe
from slvm_data.view.dataset import Dataset, of_recipe, opened
from slvm_data.view.summary import title

FORMATS = (*animation.FORMATS, "mp4")
SIDE, WIDTH = 96, 960  # px, by default: side of a sequence, about; width of the whole, at most
FRAMES = 500  # of a sequence, at most
TRAJECTORY = 150  # frames of a trajectory shown where a recipe has signals
PIXELS = 2**28  # pixels of all frames, at most


def animate(
    dataset: Path | str | Recipe | Dataset,
    out: Path | str,
    *,
    split: str = "train",
    tasks: Sequence[int] | None = None,
    rows: int | None = None,
    columns: int | None = None,
    scale: int | None = None,
    fps: float | None = None,
    labels: bool = True,
) -> np.ndarray:
    """Write the first sequences of a split to `out`, a .gif, .webp or .mp4, and return its frames [T Y X 3].

    The dataset is given by its folder, its name or its recipe. The animation shows `rows` times `columns` sequences of
    these `tasks` (None: all), in order. A pixel becomes a square of `scale` pixels; `fps` is frames per second (None:
    in real time, but between 8 and 25). All loop. With `labels`, rows say which task they show, and columns which
    sequence, if there are several tasks. The line around a missing frame is orange. WebP is lossless, and so is a GIF
    of up to 256 colours. The same sequences give the same bytes.

    Raises ValueError if there are no frames to show, or too many for a picture, or if a number cannot be.
    """
    dataset, out = opened(dataset), at_home(out)
    if (kind := out.suffix.removeprefix(".")) not in FORMATS:
        raise ValueError(f"{out} has to end in {', '.join('.' + kind for kind in FORMATS)}")
    long = dataset.folder is None and dataset.recipe.windows is not None  # the beginning of long trajectories
    dataset = _with_frames(dataset.of_split(split))
    tasks = list(dataset.recipe.tasks_of(split)) if tasks is None else list(tasks)
    _check_numbers(fps, {"rows": rows, "columns": columns, "scale": scale})
    rows, columns = _shape(dataset, split, tasks, rows, columns)
    chosen = _chosen(dataset, split, tasks, rows * columns)
    size = dataset.recipe.view_of(tasks[0]).size
    width = columns * (size + 1) + 1
    scale = scale or max(1, min(SIDE // size, WIDTH // width))
    count = sum(len(index) for _, index in chosen)
    _check_size(dataset.recipe, -(-count // columns) * (size + 1) + 1, width, scale)
    sheet = _sheet(dataset, split, chosen, columns)
    fps = fps or (animation.RATES[1] if long else animation.rate(dataset.recipe.interval(tasks[0])))
    words = _labels(dataset.recipe, chosen, columns) if labels else ([], [])
    margin = animation.margins(*words, *(side * scale for side in sheet.shape[1:3]))
    whole = animation.framed(animation.enlarged(sheet, scale), margin)
    if kind == "mp4":
        _mp4(out, whole, fps)
    else:
        picture = animation.encode(sheet, scale, fps, kind, margin)
        with atomic(out) as file:
            file.write(picture)
    return whole


def _labels(recipe: Recipe, chosen: list[tuple[int, range]], columns: int) -> tuple[list[str], list[str]]:
    """Labels of rows, by task, and of columns, by index of the sequence; none if there is only one task."""
    if len(recipe.tasks) == 1:
        return [], []
    cells = [(task, i) for task, index in chosen for i in index]
    rows = [list(dict.fromkeys(task for task, _ in cells[k : k + columns])) for k in range(0, len(cells), columns)]
    indices = [{i for _, i in cells[k::columns]} for k in range(min(columns, len(cells)))]
    names = [f"#{index.pop()}" if len(index) == 1 else "" for index in indices]
    return [_row_label(recipe, tasks) for tasks in rows], names


def _row_label(recipe: Recipe, tasks: list[int]) -> str:
    return f"{tasks[0]}: {title(recipe, tasks[0])}" if len(tasks) == 1 else f"tasks {tasks[0]} to {tasks[-1]}"


def _with_frames(dataset: Dataset) -> Dataset:
    """Return a dataset with frames; for a recipe with signals or windows, it has the first part of the trajectories."""
    recipe = dataset.recipe
    if recipe.has_frames() and (dataset.folder or not recipe.windows):
        return dataset
    if dataset.folder:
        raise ValueError(f"{dataset.folder} holds signals and no frames: generate it again with --observation pixels")
    steps = min(TRAJECTORY, recipe.steps)
    observe = tuple(one for one in recipe.observe if one.stage != "signal")  # there is none to change
    changes = {"windows": None, "observation": "pixels", "steps": steps, "record": (), "observe": observe}
    return of_recipe(dataclasses.replace(recipe, **changes))


def _check_numbers(fps: float | None, counts: dict[str, int | None]) -> None:
    """Raise ValueError if a number cannot be."""
    for name, value in counts.items():
        if value is not None and value < 1:
            raise ValueError(f"{name} = {value} has to be at least 1")
    low, high = animation.LIMITS
    if fps is not None and not low <= fps <= high:
        raise ValueError(f"fps = {fps:g} has to lie from {low:g} to {high:g} frames per second")


def _shape(dataset: Dataset, split: str, tasks: list[int], rows: int | None, columns: int | None) -> tuple[int, int]:
    """Numbers of rows and columns of the picture."""
    if not tasks:
        raise ValueError("tasks is empty: name at least one, or leave it out for all")
    there = sum(_count(dataset, split, task) for task in tasks)
    if not there:
        raise ValueError(f"{dataset.recipe.name} has no sequence in {split}")
    per = max(1, animation.SEQUENCES // len(tasks))
    default = animation.layout(min(there, per * len(tasks)), len(tasks))
    return rows or (default[0] if columns is None else 1), columns or default[1]


def _count(dataset: Dataset, split: str, task: int) -> int:
    """Number of sequences of a task that share no frame; for windows, those that do not overlap."""
    return -(-dataset.count(task, split) // _step(dataset.recipe, split))


def _step(recipe: Recipe, split: str) -> int:
    return recipe.windows.disjoint(split, recipe.steps) if recipe.windows else 1


def _chosen(dataset: Dataset, split: str, tasks: list[int], most: int) -> list[tuple[int, range]]:
    """Each task with its first sequences, `most` in all."""
    step, found = _step(dataset.recipe, split), []
    for i, task in enumerate(tasks):
        share = (i + 1) * most // len(tasks) - i * most // len(tasks)
        if count := min(share, _count(dataset, split, task)):
            found.append((task, range(0, count * step, step)))
    return found


def _sheet(dataset: Dataset, split: str, chosen: list[tuple[int, range]], columns: int) -> np.ndarray:
    """The frames of these sequences, upright, in rows of `columns`, uint8 [T Y X 3]; missing ones are marked."""
    frames, masks = [], []
    for task, index in chosen:
        rows = dataset.rows(task, split, index)
        image = rows["image"][:, :FRAMES]
        frames.append(animation.colours(dataset.upright(task, image), dataset.recipe.view_of(task).top))
        masks.append(rows["mask"][:, :FRAMES] if "mask" in rows else np.ones(image.shape[:2], bool))
    return animation.grid(np.concatenate(frames), columns, np.concatenate(masks))


def _check_size(recipe: Recipe, height: int, width: int, scale: int) -> None:
    """Raise ValueError, before anything is read, if frames of this height and width [px] become too large."""
    T = min(FRAMES, recipe.length())
    if T * height * width * scale**2 > PIXELS:
        size = f"{T} frames of {width * scale} x {height * scale} pixels"
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
    with atomic(out) as file:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *source, *options, *exact, "-f", "mp4"]
        subprocess.run([*command, file.name], input=even.tobytes(), check=True, capture_output=True)
