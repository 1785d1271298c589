"""Arrays as an .npz file, which `numpy.load` reads everywhere: written in bounded memory, whole or not at all."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple
from uuid import uuid4

import numpy as np
from isal import isal_zlib

from slvm_data.core.errors import DamageError
from slvm_data.core.types import Arrays
from slvm_data.store import zip_archive as zipped

ONCE = ("time", "series_time")  # arrays that are not one row per sequence
SERIES: tuple[str, ...] = (
    "signal",
    "state",
    "mode",
)  # nor are these beside windows: they are of the paths that windows were cut from
LEVEL = 1  # of isal: twice as dense as level 0 on binary frames, as fast; level 3 is five times slower
RATIO = 1032  # deflate makes nothing shorter than by this
_PARSING = threading.Lock()  # Python 3.11 cannot parse literals in two threads (python/cpython#106905)
BLOCK = 2**20  # bytes deflated at a time. Always the same: where the input is cut shows in the output


class _Stream:
    """One array on its way into the archive, deflated into a nameless file."""

    def __init__(self, name: str, count: int | None, first: np.ndarray, spool: IO[bytes]) -> None:
        self.name, self.spool = name, spool
        self.shape = first.shape if count is None else (int(count), *first.shape[1:])
        self.dtype = first.dtype
        self.crc = self.size = self.rows = 0
        self._tail = b""
        self._deflate = isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, -zlib.MAX_WBITS)
        header = io.BytesIO()
        form = {
            "descr": np.lib.format.dtype_to_descr(first.dtype),
            "fortran_order": False,
            "shape": self.shape,
        }
        np.lib.format.write_array_header_1_0(header, form)
        self._feed(memoryview(header.getvalue()))

    def append(self, array: np.ndarray) -> None:
        """Add rows [n …]."""
        if array.dtype != self.dtype or array.shape[1:] != self.shape[1:]:
            raise ValueError(f"{self.name}: {array.dtype} {array.shape} after {self.dtype} {self.shape}")
        self.rows += len(array)
        if array.size:
            self._feed(np.ascontiguousarray(array).data.cast("B"))

    def _feed(self, data: memoryview) -> None:
        self.crc, self.size = isal_zlib.crc32(data, self.crc), self.size + len(data)
        if self._tail:
            missing = BLOCK - len(self._tail)
            self._tail, data = self._tail + bytes(data[:missing]), data[missing:]
            if len(self._tail) < BLOCK:
                return
            self.spool.write(self._deflate.compress(self._tail))
        whole = len(data) // BLOCK * BLOCK
        for start in range(0, whole, BLOCK):
            self.spool.write(self._deflate.compress(data[start : start + BLOCK]))
        self._tail = bytes(data[whole:])

    def close(self, offset: int) -> zipped.Member:
        """End the stream; what the archive says of it if it begins at `offset`."""
        if self.rows != self.shape[0]:
            raise ValueError(f"{self.name}: {self.rows} rows came, {self.shape[0]} were announced")
        self.spool.write(self._deflate.compress(self._tail) + self._deflate.flush())
        return zipped.Member(f"{self.name}.npy", self.crc, self.spool.tell(), self.size, offset)


def write(
    path: Path,
    chunks: Iterable[Arrays],
    count: int,
    once: Arrays,
    rows: Mapping[str, int] | None = None,
    bits: Collection[str] = (),
) -> dict[str, Any]:
    """Write `count` sequences, arriving in chunks {name: [n …]}, and the arrays that stand there `once`.

    `rows` has the numbers of rows of those arrays in the chunks that do not have one for each sequence; `bits` names
    frames of zeros and ones, which deflate finds by itself. Returns what a manifest says of the file: `sha256`,
    `bytes`, and shape and dtype of its `arrays`. The file takes
    its name when it is complete and on the disk. Raises ValueError where chunks do not fit together.
    """
    del bits
    with ExitStack() as stack:
        streams: dict[str, _Stream] = {}

        def stream(name: str, count: int | None, first: np.ndarray) -> _Stream:
            spool = stack.enter_context(tempfile.TemporaryFile(dir=path.parent))
            return streams.setdefault(name, _Stream(name, count, first, spool))

        for chunk in chunks:
            for name, array in chunk.items():
                (streams.get(name) or stream(name, (rows or {}).get(name, count), array)).append(array)
        for name, array in once.items():
            stream(name, None, array).append(array)
        with whole(path) as file:
            digest = _assemble(file, list(streams.values()))
    arrays = {name: {"shape": list(s.shape), "dtype": str(s.dtype)} for name, s in streams.items()}
    return {"sha256": digest, "bytes": path.stat().st_size, "arrays": arrays}


def _assemble(file: IO[bytes], streams: list[_Stream]) -> str:
    """Write the archive and return its sha256."""
    digest, members = hashlib.sha256(), []

    def put(data: bytes) -> None:
        digest.update(data)
        file.write(data)

    for stream in streams:
        members.append(stream.close(file.tell()))
        put(zipped.local_header(members[-1]))
        stream.spool.seek(0)
        for data in iter(lambda spool=stream.spool: spool.read(BLOCK), b""):
            put(data)
    zipped.finish(members, put, file.tell())
    return digest.hexdigest()


@contextmanager
def whole(path: Path, new: bool = False) -> Iterator[IO[bytes]]:
    """A file that appears under its name only when it is complete and on the disk.

    With `new` it takes the place of none: raises FileExistsError where another process was faster.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")  # numbers of processes come again
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if not new or not _linked(temporary, path):
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _linked(file: Path, path: Path) -> bool:
    """Whether a file has got a name that no other file had; file systems without links cannot tell."""
    try:
        os.link(file, path)
    except FileExistsError:
        raise
    except OSError:
        return False
    return True


def sha256(path: Path) -> str:
    """Digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fault(path: Path, entry: dict[str, Any]) -> str | None:
    """What is wrong with a file that a manifest lists, in a sentence that names it; None if it is as it was written."""
    if (found := altered(path, entry)) and path.is_file() and path.stat().st_size == entry["bytes"]:
        try:
            read(path, rows=np.arange(0))  # the reader names the array
        except DamageError as error:
            return str(error)
    return found


def altered(path: Path, entry: dict[str, Any]) -> str | None:
    """What is wrong with the bytes of a file, of whatever format, that a manifest lists."""
    if not path.is_file():
        return f"{path} is missing"
    if (size := path.stat().st_size) != entry["bytes"]:
        return f"{path} has {size} bytes instead of {entry['bytes']}"
    return None if sha256(path) == entry["sha256"] else f"{path} is damaged: its checksum does not fit"


def read(path: Path, rows: np.ndarray | None = None) -> Arrays:
    """All arrays of the file, or only these `rows` (increasing) of all but those that stand there `ONCE`.

    Never unpickles; sizes are compared before anything is read. Raises DamageError, which names file and array.
    """
    with named_damage(path) as at, zipfile.ZipFile(path) as archive:
        arrays: Arrays = {}
        every = _names(archive)
        for name, member, shape, dtype in _members(archive, at):
            arrays[name] = _body(member, shape, dtype, None if stands_once(name, shape, every) else rows)
        return arrays


class Place(NamedTuple):
    """Where an array lies in the archive."""

    shape: tuple[int, ...]
    dtype: np.dtype
    info: zipfile.ZipInfo
    start: int  # bytes of the member before those of the array


def places(path: Path) -> dict[str, Place]:
    """Where each array lies, without reading any; raises DamageError as `read` does."""
    with named_damage(path) as at, zipfile.ZipFile(path) as archive:
        found = _members(archive, at)
        return {
            name: Place(shape, dtype, archive.getinfo(f"{name}.npy"), member.tell())
            for name, member, shape, dtype in found
        }


def blocks(path: Path, rows: int, wanted: Collection[str] | None = None) -> Iterator[Arrays]:
    """The arrays `wanted`, so many rows at a time; raises DamageError as `read` does.

    They have equally many rows. Without `wanted`, these are all but those that stand there `ONCE`.
    """
    with named_damage(path) as at, zipfile.ZipFile(path) as archive:
        every = _names(archive)
        if missing := [name for name in wanted or () if name not in every]:
            raise ValueError(f"it has no {missing[0]}")
        members = [
            member
            for member in _members(archive, at)
            if (member[0] in wanted if wanted is not None else not stands_once(member[0], member[2], every))
        ]
        if len({shape[:1] for _, _, shape, _ in members}) != 1:
            raise ValueError("its arrays have different numbers of rows")
        pieces = [_pieces(member, shape, dtype, rows) for _, member, shape, dtype in members]
        for _ in range(0, members[0][2][0], rows):
            block = {}
            for (at[0], *_), piece in zip(members, pieces, strict=True):
                block[at[0]] = next(piece)
            yield block
        for (at[0], *_), piece in zip(members, pieces, strict=True):
            next(piece, None)  # checks that nothing follows, and the checksum


def pieces(path: Path, wanted: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, int, np.ndarray]]:
    """The arrays `wanted`, of which a manifest says this, some rows at a time: name, number of the first row, rows.

    Each comes to its end, for its checksum. Raises DamageError, as `read` does, also where the file holds other ones.
    """
    with named_damage(path) as at, zipfile.ZipFile(path) as archive:
        missing = set(wanted)
        for name, member, shape, dtype in _members(archive, at):
            if name not in missing:
                continue
            missing.remove(name)
            if (list(shape), str(dtype)) != (wanted[name]["shape"], wanted[name]["dtype"]):
                raise ValueError(f"it is {dtype} {shape}, not {wanted[name]['dtype']} {wanted[name]['shape']}")
            start = 0
            for block in _pieces(member, shape, dtype, _rows(shape, dtype)):
                yield name, start, block
                start += len(block)
        if missing:
            raise ValueError(f"it has no {min(missing)}")


def _rows(shape: Sequence[int], dtype: np.dtype) -> int:
    """Rows in a block."""
    return max(1, BLOCK // max(1, dtype.itemsize * int(np.prod(shape[1:]))))


@contextmanager
def named_damage(path: Path) -> Iterator[list[str]]:
    """Turn whatever goes wrong with a file into a DamageError; its user notes the array at hand in what it gives."""
    at = ["its directory"]
    try:
        yield at
    except FileNotFoundError:
        raise DamageError(f"{path} is missing") from None
    except PermissionError:
        raise
    except Exception as error:  # bytes that make no sense raise anything at all, tokenize.TokenError included
        raise DamageError(f"{path} is damaged, at {at[0]}: {error}") from error


def _members(archive: zipfile.ZipFile, at: list[str]) -> Iterator[tuple[str, IO[bytes], tuple[int, ...], np.dtype]]:
    """Each array's name, which goes to `at` too, its bytes after the header, shape and type."""
    _check_names(archive)
    for info in archive.infolist():
        at[0] = info.filename.removesuffix(".npy")
        most = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: RATIO}.get(info.compress_type, 0) * info.compress_size
        if info.file_size > most:
            raise ValueError(f"it claims {info.file_size} bytes, and {info.compress_size} cannot hold so many")
        member = archive.open(info)
        yield at[0], member, *_header(member, info.file_size)


def stands_once(name: str, shape: Sequence[int], every: Container[str]) -> bool:
    """Whether an array of this name and shape, in a file with `every` of these, has not one row per sequence.

    The paths that windows were cut from have rows of their own. Instants of each sequence have a second axis.
    """
    return (name in ONCE and len(shape) == 1) or (name in SERIES and "queries" in every)


def _names(archive: zipfile.ZipFile) -> list[str]:
    return [name.removesuffix(".npy") for name in archive.namelist()]


def _check_names(archive: zipfile.ZipFile) -> None:
    names = archive.namelist()
    odd = [n for n in names if not n.removesuffix(".npy").isidentifier()]
    if odd or len(set(names)) < len(names):
        raise ValueError(f"its members are not arrays of different names: {(odd or names)[:4]}")


def _header(member: IO[bytes], size: int) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of an array, refused unless they account for every byte of the member."""
    version = np.lib.format.read_magic(member)
    if version != (1, 0):
        raise ValueError(f"array format {version} is not (1, 0)")
    with _PARSING:
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(member)
    if fortran or dtype.hasobject or int(np.prod(shape, dtype=object)) * dtype.itemsize != size - member.tell():
        raise ValueError(f"its header promises {dtype} {shape}, which it does not hold")
    return shape, dtype


def _body(member: IO[bytes], shape: tuple[int, ...], dtype: np.dtype, rows: np.ndarray | None) -> np.ndarray:
    """The array, or these rows of it; the whole member is read either way, for its checksum."""
    chosen = np.arange(shape[0] if shape else 1) if rows is None else rows
    array = np.empty((len(chosen), *shape[1:]), dtype)
    start = 0
    for block in _pieces(member, shape, dtype, _rows(shape, dtype)):
        here = (chosen >= start) & (chosen < start + len(block))
        array[here] = block[chosen[here] - start]
        start += len(block)
    return array if shape else array.reshape(())


def _pieces(member: IO[bytes], shape: tuple[int, ...], dtype: np.dtype, rows: int) -> Iterator[np.ndarray]:
    """The array, so many rows at a time (a scalar is one row); raises ValueError if anything follows it."""
    count, width = (shape[0], shape[1:]) if shape else (1, ())
    for start in range(0, count, rows):
        n = min(rows, count - start)
        data = member.read(n * dtype.itemsize * int(np.prod(width)))
        yield np.frombuffer(data, dtype).reshape(n, *width)
    if member.read(1):
        raise ValueError("it is longer than its header says")
