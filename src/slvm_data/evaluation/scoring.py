"""Score a forecast against the truth: open both, compare them array by array, and report the numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from slvm_data.core.arguments import checked, whole_number
from slvm_data.core.files import at_home
from slvm_data.evaluation import containers
from slvm_data.evaluation.containers import Container, Given
from slvm_data.evaluation.forecast import Forecast, fitted
from slvm_data.evaluation.pairs import MASK, Pair, pairs, pictures
from slvm_data.evaluation.place import USUAL, of_split, places
from slvm_data.evaluation.report import Report, Scored, column
from slvm_data.evaluation.scores import COMPONENTS, FRAMES, TABLE, Metric
from slvm_data.evaluation.truth import truth
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.serialisation import from_stored
from slvm_data.store import manifest
from slvm_data.store.manifest import Manifest
from slvm_data.systems.system import System

FITTED_ON = "val"  # split that probes are fitted on
HALVES = "the other half"


@checked
def evaluate(
    forecast: Path | str | Mapping[str, Any],
    dataset: Path | str,
    *,
    splits: Sequence[str] = (),
    start: int | None = None,
    slow: bool = False,
    own: Iterable[System | type[System]] = (),
) -> Report:
    """Score a forecast of sequences of a dataset.

    Arguments:
        forecast: an .npz, a Zarr group, or a folder of them (`<split>.npz`, in a folder for each task as in the
            dataset); or arrays by name. It has `image`, `signal`, `state`, `latent`, `mode` and `param_…` as far as
            the model gives them, and for a part of the sequences or frames their numbers `index` [N] and `frame` [T].
        dataset: folder of the dataset.
        splits: names of the splits; none: all that the folder has, or test.
        start: number of the first frame that is scored; None: after the frames that the model was given, `seen`.
        slow: whether to add metrics that take minutes.
        own: systems of the user's own that the dataset is of, or their classes.

    Raises ValueError, in one sentence that names the array and what fits, for a forecast that does not fit;
    DamageError for a dataset that is damaged.

    """
    folder = Path(at_home(dataset))
    content = manifest.read(folder)
    every = opened(forecast, folder, content, from_stored(content.recipe, own), splits)
    columns = {}
    for split, tasks in every.items():
        columns[split] = column([scored(one.forecast, start, one.fit, slow) for one in tasks.values()])
    return Report(content.name, columns)


@dataclass(frozen=True)
class Opened:
    """A forecast of a task and split, and the one that its probes are fitted on."""

    forecast: Forecast
    fit: Forecast | None


def opened(
    forecast: Path | str | Mapping[str, Any], folder: Path, content: Manifest, recipe: Recipe, splits: Sequence[str]
) -> dict[str, dict[int, Opened]]:
    """The forecasts of each split and task, after it was checked that they fit; raises as `evaluate` does."""
    found: dict[str, dict[int, Opened]] = {}
    for split, tasks in _containers(forecast, content, list(dict.fromkeys(splits))).items():
        for task, container in tasks.items():
            one = fitted(container, truth(folder, content, recipe, split, task))
            found.setdefault(split, {})[task] = Opened(one, _fit(forecast, folder, content, recipe, one))
    return found


def _containers(forecast: Any, content: Manifest, splits: list[str]) -> dict[str, dict[int, Container]]:
    """The forecast of each task, by split."""
    if isinstance(forecast, Mapping):
        split = (splits or [USUAL])[0]
        tasks = [entry.task for _, entry in content.of_split(split)] or [0]
        if len(splits) > 1 or len(tasks) > 1:
            raise ValueError("arrays in memory are of one task and split: write files for several")
        return {split: {tasks[0]: Given.of(forecast)}}
    found = places(Path(at_home(forecast)), content, splits)
    return {split: {task: containers.opened(path) for task, path in own.items()} for split, own in found.items()}


def _fit(forecast: Any, folder: Path, content: Manifest, recipe: Recipe, one: Forecast) -> Forecast | None:
    """The forecast of the same task that probes are fitted on; None if there is none, or if it is the same one."""
    where, task = one.truth.split, one.truth.task
    if isinstance(forecast, Mapping) or where == FITTED_ON or "latent" not in one.parts:
        return None
    path = Path(at_home(forecast))
    found = {} if containers.is_one(path) else of_split(path, content, FITTED_ON)
    if task not in found:
        return None
    fit = fitted(containers.opened(found[task]), truth(folder, content, recipe, FITTED_ON, task), ("latent",))
    return fit if fit.parts else None


def scored(forecast: Forecast, start: int | None, fit: Forecast | None, slow: bool = False) -> Scored:
    """Score a forecast of one task and split from frame `start` on; raises ValueError if no frame is left."""
    first = first_frame(forecast, start)
    order = np.argsort(forecast.index)
    terms = _of_pictures(forecast, first, order, slow) if "image" in forecast.parts else {}
    found = pairs(forecast, first, order, fit)
    terms |= {m: _masked(m, m.terms(found[m.array]), found[m.array]) for m in _chosen(found, slow)}
    names = {m.name: _names(m, found[m.array]) for m in terms if m.array in found and found[m.array].names}
    fitted_on = "" if "latent" not in found else FITTED_ON if found["latent"].fit else HALVES
    frames = range(first, forecast.frames.stop)
    return Scored(forecast.truth.task, forecast.index[order], frames, terms, names, fitted_on, _notes(forecast))


def first_frame(forecast: Forecast, start: int | None) -> int:
    """Number of the first frame that is scored; raises ValueError if none is left."""
    given = forecast.seen if start is None else whole_number("start", start, 0)
    first = max(forecast.frames.start, given)
    if first >= forecast.frames.stop:
        last = forecast.frames.stop - 1
        raise ValueError(f"from = {first} leaves no frame of {forecast.container.where}, whose last one is {last}")
    return first


def _chosen(found: Mapping[str, Pair], slow: bool) -> list[Metric]:
    """The metrics of these arrays."""
    return [m for m in TABLE if m.array in found and m.fits(found[m.array]) and (slow or not m.slow)]


def _of_pictures(forecast: Forecast, start: int, order: np.ndarray, slow: bool) -> dict[Metric, np.ndarray]:
    """The terms of the metrics of frames, which are read some sequences at a time."""
    parts: dict[Metric, list[np.ndarray]] = {}
    gaps = has_gaps(forecast)
    for pair in pictures(forecast, start):
        for metric in _chosen({"image": pair}, slow):
            if not (gaps and metric.every_frame):
                parts.setdefault(metric, []).append(_masked(metric, metric.terms(pair), pair))
    return {metric: np.concatenate(own)[order] for metric, own in parts.items()}


def _masked(metric: Metric, terms: np.ndarray, pair: Pair) -> np.ndarray:
    """Terms, NaN for frames that the truth does not have."""
    return np.where(pair.there, terms, np.nan) if metric.each == FRAMES and pair.there is not None else terms


def has_gaps(forecast: Forecast) -> bool:
    """Whether frames of the truth are missing, and it does not keep them elsewhere."""
    if MASK not in forecast.truth.forms or forecast.parts["image"].truth != "image":
        return False
    return not forecast.truth.rows(forecast.index, [MASK])[MASK].all()


def _names(metric: Metric, pair: Pair) -> tuple[str, ...]:
    """Names of the components that a metric has a number for."""
    return names_of_targets(pair) if metric.each == COMPONENTS else ()


def names_of_targets(pair: Pair) -> tuple[str, ...]:
    """Names of the numbers that a probe reads: of an angle, its sine and its cosine."""
    each = ([f"sin {name}", f"cos {name}"] if d in pair.angles else [name] for d, name in enumerate(pair.names))
    return tuple(chain.from_iterable(each))


def _notes(forecast: Forecast) -> tuple[str, ...]:
    """What a reader of the numbers has to know about the arrays, in sentences."""
    notes = []
    if forecast.unknown:
        notes.append(f"not scored, since a forecast has no such arrays: {', '.join(forecast.unknown)}")
    for part in forecast.parts.values():
        if part.truth.startswith("clean"):
            notes.append(f"{part.name} is compared with {part.truth}, the observation without modifiers")
        if part.samples:
            notes.append(f"{part.name} has {part.samples} samples: their mean is scored, and crps and coverage by all")
    if "image" in forecast.parts and has_gaps(forecast):
        notes.append("frames are missing in the truth: they are left out, and with them vpt and vpd; --record clean")
    return tuple(notes)
