"""Arrays as sharded Zarr v3, which any Zarr v3 reader opens: for datasets too large for one .npz.

`train.zarr` is a group. A shard is a fixed range of sequences, and one file of each array; pictures of zeros and ones
lie in it bit-packed, 8 pixels per byte. `train.shards` beside it has a marker for each shard that is whole, with the
checksums of its files, and one for the metadata. A file that is missing is an error, never zeros.
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
from slvm_data.store.zstd_sizes import guarded

LEVEL = 3  # of zstd
SHARD = 2**23  # bytes of a shard, before they are compressed, about
INNER = (16, 64)  # sequences of an inner chunk, fewer where they are long, and of pictures, which cost most to unpack
FEW = 2048  # frames of an inner chunk, about
LEAST = 2**13  # bytes of an inner chunk, where a shard has them: a small one costs as much to find and to check
LONG, PART = 200, 100  # frames of a sequence that is cut too, and of its parts
CHUNK = 2**28  # bytes of an inner chunk, at most
PACKED = "packed_frame"  # attribute of an array of bit-packed pictures: the shape of a picture
METADATA = "metadata"  # marker of the files that belong to no shard
GROUP = re.compile(r"(\w+/)?zarr(\.json|\.\w+\.partial)|\w+/c(/\d+)+(\.\w+\.partial)?")  # files of a group
MARKERS = re.compile(r"metadata\.json|\d+\.json|tally-\d+|\..*\.tmp")  # and beside it


@dataclass(frozen=True)
class Layout:
    """How arrays lie in shards."""

    forms: Forms  # with all rows
    rows: int  # of a shard
    inner: int  # of an inner chunk
    packed: dict[str, tuple[int, ...]]  # shape of a picture, of those of zeros and ones

    @staticmethod
    def of(forms: Forms, binary: bool, one_by_one: bool = False) -> Layout:
        """The layout of arrays of these forms; with `one_by_one` a shard for each row, where rows are long ones."""
        packed = {name: _picture(name, form) for name, form in forms.items() if binary and arrays.pictures(name)}
        stored = {name: _stored(form, packed.get(name, ())) for name, form in forms.items()}
        steps = max((form.shape[1] for form in stored.values() if len(form.shape) > 2), default=1)
        inner = 1 if one_by_one else int(np.clip(FEW // steps, *INNER)) // INNER[0] * INNER[0]
        size = sum(form.row_size for form in stored.values())
        return Layout(forms, inner * 2 ** max(0, (SHARD // max(1, inner * size)).bit_length() - 1), inner, packed)

    @property
    def count(self) -> int:
        """Rows in all."""
        return next(iter(self.forms.values())).shape[0]

    @property
    def shards(self) -> int:
        """Shards in all."""
        return ceil(self.count / self.rows)

    def range(self, shard: int) -> tuple[int, int]:
        """The first row of a shard, and the one after its last."""
        return shard * self.rows, min((shard + 1) * self.rows, self.count)

    def create(self, path: Path) -> None:
        """Make a group at `path`, its arrays without a row yet, and the marker of its metadata."""
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
                chunks=(self._inner(name, inner), *inner),
                shards=(self.rows, *whole),
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
        """Rows of an inner chunk, whose rows are parts of this shape; a shard is a whole number of them."""
        if arrays.pictures(name):
            return INNER[0]
        size = prod(part) * np.dtype(self.forms[name].dtype).itemsize
        doubled = self.inner * 2 ** max(0, (ceil(LEAST / max(1, self.inner * size)) - 1).bit_length())
        return min(doubled, self.rows)

    def put(self, path: Path, shard: int, rows: Arrays) -> None:
        """Write the rows [n …] of one shard, and its marker last; the same again if it is there already."""
        first, n = shard * self.rows, len(next(iter(rows.values())))
        for name, array in rows.items():
            target = guarded(zarr.open_array(path / name, mode="r+"), write_empty_chunks=True)
            try:
                target[first : first + n] = array
            except ValueError:  # the file that is there is damaged, and the last shard is read before it is written
                (path / file_of(name, shard, array.ndim)).unlink(missing_ok=True)
                target[first : first + n] = array
        _mark(path, str(shard), self._files(shard))

    def is_damaged(self, path: Path, shard: int) -> bool:
        """Whether a shard's marker is not what would be written, byte for byte, of its files as they are."""
        try:
            return (markers(path) / f"{shard}.json").read_bytes() != _marker(path, self._files(shard))
        except OSError:
            return True

    def _files(self, shard: int) -> list[str]:
        """Of one shard, in the group."""
        ndims = {name: len(_stored(form, self.packed.get(name, ())).shape) for name, form in self.forms.items()}
        return [file_of(name, shard, ndim) for name, ndim in ndims.items()]

    def packs(self, chunk: Arrays) -> Arrays:
        """A copy of rows [n …], pictures packed; since whoever makes chunks writes the next into the same memory."""
        for name, array in chunk.items():
            if Form.of(array, self.count) != self.forms[name]:
                raise ValueError(f"{name}: {array.dtype} {array.shape} after {self.forms[name]}")
        return {name: _pack(a, self.packed[name]) if name in self.packed else a.copy() for name, a in chunk.items()}


def write(path: Path, chunks: Iterable[Arrays], count: int, binary: bool = False, one_by_one: bool = False) -> Written:
    """Write `count` sequences, arriving in chunks {name: [n …]}; what a manifest says of the group.

    With `binary`, pictures are of zeros and ones; `one_by_one` as for `Layout.of`. Raises ValueError where chunks do
    not fit together.
    """
    rows: _Rows | None = None
    for chunk in chunks:
        if rows is None:
            forms = {name: Form.of(array, count) for name, array in chunk.items()}
            layout = Layout.of(forms, binary, one_by_one)
            layout.create(path)
            rows = _Rows(path, layout)
        rows.add(chunk)
    if rows is None:
        raise ValueError(f"{path}: no rows came, {count} were announced")
    rows.close()
    return written(path, rows.layout)


def written(path: Path, layout: Layout) -> Written:
    """The manifest's entry of a group that is complete."""
    size = sum(noted.bytes for files in _marked(path) for noted in files.values())
    return Written(sha256=_digest(path), bytes=size, arrays=layout.forms, shards=layout.shards)


class _Rows:
    """Rows on their way into shards."""

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
        done = self.shards * self.layout.rows + self.ready
        if done != self.layout.count:
            raise ValueError(f"{self.path}: {done} rows came, {self.layout.count} were announced")
        if self.ready:
            self._write(self.ready)

    def _write(self, n: int) -> None:
        if (done := self.shards * self.layout.rows + self.ready) > self.layout.count:
            raise ValueError(f"{self.path}: {done} rows came, {self.layout.count} were announced")
        rows = {name: np.concatenate([chunk[name] for chunk in self.waiting]) for name in self.layout.forms}
        self.waiting = [{name: array[n:] for name, array in rows.items()}]
        self.layout.put(self.path, self.shards, {name: array[:n] for name, array in rows.items()})
        self.ready, self.shards = self.ready - n, self.shards + 1


def _picture(name: str, form: Form) -> tuple[int, ...]:
    """Shape of a picture of an array of them."""
    return form.shape[arrays.info(name).frame_axis :]


def _stored(form: Form, picture: tuple[int, ...]) -> Form:
    """The form in which an array lies there: pictures of this shape, if it has any, in one row of bytes each."""
    return Form((*form.shape[: -len(picture)], ceil(prod(picture) / 8)), form.dtype) if picture else form


def _pack(rows: np.ndarray, picture: tuple[int, ...]) -> np.ndarray:
    """Pictures [N … bytes], 8 pixels per byte, from those of zeros and ones of this shape."""
    return np.packbits(rows.reshape(*rows.shape[: -len(picture)], prod(picture)), axis=-1)


def file_of(name: str, shard: int, ndim: int) -> str:
    """The file of one shard of an array, in its group."""
    return "/".join([name, "c", str(shard), *["0"] * (ndim - 1)])


def markers(path: Path) -> Path:
    """The folder of the markers of a group."""
    return path.with_suffix(".shards")


def _mark(path: Path, name: str, files: Sequence[str]) -> None:
    """Note that these files are complete and on the disk."""
    for file in files:
        with (path / file).open("rb") as handle:
            os.fsync(handle.fileno())
    with atomic(markers(path) / f"{name}.json") as marker:
        marker.write(_marker(path, files))


def _marker(path: Path, files: Iterable[str]) -> bytes:
    """The marker of these files, as they are."""
    found: Json = {"files": {file: to_json(Checksum.of(path / file)) for file in files}}
    return (json.dumps(found, indent=1, sort_keys=True) + "\n").encode()


def _noted(marker: Path) -> dict[str, Checksum]:
    """The files that a marker names. Raises DamageError where it does not name any."""
    try:
        return from_json(dict[str, Checksum], json.loads(marker.read_bytes())["files"], "files")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamageError(f"{marker} is damaged: slvm-data repair, or generate the dataset with --overwrite") from error


def is_there(path: Path, shard: int) -> bool:
    """Whether a shard is complete, as far as its marker and the sizes of its files tell."""
    try:
        noted = _noted(markers(path) / f"{shard}.json")
        return all((path / file).stat().st_size == entry.bytes for file, entry in noted.items())
    except (OSError, DamageError):  # a marker that was cut short is none
        return False


def _marked(path: Path) -> Iterator[dict[str, Checksum]]:
    """The files of each marker."""
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
    """Whether a file that belongs to no shard, or the marker of these, is not as it was written."""
    marker = markers(path) / f"{METADATA}.json"
    try:
        return marker.read_bytes() != _marker(path, _noted(marker))
    except (OSError, DamageError):
        return True


def read(path: Path, rows: np.ndarray | None = None, names: Collection[str] | None = None) -> Arrays:
    """All arrays of a group, or only these `rows` (increasing) of them.

    Only the shards that hold these rows are looked for; `names` are the only arrays that are read, if given. Pictures
    have the shape and type that an .npz gives them. Raises DamageError, which names group and array.
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
    """The arrays `wanted`, so many rows at a time, as `read` gives them."""
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

    Pictures of zeros and ones come as they lie there, [n … bytes]. Raises DamageError as `read` does.
    """
    with damage_named(path, "its metadata") as at:
        for name, array in arrays_of(path, wanted).items():
            at.array = name
            _check_files(path, name, array)
            step = (array.shards or array.chunks)[0]
            for start in range(0, array.shape[0], step):
                yield name, start, np.asarray(array[start : start + step])


def arrays_of(path: Path, wanted: Forms) -> dict[str, zarr.Array]:
    """The arrays `wanted`, opened; raises DamageError where one is not of its form."""
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
    """An array of a group. Raises TypeError or ValueError where it is none that is safe to read."""
    array = group[name]
    if not isinstance(array, zarr.Array):
        raise TypeError("it is no array")
    if prod(array.chunks) * array.dtype.itemsize > CHUNK:
        raise ValueError(f"its chunks {array.chunks} are larger than {CHUNK} bytes")
    return guarded(array)


def _packed(array: zarr.Array) -> tuple[int, ...]:
    """Shape of a picture, where those of zeros and ones lie bit-packed; else empty."""
    return from_json(tuple[int, ...], array.attrs.get(PACKED, []), PACKED)


def _unpacked(array: zarr.Array, data: np.ndarray) -> np.ndarray:
    """Rows of an array as an .npz has them: a pixel per byte."""
    if picture := _packed(array):
        return np.unpackbits(data, axis=-1, count=prod(picture)).reshape(*data.shape[:-1], *picture)
    return data


def _check_files(path: Path, name: str, array: zarr.Array, rows: np.ndarray | None = None) -> None:
    """Every shard, or those of these rows, is there: a reader of Zarr takes a missing one for zeros."""
    step = (array.shards or array.chunks)[0]
    every = range(ceil(array.shape[0] / step)) if rows is None else np.unique(rows // step).tolist()
    for shard in every if array.shards else ():
        if not (path / file_of(name, shard, array.ndim)).is_file():
            raise FileNotFoundError(f"shard {shard} is missing")


def remove_left_over(path: Path) -> None:
    """Remove the unfinished files of processes that were killed."""
    for file in _own_files(path):
        if file.suffix in (".partial", ".tmp"):
            file.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Remove a group and its markers: the files that a group of ours has, and no others."""
    for file in _own_files(path):
        file.unlink(missing_ok=True)
    for folder in sorted([path, markers(path), *path.rglob("*")], reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _own_files(path: Path) -> list[Path]:
    """The files of a group and its markers, complete or not, that are called as ours are."""
    pairs = [
        (file, folder, ours) for folder, ours in ((path, GROUP), (markers(path), MARKERS)) for file in folder.rglob("*")
    ]
    return [
        file for file, folder, ours in pairs if file.is_file() and ours.fullmatch(file.relative_to(folder).as_posix())
    ]
