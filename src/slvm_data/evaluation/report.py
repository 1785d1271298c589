"""The numbers of a forecast with their intervals: for programs as JSON, for people as a table."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from slvm_data.core.files import atomic
from slvm_data.evaluation.scores import COMPONENTS, FRAMES, TABLE, Metric, nan_mean
from slvm_data.metrics.bootstrap import Interval, ends, resampled


@dataclass(frozen=True)
class Scored:
    """The terms of all metrics of one task and split, whose sequences are in the order of the dataset."""

    task: int
    index: np.ndarray  # numbers of the sequences [N]
    frames: range  # that are scored
    terms: dict[Metric, np.ndarray]  # [N …]
    names: dict[str, tuple[str, ...]]  # of the components of each metric that has some
    fitted_on: str  # sequences that probes were fitted on; empty without latents
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Number:
    """A metric of a split: its number with its interval, and those of its frames or components."""

    metric: Metric
    best: float
    whole: Interval
    by_frame: tuple[Interval, ...] = ()
    by_component: dict[str, Interval] | None = None


@dataclass(frozen=True)
class Column:
    """The numbers of one split."""

    sequences: int
    frames: range  # that are scored
    fitted_on: str  # sequences that probes were fitted on
    numbers: dict[str, Number]  # of all tasks: means of theirs
    tasks: dict[int, dict[str, Number]]  # of each task, if there are several
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Drawn:
    """The number of a metric of one task [K], of the whole first, and the same of each resample [R K]."""

    value: np.ndarray
    resamples: np.ndarray
    names: tuple[str, ...]


def column(tasks: Sequence[Scored]) -> Column:
    """The numbers of a split, from those of its tasks; of several tasks, the mean of each."""
    drawn = [_drawn(scored) for scored in tasks]
    horizon = len(tasks[0].frames)
    every = {m: [own[m] for own in drawn if m in own] for m in TABLE if any(m in own for own in drawn)}
    each = {s.task: _numbers({m: [own] for m, own in d.items()}, horizon) for s, d in zip(tasks, drawn, strict=True)}
    return Column(
        sequences=sum(len(scored.index) for scored in tasks),
        frames=tasks[0].frames,
        fitted_on=next((scored.fitted_on for scored in tasks if scored.fitted_on), ""),
        numbers=_numbers(every, horizon),
        tasks=each if len(tasks) > 1 else {},
        notes=tuple(dict.fromkeys(note for scored in tasks for note in scored.notes)),
    )


def _drawn(scored: Scored) -> dict[Metric, _Drawn]:
    """The numbers of the metrics of one task; all of them are of the same resamples."""
    flat = {metric: _with_mean(metric, terms) for metric, terms in scored.terms.items()}
    columns = np.concatenate([own.reshape(len(own), -1) for own in flat.values()], axis=1)
    means = np.concatenate([nan_mean(columns, axis=0)[None], resampled(columns, seed=scored.task)])
    found, place = {}, 0
    for metric, own in flat.items():
        size = math.prod(own.shape[1:])
        part = means[:, place : place + size].reshape(len(means), *own.shape[1:])
        values = _values(metric, part)
        found[metric] = _Drawn(values[0], values[1:], scored.names.get(metric.name, ()))
        place += size
    return found


def _with_mean(metric: Metric, terms: np.ndarray) -> np.ndarray:
    """Terms [n …]; of frames [n T], the mean over frames before them [n 1+T]."""
    terms = terms.astype(np.float64)
    return np.column_stack([nan_mean(terms, axis=1), terms]) if metric.each == FRAMES else terms


def _values(metric: Metric, means: np.ndarray) -> np.ndarray:
    """Numbers [R K] of a metric from means of terms [R …], that of the whole first."""
    values = metric.value(means).reshape(len(means), -1)
    return np.column_stack([values.mean(axis=1), values]) if metric.each == COMPONENTS else values


def _numbers(drawn: dict[Metric, list[_Drawn]], horizon: int) -> dict[str, Number]:
    """Means over tasks with their intervals."""
    found = {}
    for metric, tasks in drawn.items():
        alike = len({own.names for own in tasks}) == 1 and len({own.value.shape for own in tasks}) == 1
        count = None if alike else 1  # components of different systems have no mean
        value = nan_mean(np.stack([own.value[:count] for own in tasks]), axis=0)
        resamples = nan_mean(np.stack([own.resamples[:, :count] for own in tasks]), axis=0)
        low, high = _ends(resamples)
        intervals = [Interval(*map(float, three)) for three in zip(value, low, high, strict=True)]
        found[metric.name] = Number(
            metric=metric,
            best=float(horizon) if metric.best is None else metric.best,
            whole=intervals[0],
            by_frame=tuple(intervals[1:]) if metric.each == FRAMES else (),
            by_component=dict(zip(tasks[0].names, intervals[1:], strict=True)) if tasks[0].names and alike else None,
        )
    return found


def _ends(resamples: np.ndarray) -> np.ndarray:
    """Ends [2 K] of the intervals of numbers [R K], of the resamples that have the number."""
    return np.array([_ends_of(own[~np.isnan(own)]) for own in resamples.T]).T


def _ends_of(values: np.ndarray) -> tuple[float, float]:
    if not len(values):
        return math.nan, math.nan
    if np.isinf(values).any():  # which have no differences, and so no quantiles between them
        return float(values.min()), float(values.max())
    low, high = ends(values)
    return float(low), float(high)


@dataclass(frozen=True)
class Report:
    """The numbers of a forecast."""

    dataset: str
    columns: dict[str, Column]  # by split

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON values; what is not known is null, infinity the word `Infinity`."""
        return {"dataset": self.dataset, "splits": {split: _plain_column(own) for split, own in self.columns.items()}}

    def write(self, path: Path) -> None:
        """Write the report as JSON, whole or not at all."""
        with atomic(path) as file:
            file.write((json.dumps(self.to_json(), indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode())

    def __str__(self) -> str:
        heads = [_head(split, own) for split, own in self.columns.items()]
        rows = [["", "best", *heads], *map(list, self._rows())]
        widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
        lines = ("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)
        return "\n".join([self._title(), "", *lines, "", *self._notes()])

    def _title(self) -> str:
        """Dataset and scored frames, which may differ between splits."""
        frames = dict.fromkeys(f"{own.frames.start} to {own.frames.stop - 1}" for own in self.columns.values())
        return f"{self.dataset}: frames {' or '.join(frames)}"

    def _rows(self) -> Iterable[Sequence[str]]:
        every = [metric for metric in TABLE if any(metric.name in own.numbers for own in self.columns.values())]
        for metric in every:
            numbers = [own.numbers.get(metric.name) for own in self.columns.values()]
            bests = dict.fromkeys(_short(own.best) for own in numbers if own)
            unit = f" [{metric.unit}]" if metric.unit else ""
            yield metric.name + unit, " or ".join(bests), *(_cell(own and own.whole) for own in numbers)
            names = dict.fromkeys(name for own in numbers for name in (own and own.by_component) or {})
            for name in names if len(names) > 1 else ():
                cells = [_cell(own.by_component.get(name) if own and own.by_component else None) for own in numbers]
                yield f"  {name}", "", *cells

    def _notes(self) -> Iterable[str]:
        columns = self.columns.values()
        yield "[…]: 95 % intervals over sequences, by bootstrap"
        fitted_on = dict.fromkeys(own.fitted_on for own in columns if own.fitted_on)
        if fitted_on:
            yield f"probes: fitted on {' and '.join(fitted_on)}, R² on sequences that they were not fitted on"
        yield from dict.fromkeys(note for own in columns for note in own.notes)


def _head(split: str, own: Column) -> str:
    return f"{split} (N = {own.sequences})"


def _cell(number: Interval | None) -> str:
    if number is None or math.isnan(number.mean):
        return "–"
    return f"{_short(number.mean)} [{_short(number.low)}, {_short(number.high)}]"


def _short(value: float) -> str:
    return "∞" if value == math.inf else f"{value:.4g}"


def _plain_column(own: Column) -> dict[str, Any]:
    return {
        "sequences": own.sequences,
        "frames": [own.frames.start, own.frames.stop - 1],
        "fitted_on": own.fitted_on or None,
        "metrics": {name: _plain_number(number) for name, number in own.numbers.items()},
        "tasks": {
            str(task): {name: _plain_number(number) for name, number in numbers.items()}
            for task, numbers in own.tasks.items()
        },
        "notes": list(own.notes),
    }


def _plain_number(number: Number) -> dict[str, Any]:
    metric = number.metric
    found = {"array": metric.array, "unit": metric.unit, "best": _plain(number.best), **_plain_interval(number.whole)}
    if number.by_frame:
        found["by_frame"] = [_plain_interval(own) for own in number.by_frame]
    if number.by_component:
        found["by_component"] = {name: _plain_interval(own) for name, own in number.by_component.items()}
    return found


def _plain_interval(interval: Interval) -> dict[str, Any]:
    return {name: _plain(value) for name, value in interval._asdict().items()}


def _plain(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")
