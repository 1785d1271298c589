"""A page in a file: the first sequences of each task, what is said of them, and everything that shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slvm_data.store.npz import whole
from slvm_data.view.dataset import Films
from slvm_data.view.page import page
from slvm_data.view.payload import shown
from slvm_data.view.report import quality
from slvm_data.view.summary import about


def save(films: Films, path: Path, sequences: int) -> int:
    """Write a page with about so many sequences, at least one of each task and split; its size in bytes."""
    text, _ = page(data(films, sequences))
    with whole(path) as file:
        file.write(text)
    return len(text)


def data(films: Films, sequences: int) -> dict[str, Any]:
    """What a saved page knows: the answers to all that it may ask, under the names that a server has for them."""
    said = about(films)
    places = [(task, split) for task in range(len(said["tasks"])) for split in said["splits"]]
    share = max(1, sequences // len(places))
    here = {(task, split): range(min(share, films.count(task, split))) for task, split in places}
    for task, one in enumerate(said["tasks"]):
        one["counts"] = {split: len(here[task, split]) for split in said["splits"]}
    return {
        "about": said | {"sliders": [], "fixed": ""},
        "films": {f"{t}/{s}": shown(films, t, s, list(index)) for (t, s), index in here.items()},
        "quality": quality(films),
    }
