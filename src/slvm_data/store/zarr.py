"""Arrays as sharded Zarr v3, which any Zarr v3 reader opens: for datasets too large for one .npz.

Pictures of zeros and ones are bit-packed, 8 pixels per byte. Every shard is compared with its marker before one of its
rows is given out; a missing file is an error and is never read as zeros.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import numpy as np

from slvm_data.core.errors import DamageError
from slvm_data.core.files import read_at_most
from slvm_data.core.types import Arrays
from slvm_data.store.manifest import Checksum, Forms, Written
from slvm_data.store.remote import Place
from slvm_data.store.rows import fitting
from slvm_data.store.zarr_layout import MARKER, METADATA, SUMS, Layout, marked, marker_names, markers, sums
from slvm_data.store.zarr_reader import Reader, unpacked
from slvm_data.store.zarr_remote import open_group

GROUP = re.compile(r"(\w+/)?zarr\.json|\w+/c(/\d+)+")  # files of a group
MARKERS = re.compile(rf"{METADATA}\.json|\d+\.json|{SUMS}")  # files of the folder of its markers


def write(path: Path, chunks: Iterable[Arrays], count: int, binary: bool = False, one_by_one: bool = False) -> Written:
    """Write `count` sequences, arriving in chunks {name: [n …]}; return what a manifest says of the group.

    With `binary`, pictures hold only zeros and ones; `one_by_one` as for `Layout.of`. Raises ValueError if chunks do
    not fit together.
    """
    rows: _Rows | None = None
    for chunk, forms in fitting(chunks, count):
        if rows is None:
            layout = Layout.of(forms, binary, one_by_one)
            layout.create(path)
            rows = _Rows(path, layout)
        rows.add(chunk)
    assert rows  # otherwise `fitting` has raised an error
    rows.close()
    return rows.layout.written(path)


class _Rows:
    """Collects rows and writes them in shards."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path, self.layout = path, layout
        self.waiting: list[Arrays] = []
        self.ready = self.shards = 0

    def add(self, chunk: Arrays) -> None:
        """Take rows [n …], and write the shards that they complete."""
        self.waiting.append(self.layout.packs(chunk))
        self.ready += len(next(iter(chunk.values())))
        while self.ready >= self.layout.rows:
            self._write(self.layout.rows)

    def close(self) -> None:
        """Write what is left as the last shard."""
        if self.ready:
            self._write(self.ready)

    def _write(self, n: int) -> None:
        rows = {name: np.concatenate([chunk[name] for chunk in self.waiting]) for name in self.layout.forms}
        self.waiting = [{name: array[n:] for name, array in rows.items()}]
        self.layout.store(self.path, self.shards, [{name: array[:n] for name, array in rows.items()}])
        self.ready, self.shards = self.ready - n, self.shards + 1


def fault(path: Path, promised: Written) -> str | None:
    """How a group differs from what was written, in a sentence that names it; None if it does not."""
    every: dict[str, bytes] = {}
    for name in marker_names(promised.shards or 0):
        try:
            every[name] = read_at_most(markers(path) / name, MARKER)
        except (FileNotFoundError, NotADirectoryError):
            return f"{markers(path) / name} is missing: that shard was not finished"
        except DamageError as error:
            return error.what
    listed = sums(every.values())
    if hashlib.sha256(listed).hexdigest() != promised.sha256:
        return f"the markers in {markers(path)} are not those that were written"
    pairs = (pair for name, data in every.items() for pair in marked(path, name, data).items())
    found = next(filter(None, (noted.fault(path / file) for file, noted in pairs)), None)
    return found or Checksum(len(listed), promised.sha256).fault(markers(path) / SUMS)


def read(
    path: Path, rows: np.ndarray | None = None, names: Collection[str] | None = None, promised: Written | None = None
) -> Arrays:
    """All arrays of a group, or only these `rows` (increasing) of them.

    Only the shards that hold these rows need to be there; only the arrays `names` are read, if given. Pictures have the
    same shape and type as in an .npz. Raises DamageError, which names group and array; with `promised`, its entry in
    the manifest, also if the shards are others than were written.
    """
    reader = Reader(path, tuple(names or ()), promised)
    stored = reader.rows(list(reader.arrays), slice(0, reader.count) if rows is None else rows)
    return {name: unpacked(stored[name], array) for name, array in reader.arrays.items()}


def blocks(path: Path, rows: int, wanted: Collection[str]) -> Iterator[Arrays]:
    """Yield the arrays `wanted`, `rows` rows at a time, as `read` gives them."""
    reader = Reader(path, tuple(wanted))
    for start in range(0, reader.count, rows):
        stored = reader.rows(list(wanted), slice(start, min(start + rows, reader.count)))
        yield {name: unpacked(stored[name], reader.arrays[name]) for name in wanted}


def pieces(path: Place, wanted: Forms, promised: Written | None = None) -> Iterator[tuple[str, int, np.ndarray]]:
    """The arrays `wanted`, of these forms, a shard at a time: name, number of the first row, rows.

    Pictures of zeros and ones stay packed, [n … bytes]. `promised` and errors are as for `read`.
    """
    reader = open_group(path, wanted, promised)
    for name in wanted:
        for start in range(0, reader.count, reader.per):
            yield name, start, reader.rows([name], slice(start, min(start + reader.per, reader.count)))[name]


def remove(path: Path) -> None:
    """Remove a group and its markers, but only files with the names that our groups have."""
    for file in _own_files(path):
        file.unlink(missing_ok=True)
    for folder in sorted([path, markers(path), *path.rglob("*")], reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _own_files(path: Path) -> list[Path]:
    """Files in a group and its folder of markers, complete or not, with the names that our groups have."""
    pairs = [
        (file, folder, ours) for folder, ours in ((path, GROUP), (markers(path), MARKERS)) for file in folder.rglob("*")
    ]
    return [
        file for file, folder, ours in pairs if file.is_file() and ours.fullmatch(file.relative_to(folder).as_posix())
    ]
