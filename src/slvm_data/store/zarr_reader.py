"""Read rows of a sharded group when they are asked for, with tensorstore.

Before the first row of a shard is given out, its files are compared with its marker, and the marker with the manifest.
A process that was forked from one that has used tensorstore reads with zarr-python, which gives the same rows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from slvm_data.core.errors import damage_named
from slvm_data.core.files import opened
from slvm_data.core.packing import unpack_pictures
from slvm_data.core.types import Arrays
from slvm_data.store import tensors
from slvm_data.store.manifest import Forms, Written
from slvm_data.store.zarr_group import Asked, Group, check_chunks
from slvm_data.store.zarr_metadata import Sharded

NARROW, KEPT = 16, 2**26  # bytes of a row, and of an array, up to which its rows stay in memory once they were read


class Reader(Group[Path]):
    """Reads arrays of a group of this machine: those `wanted`, or all, as `Group` says."""

    def __init__(self, path: Path, wanted: Collection[str] | Forms = (), promised: Written | None = None) -> None:
        super().__init__(path.absolute(), wanted, promised)
        self._taken = tensors.takes(self.path)
        self._held: dict[int, dict[str, int]] = {}  # shards that were compared, and the sizes of their files [bytes]
        self._of, self._stores = os.getpid(), {}
        self._kept: Arrays = {}  # rows of held shards, of arrays for which asking takes longer than reading
        self._narrow = [name for name, array in self.arrays.items() if _is_narrow(array)]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_of": 0, "_stores": {}, "_held": {}, "_kept": {}}

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

    def _begun(self, path: Path, count: int) -> Callable[[], bytes]:
        def read() -> bytes:
            with opened(path) as file:
                return file.read(count + 1)

        return read

    def _hold(self, shard: int) -> None:
        """Compare a shard with its marker, once: the files of these arrays, and what their chunks claim to hold."""
        noted = self._marked(f"{shard}.json", shard + 1)
        for name, array in self.arrays.items():
            if prod(array.shape[1:]):
                with damage_named(self.path, f"{name}, shard {shard}"):
                    file = f"{name}/{array.file(shard)}"
                    if file not in noted:
                        raise ValueError(f"its marker does not list {file}")
                    check_chunks(self._compared(noted, file)(), array, shard)
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
        return unpack_pictures(data, array.packed)
    return data
