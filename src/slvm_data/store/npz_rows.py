"""Read single rows of an .npz without decompressing it from the beginning each time.

The stream is decompressed once up to a row, and marks are kept on the way. A mark is a copy of the decompressor, from
which later reads continue. Nothing is decompressed before it is asked for.
"""

from __future__ import annotations

import threading
import zipfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np

from slvm_data.core.errors import damage_named
from slvm_data.core.files import opened
from slvm_data.core.types import Arrays
from slvm_data.store import npz, zip_archive
from slvm_data.store.manifest import Forms

APART = 2**22  # bytes from a mark to the next, at least
MARKS = 256  # of an array, at most, of about 50 kB each
SOURCE, PIECE = 2**14, 2**18  # bytes read and inflated at a time


class _Inflater:
    """A decompressor of one member of the archive, at one place in its stream."""

    def __init__(self, place: int, deflated: bool) -> None:
        self.place, self.at = place, 0  # bytes in the archive, and in the member
        self._stream: Any = zlib.decompressobj(-zlib.MAX_WBITS) if deflated else None

    def copy(self) -> _Inflater:
        """Return an independent copy at the same place."""
        other = _Inflater(self.place, deflated=False)
        other.at, other._stream = self.at, self._stream and self._stream.copy()
        return other

    def next(self, file: IO[bytes]) -> bytes:
        """Return the next bytes of the member."""
        data = self._stream and self._stream.unconsumed_tail
        if not data:
            file.seek(self.place)
            data = file.read(SOURCE)
            self.place += len(data)
            if not data:
                raise ValueError("it ends too early")
        piece = self._stream.decompress(data, PIECE) if self._stream else data
        if self._stream and self._stream.eof and not piece:
            raise ValueError("it is shorter than its header says")
        self.at += len(piece)
        return piece


@dataclass
class _Member:
    """An array of the archive, with the marks made in it so far, in order."""

    place: npz.Place
    marks: list[_Inflater]

    @property
    def apart(self) -> int:
        return max(APART, self.place.info.file_size // MARKS)

    def before(self, start: int) -> _Inflater:
        """A copy of the last mark before a byte of the member."""
        return next(mark for mark in reversed(self.marks) if mark.at <= start).copy()

    def note(self, here: _Inflater) -> None:
        """Keep a mark here if the last one is far behind."""
        if here.at >= self.marks[-1].at + self.apart:
            self.marks.append(here.copy())


class Rows:
    """Rows of an .npz, which several threads may read. The file is open only while rows are read."""

    def __init__(self, path: Path) -> None:
        self.path, self._lock = path, threading.Lock()
        with damage_named(path), opened(path) as file:
            self._members = {name: _Member(place, [_begin(file, place)]) for name, place in npz.places(path).items()}

    @property
    def forms(self) -> Forms:
        """Shape and type of each array."""
        return {name: member.place.form for name, member in self._members.items()}

    def read(self, rows: np.ndarray, names: Collection[str] | None = None, axes: int = 1) -> Arrays:
        """These rows (increasing) of all arrays, or of those with these names; raises DamageError.

        So many `axes` count the rows: with two, row i is the one at i of the first two axes made one.
        """
        found: Arrays = {}
        with self._lock, damage_named(self.path) as at, opened(self.path) as file:
            for name, member in self._members.items():
                if names is None or name in names:
                    at.array = name
                    found[name] = _rows(file, member, rows, axes)
        return found


def _begin(file: IO[bytes], place: npz.Place) -> _Inflater:
    """The mark at the beginning of a member."""
    start = zip_archive.read_header(file, place.info.header_offset).end
    return _Inflater(start, place.info.compress_type == zipfile.ZIP_DEFLATED)


def _rows(file: IO[bytes], member: _Member, rows: np.ndarray, axes: int) -> np.ndarray:
    form, _, start = member.place
    form = npz.Form((prod(form.shape[:axes]), *form.shape[axes:]), form.dtype)
    if len(rows) and not 0 <= rows[0] <= rows[-1] < form.shape[0]:
        raise ValueError(f"it has no row {rows[-1]}, but {form.shape[0]}")
    width = form.row_size
    data = b"".join(_spans(file, member, [(start + int(row) * width, width) for row in rows]))
    return np.frombuffer(bytearray(data), form.dtype).reshape(len(rows), *form.row)


def _spans(file: IO[bytes], member: _Member, spans: list[tuple[int, int]]) -> Iterator[bytes]:
    """The bytes of these spans (first byte and number, increasing), read by one decompressor if close together."""
    here, data = member.before(spans[0][0] if spans else 0), b""
    for first, size in spans:
        mark = member.before(first)
        if mark.at > here.at:
            here, data = mark, b""
        while here.at < first + size:
            data = data[max(0, first - (here.at - len(data))) :] + here.next(file)
            member.note(here)
        skip = first - (here.at - len(data))
        yield data[skip : skip + size]
