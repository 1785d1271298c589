"""Films of a dataset that move in step, side by side: a GIF, WebP or MP4."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from slvm_data.export import animation
from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.view.dataset import Films, of_recipe

FORMS = (*animation.FORMS, "mp4")
SIDE, WIDTH = 96, 960  # px of a film, about, and of the whole, at most, where nobody says otherwise
FRAMES = 500  # of a film, at most
PATH = 150  # frames of a path shown where a recipe has signals
ROOM = 2**28  # pixels of all frames, at most


def animate(
    films: Films,
    out: Path,
    *,
    split: str = "train",
    tasks: Sequence[int] | None = None,
    rows: int | None = None,
    columns: int | None = None,
    scale: int | None = None,
    fps: float | None = None,
) -> np.ndarray:
    """Write the first films of a split to `out`, which ends in .gif, .webp or .mp4; the frames [T Y X 3] in it.

    They come from these `tasks` (None: all), in order, `rows` times `columns` of them. A pixel becomes a square of
    `scale` pixels; `fps` is frames a second (None: those of the films' own time, from 8 to 25). All loop; WebP is
    lossless, and so is GIF of up to 256 colours. The same films give the same bytes.

    Raises ValueError where there are no frames to show, or more than a picture holds.
    """
    if (form := out.suffix.removeprefix(".")) not in FORMS:
        raise ValueError(f"{out} has to end in {', '.join('.' + form for form in FORMS)}")
    path = films.folder is None and films.recipe.windows is not None  # which goes on for long
    films = _seen(films)
    tasks = list(range(len(films.recipe.tasks))) if tasks is None else list(tasks)
    rows, columns = _shape(films, split, tasks, rows, columns)
    sheet = animation.grid(_chosen(films, split, tasks, rows * columns), columns)
    scale = scale or max(1, min(SIDE // films.recipe.view_of(tasks[0]).size, WIDTH // sheet.shape[2]))
    _check_size(sheet, scale)
    fps = fps or (animation.RATES[1] if path else animation.rate(films.recipe.dt_of(tasks[0])))
    if form == "mp4":
        _mp4(out, animation.enlarged(sheet, scale), fps)
    else:
        with _whole(out) as partial:
            partial.write_bytes(animation.encode(sheet, scale, fps, form))
    return animation.enlarged(sheet, scale)


def _seen(films: Films) -> Films:
    """Films that have frames: of a recipe with signals the beginning of paths, drawn as `--view pixels` would."""
    recipe = films.recipe
    if recipe.view_of(0).kind == "pixels" and (films.folder or not recipe.windows):
        return films
    if films.folder:
        raise ValueError(
            f"{films.folder} holds signals, which are not to be seen: generate it again with --view pixels"
        )
    view = View() if recipe.view_of(0).kind == "signals" else recipe.view
    return of_recipe(dataclasses.replace(recipe, windows=None, view=view, steps=min(PATH, recipe.steps), record=()))


def _shape(films: Films, split: str, tasks: list[int], rows: int | None, columns: int | None) -> tuple[int, int]:
    """How many films there are below and beside each other."""
    if not tasks:
        raise ValueError("tasks is empty: name at least one, or leave it out for all")
    there = sum(_count(films, split, task) for task in tasks)
    if not there:
        raise ValueError(f"{films.recipe.name} has no film in {split}")
    per = max(1, animation.FILMS // len(tasks))
    default = animation.layout(min(there, per * len(tasks)), len(tasks))
    for name, value in (("rows", rows), ("columns", columns)):
        if value is not None and value < 1:
            raise ValueError(f"{name} = {value} has to be at least 1")
    return rows or (default[0] if columns is None else 1), columns or default[1]


def _count(films: Films, split: str, task: int) -> int:
    """Films of a task that do not overlap: of windows those that follow each other."""
    return -(-films.count(task, split) // _step(films.recipe, split))


def _step(recipe: Recipe, split: str) -> int:
    return recipe.windows.apart(split, recipe.steps) if recipe.windows else 1


def _chosen(films: Films, split: str, tasks: list[int], room: int) -> np.ndarray:
    """The first films of each task, upright, uint8 [N T H W 3], N at most `room`."""
    found = []
    for i, task in enumerate(tasks):
        share = (i + 1) * room // len(tasks) - i * room // len(tasks)
        index = np.arange(min(share, _count(films, split, task))) * _step(films.recipe, split)
        if len(index):
            image = films.rows(task, split, index.tolist())["image"][:, :FRAMES]
            found.append(animation.colours(films.upright(task, image)))
    return np.concatenate(found)


def _check_size(sheet: np.ndarray, scale: int) -> None:
    T, Y, X, _ = sheet.shape
    if T * Y * X * scale**2 > ROOM:
        size = f"{T} frames of {X * scale} x {Y * scale} pixels"
        raise ValueError(f"{size} are more than a picture holds: fewer rows or columns, or a smaller scale")


def _mp4(out: Path, frames: np.ndarray, fps: float) -> None:
    """H.264, which every browser shows; sides are even, as it wants them."""
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
    with _whole(out) as partial:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *source, *options, *exact, "-f", "mp4"]
        subprocess.run([*command, str(partial)], input=even.tobytes(), check=True, capture_output=True)


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """A name for a file that takes its own when it is complete."""
    partial = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        yield partial
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
