"""Read rows of a sharded group when they are asked for: with tensorstore if it is installed, else with zarr.

Handles belong to the process that opened them. The threads of tensorstore do not survive a fork, so a process whose
parent has used tensorstore reads with zarr, which gives the same rows, more slowly.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import zarr as zarr_python

from slvm_data.core.errors import DamageError, damage_named
from slvm_data.store import zarr
from slvm_data.store.manifest import Forms

try:
    import tensorstore
except ModuleNotFoundError:
    tensorstore = None

Asked = Callable[[], dict[str, np.ndarray]]  # waits for the rows [n …] of each array and returns them

CACHE = 2**28  # bytes that tensorstore keeps for a group: indices of shards, and chunks just read
_users: set[int] = set()  # processes that have used tensorstore: this one, or those it was forked from


def at_random() -> bool:
    """Whether this process reads single rows fast, with tensorstore."""
    return tensorstore is not None and _users <= {os.getpid()}


class Reader:
    """Reads the arrays `wanted`, with these forms, of a group. Raises DamageError as `zarr.read` does."""

    def __init__(self, path: Path, wanted: Forms) -> None:
        self.path, self.names = path.absolute(), tuple(wanted)
        if zarr.metadata_damaged(path):
            raise DamageError(f"{path} is damaged, at its metadata: {zarr.markers(path)} tells (slvm-data repair)")
        self._of, self._arrays, self._stores = os.getpid(), zarr.arrays_of(path, wanted), {}
        self.per = min((array.shards or array.chunks)[0] for array in self._arrays.values())  # rows of a shard

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_of": 0, "_arrays": {}, "_stores": {}}

    def shard(self, number: int) -> Asked:
        """Ask for the rows [n …] of one shard; pictures stay packed."""
        first = number * self.per
        return self._ask(slice(first, first + self.per), [number])

    def take(self, rows: np.ndarray) -> Asked:
        """Ask for these rows [n …], in any order."""
        return self._ask(rows, np.unique(rows // self.per).tolist())

    def _ask(self, rows: slice | np.ndarray, shards: list[int]) -> Asked:
        """Ask for rows; tensorstore begins at once to read all arrays at the same time."""
        if at_random():
            begun = {name: self._begin(name, rows) for name in self.names}
            return lambda: {name: self._read(name, shards, begun[name]) for name in self.names}
        return lambda: {n: self._read(n, shards, lambda n=n: self._plainly(n, rows, shards)) for n in self.names}

    def _read(self, name: str, shards: list[int], read: Callable[[], Any]) -> np.ndarray:
        """Call `read` for rows of these shards of an array; errors name the shards, or the first missing file."""
        try:
            several = " or ".join(map(str, shards[:4])) + (" …" if len(shards) > 4 else "")
            with damage_named(self.path, f"{name}, shard {several} (slvm-data repair makes it again)"):
                return np.asarray(read())
        except DamageError:
            self._check_there(name, shards)
            raise

    def _check_there(self, name: str, shards: list[int]) -> None:
        for number in shards:
            ndim = self._array(name).ndim
            if lack := zarr.lacks(self.path, name, number, ndim):
                file = self.path / zarr.file_of(name, number, ndim)
                raise DamageError(f"{file} {lack}: slvm-data repair makes it again")

    def _begin(self, name: str, rows: slice | np.ndarray) -> Callable[[], Any]:
        with damage_named(self.path, f"the metadata of {name}"):
            return self._store(name)[_within(rows, self._array(name))].read().result

    def _plainly(self, name: str, rows: slice | np.ndarray, shards: list[int]) -> Any:
        """Read rows with zarr-python; check the files first, since it reads missing ones as zeros."""
        self._check_there(name, shards)
        return self._array(name)[rows] if isinstance(rows, slice) else self._array(name).oindex[rows]

    def _own(self) -> None:
        """Forget handles that another process has opened, since they do not work in this one."""
        if self._of != os.getpid():
            self._of, self._arrays, self._stores = os.getpid(), {}, {}

    def _array(self, name: str) -> zarr_python.Array:
        self._own()
        if name not in self._arrays:
            self._arrays[name] = zarr.array_of(zarr_python.open_group(self.path, mode="r"), name)
        return self._arrays[name]

    def _store(self, name: str) -> Any:
        assert tensorstore
        self._own()
        if name not in self._stores:
            _users.add(os.getpid())
            spec = {
                "driver": "zarr3",
                "kvstore": {"driver": "file", "path": str(self.path / name)},
                "recheck_cached_data": False,
                "recheck_cached_metadata": False,
                "fill_missing_data_reads": False,  # a missing file is an error, never zeros
            }
            pool = {"cache_pool": {"total_bytes_limit": CACHE}}
            context = self._stores.setdefault("", tensorstore.Context(pool))  # one for all arrays
            self._stores[name] = tensorstore.open(spec, open=True, read=True, context=context).result()
        return self._stores[name]


def _within(rows: slice | np.ndarray, array: zarr_python.Array) -> slice | np.ndarray:
    """Limit a slice to the rows of the array, since its last shard may have fewer rows."""
    return slice(rows.start, min(rows.stop, array.shape[0])) if isinstance(rows, slice) else rows
