"""A forecast beside the dataset that a page shows: its frames and their differences, errors, probes, regimes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from slvm_data import metrics
from slvm_data.evaluation.pairs import Pair, pairs, picture
from slvm_data.evaluation.report import Report, Scored, column
from slvm_data.evaluation.scores import FRAMES, nan_mean, probed, several
from slvm_data.evaluation.scoring import Opened, first_frame, has_gaps, names_of_targets, opened, scored
from slvm_data.metrics.regimes import assigned
from slvm_data.view.curves import few
from slvm_data.view.dataset import Dataset
from slvm_data.view.payload import most_frames, numbers, sheet

KEYS = {"image": ("mse", "vpt"), "signal": ("signal_error",), "state": ("state_error",), "mode": ("accuracy",)}
"""Numbers of a sequence, by the array of the forecast, that the page sorts by; the first one is its error."""
CHANNELS = 4  # of signals, whose curves are drawn
POINTS = 400  # of a picture of a probe
LISTED = 8  # sequences, best and worst
SPREAD = (0.1, 0.9)  # of the quantiles over sequences
BRIGHT, DARK = np.array([230.0, 159.0, 0.0]), np.array([86.0, 180.0, 233.0])  # told apart without colour vision


class Shown:
    """The forecast of one task and split. What takes long is computed when it is first asked for."""

    def __init__(self, one: Opened, start: int | None) -> None:
        self.forecast, self.fit = one.forecast, one.fit
        self.first = first_frame(self.forecast, start)
        self.order = np.argsort(self.forecast.index)
        self.index = self.forecast.index[self.order]  # of the true sequences [N]

    @cached_property
    def scored(self) -> Scored:
        """The terms of all metrics: of 3,000 sequences they take some seconds."""
        return scored(self.forecast, self.first, self.fit)

    @cached_property
    def pairs(self) -> dict[str, Pair]:
        """All arrays but pictures, from the first frame of the forecast on."""
        return pairs(self.forecast, 0, self.order, self.fit)

    @cached_property
    def read(self) -> tuple[np.ndarray, np.ndarray] | None:
        """What a linear probe reads from the latents [N T D], and what it should read; None without latents."""
        latent = self.pairs.get("latent")
        return probed(latent, "linear") if latent and several(latent) else None

    @cached_property
    def regimes(self) -> np.ndarray | None:
        """Regimes [N T] under the numbers of the true ones; None without regimes."""
        mode = self.pairs.get("mode")
        return assigned(mode.found, mode.wanted) if mode else None

    def keys(self) -> list[str]:
        """Names of the numbers of a sequence, the first of which is its error."""
        gaps = "image" in self.forecast.parts and has_gaps(self.forecast)
        every = [key for array, own in KEYS.items() if array in self.forecast.parts for key in own]
        return [key for key in every if not (gaps and key == "vpt")]

    @cached_property
    def scores(self) -> dict[str, np.ndarray]:
        """These numbers of all sequences of the split, NaN for those that are not forecast."""
        found = {}
        for metric, terms in self.scored.terms.items():
            found[metric.name] = np.full(self.forecast.truth.entry.rows, np.nan)
            if metric.name in self.keys():
                found[metric.name][self.index] = nan_mean(terms, axis=1) if metric.each == FRAMES else terms
        return {key: found[key] for key in self.keys()}

    def has_scores(self) -> bool:
        """Whether the numbers are known already."""
        return "scores" in vars(self)


class Forecasts:
    """The forecasts of a dataset, by split and task."""

    def __init__(self, shown: dict[str, dict[int, Shown]], name: str) -> None:
        self.shown, self.name = shown, name

    def of(self, task: int, split: str) -> Shown | None:
        """The forecast of a task and split, if there is one."""
        return self.shown.get(split, {}).get(task)

    def scores(self, task: int, split: str, count: int) -> dict[str, np.ndarray]:
        """Numbers by which sequences are sorted; none where there is no forecast."""
        shown = self.of(task, split)
        return {key: own[:count] for key, own in shown.scores.items()} if shown else {}

    def keys(self, task: int) -> list[str]:
        """Names of these numbers, of any split of a task."""
        every = (shown for tasks in self.shown.values() if (shown := tasks.get(task)))
        return list(dict.fromkeys(key for shown in every for key in shown.keys()))  # noqa: SIM118 - no dict


def open_forecasts(path: Path, dataset: Dataset, start: int | None) -> Forecasts:
    """Open the forecast of a dataset in a folder; raises as `evaluate` does."""
    if dataset.folder is None or dataset.content is None:
        raise ValueError(f"--forecast {path} is compared with files: give the folder of the dataset in place of a name")
    found = opened(path, dataset.folder, dataset.content, dataset.recipe, ())
    shown = {split: {task: Shown(one, start) for task, one in tasks.items()} for split, tasks in found.items()}
    return Forecasts(shown, path.name)


def forecast_of(dataset: Dataset, shown: Shown | None, index: int) -> dict[str, Any] | None:
    """The forecast of one sequence as a page receives it, of the frames that it shows; None if it is not forecast."""
    if shown is None or index not in shown.index:
        return None
    form = shown.forecast.truth.forms.get("image")
    T = min(shown.forecast.truth.recipe.length(), most_frames(prod(form.row[1:]) if form else None))
    place = int(np.searchsorted(shown.index, index))
    frames = _frames(dataset, shown, int(shown.order[place]), T) if "image" in shown.forecast.parts else {}
    there = [t in shown.forecast.frames for t in range(T)]
    plots = [*frames.pop("errors", ()), *_errors(shown, place), *_compared(shown, place)]
    return {
        "first": shown.first,
        "frames": frames.get("frames"),
        "difference": frames.get("difference"),
        "there": there,
        "plots": [{"title": t, "names": n, "numbers": numbers(_padded(shown, own, T))} for t, n, own in plots],
        "mode": _padded(shown, shown.regimes[place], T, -1).tolist() if shown.regimes is not None else None,
    }


def _frames(dataset: Dataset, shown: Shown, place: int, T: int) -> dict[str, Any]:
    """Frames, their difference from the truth, and the error of each, of the sequence at a place of the forecast."""
    pair, task = picture(shown.forecast, np.array([place])), shown.forecast.truth.task
    found, wanted = (dataset.upright(task, own[0].clip(0, 1)) for own in (pair.found, pair.wanted))
    error = metrics.mse(pair.found, pair.wanted)[0]
    error = error if pair.there is None else np.where(pair.there[0], error, np.nan)
    grey = found.ndim == 3
    pixels = np.round(255 * (found if grey else found.transpose(0, 2, 3, 1))).astype(np.uint8)
    difference = found - wanted if grey else (found - wanted).mean(axis=1)
    shades = np.abs(difference)[..., None] * np.where(difference[..., None] > 0, BRIGHT, DARK)
    return {
        "frames": sheet(_padded(shown, pixels, T, 0)),
        "difference": sheet(_padded(shown, shades.astype(np.uint8), T, 0)),
        "errors": [("Error: mse", ["mse"], error[:, None])],
    }


def _errors(shown: Shown, place: int) -> Iterable[tuple[str, list[str], np.ndarray]]:
    """Errors of the state and of the signal, frame by frame [T 1]."""
    for name in ("state", "signal"):
        if name in shown.pairs:
            pair = shown.pairs[name]
            error = metrics.state_error(pair.found, pair.wanted, pair.angles)[place]
            yield f"Error: {name}_error", [f"{name}_error"], error[:, None]


def _compared(shown: Shown, place: int) -> Iterable[tuple[str, list[str], np.ndarray]]:
    """Numbers of the forecast beside the true ones, frame by frame [T 2]."""
    for name in ("state", "signal"):
        if name in shown.pairs:
            pair = shown.pairs[name]
            names = pair.names or [f"y{i + 1}" for i in range(min(CHANNELS, pair.wanted.shape[2]))]
            for d, word in [*enumerate(names)][few(len(names))]:
                yield word, ["truth", "forecast"], np.stack([own[place, :, d] for own in (pair.wanted, pair.found)], 1)
    if shown.read:
        found, wanted = shown.read
        for d, word in enumerate(names_of_targets(shown.pairs["latent"])):
            both = np.stack([wanted[place, :, d], found[place, :, d]], axis=1)
            yield f"{word}, read from the latents", ["truth", "read"], both


def _padded(shown: Shown, values: np.ndarray, T: int, fill: float = np.nan) -> np.ndarray:
    """Values [t …] of the frames of a forecast, with this number for frames that it does not have [T …]."""
    whole = np.full((shown.forecast.truth.recipe.length(), *values.shape[1:]), fill, values.dtype)
    whole[shown.forecast.frames.start : shown.forecast.frames.stop] = values
    return whole[:T]


def overview(forecasts: Forecasts) -> dict[str, Any]:
    """The report of a forecast, spread of errors over sequences, points of probes, best and worst sequences."""
    columns = {split: column([own.scored for own in tasks.values()]) for split, tasks in forecasts.shown.items()}
    plain = Report(forecasts.name, columns).to_json()["splits"]
    for split, tasks in forecasts.shown.items():
        plain[split]["spread"] = _spread(list(tasks.values()))
        plain[split]["probes"] = {str(task): _points(shown) for task, shown in tasks.items() if shown.read}
        plain[split]["order"] = {str(task): _order(shown) for task, shown in tasks.items()}
    return {"name": forecasts.name, "splits": plain}


def _spread(tasks: list[Shown]) -> dict[str, Any]:
    """Quantiles over the sequences of all tasks, frame by frame [T 2], by name of a metric."""
    found = {}
    for metric in tasks[0].scored.terms:
        if metric.each == FRAMES:
            terms = np.concatenate([shown.scored.terms[metric] for shown in tasks if metric in shown.scored.terms])
            ends = metric.value(np.nanquantile(terms, SPREAD, axis=0))
            found[metric.name] = numbers(np.sort(ends, axis=0).T)
    return found


def _points(shown: Shown) -> list[dict[str, Any]]:
    """True numbers and those that a probe reads, of frames that are scored: some points [n 2] for each component."""
    assert shown.read
    after = shown.first - shown.forecast.frames.start
    found, wanted = (own[:, after:].reshape(-1, own.shape[-1]) for own in shown.read)
    some = np.linspace(0, len(found) - 1, min(POINTS, len(found))).astype(int)
    scores = metrics.r2(found, wanted)
    return [
        {"name": name, "r2": float(scores[d]), "points": numbers(np.stack([wanted[some, d], found[some, d]], axis=1))}
        for d, name in enumerate(names_of_targets(shown.pairs["latent"]))
    ]


def _order(shown: Shown) -> dict[str, Any]:
    """The sequences with the least and the largest error; none where nothing tells an error."""
    if not shown.scores:
        return {"key": "", "first": [], "last": []}
    key, values = next(iter(shown.scores.items()))
    order = [int(i) for i in np.argsort(values, kind="stable") if not np.isnan(values[i])]
    listed = [{"index": i, "value": float(values[i])} for i in order]
    return {"key": key, "first": listed[:LISTED], "last": listed[::-1][:LISTED]}
