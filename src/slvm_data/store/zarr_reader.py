"""Read rows of a sharded group when they are asked for, with tensorstore.

Before the first row of a shard is given out, its files are compared with its marker, and the marker with the manifest.
A process that was forked from one that has used tensorstore reads with zarr-python, which gives the same rows.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Callable, Collection
from itertools import islice
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from slvm_data.core.errors import DamageError, damage_named
from slvm_data.core.files import opened, read_at_most
from slvm_data.core.types import Arrays
from slvm_data.store import tensors
from slvm_data.store.manifest import Forms, Written
from slvm_data.store.zarr_layout import LINE, MARKER, METADATA, SUMS, marked, markers
from slvm_data.store.zarr_metadata import Sharded
from slvm_data.store.zstd_frame import claimed

Asked = Callable[[], Arrays]  # waits for the rows [n …] of each array and returns them

CRC = 4  # bytes of a checksum
NARROW, KEPT = 16, 2**26  # bytes of a row, and of an array, up to which its rows stay in memory once they were read


class Reader:
    """Reads arrays of a group: those `wanted`, or all. Raises DamageError, which names the group and the array.

    If `wanted` gives forms, the arrays have to have them. With `promised`, its entry in the manifest, every marker is
    compared with the checksum that was written.
    """

    def __init__(self, path: Path, wanted: Collection[str] | Forms = (), promised: Written | None = None) -> None:
        self.path = path.absolute()
        self._taken = tensors.takes(self.path)
        self._held: dict[int, dict[str, int]] = {}  # shards that were compared, and the sizes of their files [bytes]
        self._of, self._stores = os.getpid(), {}
        self._kept: Arrays = {}  # rows of held shards, of arrays for which asking takes longer than reading
        self._sums = self._list(promised) if promised else None
        self.arrays = self._open(wanted)
        counts = {array.shape[0] for array in self.arrays.values()}
        if len(counts) != 1:
            raise DamageError(f"{path} is damaged: its arrays have different numbers of rows: {sorted(counts)}", path)
        self.count = counts.pop()
        self.per = min(array.shard[0] for array in self.arrays.values())  # rows of a shard
        self._narrow = [name for name, array in self.arrays.items() if _is_narrow(array)]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_of": 0, "_stores": {}, "_held": {}, "_kept": {}}

    def shard(self, number: int) -> Asked:
        """Ask for the rows [n …] of one shard; pictures stay packed."""
        first = number * self.per
        return self._ask(list(self.arrays), slice(first, min(first + self.per, self.count)), [number])

    def take(self, rows: np.ndarray) -> Asked:
        """Ask for these rows [n …], in any order; pictures stay packed."""
        return self._ask(list(self.arrays), rows, np.unique(rows // self.per).tolist())

    def rows(self, names: list[str], rows: slice | np.ndarray) -> Arrays:
        """Read these rows [n …] of some arrays; pictures stay packed."""
        if isinstance(rows, slice):
            shards = list(range(rows.start // self.per, -(-rows.stop // self.per)))
        else:
            shards = np.unique(rows // self.per).tolist()
        return self._ask(names, rows, shards)()

    def _ask(self, names: list[str], rows: slice | np.ndarray, shards: list[int]) -> Asked:
        """Ask for rows of these shards; tensorstore begins at once to read all arrays at the same time."""
        self._own()
        for shard in shards:
            if shard not in self._held:
                self._hold(shard)
        if self._taken and tensors.works():
            kept = {name: self._kept[name][rows].copy() for name in names if name in self._kept}
            begun = {name: self._begin(name, rows) for name in names if name not in kept}
            return lambda: {
                name: kept[name] if name in kept else self._read(name, shards, begun[name].result) for name in names
            }
        return lambda: {name: self._read(name, shards, lambda n=name: self._plainly(n, rows, shards)) for name in names}

    def _begin(self, name: str, rows: slice | np.ndarray) -> Any:
        with damage_named(self.path, f"the metadata of {name}"):
            return self._store(name)[rows].read()

    def _read(self, name: str, shards: list[int], read: Callable[[], Any]) -> np.ndarray:
        """Call `read` for rows of these shards of an array; errors name the shards."""
        several = " or ".join(map(str, shards[:4])) + (" …" if len(shards) > 4 else "")
        with damage_named(self.path, f"{name}, shard {several}"):
            return np.asarray(read())

    def _plainly(self, name: str, rows: slice | np.ndarray, shards: list[int]) -> np.ndarray:
        """Read rows with zarr-python, which takes a file that is missing or empty for one of zeros."""
        found = _by_zarr_python(self.path / name, rows)
        for shard in shards:
            file = f"{name}/{self.arrays[name].file(shard)}"
            if (self.path / file).stat().st_size != self._held[shard].get(file):
                raise ValueError("a file has another size now")
        return found

    def _own(self) -> None:
        """Forget what another process has opened and compared: handles do not work in this one."""
        if self._of != os.getpid():
            self._of, self._stores, self._held = os.getpid(), {}, {}

    def _store(self, name: str) -> Any:
        if name not in self._stores:
            shared = self._stores.setdefault("", tensors.context())  # one for all arrays
            self._stores[name] = tensors.opened(self.path / name, shared)
        return self._stores[name]

    def _list(self, promised: Written) -> bytes:
        """The checksums of all markers, which the manifest holds."""
        path = markers(self.path) / SUMS
        try:
            sums = read_at_most(path, LINE * (1 + (promised.shards or 0)))
        except FileNotFoundError:
            raise DamageError(f"{path if self.path.is_dir() else self.path} is missing", path) from None
        if hashlib.sha256(sums).hexdigest() != promised.sha256:
            raise DamageError(f"{self.path} is damaged: its markers are not those that were written", path)
        return sums

    def _marked(self, name: str, line: int) -> dict[str, Any]:
        """Files and checksums that a marker lists, after the marker was compared with the manifest."""
        path = markers(self.path) / name
        try:
            data = read_at_most(path, MARKER)
        except FileNotFoundError:
            there = self.path.is_dir()
            what = f"{path} is missing: that shard was not finished" if there else f"{self.path} is missing"
            raise DamageError(what, path) from None
        if self._sums is not None:
            expected = self._sums[line * LINE : line * LINE + LINE - 1].decode()
            if hashlib.sha256(data).hexdigest() != expected:
                raise DamageError(f"{path} is not what was written", path)
        return marked(self.path, name, data)

    def _open(self, wanted: Collection[str] | Forms) -> dict[str, Sharded]:
        """How the wanted arrays are stored, by metadata that are as they were written."""
        noted = self._marked(f"{METADATA}.json", 0)
        names = [file.removesuffix("/zarr.json") for file in noted if file.endswith("/zarr.json")]
        found = {}
        with damage_named(self.path, "its metadata") as at:
            for name in wanted or names:
                at.array = name
                if f"{name}/zarr.json" not in noted:
                    raise ValueError(f"it has no {name}")
                data = self._compared(noted, f"{name}/zarr.json")
                found[name] = Sharded.of(data)
                if isinstance(wanted, dict) and found[name].form != wanted[name]:
                    raise ValueError(f"it is {found[name].form}, not {wanted[name]}")
        return found

    def _hold(self, shard: int) -> None:
        """Compare a shard with its marker, once: the files of these arrays, and what their chunks claim to hold."""
        noted = self._marked(f"{shard}.json", shard + 1)
        for name, array in self.arrays.items():
            if prod(array.shape[1:]):
                with damage_named(self.path, f"{name}, shard {shard}"):
                    file = f"{name}/{array.file(shard)}"
                    if file not in noted:
                        raise ValueError(f"its marker does not list {file}")
                    _check_chunks(self._compared(noted, file), array, shard)
        if self._taken and tensors.works():
            self._keep(shard)
        self._held[shard] = {name: entry.bytes for name, entry in noted.items()}

    def _keep(self, shard: int) -> None:
        """Read the rows of a shard of narrow arrays, which stay in memory."""
        rows = slice(shard * self.per, min((shard + 1) * self.per, self.count))
        begun = {name: self._begin(name, rows) for name in self._narrow}
        for name, read in begun.items():
            array = self.arrays[name]
            whole = self._kept.setdefault(name, np.empty(array.shape, array.dtype))
            whole[rows] = self._read(name, [shard], read.result)

    def _compared(self, noted: dict[str, Any], name: str) -> bytes:
        """Content of a file that is as its marker says; raises DamageError otherwise."""
        path, entry = self.path / name, noted[name]
        try:
            with opened(path) as file:
                data = file.read(entry.bytes + 1)
        except FileNotFoundError:
            raise DamageError(f"{path} is missing", path) from None
        if len(data) != entry.bytes:
            raise DamageError(f"{path} has {path.stat().st_size} bytes instead of {entry.bytes}", path)
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise DamageError(f"{path} is damaged: its checksum does not fit", path)
        return data


def _check_chunks(data: bytes, array: Sharded, shard: int) -> None:
    """Raise ValueError unless every inner chunk of a shard is there and claims the size that it has."""
    size = array.chunks * 16 + CRC  # of the index: place and length of each chunk, and a checksum
    if len(data) < size:
        raise ValueError("its index is cut short")
    places = struct.iter_unpack("<QQ", data[-size:-CRC])
    for start, length in islice(places, array.chunks_in(shard)):
        if start + length > len(data) - size:
            raise ValueError("a chunk is missing, or lies outside its file")
        if (found := claimed(data, start, start + length - CRC)) != array.chunk_size:
            what = "no size" if found is None else found
            raise ValueError(f"a chunk claims {what} instead of {array.chunk_size} bytes")


def _is_narrow(array: Sharded) -> bool:
    row = prod(array.shape[1:]) * np.dtype(array.dtype).itemsize
    return 0 < row <= NARROW and array.shape[0] * row <= KEPT


def _by_zarr_python(path: Path, rows: slice | np.ndarray) -> np.ndarray:
    """Read rows with zarr-python, where tensorstore would wait for threads that a fork has not kept."""
    import zarr

    array: Any = zarr.open_array(path, mode="r")
    return array[rows] if isinstance(rows, slice) else array.oindex[rows]


def unpacked(data: np.ndarray, array: Sharded) -> np.ndarray:
    """Rows of an array as in an .npz, with one byte per pixel."""
    if array.packed:
        return np.unpackbits(data, axis=-1, count=prod(array.packed)).reshape(*data.shape[:-1], *array.packed)
    return data
