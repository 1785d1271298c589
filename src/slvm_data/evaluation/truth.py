"""The sequences of a task and split of a dataset on disk, by their numbers."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from slvm_data.core.errors import DamageError
from slvm_data.core.types import Arrays
from slvm_data.recipe.recipe import Recipe
from slvm_data.store import formats
from slvm_data.store.manifest import FileEntry, Forms, Manifest
from slvm_data.store.npz_rows import Rows
from slvm_data.store.unchanged import Unchanged

Read = Callable[[np.ndarray, Collection[str]], Arrays]


@dataclass(frozen=True)
class Truth:
    """The sequences of one task and split."""

    split: str
    task: int
    recipe: Recipe  # of this split
    entry: FileEntry
    unchanged: Unchanged  # the dataset while it is read
    read: Read = field(repr=False)  # rows in increasing order

    @property
    def forms(self) -> Forms:
        """Shape and type of each array."""
        return self.entry.arrays

    @property
    def words(self) -> str:
        """The split, and the task if there are several."""
        return self.split if len(self.recipe.tasks) == 1 else f"{self.split} of task {self.task}"

    def rows(self, index: np.ndarray, names: Collection[str]) -> Arrays:
        """These sequences [n …] of some arrays, in this order; raises DamageError for a damaged file."""
        rows, place = np.unique(index, return_inverse=True)
        with self.unchanged.throughout():
            found = self.read(rows, names)
        return {name: found[name][place] for name in names}


def truth(folder: Path, content: Manifest, recipe: Recipe, split: str, task: int) -> Truth:
    """Open a task and split; raises ValueError if the dataset does not have it, DamageError for a damaged file."""
    if not content.format.own:
        raise ValueError(f"{folder} is a copy for other libraries: give the dataset that it was made from")
    if split not in splits_of(content):
        raise ValueError(f"split = {split!r} has no sequences in {folder}, which has {', '.join(splits_of(content))}")
    name, entry = next((name, entry) for name, entry in content.of_split(split) if entry.task == task)
    path, unchanged = folder / name, Unchanged(folder, content)
    return Truth(split, task, recipe.of_split(split), entry, unchanged, _reader(path, entry, unchanged))


def _reader(path: Path, entry: FileEntry, unchanged: Unchanged) -> Read:
    """A function that reads rows of a file; of an .npz, whose rows have no checksums, the whole is compared before."""
    store = formats.store_of(path)
    if path.suffix != ".npz":
        return lambda rows, names: store.read(path, rows, names, entry)
    with unchanged.throughout():
        if fault := store.fault(path, entry):
            raise DamageError(fault, path)
        opened = Rows(path)
    return lambda rows, names: opened.read(rows, names)


def splits_of(content: Manifest) -> list[str]:
    """The splits of a dataset that have sequences, in the manifest's order."""
    return list(dict.fromkeys(entry.split for entry in content.files.values()))
