"""The files of a layout: archives, pickles, JSON, TFRecords, and what lies beside them."""

from __future__ import annotations

import io
import json
import os
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from slvm_data.core.files import atomic
from slvm_data.core.memory import check_memory
from slvm_data.core.optional import optional
from slvm_data.core.progress import Progress
from slvm_data.core.types import SPLITS
from slvm_data.export.values import Values
from slvm_data.store import npz
from slvm_data.store.manifest import Manifest

NUMBER = "{n}"  # in the name of a file for each sequence
DIGITS = 5


@dataclass(frozen=True)
class Container:
    """A kind of file: `write(path, values, bar)` writes one, or one for each sequence."""

    write: Callable[[Path, list[Values], Progress], None]
    extra: str = ""  # extra of this package that installs what it needs
    needs: str = ""  # a module of that extra

    @property
    def package(self) -> str:
        """The package that the module is in."""
        return self.needs.replace("_", "-")


def write(container: Container, path: Path, values: list[Values], bar: Progress) -> None:
    """Write a file, or one for each sequence."""
    path.parent.mkdir(parents=True, exist_ok=True)
    container.write(path, values, bar)


def names(path: str, values: list[Values]) -> list[str]:
    """Names of the files that a path stands for: one, or one for each sequence."""
    if NUMBER not in path:
        return [path]
    return [path.replace(NUMBER, f"{i:0{DIGITS}d}") for i in range(values[0].form.shape[0])]


def _npz(path: Path, values: list[Values], bar: Progress) -> None:
    npz.write_columns(path, ((one.key, one.form, _counted(one, i, bar)) for i, one in enumerate(values)))


def _npz_each(path: Path, values: list[Values], bar: Progress) -> None:
    """An archive as NumPy writes it for each sequence."""
    for i, rows in enumerate(_rows(values, bar)):
        np.savez(path.with_name(path.name.replace(NUMBER, f"{i:0{DIGITS}d}")), **rows)  # pyright: ignore[reportArgumentType]
    if hasattr(os, "sync"):
        os.sync()  # once, where a file alone would take as long


def _pickle(path: Path, values: list[Values], bar: Progress) -> None:
    """A list of one array for each sequence; programs unpickle it, this package does not."""
    check_memory(path.name, values[0].size)
    with atomic(path) as file:
        pickle.dump([row for block in _counted(values[0], 0, bar) for row in block], file, protocol=4)


def _torch(path: Path, values: list[Values], bar: Progress) -> None:
    """A dict of tensors, or the tensor alone if it has no name."""
    torch: Any = optional("torch", path.name, "torch")
    check_memory(path.name, sum(one.size for one in values))
    found = {one.key: torch.from_numpy(_whole(one, i, bar)) for i, one in enumerate(values)}
    with atomic(path) as file:
        torch.save(found.get("", found), file)


def _json(path: Path, values: list[Values], bar: Progress) -> None:
    check_memory(path.name, 8 * sum(one.size for one in values))  # as lists of numbers of Python
    found = {one.key: _whole(one, i, bar).tolist() for i, one in enumerate(values)}
    with atomic(path) as file:
        file.write(json.dumps(found).encode())


def _tfrecord(path: Path, values: list[Values], bar: Progress) -> None:
    """A record for each sequence: frames as one PNG, one below the other; float64 as integers of the same bits."""
    tfrecord = optional("slvm_data.export.tfrecord", path.name, "tfrecord")
    with atomic(path) as file:
        for row in _rows(values, bar):
            tfrecord.put(file, {key: _png(array) if array.ndim > 2 else _bits(array) for key, array in row.items()})


def _png(frames: np.ndarray) -> bytes:
    memory = io.BytesIO()
    Image.fromarray(frames.reshape(-1, *frames.shape[2:])).save(memory, "PNG")
    return memory.getvalue()


def _bits(array: np.ndarray) -> np.ndarray:
    return array.reshape(-1).view(np.int64)


def _counted(values: Values, place: int, bar: Progress) -> Iterator[np.ndarray]:
    """The blocks of a column; the first of a file counts its sequences."""
    for block in values.blocks():
        yield block
        bar.update(0 if place else len(block))


def _whole(values: Values, place: int, bar: Progress) -> np.ndarray:
    found, done = np.empty(values.form.shape, values.form.dtype), 0
    for block in _counted(values, place, bar):
        found[done : done + len(block)] = block
        done += len(block)
    return found


def _rows(values: list[Values], bar: Progress) -> Iterator[dict[str, np.ndarray]]:
    """The columns of a file, one sequence after the other."""
    columns = [chain.from_iterable(_counted(one, i, bar)) for i, one in enumerate(values)]
    for row in zip(*columns, strict=True):
        yield {one.key: array for one, array in zip(values, row, strict=True)}


TABLE = {
    "npz": Container(_npz),
    "npz of each sequence": Container(_npz_each),
    "pickle": Container(_pickle),
    "torch": Container(_torch, "torch", "torch"),
    "json": Container(_json),
    "tfrecord": Container(_tfrecord, "tfrecord", "google_crc32c"),
}
"""Kinds of files, by the name that a layout gives them."""


def _features(values: list[Values], content: Manifest) -> str:
    """Name, shape and type of each array, a line each."""
    del content
    return "".join(f"{one.key}, {one.form.row}, {one.form.dtype}\n" for one in values)


def _parameters(values: list[Values], content: Manifest) -> str:
    """Settings of an experiment, as JSON, of which YAML is an extension; paths are relative to the dataset's folder."""
    recipe, (T, *_, C) = content.recipe, values[0].form.row
    rollout = {"seq_length": T, "delta_time": recipe.interval(0), "n_channels": C}
    splits = {f"{split}_data": split for split in recipe.split_names() if split in SPLITS}
    systems = [{"name": task.system, **task.values} for task in recipe.tasks]
    tree = {"experiment_id": content.name, "dataset": splits | {"rollout": rollout}, "rollout": rollout}
    return json.dumps(tree | {"environment": systems[0] if len(systems) == 1 else systems}, indent=1) + "\n"


SIDE = {"features.txt": _features, "parameters.yaml": _parameters}
"""What lies beside the arrays, by name of the file: its text from the values of the first file, and the manifest."""
