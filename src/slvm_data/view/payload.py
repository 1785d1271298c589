"""Sequences as a page receives them: JSON values, frames as a PNG, numbers as base64 of little-endian float32."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import numpy as np

from slvm_data.arrays import PARAMETER
from slvm_data.core.types import Arrays
from slvm_data.systems.system import System
from slvm_data.view import png
from slvm_data.view.curves import Curves, few, further, instants
from slvm_data.view.dataset import CONTEXT_MASK, Dataset

FRAMES = 2000  # of a sequence, at most
PIXELS = 2**24  # of the frames of a sequence, at most
WALLS = ("left", "right", "top", "bottom", "another ball")
UPRIGHT = ("left", "right", "bottom", "top", "another ball")  # where y points up


def payload(dataset: Dataset, task: int, split: str, index: list[int]) -> list[dict[str, Any]]:
    """These sequences of a task, in this order; raises as `Dataset.rows` does."""
    dataset = dataset.of_split(split)
    rows = dataset.rows(task, split, index)
    each = [{name: array[i] for name, array in rows.items()} for i in range(len(index))]
    parameters = [PARAMETER + name for name in dataset.recipe.tasks[task].parameters()]
    return [
        {
            "task": task,
            "split": split,
            "index": i,
            "parameters": {name.removeprefix(PARAMETER): row[name].tolist() for name in parameters if name in row},
            "scores": _scores(dataset, task, split, i),
            **_frames_and_curves(dataset, task, row),
        }
        for i, row in zip(index, each, strict=True)
    ]


def _scores(dataset: Dataset, task: int, split: str, index: int) -> dict[str, float]:
    """Numbers of a sequence's forecast, once they are known: they are before sequences are sorted by them."""
    shown = dataset.forecasts and dataset.forecasts.of(task, split)
    if not shown or not shown.has_scores():
        return {}
    return {name: float(own[index]) for name, own in shown.scores.items() if np.isfinite(own[index])}


def _frames_and_curves(dataset: Dataset, task: int, row: Arrays) -> dict[str, Any]:
    """A sequence, or a window with its context, frame by frame, but no more frames than a page can hold."""
    T = min(len(row["time"]), most_frames(row["image"][0].size if "image" in row else None))
    state = row["latents"] if "latents" in row else row["state"]
    mode, signal = row.get("labels", row.get("mode")), row.get("queries", row.get("signal"))
    return {
        "length": len(row["time"]),
        "time": numbers(row["time"][:T]),
        "frames": sprite(dataset, task, row["image"][:T]) if "image" in row else None,
        "clean": sprite(dataset, task, row["clean"][:T]) if "clean" in row else None,
        "mask": row["mask"][:T].tolist() if "mask" in row else None,
        "state": numbers(state[:T, few(state.shape[1])]),
        "energy": numbers(row["energy"][:T]) if "energy" in row else None,
        "mode": mode[:T].tolist() if mode is not None else None,
        "signal": numbers(signal[:T]) if signal is not None else None,
        "further": [_plot(curves, T) for curves in further(dataset.recipe.tasks[task], row)],
        "impacts": _impacts(row, row["time"][T - 1], dataset.recipe.tasks[task]),
        "drifts": [time for time in instants(row) if time <= row["time"][T - 1]],
        "context": _context(dataset, task, row),
    }


def _plot(curves: Curves, T: int) -> dict[str, Any]:
    """Curves as JSON values: title, name and unit of each, numbers, and what else is known of them."""
    return {
        "title": curves.title,
        "names": curves.names,
        "units": curves.units,
        "numbers": numbers(curves.numbers[:T]),
        "held": curves.held,
        "drives": curves.drives,
    }


def most_frames(pixels: int | None) -> int:
    """Number of frames of a sequence that a page shows, at most; of so many pixels each, if there are any."""
    return FRAMES if pixels is None else max(1, min(FRAMES, PIXELS // max(1, pixels)))


def _context(dataset: Dataset, task: int, row: Arrays) -> list[dict[str, Any]]:
    """The windows before a query, in the order of time."""
    windows = dataset.recipe.windows
    if windows is None:
        return []
    times = dataset.context_times(task, row)
    images = row.get("domain_image")
    return [
        {
            "time": numbers(times[k]),
            "signal": numbers(row["domains"][k]),
            "mask": row[CONTEXT_MASK][k].tolist() if CONTEXT_MASK in row else None,
            "frames": sprite(dataset, task, images[k]) if images is not None else None,
        }
        for k in range(windows.contexts)
    ]


def _impacts(row: Arrays, last: float, system: System) -> list[dict[str, Any]]:
    """The impacts up to the last time that is shown."""
    if "event_wall" not in row:
        return []
    pairs = zip(row["event_time"].tolist(), row["event_wall"].tolist(), strict=True)
    words = WALLS if system.y_down else UPRIGHT

    def word(wall: int) -> str:
        return f"wall {wall}" if system.numbered_walls else words[wall]

    return [{"time": time, "wall": word(wall)} for time, wall in pairs if wall >= 0 and time <= last]


def sprite(dataset: Dataset, task: int, frames: np.ndarray) -> dict[str, Any]:
    """Frames [T H W] or [T 3 H W], upright, as one PNG, and how they are laid out in it."""
    frames = dataset.upright(task, frames)
    top, grey = dataset.recipe.view_of(task).top, frames.ndim == 3
    last = frames if grey else frames.transpose(0, 2, 3, 1)  # channels last
    pixels = last > 0 if top == 1 and grey else (last * (255 // top)).astype(np.uint8)
    return sheet(pixels)


def sheet(pixels: np.ndarray) -> dict[str, Any]:
    """Frames [T H W] of bool or bytes, or [T H W 3], as one PNG, and how they are laid out in it."""
    picture, columns = png.sheet(pixels)
    return {
        "png": "data:image/png;base64," + b64encode(png.encode(picture)).decode(),
        "columns": columns,
        "count": len(pixels),
        "height": pixels.shape[1],
        "width": pixels.shape[2],
    }


def numbers(array: np.ndarray) -> dict[str, Any]:
    """An array [T] or [T D] in single precision, as exact as a plot can show it."""
    return {"shape": list(array.shape), "f4": b64encode(array.astype("<f4").tobytes()).decode()}
