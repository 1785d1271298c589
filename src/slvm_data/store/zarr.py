"""Arrays as sharded Zarr v3, which any Zarr v3 reader opens: what outgrows one .npz.

`train.zarr` is a group. A shard is a fixed range of sequences, and one file of each array; frames of zeros and ones lie
in it eight pixels to the octet. `train.shards` beside it has a marker for each shard that is whole, with the checksums
of its files. A file that is missing is an error, never zeros.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil, prod
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec

from slvm_data.core.errors import DamageError
from slvm_data.core.types import Arrays
from slvm_data.store import formats
from slvm_data.store.npz import ONCE, SERIES, sha256, stands_once, whole
from slvm_data.store.zstd_sizes import guarded

LEVEL = 3  # of zstd
SHARD = 2**23  # octets of a shard, before they are compressed, about
INNER = (16, 64)  # sequences of an inner chunk, fewer where they are long, and of frames, which cost most to unpack
FEW = 2048  # frames of an inner chunk, about
LEAST = 2**13  # octets of an inner chunk, where a shard has them: a small one costs as much to find and to check
LONG, PART = 200, 100  # frames of a sequence that is cut too, and of its parts
CHUNK = 2**28  # octets of an inner chunk, at most
PACKED = "packed_frame"  # attribute of an array of packed frames: the shape of a frame
PER_FRAME = (*formats.FRAMES, *SERIES, "dx_dt", "energy", "latent")  # arrays whose second axis is that of the frames
SEQUENCES = "sequences"  # kind of the shards that have a row for each sequence
PATHS = "series"  # of those that have one for each path that sequences were cut from
REST = "rest"  # marker of the files that belong to no shard
GROUP = re.compile(r"(\w+/)?zarr(\.json|\.\w+\.partial)|\w+/c(/\d+)+(\.\w+\.partial)?")  # files of a group
MARKERS = re.compile(r"rest\.json|(sequences|series)-\d+\.json|tally-\d+|\..*\.tmp")  # and beside it


@dataclass(frozen=True)
class Layout:
    """How arrays that have a row for each sequence (or path) lie in shards."""

    schema: dict[str, Any]  # type and shape of each, [count …]
    rows: int  # of a shard
    inner: int  # of an inner chunk
    packed: dict[str, tuple[int, ...]]  # shape of a frame, of frames of zeros and ones

    @staticmethod
    def of(count: int, first: Arrays, bits: Collection[str], one_by_one: bool = False) -> Layout:
        """The layout of `count` rows like those of `first`; a shard to a row where rows are long ones."""
        schema = {n: {"shape": [count, *a.shape[1:]], "dtype": str(a.dtype)} for n, a in first.items()}
        packed = {name: first[name].shape[formats.FRAMES[name] :] for name in bits if name in first}
        rows = [_pack(array[:0], name) if name in packed else array[:0] for name, array in first.items()]
        steps = max((array.shape[1] for array in rows if array.ndim > 2), default=1)
        inner = 1 if one_by_one else int(np.clip(FEW // steps, *INNER)) // INNER[0] * INNER[0]
        size = sum(prod(array.shape[1:]) * array.itemsize for array in rows)
        return Layout(schema, inner * 2 ** max(0, (SHARD // max(1, inner * size)).bit_length() - 1), inner, packed)

    @property
    def count(self) -> int:
        """Rows in all."""
        return next(iter(self.schema.values()))["shape"][0]

    @property
    def shards(self) -> int:
        """Shards in all."""
        return ceil(self.count / self.rows)

    def create(self, path: Path) -> None:
        """Make the arrays, without a row yet, in the group at `path`."""
        group = zarr.open_group(path, mode="a", zarr_format=3)
        for name, entry in self.schema.items():
            shape = tuple(entry["shape"][1:])
            if frame := self.packed.get(name):
                shape = (*shape[: -len(frame)], ceil(prod(frame) / 8))
            inner = whole = shape
            if len(shape) > 0 and shape[0] > LONG and name in PER_FRAME:
                inner, whole = (PART, *shape[1:]), (ceil(shape[0] / PART) * PART, *shape[1:])
            group.create_array(
                name=name,
                shape=(self.count, *shape),
                dtype=entry["dtype"],
                chunks=(self._inner(name, inner), *inner),
                shards=(self.rows, *whole),
                compressors=_codecs(),
                fill_value=0,
                attributes={PACKED: list(self.packed[name])} if name in self.packed else {},
            )

    def _inner(self, name: str, part: tuple[int, ...]) -> int:
        """Rows of an inner chunk, whose rows are parts of this shape; a shard is a whole number of them."""
        if name in formats.FRAMES:
            return INNER[0]
        size = prod(part) * np.dtype(self.schema[name]["dtype"]).itemsize
        doubled = self.inner * 2 ** max(0, (ceil(LEAST / max(1, self.inner * size)) - 1).bit_length())
        return min(doubled, self.rows)

    def put(self, path: Path, kind: str, shard: int, rows: Arrays) -> None:
        """Write the rows [n …] of one shard, and its marker last; the same again if it is there already."""
        first, n = shard * self.rows, len(next(iter(rows.values())))
        for name, array in rows.items():
            target = guarded(zarr.open_array(path / name, mode="r+"), write_empty_chunks=True)
            try:
                target[first : first + n] = array
            except ValueError:  # the file that is there is damaged, and the last shard is read before it is written
                (path / file_of(name, shard, array.ndim)).unlink(missing_ok=True)
                target[first : first + n] = array
        _mark(path, f"{kind}-{shard}", self._files(shard), **self._range(shard))

    def is_damaged(self, path: Path, kind: str, shard: int) -> bool:
        """Whether a shard's marker is not what would be written, byte for byte, of its files as they are."""
        try:
            noted = (markers(path) / f"{kind}-{shard}.json").read_bytes()
            return noted != _marker(path, self._files(shard), **self._range(shard))
        except OSError:
            return True

    def _files(self, shard: int) -> list[str]:
        """Of one shard, in the group."""
        axes = {name: len(entry["shape"]) for name, entry in self.schema.items()}
        axes |= {name: formats.FRAMES[name] + 1 for name in self.packed}
        return [file_of(name, shard, ndim) for name, ndim in axes.items()]

    def _range(self, shard: int) -> dict[str, int]:
        """The rows of one shard."""
        first = shard * self.rows
        return {"first": first, "stop": min(first + self.rows, self.count)}

    def packs(self, chunk: Arrays) -> Arrays:
        """A copy of rows [n …], frames packed; since whoever makes chunks writes the next into the same memory."""
        for name, array in chunk.items():
            if [str(array.dtype), *array.shape[1:]] != [self.schema[name]["dtype"], *self.schema[name]["shape"][1:]]:
                raise ValueError(f"{name}: {array.dtype} {array.shape} after {self.schema[name]}")
        return {name: _pack(a, name) if name in self.packed else a.copy() for name, a in chunk.items()}


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
    frames of zeros and ones. Returns what a manifest says of the folder: `sha256` of its markers, `bytes`, number of
    `shards`, and shape and dtype of its `arrays`. Raises ValueError where chunks do not fit together.
    """
    create(path)
    kinds: dict[str, _Rows] = {}
    for chunk in chunks:
        kind = PATHS if rows and chunk.keys() <= rows.keys() else SEQUENCES
        if kind not in kinds:
            number = min(rows.values()) if rows and kind == PATHS else count
            layout = Layout.of(number, chunk, bits, kind == PATHS)
            layout.create(path)
            kinds[kind] = _Rows(path, kind, layout)
        kinds[kind].add(chunk)
    for kind in kinds.values():
        kind.close()
    mark_rest(path, once)
    return entry(path, {name: kind.layout for name, kind in kinds.items()}, once)


def create(path: Path) -> None:
    """Make an empty group, and the folder of its markers."""
    zarr.create_group(store=path, zarr_format=3)
    markers(path).mkdir()


def mark_rest(path: Path, once: Arrays) -> None:
    """Write the arrays that stand there `once`, and note all files that belong to no shard."""
    group = zarr.open_group(path, mode="r+")
    for name, array in once.items():
        group.create_array(name=name, data=array, compressors=_codecs())
    own = {file for files in _marked(path) for file in files}
    every = {file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()}
    _mark(path, REST, sorted(every - own))


def entry(path: Path, layouts: Mapping[str, Layout], once: Arrays) -> dict[str, Any]:
    """What a manifest says of a group that is complete."""
    schema = {name: form for layout in layouts.values() for name, form in layout.schema.items()}
    schema |= {name: {"shape": list(array.shape), "dtype": str(array.dtype)} for name, array in once.items()}
    shards = {kind: layout.shards for kind, layout in layouts.items()}
    size = sum(noted["bytes"] for files in _marked(path) for noted in files.values())
    return {"sha256": _digest(path), "bytes": size, "shards": shards, "arrays": schema}


class _Rows:
    """Rows on their way into shards."""

    def __init__(self, path: Path, kind: str, layout: Layout) -> None:
        self.path, self.kind, self.layout = path, kind, layout
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
        rows = {name: np.concatenate([chunk[name] for chunk in self.waiting]) for name in self.layout.schema}
        self.waiting = [{name: array[n:] for name, array in rows.items()}]
        self.layout.put(self.path, self.kind, self.shards, {name: array[:n] for name, array in rows.items()})
        self.ready, self.shards = self.ready - n, self.shards + 1


def _codecs() -> list[Any]:
    return [ZstdCodec(level=LEVEL), Crc32cCodec()]


def _pack(frames: np.ndarray, name: str) -> np.ndarray:
    """Frames [N … octets] from frames of zeros and ones, all pixels of a frame in one row."""
    shape = frames.shape[: formats.FRAMES[name]]
    return np.packbits(frames.reshape(*shape, prod(frames.shape[formats.FRAMES[name] :])), axis=-1)


def file_of(name: str, shard: int, ndim: int) -> str:
    """The file of one shard of an array, in its group."""
    return "/".join([name, "c", str(shard), *["0"] * (ndim - 1)])


def markers(path: Path) -> Path:
    """The folder of the markers of a group."""
    return path.with_suffix(".shards")


def _mark(path: Path, name: str, files: Sequence[str], **more: Any) -> None:
    """Note that these files are complete and on the disk."""
    for file in files:
        with (path / file).open("rb") as handle:
            os.fsync(handle.fileno())
    with whole(markers(path) / f"{name}.json") as marker:
        marker.write(_marker(path, files, **more))


def _marker(path: Path, files: Iterable[str], **more: Any) -> bytes:
    """The marker of these files, as they are."""
    found = {file: {"bytes": (path / file).stat().st_size, "sha256": sha256(path / file)} for file in files}
    return (json.dumps({**more, "files": found}, indent=1, sort_keys=True) + "\n").encode()


def _noted(marker: Path) -> dict[str, dict[str, Any]]:
    """The files that a marker names, with size and checksum. Raises DamageError where it does not say so."""
    try:
        files = json.loads(marker.read_bytes())["files"]
        if not all(type(entry["bytes"]) is int and type(entry["sha256"]) is str for entry in files.values()):
            raise TypeError("sizes or checksums of its files are none")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamageError(f"{marker} is damaged: slvm-data repair, or generate the dataset with --overwrite") from error
    return files


def marker(path: Path, kind: str, shard: int) -> dict[str, dict[str, Any]] | None:
    """The files that were noted when a shard was complete; None where it is not."""
    try:
        return _noted(markers(path) / f"{kind}-{shard}.json")
    except (FileNotFoundError, DamageError):  # a marker that was cut short is none
        return None


def is_there(path: Path, kind: str, shard: int) -> bool:
    """Whether a shard is complete, as far as its marker and the sizes of its files tell."""
    noted = marker(path, kind, shard)
    try:
        return noted is not None and all((path / f).stat().st_size == entry["bytes"] for f, entry in noted.items())
    except OSError:
        return False


def _marked(path: Path) -> Iterator[dict[str, dict[str, Any]]]:
    """The files of each marker."""
    for marker in sorted(markers(path).glob("*.json")):
        yield _noted(marker)


def _digest(path: Path) -> str:
    """Checksum of all markers."""
    found = hashlib.sha256()
    for marker in sorted(markers(path).glob("*.json")):
        found.update(marker.name.encode() + b"\0" + marker.read_bytes())
    return found.hexdigest()


def fault(path: Path, promised: dict[str, Any]) -> str | None:
    """What is wrong with a group that a manifest lists, in a sentence that names it; None if it is as was written."""
    names = {REST, *(f"{kind}-{shard}" for kind, count in promised["shards"].items() for shard in range(count))}
    for name in sorted(names):
        if not (markers(path) / f"{name}.json").is_file():
            return f"{markers(path) / name}.json is missing: that shard was not finished (slvm-data repair)"
    if _digest(path) != promised["sha256"]:
        return f"the markers in {markers(path)} are not those that were written (slvm-data repair)"
    return next(_wrong(path, (pair for files in _marked(path) for pair in files.items())), None)


def rest_is_damaged(path: Path) -> bool:
    """Whether a file that belongs to no shard, or the marker of these, is not as it was written."""
    marker = markers(path) / f"{REST}.json"
    try:
        return marker.read_bytes() != _marker(path, _noted(marker))
    except (OSError, DamageError):
        return True


def _wrong(path: Path, files: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    """What is wrong with files, a sentence each."""
    for file, promised in files:
        if not (path / file).is_file():
            yield f"{path / file} is missing"
        elif (size := (path / file).stat().st_size) != promised["bytes"]:
            yield f"{path / file} has {size} bytes instead of {promised['bytes']}"
        elif sha256(path / file) != promised["sha256"]:
            yield f"{path / file} is damaged: its checksum does not fit"


def read(path: Path, rows: np.ndarray | None = None, names: Collection[str] | None = None) -> Arrays:
    """All arrays of a group, or only these `rows` (increasing) of all but those that stand there `ONCE`.

    Only the shards that hold these rows are looked for; `names` are the only arrays that are read, if given. Frames
    have the shape and type that an .npz gives them. Raises DamageError, which names group and array.
    """
    arrays: Arrays = {}
    with named_damage(path) as at:
        group = zarr.open_group(path, mode="r")
        every = list(group.array_keys())
        for name in every if names is None else [name for name in every if name in names]:
            at[0] = name
            array = array_of(group, name)
            chosen = None if stands_once(name, array.shape, every) else rows
            _check_files(path, name, array, chosen)
            arrays[name] = _frames(array, np.asarray(array[...] if chosen is None else array.oindex[chosen]))
    return arrays


def blocks(path: Path, rows: int, wanted: Collection[str]) -> Iterator[Arrays]:
    """The arrays `wanted`, which have equally many rows, so many at a time, as `read` gives them."""
    with named_damage(path) as at:
        group, arrays = zarr.open_group(path, mode="r"), {}
        for at[0] in wanted:
            arrays[at[0]] = array_of(group, at[0])
            _check_files(path, at[0], arrays[at[0]])
        if len(counts := {array.shape[0] for array in arrays.values()}) != 1:
            raise ValueError(f"its arrays have different numbers of rows: {sorted(counts)}")
        for start in range(0, counts.pop(), rows):
            block = {}
            for at[0], array in arrays.items():
                block[at[0]] = _frames(array, np.asarray(array[start : start + rows]))
            yield block


def pieces(path: Path, wanted: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, int, np.ndarray]]:
    """The arrays `wanted`, of which a manifest says this, a shard at a time: name, number of the first row, rows.

    Frames of zeros and ones come as they lie there, [n … octets]. Raises DamageError as `read` does.
    """
    with named_damage(path) as at:
        for name, array in arrays_of(path, wanted).items():
            at[0] = name
            _check_files(path, name, array)
            step = (array.shards or array.chunks)[0] if name not in ONCE else max(1, array.shape[0])
            for start in range(0, array.shape[0], step):
                yield name, start, np.asarray(array[start : start + step])


def arrays_of(path: Path, wanted: Mapping[str, Mapping[str, Any]]) -> dict[str, zarr.Array]:
    """The arrays `wanted`, opened; raises DamageError where one is not what a manifest says of it."""
    found = {}
    with named_damage(path) as at:
        group = zarr.open_group(path, mode="r")
        for name, promised in wanted.items():
            at[0] = name
            array = array_of(group, name)
            frame = _packed(array)
            shape = [*array.shape[:-1], *frame] if frame else list(array.shape)
            if (shape, str(array.dtype)) != (promised["shape"], promised["dtype"]):
                raise ValueError(f"it is {array.dtype} {shape}, not {promised['dtype']} {promised['shape']}")
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
    """Shape of a frame, where frames of zeros and ones lie eight pixels to the octet; else empty."""
    frame: Any = array.attrs.get(PACKED, ())
    return tuple(map(int, frame))


def _frames(array: zarr.Array, data: np.ndarray) -> np.ndarray:
    """Rows of an array as an .npz has them: a pixel to the octet."""
    if frame := _packed(array):
        return np.unpackbits(data, axis=-1, count=prod(frame)).reshape(*data.shape[:-1], *frame)
    return data


def _check_files(path: Path, name: str, array: zarr.Array, rows: np.ndarray | None = None) -> None:
    """Every shard, or those of these rows, is there: a reader of Zarr takes a missing one for zeros."""
    step = (array.shards or array.chunks)[0]
    every = range(ceil(array.shape[0] / step)) if rows is None else np.unique(rows // step).tolist()
    for shard in every if array.shards else ():
        if not (path / file_of(name, shard, array.ndim)).is_file():
            raise FileNotFoundError(f"shard {shard} is missing")


@contextmanager
def named_damage(path: Path) -> Iterator[list[str]]:
    """Turn whatever goes wrong with a group into a DamageError; its user notes the array at hand in what it gives."""
    at = ["its metadata"]
    try:
        yield at
    except PermissionError:
        raise
    except Exception as error:
        raise DamageError(f"{path} is damaged, at {at[0]}: {error}") from error


def remove_left_over(path: Path) -> None:
    """Remove what processes that were killed were writing."""
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
