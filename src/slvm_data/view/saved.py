"""Save a page to one file, with the first sequences of each task and the description of the dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slvm_data.core.files import atomic
from slvm_data.view.dataset import Dataset
from slvm_data.view.facts import facts
from slvm_data.view.page import page
from slvm_data.view.payload import payload
from slvm_data.view.report import report
from slvm_data.view.summary import summary

MOST = 20_000  # sequences in a page, of about 3 kB each


def save(dataset: Dataset, path: Path, sequences: int) -> int:
    """Write a page with about this many sequences, at least one per task and split; return its size in bytes.

    Raises ValueError if they are more than a browser can show.
    """
    if not 1 <= sequences <= MOST:
        raise ValueError(f"sequences = {sequences} has to lie from 1 to {MOST}: a page has to fit into a browser")
    text, _ = page(data(dataset, sequences))
    with atomic(path) as file:
        file.write(text)
    return len(text)


def data(dataset: Dataset, sequences: int) -> dict[str, Any]:
    """The data of a saved page: all answers that a server would give."""
    forecast = _forecast(dataset)
    said = summary(dataset)
    places = [(task, split) for task, split, _ in dataset.recipe.files()]
    share = max(1, sequences // len(places))
    here = {(task, split): range(min(share, dataset.count(task, split))) for task, split in places}
    for task, one in enumerate(said["tasks"]):
        one["counts"] = {split: len(here.get((task, split), ())) for split in said["splits"]}
    return {
        "about": said | {"sliders": [], "fixed": ""},
        "sequences": {f"{t}/{s}": payload(dataset, t, s, list(index)) for (t, s), index in here.items()},
        "facts": facts(dataset),
        "report": report(dataset),
        "forecast": forecast,
        "forecasts": {f"{t}/{s}": _forecasts(dataset, t, s, index) for (t, s), index in here.items()},
    }


def _forecast(dataset: Dataset) -> dict[str, Any] | None:
    """The report of the forecasts that are shown, if there are any; their numbers are known from then on."""
    if not dataset.forecasts:
        return None
    from slvm_data.view.forecasts import overview  # loads SciPy

    return overview(dataset.forecasts)


def _forecasts(dataset: Dataset, task: int, split: str, index: range) -> list[Any]:
    """The forecasts of these sequences; none where there are no forecasts."""
    if not (shown := dataset.forecasts and dataset.forecasts.of(task, split)):
        return []
    from slvm_data.view.forecasts import forecast_of

    return [forecast_of(dataset, shown, i) for i in index]
