"""A file of a dataset as an `xarray.Dataset`: axes by name, frames with a byte per pixel, units beside the numbers."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from slvm_data.arrays import dimensions
from slvm_data.core.arguments import checked
from slvm_data.core.errors import DamageError
from slvm_data.core.files import lasting
from slvm_data.core.optional import optional
from slvm_data.core.text import numbers
from slvm_data.store import formats, manifest
from slvm_data.store.manifest import FileEntry, Manifest

COORDINATES = ("label", "time")


@checked
def open_xarray(folder: Path | str, split: str = "train", task: int = 0, *, series: bool = False) -> Any:
    """Open the sequences of a split and task, or with `series` their uncut trajectories, as an `xarray.Dataset`.

    Dimensions are called as `slvm_data.arrays.AXES` has them: `image` is (sequence, frame, row, column) uint8, also if
    the file has it bit-packed. `label` (sequence) and `time` (sequence, frame) [s] are coordinates. Each array has its
    `units`, `role` and `meaning` as attributes. Zarr is read shard by shard when numbers are asked for, if dask is
    installed; otherwise all is read at once.

    Raises ValueError if xarray is not installed, or if the dataset has no such split or task; DamageError if a file is
    not as it was written, which of a shard is known when it is read.
    """
    library = optional("xarray", "open_xarray", "xarray")
    folder = lasting(folder)
    content = manifest.read(folder)
    name, entry = _file(folder, content, split, task, series)
    path = folder / name
    axes = dimensions({name: form.shape for name, form in entry.arrays.items()})
    arrays = {
        name: library.Variable(axes[name], data, content.arrays[name].attributes())
        for name, data in _arrays(path, entry).items()
    }
    arrays["label"] = arrays["label"][:, 0]
    system = content.recipe.tasks[entry.task].system
    about = {"name": content.name, "split": entry.split, "task": entry.task, "system": system}
    return library.Dataset(arrays, attrs=about).set_coords([name for name in COORDINATES if name in arrays])


def _file(folder: Path, content: Manifest, split: str, task: int, series: bool) -> tuple[str, FileEntry]:
    if not content.format.own:
        raise ValueError(f"{folder} is a copy for other libraries: open the dataset that it was made from")
    files = content.series if series else content.files
    if series and not files:
        raise ValueError(f"{folder} has no uncut trajectories: leave series out")
    found = {entry.task: (name, entry) for name, entry in files.items() if entry.split == split}
    if not found:
        splits = dict.fromkeys(entry.split for entry in files.values())
        raise ValueError(f"split = {split!r} does not exist in {folder}, which has {', '.join(splits)}")
    if task not in found:
        raise ValueError(f"task = {task} does not exist in {folder}, whose tasks in {split} are {numbers(found)}")
    return found[task]


def _arrays(path: Path, entry: FileEntry) -> dict[str, Any]:
    """The arrays of a file, as NumPy or dask has them."""
    store = formats.store_of(path)
    if formats.of_path(path).name == "zarr":
        return _lazy(path, entry, store) if find_spec("dask") else store.read(path, promised=entry)
    if fault := store.fault(path, entry):
        raise DamageError(fault, path)
    return store.read(path)


def _lazy(path: Path, entry: FileEntry, store: Any) -> dict[str, Any]:
    """The arrays of a group, each shard of them read when it is asked for."""
    lazily, delayed = importlib.import_module("dask.array"), importlib.import_module("dask").delayed
    per, count = store.Reader(path, tuple(entry.arrays), entry).per, entry.rows
    found = {}
    for name, form in entry.arrays.items():
        ranges = [(first, min(first + per, count)) for first in range(0, count, per)]
        parts = [
            lazily.from_delayed(delayed(_rows)(path, entry, name, *ends), (ends[1] - ends[0], *form.row), form.dtype)
            for ends in ranges
        ]
        found[name] = lazily.concatenate(parts)
    return found


def _rows(path: Path, entry: FileEntry, name: str, first: int, end: int) -> np.ndarray:
    return formats.store_of(path).read(path, np.arange(first, end), (name,), entry)[name]
