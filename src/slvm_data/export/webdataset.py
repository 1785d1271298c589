"""WebDataset: tar files of samples, one for each sequence, that are read from the first to the last.

`train-000000.tar` holds `task0-train-000000000.image.npy`, `….state.npy`, `….label.cls` and so on: what has the same
name up to the first dot is one sample.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from slvm_data.core.progress import Progress
from slvm_data.core.types import Arrays
from slvm_data.export.parts import Shards, parts
from slvm_data.store.npz import whole
from slvm_data.store.source import Rows, Source

ENDING = "tar"
SIZE = 2**27  # bytes of a tar file, about
MOST = 1000  # sequences in memory at a time


def files(source: Source) -> list[Path]:
    """The files that a file becomes, relative to the dataset's folder."""
    return [path for name, rows in parts(source).items() for path in _paths(source, name, rows)]


def _paths(source: Source, name: str, rows: Rows) -> list[Path]:
    return [Path(source.folder) / f"{name}-{i:06d}.{ENDING}" for i in range(Shards(rows, SIZE, MOST).count)]


def write(room: Path, source: Source, recipe: dict[str, Any], bar: Progress) -> dict[str, Any]:
    """Write the files of a task and split to a folder; by their names what a manifest says of them."""
    del recipe
    found = {}
    for name, rows in parts(source).items():
        paths = _paths(source, name, rows)
        put = partial(_put, key=f"task{source.task}-{name}")
        entries = Shards(rows, SIZE, MOST).write([room / path for path in paths], put, bar)
        found |= dict(zip((path.as_posix() for path in paths), entries, strict=True))
    return found


def _put(path: Path, first: int, blocks: Iterator[Arrays], key: str) -> None:
    with whole(path) as file, tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for block in blocks:
            n = len(block["label"])
            for i in range(n):
                for name, array in block.items():
                    _add(archive, f"{key}-{first + i:09d}.{name}", name, array[i])
            first += n


def _add(archive: tarfile.TarFile, stem: str, name: str, value: np.ndarray) -> None:
    """Add one array of a sample, a label as the number that it is."""
    if name == "label":
        info, data = tarfile.TarInfo(f"{stem}.cls"), str(int(value[0])).encode()
    else:
        room = io.BytesIO()
        np.lib.format.write_array(room, np.asarray(value), version=(1, 0), allow_pickle=False)
        info, data = tarfile.TarInfo(f"{stem}.npy"), room.getvalue()
    info.size = len(data)  # all else is as tarfile begins it: no time, no user, mode 644
    archive.addfile(info, io.BytesIO(data))
