"""The facts of a dataset for the tab Dataset: its arrays, sizes, the lines that load it, and links."""

from __future__ import annotations

import json
import re
from typing import Any

from slvm_data import arrays
from slvm_data.run.description import units
from slvm_data.simulation.sequences import forms
from slvm_data.store import card
from slvm_data.store.manifest import forms_of
from slvm_data.view.dataset import Dataset

_LINKS = (  # what a source names, and the address of it; any other text is no link
    (re.compile(r"arXiv:(\d{4}\.\d{4,5})"), "https://arxiv.org/abs/{}"),
    (re.compile(r"\b(10\.\d{4,9}/[A-Za-z0-9._;()/:-]*[A-Za-z0-9])"), "https://doi.org/{}"),
    (re.compile(r"https://([A-Za-z0-9.-]+\.[a-z]{2,}(?:/[A-Za-z0-9._~/%#?=&+-]*)?)"), "https://{}"),
)


def facts(dataset: Dataset) -> dict[str, Any]:
    """The arrays, as rows of name, shape, type, unit and meaning; sizes as pairs; lines of Python; links.

    Of motion and observation, lines of text with code in backticks.
    """
    return {
        "arrays": _arrays(dataset),
        "sizes": _sizes(dataset),
        "motion": card.of_motion(dataset.recipe),
        "observation": card.of_observation(dataset.recipe),
        "loading": _loading(dataset),
        "links": links(dataset),
    }


def _arrays(dataset: Dataset) -> list[list[str]]:
    if dataset.content:
        return card.array_rows(dataset.content)
    recipe, found, unit = dataset.recipe, {}, units(dataset.recipe)
    first: dict[Any, tuple[int, str]] = {}
    for task, split, _ in recipe.files():  # one of tasks and splits that are alike
        kind = recipe.of_split(split).tasks[task].template()
        first.setdefault((kind, split in recipe.splits and split), (task, split))
    kinds = [forms(recipe, *place) for place in first.values()]
    for every in zip(*kinds, strict=True):  # of sequences, then of uncut trajectories
        for name, form in ((name, form) for arrays_ in every for name, form in forms_of(arrays_).items()):
            found.setdefault(name, {})[card.shape_text(form.row)] = form.dtype
    return [
        [name, " or ".join(every), next(iter(every.values())), _unit(name, unit), arrays.info(name).meaning]
        for name, every in found.items()
    ]


def _unit(name: str, known: dict[str, str]) -> str:
    return arrays.info(name).unit or known.get(name, "")


def _sizes(dataset: Dataset) -> list[tuple[str, str]]:
    recipe = dataset.recipe
    steps = sorted({recipe.dt_of(task) for task in range(len(recipe.tasks))})
    mean = ", irregular" if recipe.time else ""
    found = [("time between frames", f"{' or '.join(f'{dt:g}' for dt in steps)} s{mean}"), ("seed", str(recipe.seed))]
    found.append(("frames of a sequence", str(recipe.length())))
    if recipe.windows:
        found.append(("frames of a trajectory", str(recipe.steps)))
    if recipe.has_frames():
        *colours, height, width = recipe.view_of(0).shape()
        found.append(("frame", f"{height} × {width} pixels, {'three colours' if colours else 'one channel'}"))
    counts = ", ".join(f"{split} {recipe.count(split):,}" for split in recipe.split_names())
    found.append(("sequences of each task", counts))
    if dataset.content:
        every = dataset.content.every_file()
        found.append(("files", f"{len(every)}, {sum(file.bytes for file in every.values()) / 1e6:.1f} MB"))
    return found


def _loading(dataset: Dataset) -> str:
    """Lines of Python that load the dataset; of one that is not in files yet, after its command was run."""
    if dataset.content and not dataset.content.format.own:
        return card.reading(dataset.content)
    folder = str(dataset.folder) if dataset.folder else dataset.recipe.name
    loader, split = "Windows" if dataset.recipe.windows else "Sequences", dataset.recipe.split_names()[0]
    return "\n".join(
        [
            "from torch.utils.data import DataLoader",
            f"from slvm_data.load import {loader}",
            f'batches = DataLoader({loader}({json.dumps(folder)}, "{split}"), batch_size=64, shuffle=True)',
            "batch = next(iter(batches))",
            "print({name: tuple(array.shape) for name, array in batch.items()})",
        ]
    )


def links(dataset: Dataset) -> list[tuple[str, str]]:
    """Text and address of each paper or page that the source names."""
    found = [
        (place[0], address.format(place[1]))
        for sign, address in _LINKS
        for place in sign.finditer(dataset.recipe.source)
    ]
    return list(dict.fromkeys(found))
