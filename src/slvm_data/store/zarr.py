"""Arrays as sharded Zarr v3, which any Zarr v3 reader opens: for datasets too large for one .npz.

`train.zarr` is a group. A shard is a fixed range of sequences, stored as one file per array; pictures of zeros and ones
are bit-packed in it, 8 pixels per byte. `train.shards` beside it has a marker for each complete shard, with the
checksums of its files, and one for the metadata. A missing file is an error and is never read as zeros.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, prod
from pathlib import Path

import numpy as np
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec

from slvm_data import arrays
from slvm_data.core.errors import DamageError, damage_named
from slvm_data.core.files import atomic
from slvm_data.core.json_tree import Json, from_json, to_json
from slvm_data.core.types import Arrays
from slvm_data.store.manifest import Checksum, Form, Forms, Written
from slvm_data.store.rows import fitting
from slvm_data.store.zstd_sizes import guarded

LEVEL = 3  # of zstd
SHARD = 2**23  # bytes of a shard, before they are compressed, about
INNER = (16, 64)  # least and most sequences of an inner chunk: least for pictures, which are slow to unpack
FEW = 2048  # frames of an inner chunk, about
LEAST = 2**13  # bytes of an inner chunk, at least, if a shard has as many: reading a smaller one is hardly faster
LONG, PART = 200, 100  # longer sequences are cut along time too, into parts of 100 frames
CHUNK = 2**28  # bytes of an inner chunk, at most
PACKED = "packed_frame"  # attribute of an array of bit-packed pictures: the shape of a picture
METADATA = "metadata"  # marker of the files that belong to no shard
GROUP = re.compile(r"(\w+/)?zarr(\.json|\.\w+\.partial)|\w+/c(/\d+)+(\.\w+\.partial)?")  # files of a group
MARKERS = re.compile(r"metadata\.json|\d+\.json|tally-\d+|\..*\.tmp")  # files of the folder of its markers


@dataclass(frozen=True)
class Layout:
    """How arrays are divided into shards."""

    forms: Forms  # with all rows
    rows: int  # rows of a shard
    inner: int  # rows of an inner chunk
    packed: dict[str, tuple[int, ...]]  # shape of a picture, for arrays of zeros and ones

    @staticmethod
    def of(forms: Forms, binary: bool, one_by_one: bool = False) -> Layout:
        """Choose the layout for these forms; with `one_by_one`, for long rows, an inner chunk holds a single row."""
        packed = {name: _picture(name, form) for name, form in forms.items() if binary and arrays.pictures(name)}
        stored = {name: _stored(form, packed.get(name, ())) for name, form in forms.items()}
        steps = max((form.shape[1] for form in stored.values() if len(form.shape) > 2), default=1)
        inner = 1 if one_by_one else int(np.clip(FEW // steps, *INNER)) // INNER[0] * INNER[0]
        size = sum(form.row_size for form in stored.values())
        doublings = max(0, (SHARD // max(1, inner * size)).bit_length() - 1)  # as many as fit, all arrays together
        return Layout(forms, inner * 2**doublings, inner, packed)

    @property
    def count(self) -> int:
        """Total number of rows."""
        return next(iter(self.forms.values())).shape[0]

    @property
    def shards(self) -> int:
        """Total number of shards."""
        return ceil(self.count / self.rows)

    def range(self, shard: int) -> tuple[int, int]:
        """The first row of a shard, and the one after its last."""
        return shard * self.rows, min((shard + 1) * self.rows, self.count)

    def create(self, path: Path) -> None:
        """Make a group at `path`, with arrays that have no data yet, and the marker of its metadata."""
        group = zarr.create_group(store=path, zarr_format=3)
        for name, form in self.forms.items():
            stored = _stored(form, self.packed.get(name, ()))
            inner = whole = stored.row
            if stored.row and stored.row[0] > LONG and arrays.info(name).letters(len(form.shape))[1] == "T":
                inner, whole = (PART, *stored.row[1:]), (ceil(stored.row[0] / PART) * PART, *stored.row[1:])
            group.create_array(
                name=name,
                shape=stored.shape,
                dtype=stored.dtype,
                chunks=(self._inner(name, inner), *_one_or_more(inner)),
                shards=(self.rows, *_one_or_more(whole)),
                compressors=[ZstdCodec(level=LEVEL), Crc32cCodec()],
                fill_value=0,
                attributes={PACKED: list(self.packed[name])} if name in self.packed else {},
                dimension_names=self._dimensions(name),
            )
        markers(path).mkdir()
        every = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
        _mark(path, METADATA, every)

    def _dimensions(self, name: str) -> list[str]:
        """The names of an array's axes."""
        known = [arrays.AXES[letter] for letter in arrays.info(name).letters(len(self.forms[name].shape))]
        return [*known[: -len(self.packed[name])], "byte"] if name in self.packed else known

    def _inner(self, name: str, part: tuple[int, ...]) -> int:
        """Number of rows of an inner chunk, for parts of rows of this shape; a shard has a whole number of chunks."""
        if arrays.pictures(name):
            return INNER[0]
        size = prod(part) * np.dtype(self.forms[name].dtype).itemsize
        doubled = self.inner * 2 ** max(0, (ceil(LEAST / max(1, self.inner * size)) - 1).bit_length())
        return min(doubled, self.rows)

    def put(self, path: Path, shard: int, rows: Arrays) -> None:
        """Write the rows [n …] of one shard, and its marker last; a shard that is there already is written again."""
        first, n = shard * self.rows, len(next(iter(rows.values())))
        for name, array in rows.items():
            target = guarded(zarr.open_array(path / name, mode="r+"), write_empty_chunks=True)
            try:
                target[first : first + n] = array
            except ValueError:  # zarr reads the last shard before it writes it, and the file is damaged
                (path / file_of(name, shard, array.ndim)).unlink(missing_ok=True)
                target[first : first + n] = array
        _mark(path, str(shard), self._files(shard))

    def is_damaged(self, path: Path, shard: int) -> bool:
        """Whether the marker of a shard is missing, or does not fit its files byte for byte."""
        try:
            return (markers(path) / f"{shard}.json").read_bytes() != _marker(path, self._files(shard))
        except OSError:
            return True

    def _files(self, shard: int) -> list[str]:
        """Names of the files of one shard, relative to the group."""
        ndims = {
            name: len(_stored(form, self.packed.get(name, ())).shape)
            for name, form in self.forms.items()
            if form.row_size  # nothing is stored of rows without numbers
        }
        return [file_of(name, shard, ndim) for name, ndim in ndims.items()]

    def packs(self, chunk: Arrays) -> Arrays:
        """Copy rows [n …], with pictures packed; the next chunk may be written to the same memory, hence the copy."""
        return {name: _pack(a, self.packed[name]) if name in self.packed else a.copy() for name, a in chunk.items()}


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
    return written(path, rows.layout)


def written(path: Path, layout: Layout) -> Written:
    """The manifest's entry of a group that is complete."""
    size = sum(noted.bytes for files in _marked(path) for noted in files.values())
    return Written(sha256=_digest(path), bytes=size, arrays=layout.forms, shards=layout.shards)


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
        self.layout.put(self.path, self.shards, {name: array[:n] for name, array in rows.items()})
        self.ready, self.shards = self.ready - n, self.shards + 1


def _picture(name: str, form: Form) -> tuple[int, ...]:
    """Shape of one picture of an array of pictures."""
    return form.shape[arrays.info(name).frame_axis :]


def _one_or_more(row: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a chunk's row; an axis of length 0 has chunks of length 1."""
    return tuple(max(1, n) for n in row)


def _stored(form: Form, picture: tuple[int, ...]) -> Form:
    """The form of an array in the group: pictures of this shape, if there are any, take one row of bytes each."""
    return Form((*form.shape[: -len(picture)], ceil(prod(picture) / 8)), form.dtype) if picture else form


def _pack(rows: np.ndarray, picture: tuple[int, ...]) -> np.ndarray:
    """Pack pictures of zeros and ones, of this shape, into bytes [N … bytes], 8 pixels per byte."""
    return np.packbits(rows.reshape(*rows.shape[: -len(picture)], prod(picture)), axis=-1)


def file_of(name: str, shard: int, ndim: int) -> str:
    """The file of one shard of an array, in its group."""
    return "/".join([name, "c", str(shard), *["0"] * (ndim - 1)])


def markers(path: Path) -> Path:
    """The folder of the markers of a group."""
    return path.with_suffix(".shards")


def _mark(path: Path, name: str, files: Sequence[str]) -> None:
    """Write a marker: these files are complete and on the disk."""
    for file in files:
        with (path / file).open("rb") as handle:
            os.fsync(handle.fileno())
    with atomic(markers(path) / f"{name}.json") as marker:
        marker.write(_marker(path, files))


def _marker(path: Path, files: Iterable[str]) -> bytes:
    """Content of the marker for these files as they are now."""
    found: Json = {"files": {file: to_json(Checksum.of(path / file)) for file in files}}
    return (json.dumps(found, indent=1, sort_keys=True) + "\n").encode()


def _noted(marker: Path) -> dict[str, Checksum]:
    """Files and checksums that a marker lists; raises DamageError if it cannot be read."""
    try:
        return from_json(dict[str, Checksum], json.loads(marker.read_bytes())["files"], "files")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamageError(f"{marker} is damaged: slvm-data repair, or generate the dataset with --overwrite") from error


def is_there(path: Path, shard: int) -> bool:
    """Whether a shard is complete, as far as its marker and the sizes of its files tell."""
    try:
        noted = _noted(markers(path) / f"{shard}.json")
        return all((path / file).stat().st_size == entry.bytes for file, entry in noted.items())
    except (OSError, DamageError):  # a marker that was cut short does not count
        return False


def _marked(path: Path) -> Iterator[dict[str, Checksum]]:
    """Yield the files and checksums of each marker."""
    for marker in sorted(markers(path).glob("*.json")):
        yield _noted(marker)


def _digest(path: Path) -> str:
    """Checksum of all markers."""
    found = hashlib.sha256()
    for marker in sorted(markers(path).glob("*.json")):
        found.update(marker.name.encode() + b"\0" + marker.read_bytes())
    return found.hexdigest()


def fault(path: Path, promised: Written) -> str | None:
    """How a group differs from what was written, in a sentence that names it; None if it does not."""
    for name in sorted([METADATA, *map(str, range(promised.shards or 0))]):
        if not (markers(path) / f"{name}.json").is_file():
            return f"{markers(path) / name}.json is missing: that shard was not finished (slvm-data repair)"
    if _digest(path) != promised.sha256:
        return f"the markers in {markers(path)} are not those that were written (slvm-data repair)"
    pairs = (pair for files in _marked(path) for pair in files.items())
    return next(filter(None, (noted.fault(path / file) for file, noted in pairs)), None)


def metadata_damaged(path: Path) -> bool:
    """Whether a metadata file (one that belongs to no shard), or the marker of these, is missing or damaged."""
    marker = markers(path) / f"{METADATA}.json"
    try:
        return marker.read_bytes() != _marker(path, _noted(marker))
    except (OSError, DamageError):
        return True


def read(path: Path, rows: np.ndarray | None = None, names: Collection[str] | None = None) -> Arrays:
    """All arrays of a group, or only these `rows` (increasing) of them.

    Only the shards that hold these rows need to be there; only the arrays `names` are read, if given. Pictures have the
    same shape and type as in an .npz. Raises DamageError, which names group and array.
    """
    found: Arrays = {}
    with damage_named(path, "its metadata") as at:
        group = zarr.open_group(path, mode="r")
        every = list(group.array_keys())
        for name in every if names is None else [name for name in every if name in names]:
            at.array = name
            array = array_of(group, name)
            _check_files(path, name, array, rows)
            found[name] = _unpacked(array, np.asarray(array[...] if rows is None else array.oindex[rows]))
    return found


def blocks(path: Path, rows: int, wanted: Collection[str]) -> Iterator[Arrays]:
    """Yield the arrays `wanted`, `rows` rows at a time, as `read` gives them."""
    with damage_named(path, "its metadata") as at:
        group, found = zarr.open_group(path, mode="r"), {}
        for name in wanted:
            at.array = name
            found[name] = array_of(group, name)
            _check_files(path, name, found[name])
        if len(counts := {array.shape[0] for array in found.values()}) != 1:
            raise ValueError(f"its arrays have different numbers of rows: {sorted(counts)}")
        for start in range(0, counts.pop(), rows):
            block = {}
            for name, array in found.items():
                at.array = name
                block[name] = _unpacked(array, np.asarray(array[start : start + rows]))
            yield block


def pieces(path: Path, wanted: Forms) -> Iterator[tuple[str, int, np.ndarray]]:
    """The arrays `wanted`, of these forms, a shard at a time: name, number of the first row, rows.

    Pictures of zeros and ones stay packed, [n … bytes]. Raises DamageError as `read` does.
    """
    with damage_named(path, "its metadata") as at:
        for name, array in arrays_of(path, wanted).items():
            at.array = name
            _check_files(path, name, array)
            step = (array.shards or array.chunks)[0]
            for start in range(0, array.shape[0], step):
                yield name, start, np.asarray(array[start : start + step])


def arrays_of(path: Path, wanted: Forms) -> dict[str, zarr.Array]:
    """Open the arrays `wanted`; raises DamageError if one has another form."""
    found = {}
    with damage_named(path, "its metadata") as at:
        group = zarr.open_group(path, mode="r")
        for name, promised in wanted.items():
            at.array = name
            array = array_of(group, name)
            picture = _packed(array)
            shape = (*array.shape[:-1], *picture) if picture else array.shape
            if (own := Form(shape, str(array.dtype))) != promised:
                raise ValueError(f"it is {own}, not {promised}")
            found[name] = array
    return found


def array_of(group: zarr.Group, name: str) -> zarr.Array:
    """An array of a group; raises TypeError or ValueError if it is not an array, or not safe to read."""
    array = group[name]
    if not isinstance(array, zarr.Array):
        raise TypeError("it is not an array")
    if prod(array.chunks) * array.dtype.itemsize > CHUNK:
        raise ValueError(f"its chunks {array.chunks} are larger than {CHUNK} bytes")
    return guarded(array)


def _packed(array: zarr.Array) -> tuple[int, ...]:
    """Shape of a picture if the array holds bit-packed pictures; empty otherwise."""
    return from_json(tuple[int, ...], array.attrs.get(PACKED, []), PACKED)


def _unpacked(array: zarr.Array, data: np.ndarray) -> np.ndarray:
    """Rows of an array as in an .npz, with one byte per pixel."""
    if picture := _packed(array):
        return np.unpackbits(data, axis=-1, count=prod(picture)).reshape(*data.shape[:-1], *picture)
    return data


def _check_files(path: Path, name: str, array: zarr.Array, rows: np.ndarray | None = None) -> None:
    """Raise ValueError if a shard (of these rows) is not there."""
    step = (array.shards or array.chunks)[0]
    every = range(ceil(array.shape[0] / step)) if rows is None else np.unique(rows // step).tolist()
    for shard in every if array.shards and array.size else ():
        if lack := lacks(path, name, shard, array.ndim):
            raise ValueError(f"shard {shard} {lack}")


def lacks(path: Path, name: str, shard: int, ndim: int) -> str | None:
    """In words, whether the file of a shard is missing or empty: zarr-python reads both as zeros."""
    file = path / file_of(name, shard, ndim)
    if not file.is_file():
        return "is missing"
    return None if file.stat().st_size else "is empty"


def remove_left_over(path: Path) -> None:
    """Remove the unfinished files of processes that were killed."""
    for file in _own_files(path):
        if file.suffix in (".partial", ".tmp"):
            file.unlink(missing_ok=True)


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
