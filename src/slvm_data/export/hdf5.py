"""HDF5: `train.h5` in the place of `train.npz`, with the same arrays; h5py, MATLAB and Julia read it in part.

Chunks of some sequences, deflated, each with its checksum (Fletcher). No clock enters the file.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from slvm_data.core.progress import Progress, counted
from slvm_data.store.npz import sha256
from slvm_data.store.source import Rows, Source

ENDING = "h5"
CHUNK = 2**20  # bytes of a chunk, about
LEVEL = 4  # of deflate: a quarter less than 1 on binary frames, in a quarter more time


def files(source: Source) -> list[Path]:
    """The files that a file becomes, relative to the dataset's folder."""
    return [Path(source.folder) / f"{source.split}.{ENDING}"]


def write(room: Path, source: Source, recipe: dict[str, Any], bar: Progress) -> dict[str, Any]:
    """Write the file of a task and split to a folder; by its name what a manifest says of it."""
    (name,) = files(source)
    path, arrays = room / name, {}
    with h5py.File(path, "w", libver=("earliest", "v110")) as file:
        about = {"format": "slvm-data", "name": recipe["name"], "split": source.split, "recipe": json.dumps(recipe)}
        file.attrs.update(about | {"task": source.task})
        for rows in filter(None, (source.sequences, source.series)):
            arrays |= rows.arrays
            _put(file, rows, _fit(rows), bar)
        for rows in filter(None, (source.sequences, source.series)):
            arrays |= rows.once
            for key, array in rows.shared().items():
                file.create_dataset(key, data=array, track_times=False)
    with path.open("rb") as closed:
        os.fsync(closed.fileno())
    entry = {"sha256": sha256(path), "bytes": path.stat().st_size, "arrays": arrays}
    return {name.as_posix(): entry | source.paths}


def _put(file: h5py.File, rows: Rows, step: int, bar: Progress) -> None:
    """Write arrays, whole chunks at a time, so that the bytes are the same however they are read."""
    made: dict[str, Any] = {}
    for key, array in rows.arrays.items():
        shape = tuple(array["shape"])
        packed = {"compression": "gzip", "compression_opts": LEVEL, "fletcher32": True, "chunks": _chunk(array, step)}
        packed = {} if 0 in shape else packed  # nothing cannot be cut
        made[key] = file.create_dataset(key, shape, array["dtype"], track_times=False, **packed)
    done = 0
    for block in counted(rows.blocks(rows.block // step * step), bar):
        n = len(next(iter(block.values())))
        for key, array in block.items():
            if array.size:
                made[key][done : done + n] = array
        done += n


def _fit(rows: Rows) -> int:
    """Rows of a chunk, the same for all arrays."""
    largest = max(np.dtype(a["dtype"]).itemsize * int(np.prod(a["shape"][1:])) for a in rows.arrays.values())
    return max(1, min(rows.block, CHUNK // max(1, largest)))


def _chunk(array: dict[str, Any], rows: int) -> tuple[int, ...]:
    """Shape of a chunk: so many rows, of long ones a part."""
    found, size = [], np.dtype(array["dtype"]).itemsize * rows
    for n in reversed(array["shape"][1:]):
        found.append(max(1, min(n, CHUNK // size)))
        size *= found[-1]
    return (rows, *reversed(found))
