"""WebDataset: tar files of samples, one for each sequence, to be read in order.

`train-000000.tar` holds `task0-train-000000000.image.npy`, `….state.npy`, `….label.cls` and so on: files with the same
name up to the first dot are one sample.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from slvm_data.core.files import atomic
from slvm_data.core.progress import Progress
from slvm_data.core.types import Arrays
from slvm_data.export.parts import Parts
from slvm_data.recipe.outline import StoredRecipe
from slvm_data.store.manifest import Written
from slvm_data.store.source import Source

SIZE = 2**27  # bytes of a tar file, about
MOST = 1000  # sequences in memory at a time


def files(source: Source) -> list[Path]:
    """The files that a file becomes, relative to the dataset's folder."""
    count = Parts(source, SIZE, MOST).count
    return [Path(source.folder) / f"{source.stem}-{i:06d}.tar" for i in range(count)]


def write(place: Path, source: Source, recipe: StoredRecipe, bar: Progress) -> list[Written]:
    """Write the files that a file becomes to a folder."""
    del recipe
    put = partial(_put, key=f"task{source.entry.task}-{source.stem}")
    return list(Parts(source, SIZE, MOST).write([place / path for path in files(source)], put, bar))


def _put(path: Path, first: int, blocks: Iterator[Arrays], key: str) -> None:
    with atomic(path) as file, tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for block in blocks:
            n = len(block["label"])
            for i in range(n):
                for name, array in block.items():
                    _add(archive, f"{key}-{first + i:09d}.{name}", name, array[i])
            first += n


def _add(archive: tarfile.TarFile, stem: str, name: str, value: np.ndarray) -> None:
    """Add one array of a sample; a label is added as a number."""
    if name == "label":
        info, data = tarfile.TarInfo(f"{stem}.cls"), str(int(value[0])).encode()
    else:
        memory = io.BytesIO()
        np.lib.format.write_array(memory, np.asarray(value), version=(1, 0), allow_pickle=False)
        info, data = tarfile.TarInfo(f"{stem}.npy"), memory.getvalue()
    info.size = len(data)  # the rest keeps the defaults of tarfile: no time, no user, mode 644
    archive.addfile(info, io.BytesIO(data))
