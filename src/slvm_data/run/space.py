"""Check that a dataset fits on the disk, before it is begun."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np

from slvm_data.core.types import Arrays
from slvm_data.recipe.recipe import Recipe
from slvm_data.simulation.batch import batch_size
from slvm_data.simulation.sequences import collect, forms
from slvm_data.store import formats
from slvm_data.store.formats import Format

MANIFEST = 2**20  # bytes for the files beside the arrays


def check_space(recipe: Recipe, folder: Path, written: Format, left: float = 1.0) -> None:
    """Raise ValueError if a dataset, or the share of it that is `left` to be made, does not fit on the disk."""
    place = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())
    free = shutil.disk_usage(place).free
    if left * _uncompressed(recipe) + MANIFEST <= free:  # the usual case, and nothing needs to be written for it
        return
    needed = left * sum(_compressed(recipe, task, written) for task in range(len(recipe.tasks)))
    if needed > free:
        raise ValueError(
            f"{folder} takes about {needed / 1e9:.3g} GB, and its disk has {free / 1e9:.3g} GB free: choose another "
            "place with --out, make room, or ask for fewer sequences (--train, --val, --test)"
        )


def _uncompressed(recipe: Recipe) -> float:
    """Twice the bytes of all arrays in memory, since an .npz is put together from temporary files of its arrays."""
    total, alone = 0.0, {split: recipe.of_split(split) for split in recipe.split_names()}
    for task, split, _ in recipe.files():
        row, uncut = forms(alone[split], task, split)
        total += 2 * (recipe.count(split) * _size(row) + recipe.trajectories(split) * _size(uncut))
    return total


def _size(arrays: Arrays) -> int:
    return sum(array.nbytes for array in arrays.values())


def _compressed(recipe: Recipe, task: int, written: Format) -> float:
    """Estimate the bytes of the files of a task by writing one batch; with .npz the largest file counts twice."""
    found = []
    for split in (split for split in recipe.split_names() if task in recipe.tasks_of(split)):
        own, count = recipe.of_split(split), recipe.count(split)
        few = min(batch_size(own), count)
        rows = collect(recipe, task, split, np.arange(few))
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / f"{split}.{written.ending}"
            size = formats.store_of(path).write(path, [rows], few, own.bit_packed()).bytes
        uncut = _size(forms(recipe, task, split)[1])  # compression gains little, since they are noisy
        found.append(size * count / few + recipe.trajectories(split) * uncut)
    return sum(found) + (max(found) if written.name == "npz" else 0.0)
