"""The files of a dataset as its manifest lists them, read some sequences at a time, in whichever format they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from slvm_data.core.errors import DamageError
from slvm_data.core.types import Arrays
from slvm_data.store import formats
from slvm_data.store.npz import SERIES, stands_once

ROOM = 2**24  # bytes of rows read at a time, if there is more than one


@dataclass(frozen=True)
class Rows:
    """Arrays of a file that have equally many rows, and those that stand there once for all of them."""

    path: Path
    task: int
    arrays: dict[str, Any]  # type and shape of each, [count …]
    once: dict[str, Any]

    @property
    def count(self) -> int:
        """Rows in all."""
        return next(iter(self.arrays.values()))["shape"][0]

    @property
    def size(self) -> int:
        """Bytes of a row."""
        return sum(np.dtype(a["dtype"]).itemsize * prod(a["shape"][1:]) for a in self.arrays.values())

    @property
    def block(self) -> int:
        """How many rows are read at a time."""
        return max(1, min(self.count, ROOM // max(1, self.size)))

    def blocks(self, rows: int | None = None) -> Iterator[Arrays]:
        """The arrays, so many rows at a time; raises DamageError where they are not what the manifest says."""
        promised = {name: (a["dtype"], a["shape"][1:]) for name, a in self.arrays.items()}
        done = 0
        for block in formats.of(self.path).blocks(self.path, rows or self.block, tuple(self.arrays)):
            found = {name: (str(array.dtype), list(array.shape[1:])) for name, array in block.items()}
            if odd := [name for name in promised if found[name] != promised[name]]:
                raise DamageError(f"{self.path} is damaged, at {odd[0]}: it is {found[odd[0]]}, not {promised[odd[0]]}")
            done += len(next(iter(block.values())))
            yield {name: block[name] for name in promised}
        if done != self.count:
            raise DamageError(f"{self.path} is damaged: it has {done} rows instead of {self.count}")

    def shared(self) -> Arrays:
        """The arrays that stand there once."""
        parts: dict[str, list[np.ndarray]] = {name: [] for name in self.once}
        for name, _, block in formats.of(self.path).pieces(self.path, self.once):
            parts[name].append(block)
        return {name: np.concatenate(found) for name, found in parts.items()}

    @property
    def whole(self) -> dict[str, Any]:
        """Type and shape of what `whole_blocks` gives."""
        label = {} if "label" in self.arrays else {"label": {"shape": [self.count, 1], "dtype": "int64"}}
        once = {name: {**a, "shape": [self.count, *a["shape"]]} for name, a in self.once.items()}
        return self.arrays | label | once

    def whole_blocks(self, rows: int | None = None) -> Iterator[Arrays]:
        """Rows that stand for themselves: each with its label, and its own copy of what stands there once."""
        shared = self.shared()
        for block in self.blocks(rows):
            n = len(next(iter(block.values())))
            label = {} if "label" in block else {"label": np.full((n, 1), self.task, np.int64)}
            yield block | label | {name: np.broadcast_to(a, (n, *a.shape)) for name, a in shared.items()}


@dataclass(frozen=True)
class Source:
    """The file of one task and split."""

    name: str  # relative to the dataset's folder, as in the manifest
    path: Path
    task: int
    entry: dict[str, Any]

    @property
    def split(self) -> str:
        """Name of the split."""
        return PurePosixPath(self.name).stem

    @property
    def folder(self) -> str:
        """The task's folder, relative to the dataset's; "." for its own."""
        return PurePosixPath(self.name).parent.as_posix()

    @property
    def paths(self) -> dict[str, int]:
        """What the manifest says of the paths that windows were cut from, if they are windows."""
        return {"paths": self.entry["paths"]} if "paths" in self.entry else {}

    @cached_property
    def sequences(self) -> Rows:
        """What has a row for each sequence: films, or windows."""
        own = {name: a for name, a in self.entry["arrays"].items() if not self._once(name)}
        once = {n: a for n, a in self.entry["arrays"].items() if self._once(n) and n not in SERIES}
        return Rows(self.path, self.task, own, {} if self.series else once)

    @cached_property
    def series(self) -> Rows | None:
        """What has a row for each path that windows were cut from, where the uncut paths are kept."""
        arrays = self.entry["arrays"]
        own = {name: a for name, a in arrays.items() if self._once(name) and name in SERIES}
        once = {name: a for name, a in arrays.items() if self._once(name) and name not in SERIES}
        return Rows(self.path, self.task, own, once) if own else None

    def _once(self, name: str) -> bool:
        return stands_once(name, self.entry["arrays"][name]["shape"], self.entry["arrays"])


def sources(folder: Path, content: dict[str, Any]) -> list[Source]:
    """The files of a dataset, by its manifest."""
    tasks = list(dict.fromkeys(str(PurePosixPath(name).parent) for name in content["files"]))
    return [
        Source(name, folder / name, tasks.index(str(PurePosixPath(name).parent)), entry)
        for name, entry in content["files"].items()
    ]
