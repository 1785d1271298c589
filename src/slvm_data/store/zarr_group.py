"""A sharded group as its metadata and markers describe it, on this machine or at a URL.

Before a row of a shard is given out, its files are compared with its marker, and the marker with the manifest.
"""

from __future__ import annotations

import hashlib
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from itertools import islice
from pathlib import Path
from typing import Any, Generic

import numpy as np

from slvm_data.core.errors import DamageError, damage_named
from slvm_data.core.types import Arrays
from slvm_data.store.manifest import Checksum, Forms, Written
from slvm_data.store.remote import P, read_at_most
from slvm_data.store.zarr_layout import LINE, MARKER, METADATA, SUMS, marked, markers
from slvm_data.store.zarr_metadata import Sharded
from slvm_data.store.zstd_frame import claimed

Asked = Callable[[], Arrays]  # waits for the rows [n …] of each array and returns them

CRC = 4  # bytes of a checksum


class Group(ABC, Generic[P]):
    """Reads arrays of a group: those `wanted`, or all. Raises DamageError, which names the group and the array.

    If `wanted` gives forms, the arrays have to have them. With `promised`, its entry in the manifest, every marker is
    compared with the checksum that was written.
    """

    whole = False  # whether a shard is read as a whole even if one row is asked for

    def __init__(self, path: P, wanted: Collection[str] | Forms = (), promised: Written | None = None) -> None:
        self.path: P = path
        self._sums = self._list(promised) if promised else None
        self.arrays = self._open(wanted)
        counts = {array.shape[0] for array in self.arrays.values()}
        if len(counts) != 1:
            raise DamageError(f"{path} is damaged: its arrays have different numbers of rows: {sorted(counts)}", path)
        self.count = counts.pop()
        self.per = min(array.shard[0] for array in self.arrays.values())  # rows of a shard

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

    @abstractmethod
    def _ask(self, names: list[str], rows: slice | np.ndarray, shards: list[int]) -> Asked:
        """Ask for rows of these shards."""

    @abstractmethod
    def _begun(self, path: P, count: int) -> Callable[[], bytes]:
        """Begin to read a file, of which `count` bytes are wanted; the function raises FileNotFoundError."""

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
            begun = {}
            for name in wanted or names:
                at.array = name
                if f"{name}/zarr.json" not in noted:
                    raise ValueError(f"it has no {name}")
                begun[name] = self._compared(noted, f"{name}/zarr.json")
            for at.array, wait in begun.items():
                name = at.array
                found[name] = Sharded.of(wait())
                if isinstance(wanted, dict) and found[name].form != wanted[name]:
                    raise ValueError(f"it is {found[name].form}, not {wanted[name]}")
        return found

    def _compared(self, noted: dict[str, Any], name: str) -> Callable[[], bytes]:
        """Begin to read a file; the function gives its content if that is as its marker says, else a DamageError."""
        path, entry = self.path / name, noted[name]
        read = self._begun(path, entry.bytes)

        def wait() -> bytes:
            try:
                return self._as_noted(path, entry, read())
            except FileNotFoundError:
                raise DamageError(f"{path} is missing", path) from None

        return wait

    def _as_noted(self, path: P, entry: Checksum, data: bytes) -> bytes:
        """The content of a file, if it is as its marker says; raises DamageError otherwise."""
        if len(data) != entry.bytes:
            size = path.stat().st_size if isinstance(path, Path) else len(data)
            raise DamageError(f"{path} has {size} bytes instead of {entry.bytes}", path)
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise DamageError(f"{path} is damaged: its checksum does not fit", path)
        return data


def check_chunks(data: bytes, array: Sharded, shard: int) -> None:
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
