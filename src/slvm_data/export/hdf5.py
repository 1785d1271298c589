"""HDF5: `train.h5` instead of `train.npz`, with the same arrays; h5py, MATLAB and Julia can read parts of it.

Each axis has a label and a dimension scale, as netCDF-4 has them, so that xarray opens the file with named dimensions.
Chunks of some sequences are compressed, each with a checksum (Fletcher). The file contains no times.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import h5py

from slvm_data.arrays import dimensions
from slvm_data.core.json_tree import to_json
from slvm_data.core.progress import Progress, counted
from slvm_data.recipe.outline import StoredRecipe
from slvm_data.store.manifest import Checksum, Form, Written
from slvm_data.store.source import Source

CHUNK = 2**20  # bytes of a chunk, about
SCALE = "This is a netCDF dimension but not a netCDF variable. {:9d}"  # name of a scale that has no numbers
LEVEL = 4  # of deflate: a quarter less than 1 on binary frames, in a quarter more time


def files(source: Source) -> list[Path]:
    """The file that a file becomes, relative to the dataset's folder."""
    return [Path(source.folder) / f"{source.stem}.h5"]


def write(place: Path, source: Source, recipe: StoredRecipe, bar: Progress) -> list[Written]:
    """Write the file that a file becomes to a folder."""
    path = place / files(source)[0]
    with path.open("w+b", buffering=0) as own:
        disk = _Disk(own)
        with h5py.File(disk, "w", libver=("earliest", "v110")) as file:
            about = {"format": "slvm-data", "name": recipe.name, "recipe": json.dumps(to_json(recipe))}
            file.attrs.update(about | {"split": source.entry.split, "task": source.entry.task})
            _put(file, source, bar, disk)
        disk.check()
        os.fsync(own.fileno())
    return [Written(**vars(Checksum.of(path)), arrays=source.arrays)]


class _Disk(io.RawIOBase):
    """A file that keeps the first error of the disk to itself, since HDF5 crashes when it learns of one."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._error: OSError | None = None

    def check(self) -> None:
        """Raise the error of the disk, if there was one."""
        if self._error:
            raise self._error

    def write(self, data: Any) -> int:
        """Write bytes, or nothing after an error."""
        view = memoryview(data).cast("B")
        self._do(lambda: self._write(view))
        return len(view)

    def _write(self, view: memoryview) -> None:
        done = 0
        while done < len(view):
            done += self._file.write(view[done:])

    def readinto(self, buffer: Any) -> int:
        """Read bytes; what could not be written is zeros."""
        data = self._file.read(len(buffer))
        buffer[:] = data + bytes(len(buffer) - len(data))
        return len(buffer)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place in the file."""
        return self._file.seek(offset, whence)

    def truncate(self, size: int | None = None) -> int:
        """Cut the file, or make it longer."""
        self._do(lambda: self._file.truncate(size))
        return size or 0

    def _do(self, action: Callable[[], object]) -> None:
        try:
            if not self._error:
                action()
        except OSError as error:
            self._error = error


def _put(file: h5py.File, source: Source, bar: Progress, disk: _Disk) -> None:
    """Write arrays, whole chunks at a time, so that the bytes do not depend on how the source is read."""
    made: dict[str, Any] = {}
    step = _chunk_rows(source)
    for name, form in source.arrays.items():
        packed = {"compression": "gzip", "compression_opts": LEVEL, "fletcher32": True, "chunks": _chunk(form, step)}
        packed = {} if 0 in form.shape else packed  # an empty array cannot be chunked
        made[name] = file.create_dataset(name, form.shape, form.dtype, track_times=False, **packed)
    _name_axes(file, made)
    for name, data in made.items():
        data.attrs.update(source.described[name].attributes())
    done, blocks = 0, source.blocks(source.block // step * step)
    for block in blocks if source.series else counted(blocks, bar):
        n = len(block["label"])
        for name, array in block.items():
            if array.size:
                made[name][done : done + n] = array
        disk.check()
        done += n


def _name_axes(file: h5py.File, made: dict[str, h5py.Dataset]) -> None:
    """Give each axis its name, and a scale of that name for all axes that have it."""
    scales: dict[str, h5py.Dataset] = {}
    for name, axes in dimensions({name: data.shape for name, data in made.items()}).items():
        for axis, label, length in zip(made[name].dims, axes, made[name].shape, strict=True):
            if label not in scales:
                scales[label] = file.create_dataset(label, (length,), "int32", track_times=False)
                scales[label].make_scale(SCALE.format(length))
            axis.label = label
            axis.attach_scale(scales[label])


def _chunk_rows(source: Source) -> int:
    """Rows of a chunk, the same for all arrays."""
    largest = max(form.row_size for form in source.arrays.values())
    return max(1, min(source.block, CHUNK // max(1, largest)))


def _chunk(form: Form, rows: int) -> tuple[int, ...]:
    """Shape of a chunk: this number of rows, or of parts of them if rows are long."""
    found, size = [], Form((1,), form.dtype).row_size * rows
    for n in reversed(form.row):
        found.append(max(1, min(n, CHUNK // size)))
        size *= found[-1]
    return (rows, *reversed(found))
