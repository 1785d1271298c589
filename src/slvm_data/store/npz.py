"""Arrays as an .npz file, which `numpy.load` reads everywhere: written in bounded memory, whole or not at all."""

from __future__ import annotations

import hashlib
import io
import sys
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from isal import isal_zlib

from slvm_data.core.errors import At, DamageError, damage_named
from slvm_data.core.files import altered, atomic, opened
from slvm_data.core.json_tree import from_json
from slvm_data.core.packing import packed_shape, unpack_pictures
from slvm_data.core.types import Arrays
from slvm_data.store import zip_archive
from slvm_data.store.manifest import Checksum, Form, Forms, Written
from slvm_data.store.rows import fitting

LEVEL = 1  # of isal: twice as dense as level 0 on binary frames, as fast; level 3 is five times slower
ENDING = ".npy"  # of the members of an archive
RATIO = 1032  # largest compression ratio of deflate
_PARSING = threading.Lock()  # Python 3.11 cannot parse literals in two threads (python/cpython#106905)
BLOCK = 2**20  # bytes compressed at a time; always the same, since it determines the output


class _Stream:
    """One array of the archive, which is compressed into a temporary file as its rows arrive."""

    def __init__(self, name: str, form: Form, spool: IO[bytes]) -> None:
        self.name, self.form, self.spool = name, form, spool
        self.crc = self.size = 0
        self._block, self._filled = np.empty(BLOCK, np.uint8), 0
        self._deflate = isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, -zlib.MAX_WBITS)
        header = io.BytesIO()
        described = {
            "descr": np.lib.format.dtype_to_descr(np.dtype(form.dtype)),
            "fortran_order": False,
            "shape": form.shape,
        }
        np.lib.format.write_array_header_1_0(header, described)
        self._feed(np.frombuffer(header.getvalue(), np.uint8))

    def append(self, array: np.ndarray) -> None:
        """Add an array of any shape, in the order of its rows."""
        self._feed(np.ascontiguousarray(array).reshape(-1).view(np.uint8))

    def append_packed(self, packed: np.ndarray, picture: tuple[int, ...]) -> None:
        """Add pictures of zeros and ones that have this shape, with 8 pixels per byte [… bytes]."""
        if prod(picture) % 8 == 0:
            self._feed_bits(np.ascontiguousarray(packed).reshape(-1))
        else:  # they do not end with a byte
            self.append(unpack_pictures(packed, picture))

    def _feed_bits(self, bits: np.ndarray) -> None:
        """Add pixels, 8 per byte, so few at a time that they stay in the cache until they are compressed."""
        while bits.size:
            free = (BLOCK - self._filled) // 8  # without a rest: headers and such pictures are multiples of 8 bytes
            self._fill(np.unpackbits(bits[:free]))
            bits = bits[free:]

    def _feed(self, data: np.ndarray) -> None:
        while data.size:
            free = BLOCK - self._filled
            self._fill(data[:free])
            data = data[free:]

    def _fill(self, data: np.ndarray) -> None:
        """Add bytes, uint8 [n], no more than the block has room for; compress it when it is full."""
        self.size += data.size
        if data.size < BLOCK:
            self._block[self._filled : self._filled + data.size] = data
        self._filled += data.size
        if self._filled == BLOCK:
            self._compress(self._block if data.size < BLOCK else data)
            self._filled = 0

    def _compress(self, block: np.ndarray) -> None:
        self.crc = isal_zlib.crc32(block.data, self.crc)  # here, while the block is in the cache
        self.spool.write(self._deflate.compress(block.data))

    def close(self, offset: int) -> zip_archive.Member:
        """End the stream; return its entry in the archive for a member that begins at `offset`."""
        self._compress(self._block[: self._filled])
        self.spool.write(self._deflate.flush())
        return zip_archive.Member(self.name + ENDING, self.crc, self.spool.tell(), self.size, offset)


@dataclass(frozen=True)
class Layout:
    """An .npz as a file of one unit, which holds all its rows."""

    forms: Forms  # with all rows

    @staticmethod
    def of(forms: Forms, binary: bool, one_by_one: bool = False) -> Layout:
        """The layout for these forms, which no option changes."""
        del binary, one_by_one
        return Layout(forms)

    @property
    def count(self) -> int:
        """Total number of rows."""
        return next(iter(self.forms.values())).shape[0]

    def ranges(self) -> list[tuple[int, int]]:
        """The first row of each unit, and the one after its last."""
        return [(0, self.count)]

    def create(self, path: Path, scratch: Path) -> None:
        """Make the folder of the file."""
        del scratch
        path.parent.mkdir(parents=True, exist_ok=True)

    def gather(self, path: Path, unit: int, chunks: Iterable[Arrays], scratch: Path) -> Callable[[], dict[str, Any]]:
        """Take the rows of the file; return a function that writes it, and returns its size and checksum."""
        del unit
        streams = _Streams(chunks, self.count, scratch, self.forms)

        def put() -> dict[str, Any]:
            with streams:
                checksum = streams.assemble(path, scratch)
            return {"sha256": checksum, "bytes": path.stat().st_size}

        return put

    def is_there(self, path: Path, unit: int, stored: dict[str, Any]) -> bool:
        """Whether the file is complete, as far as its size tells."""
        del unit
        return path.is_file() and path.stat().st_size == stored.get("bytes")

    def is_damaged(self, path: Path, unit: int) -> bool:
        """Whether the file has to be made again; only a damaged one is asked for its units."""
        del path, unit
        return True

    def misfit(self, new: Path, old: Path, promised: Written) -> str | None:
        """How a file that was made again differs from what was written, in a sentence; None if it does not."""
        del old
        return fault(new, promised)

    def lacks_metadata(self, path: Path) -> bool:
        """Whether something else than units is damaged; there is nothing else."""
        del path
        return False

    def relist(self, path: Path, scratch: Path) -> bool:
        """There is no list of units."""
        del self, path, scratch
        return False

    def written(self, path: Path, stored: list[dict[str, Any]], scratch: Path) -> Written:
        """The manifest's entry of the file."""
        del path, scratch
        return Written(**vars(from_json(Checksum, stored[0], "note")), arrays=self.forms)


def write(
    path: Path,
    chunks: Iterable[Arrays],
    count: int,
    binary: bool = False,
    *,
    one_by_one: bool = False,
    scratch: Path | None = None,
) -> Written:
    """Write `count` sequences, arriving in chunks {name: [n …]}; return what a manifest says of the file.

    `binary` (frames of zeros and ones) and `one_by_one` (long rows) have no effect: deflate compresses all well. The
    file gets its name when it is complete and on the disk; until then it is in the folder `scratch`, or in its own if
    None. Raises ValueError if chunks do not fit together.
    """
    del binary, one_by_one
    with _Streams(chunks, count, scratch or path.parent) as streams:
        checksum = streams.assemble(path, scratch)
        return Written(sha256=checksum, bytes=path.stat().st_size, arrays=streams.forms)


def write_columns(path: Path, columns: Iterable[tuple[str, Form, Iterable[np.ndarray]]]) -> None:
    """Write arrays one after the other: name, form with all rows, and rows [n …]; they may differ in number of rows.

    Raises as `write` does.
    """
    with ExitStack() as stack:
        streams = []
        for name, form, blocks in columns:
            streams.append(_Stream(name, form, stack.enter_context(tempfile.TemporaryFile(dir=path.parent))))
            for block in blocks:
                streams[-1].append(block)
        with atomic(path) as file:
            _assemble(file, streams)


class _Streams:
    """The arrays of a file, compressed into temporary files, which are closed at the end of a `with` block."""

    def __init__(self, chunks: Iterable[Arrays], count: int, scratch: Path, own: Forms | None = None) -> None:
        """Take all chunks; `own` are the forms to be stored, where pictures may come with 8 pixels per byte."""
        self.streams: dict[str, _Stream] = {}
        with ExitStack() as stack:  # after an error
            for chunk, forms in fitting(chunks, count):
                for name, array in chunk.items():
                    if name not in self.streams:
                        spool = stack.enter_context(tempfile.TemporaryFile(dir=scratch))
                        self.streams[name] = _Stream(name, (own or forms)[name], spool)
                    _append(self.streams[name], array)
            self._open = stack.pop_all()

    def __enter__(self) -> _Streams:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    @property
    def forms(self) -> Forms:
        """Forms of the arrays."""
        return {name: stream.form for name, stream in self.streams.items()}

    def assemble(self, path: Path, scratch: Path | None) -> str:
        """Write the file; return its checksum."""
        with atomic(path, scratch=scratch) as file:
            return _assemble(file, list(self.streams.values()))


def _append(stream: _Stream, rows: np.ndarray) -> None:
    """Add rows [n …] to their stream; pictures may be packed. Raises ValueError if they have another form."""
    form, axes = stream.form, max(0, rows.ndim - 2)  # of a row, before those of a picture, if it is one
    if rows.dtype != np.dtype(form.dtype) or rows.shape[1:] not in (form.row, packed_shape(form.row, axes)):
        raise ValueError(f"{stream.name}: {Form.of(rows)} for {form}")
    if rows.shape[1:] == form.row:
        stream.append(rows)
    else:
        stream.append_packed(rows, form.row[axes:])


def _assemble(file: IO[bytes], streams: list[_Stream]) -> str:
    """Write the archive and return its sha256."""
    digest, members = hashlib.sha256(), []

    def put(data: bytes) -> None:
        digest.update(data)
        file.write(data)

    for stream in streams:
        members.append(stream.close(file.tell()))
        put(zip_archive.local_header(members[-1]))
        stream.spool.seek(0)
        for data in iter(lambda spool=stream.spool: spool.read(BLOCK), b""):
            put(data)
    zip_archive.finish(members, put, file.tell())
    return digest.hexdigest()


def fault(path: Path, written: Written) -> str | None:
    """How a file differs from what was written, in a sentence that names it; None if it does not."""
    found = altered(path, written.bytes, written.sha256)
    if found and path.is_file() and path.stat().st_size == written.bytes:
        try:
            read(path, rows=np.arange(0))  # the reader names the array
        except DamageError as error:
            return error.what
    return found


def read(path: Path, rows: np.ndarray | None = None) -> Arrays:
    """All arrays of the file, or only these `rows` (increasing) of them.

    Never unpickles; sizes are compared before anything is read. Raises DamageError, which names file and array.
    """
    with damage_named(path) as at, opened(path) as file, zipfile.ZipFile(file) as archive:
        return {name: _body(member, form, rows) for name, member, form in _members(archive, at)}


class Place(NamedTuple):
    """Position of an array in the archive."""

    form: Form
    info: zipfile.ZipInfo
    start: int  # bytes of the member before those of the array


def places(path: Path) -> dict[str, Place]:
    """Positions of the arrays, without reading them; raises DamageError as `read` does."""
    with damage_named(path) as at, opened(path) as file, zipfile.ZipFile(file) as archive:
        found = _members(archive, at)
        return {name: Place(form, archive.getinfo(name + ENDING), member.tell()) for name, member, form in found}


def blocks(path: Path, rows: int, wanted: Collection[str] | None = None) -> Iterator[Arrays]:
    """Yield the arrays `wanted` (all if None), `rows` rows at a time; raises DamageError as `read` does."""
    with damage_named(path) as at, opened(path) as file, zipfile.ZipFile(file) as archive:
        members = [member for member in _members(archive, at) if wanted is None or member[0] in wanted]
        found = [name for name, _, _ in members]
        if missing := [name for name in wanted or () if name not in found]:
            raise ValueError(f"it has no {missing[0]}")
        counts = {form.shape[0] for _, _, form in members}
        if len(counts) != 1:
            raise ValueError("its arrays have different numbers of rows")
        pieces = {name: _pieces(member, form, rows) for name, member, form in members}
        for _ in range(0, counts.pop(), rows):
            block = {}
            for name, piece in pieces.items():
                at.array = name
                block[name] = next(piece)
            yield block
        for name, piece in pieces.items():
            at.array = name
            next(piece, None)  # checks the checksum, and that nothing follows


def pieces(path: Path, wanted: Forms) -> Iterator[tuple[str, int, np.ndarray]]:
    """The arrays `wanted`, of these forms, some rows at a time: name, number of the first row, rows.

    Each array is read to its end, to compare its checksum. Raises DamageError as `read` does, also if an array is
    missing or has another form.
    """
    with damage_named(path) as at, opened(path) as file, zipfile.ZipFile(file) as archive:
        missing = set(wanted)
        for name, member, form in _members(archive, at):
            if name not in missing:
                continue
            missing.remove(name)
            if form != wanted[name]:
                raise ValueError(f"it is {form}, not {wanted[name]}")
            start = 0
            for block in _pieces(member, form, _rows(form)):
                yield name, start, block
                start += len(block)
        if missing:
            raise ValueError(f"it has no {min(missing)}")


def _rows(form: Form) -> int:
    """Number of rows in a block."""
    return max(1, BLOCK // max(1, form.row_size))


def _members(archive: zipfile.ZipFile, at: At) -> Iterator[tuple[str, IO[bytes], Form]]:
    """Each array's name, its bytes after the header, and its form."""
    _check_names(archive)
    _check_sizes(archive, at)
    _check_places(archive, at)
    for info in archive.infolist():
        at.array = info.filename.removesuffix(ENDING)
        member = archive.open(info)  # compares the name with that in the header before the member
        yield at.array, member, _header(member, info.file_size)


def _check_names(archive: zipfile.ZipFile) -> None:
    """Raise ValueError unless each array has one name, and one array each name; readers differ in what else they see.

    Names that differ in case are names of different arrays, as for NumPy.
    """
    infos = archive.infolist()
    names = [info.filename for info in infos]
    odd = [n for n in names if not (n.endswith(ENDING) and n.removesuffix(ENDING).isidentifier())]
    odd += [info.orig_filename for info in infos if info.orig_filename != info.filename]
    if odd or len(set(names)) < len(names):
        raise ValueError(f"its members are not arrays of different names: {(odd or names)[:4]}")


def _check_sizes(archive: zipfile.ZipFile, at: At) -> None:
    """Raise ValueError if a member claims more bytes than its compressed bytes can hold."""
    for info in archive.infolist():
        at.array = info.filename.removesuffix(ENDING)
        most = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: RATIO}.get(info.compress_type, 0) * info.compress_size
        if info.file_size > most:
            raise ValueError(f"it claims {info.file_size} bytes, and {info.compress_size} cannot hold so many")


def _check_places(archive: zipfile.ZipFile, at: At) -> None:
    """Raise ValueError if the directory and the header before a member differ, or if members overlap.

    The first one is at the beginning, where NumPy looks for the sign of an archive.
    """
    assert archive.fp
    end = 0
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        at.array = info.filename.removesuffix(ENDING)
        header = zip_archive.read_header(archive.fp, info.header_offset)
        if not _agree(header, info):
            raise ValueError("the directory of the archive and the header before it say different things")
        if info.header_offset < end or (not end and info.header_offset):
            raise ValueError("something else is in its place in the archive")
        end = header.end + info.compress_size
    if end > archive.start_dir:
        raise ValueError("it reaches into the directory of the archive")


def _agree(header: zip_archive.Header, info: zipfile.ZipInfo) -> bool:
    """Whether the header before a member says the same as the directory; `zipfile` compares the names."""
    numbers = (header.crc, header.packed, header.size)
    streamed = bool(header.flags & zip_archive.STREAMED)
    known = numbers == (info.CRC, info.compress_size, info.file_size) or (streamed and not any(numbers))
    return known and (header.method, header.flags) == (info.compress_type, info.flag_bits)


def _header(member: IO[bytes], size: int) -> Form:
    """Shape and type of an array; raises ValueError if they do not fit the size of the member."""
    version = np.lib.format.read_magic(member)
    if version != (1, 0):
        raise ValueError(f"array format {version} is not (1, 0)")
    with _PARSING:
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(member)
    if dtype.hasobject:
        raise ValueError("it holds objects of Python, which are never read: save arrays of numbers")
    if fortran and len(shape) > 1:
        raise ValueError("its axes are in Fortran's order: save numpy.ascontiguousarray of it")
    without_bytes = 0 in shape and prod(n or 1 for n in shape) * dtype.itemsize > sys.maxsize  # NumPy refuses these too
    if without_bytes or prod(shape) * dtype.itemsize != size - member.tell():
        raise ValueError(f"its header promises {dtype} {shape}, which it does not hold")
    return Form(shape, str(dtype))


def _body(member: IO[bytes], form: Form, rows: np.ndarray | None) -> np.ndarray:
    """The array, or these rows of it; in both cases the whole member is read, to compare its checksum."""
    array = np.empty((form.shape[0] if rows is None else len(rows), *form.row), form.dtype)
    start = 0
    for block in _pieces(member, form, _rows(form)):
        stop = start + len(block)
        if rows is None:
            array[start:stop] = block
        else:
            here = (rows >= start) & (rows < stop)
            array[here] = block[rows[here] - start]
        start = stop
    return array


def _pieces(member: IO[bytes], form: Form, rows: int) -> Iterator[np.ndarray]:
    """Yield the array, `rows` rows at a time; raises ValueError if anything follows it."""
    for start in range(0, form.shape[0], rows):
        n = min(rows, form.shape[0] - start)
        yield np.frombuffer(member.read(n * form.row_size), form.dtype).reshape(n, *form.row)
    if member.read(1):
        raise ValueError("it is longer than its header says")
