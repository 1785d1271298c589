"""How the arrays of a group are divided into shards, and the markers that say which shards are complete.

`train.zarr` is a group. A shard is a range of sequences, stored as one file per array. `train.shards` beside it has a
marker for each complete shard, with the checksums of its files, one for the metadata, and, once all are there, a list
of the checksums of all markers, whose own checksum stands in the manifest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, partial
from math import ceil, prod
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from slvm_data import arrays
from slvm_data.core.errors import DamageError
from slvm_data.core.files import atomic, read_at_most
from slvm_data.core.json_tree import Json, from_json, to_json
from slvm_data.core.packing import pack_pictures, packed_shape
from slvm_data.core.types import Arrays
from slvm_data.store import tensors
from slvm_data.store.manifest import Checksum, Form, Forms, Written
from slvm_data.store.remote import P
from slvm_data.store.zarr_metadata import GROUP, Sharded, encoded

SHARD = 2**24  # bytes of a shard, before they are compressed, about: smaller ones cost more files, and more of the disk
INNER = (16, 64)  # least and most sequences of an inner chunk: least for pictures, which are slow to unpack
FEW = 2048  # frames of an inner chunk, about
LEAST = 2**13  # bytes of an inner chunk, at least, if a shard has as many: reading a smaller one is hardly faster
LONG, PART = 200, 100  # longer sequences are cut along time too, into parts of 100 frames
METADATA = "metadata"  # marker of the files that belong to no shard
SUMS = "checksums"  # file of the checksums of all markers: that of the metadata, then those of the shards
LINE = 65  # bytes of a line of it
MARKER = 2**22  # bytes of a marker, at most: some hundred for each array


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

    def ranges(self) -> list[tuple[int, int]]:
        """The first row of each shard, and the one after its last."""
        return [(first, min(first + self.rows, self.count)) for first in range(0, self.count, self.rows)]

    @cached_property
    def arrays(self) -> dict[str, Sharded]:
        """How each array is stored."""
        axes = arrays.dimensions({name: form.shape for name, form in self.forms.items()})
        return {name: self._sharded(name, axes[name]) for name in self.forms}

    def _sharded(self, name: str, axes: tuple[str, ...]) -> Sharded:
        form, packed = self.forms[name], self.packed.get(name, ())
        stored = _stored(form, packed)
        chunk = whole = tuple(max(1, n) for n in stored.row)  # an axis of length 0 has chunks of length 1
        if chunk and chunk[0] > LONG and arrays.info(name).letters(len(form.shape))[1] == "T":
            chunk, whole = (PART, *chunk[1:]), (ceil(chunk[0] / PART) * PART, *chunk[1:])
        names = (*axes[: -len(packed)], "byte") if packed else axes
        inner = self._inner(name, chunk)
        return Sharded(stored.shape, stored.dtype, (self.rows, *whole), (inner, *chunk), packed, names)

    def _inner(self, name: str, part: tuple[int, ...]) -> int:
        """Number of rows of an inner chunk, for parts of rows of this shape; a shard has a whole number of chunks."""
        if arrays.pictures(name):
            return min(INNER[0], self.rows)
        size = prod(part) * np.dtype(self.forms[name].dtype).itemsize
        doubled = self.inner * 2 ** max(0, (ceil(LEAST / max(1, self.inner * size)) - 1).bit_length())
        return min(doubled, self.rows)

    def create(self, path: Path, scratch: Path | None = None) -> None:
        """Make the metadata of a group, and their marker; again if they are there already."""
        files = {"zarr.json": encoded(GROUP)} | {f"{name}/zarr.json": own.text() for name, own in self.arrays.items()}
        for name, data in files.items():
            _put(path / name, data, scratch)
        mark(path, METADATA, files, scratch)

    def gather(
        self, path: Path, unit: int, chunks: Iterable[Arrays], scratch: Path | None = None
    ) -> Callable[[], Json]:
        """Take the rows of one shard; return a function that writes them, and the marker last."""
        parts = [self.packs(chunk) for chunk in chunks]
        return partial(self.store, path, unit, parts, scratch)

    def store(self, path: Path, unit: int, parts: list[Arrays], scratch: Path | None = None) -> Json:
        """Write the packed rows of one shard, and its marker last; a shard that is there already is written again."""
        stored = {name: (self.arrays[name], np.concatenate([part[name] for part in parts])) for name in self._names()}
        data = tensors.encode(stored, unit)
        files = {f"{name}/{self.arrays[name].file(unit)}": data[name] for name in stored}
        for name, content in files.items():  # one by one: threads would wait longer for each other
            _put(path / name, content, scratch)
        return {"sha256": mark(path, str(unit), files, scratch)}

    def _names(self) -> list[str]:
        """The arrays that have files; rows without numbers have none."""
        return [name for name, form in self.forms.items() if form.row_size]

    def packs(self, chunk: Arrays) -> Arrays:
        """Copy rows [n …], with pictures packed if they are not: the next chunk may be written to the same memory."""
        return {name: self._packs(name, rows) for name, rows in chunk.items()}

    def _packs(self, name: str, rows: np.ndarray) -> np.ndarray:
        plain = name in self.packed and rows.shape[1:] == self.forms[name].row
        return pack_pictures(rows, rows.ndim - len(self.packed[name])) if plain else rows.copy()

    def is_there(self, path: Path, unit: int, stored: Any = None) -> bool:
        """Whether a shard is complete, as far as its marker and the sizes of its files tell."""
        try:
            marker = read_at_most(markers(path) / f"{unit}.json", MARKER)
            if stored and hashlib.sha256(marker).hexdigest() != stored.get("sha256"):
                return False
            found = marked(path, f"{unit}.json", marker)
            return all((path / file).stat().st_size == entry.bytes for file, entry in found.items())
        except (OSError, DamageError):  # a marker that was cut short does not count
            return False

    def is_damaged(self, path: Path, unit: int) -> bool:
        """Whether the marker of a shard is missing, or does not fit its files byte for byte."""
        return self._is_odd(path, unit)

    def lacks_metadata(self, path: Path) -> bool:
        """Whether the metadata, or their marker, are missing or do not fit each other."""
        return self._is_odd(path, None)

    def misfit(self, new: Path, old: Path, promised: Written) -> str | None:
        """How a group would differ from what was written with these new shards in it; None if it would not."""
        places = [markers(new) / name for name in marker_names(promised.shards or 0)]
        found = [place if place.exists() else markers(old) / place.name for place in places]
        listed = sums(read_at_most(place, MARKER) for place in found)
        return None if hashlib.sha256(listed).hexdigest() == promised.sha256 else f"{old} differs"

    def relist(self, path: Path, scratch: Path) -> bool:
        """List the checksums of the markers again; return whether the list was not as it is now."""
        before = self._listed(path)
        self.written(path, scratch=scratch)
        return self._listed(path) != before

    def _listed(self, path: Path) -> bytes:
        try:
            return read_at_most(markers(path) / SUMS, LINE * (1 + len(self.ranges())))
        except (OSError, DamageError):
            return b""

    def _is_odd(self, path: Path, unit: int | None) -> bool:
        name = f"{METADATA if unit is None else unit}.json"
        try:
            data = read_at_most(markers(path) / name, MARKER)
            noted = marked(path, name, data)
        except (OSError, DamageError):
            return True
        if data != _text(noted) or sorted(noted) != sorted(self._files(unit)):
            return True
        return any(entry.fault(path / file) for file, entry in noted.items())

    def _files(self, unit: int | None) -> list[str]:
        if unit is None:
            return ["zarr.json", *(f"{name}/zarr.json" for name in self.arrays)]
        return [f"{name}/{self.arrays[name].file(unit)}" for name in self._names()]

    def written(self, path: Path, stored: list[Any] | None = None, scratch: Path | None = None) -> Written:
        """The manifest's entry of a group that is complete; lists the checksums of its markers."""
        del stored
        shards = len(self.ranges())
        every = [(name, read_at_most(markers(path) / name, MARKER)) for name in marker_names(shards)]
        size = sum(entry.bytes for name, data in every for entry in marked(path, name, data).values())
        text = sums(data for _, data in every)
        _put(markers(path) / SUMS, text, scratch)
        return Written(sha256=hashlib.sha256(text).hexdigest(), bytes=size, arrays=self.forms, shards=shards)


def _put(path: Path, data: bytes, scratch: Path | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path, scratch=scratch) as file:
        file.write(data)


def _picture(name: str, form: Form) -> tuple[int, ...]:
    """Shape of one picture of an array of pictures."""
    return form.shape[arrays.info(name).frame_axis :]


def _stored(form: Form, picture: tuple[int, ...]) -> Form:
    """The form of an array in the group: pictures of this shape, if there are any, take one row of bytes each."""
    return Form(packed_shape(form.shape, len(form.shape) - len(picture)), form.dtype) if picture else form


def markers(path: P) -> P:
    """The folder of the markers of a group."""
    return path.with_suffix(".shards")


def marker_names(shards: int) -> list[str]:
    """The files of the markers, in the order of their checksums."""
    return [f"{METADATA}.json", *(f"{shard}.json" for shard in range(shards))]


def sums(every: Iterable[bytes]) -> bytes:
    """The list of the checksums of these markers, a line each."""
    return "".join(f"{hashlib.sha256(marker).hexdigest()}\n" for marker in every).encode()


def mark(path: Path, name: str, files: dict[str, bytes], scratch: Path | None) -> str:
    """Write a marker: these files, with this content, are complete and on the disk; return the marker's sha256."""
    marker = _marker(files)
    _put(markers(path) / f"{name}.json", marker, scratch)
    return hashlib.sha256(marker).hexdigest()


def _marker(files: dict[str, bytes]) -> bytes:
    return _text({file: Checksum(len(data), hashlib.sha256(data).hexdigest()) for file, data in files.items()})


def _text(found: dict[str, Checksum]) -> bytes:
    """The text of the marker of these files."""
    return (json.dumps({"files": to_json(found)}, indent=1, sort_keys=True) + "\n").encode()


def marked(path: PurePath, name: str, data: bytes) -> dict[str, Checksum]:
    """Files and checksums that the marker in the file `name` lists; raises DamageError if it cannot be read."""
    marker = path.with_suffix(".shards") / name
    try:
        return from_json(dict[str, Checksum], json.loads(data)["files"], "files")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamageError(f"{marker} is damaged", marker) from error
