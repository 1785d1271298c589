"""Read rows of a sharded group at a URL: of a shard, whole files, which are compared and then decoded in memory.

What is given out is always what was compared, also if the files are replaced meanwhile. Nothing of it is kept here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from math import prod

import numpy as np

from slvm_data.core.errors import DamageError, damage_named
from slvm_data.core.types import Arrays
from slvm_data.store import tensors
from slvm_data.store.manifest import Checksum, Forms, Written
from slvm_data.store.remote import Place, Remote, begun
from slvm_data.store.zarr_group import Asked, Group, check_chunks
from slvm_data.store.zarr_metadata import Sharded
from slvm_data.store.zarr_reader import Reader


class RemoteReader(Group[Remote]):
    """Reads arrays of a group at a URL, as `Group` says."""

    whole = True

    def __init__(self, path: Remote, wanted: Collection[str] | Forms = (), promised: Written | None = None) -> None:
        super().__init__(path, wanted, promised)
        self._noted: dict[int, dict[str, Checksum]] = {}  # what the markers of shards list
        if len({array.shard[0] for array in self.arrays.values()}) > 1:
            raise DamageError(f"{path} is damaged: its arrays have different shards")

    def _begun(self, path: Remote, count: int) -> Callable[[], bytes]:
        return begun(path, count)

    def _ask(self, names: list[str], rows: slice | np.ndarray, shards: list[int]) -> Asked:
        """Ask for rows of these shards; all files are read at the same time."""
        numbers = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
        asked = {shard: self._files(names, shard) for shard in shards}

        def wait() -> Arrays:
            shape = {name: (len(numbers), *self.arrays[name].shape[1:]) for name in names}
            found = {name: np.empty(shape[name], self.arrays[name].dtype) for name in names}
            for shard, files in asked.items():
                own = numbers // self.per == shard
                for name, block in self._decoded(shard, files).items():
                    found[name][own] = block[numbers[own] - shard * self.per]
            return found

        return wait

    def _files(self, names: list[str], shard: int) -> dict[str, Callable[[], bytes]]:
        """Begin to read the files of these arrays in a shard; arrays whose rows have no numbers have none."""
        if shard not in self._noted:
            self._noted[shard] = self._marked(f"{shard}.json", shard + 1)
        noted, files = self._noted[shard], {name: f"{name}/{self.arrays[name].file(shard)}" for name in names}
        files = {name: file for name, file in files.items() if prod(self.arrays[name].shape[1:])}
        if odd := [file for file in files.values() if file not in noted]:
            raise DamageError(f"{self.path} is damaged: the marker of shard {shard} does not list {odd[0]}")
        return {name: self._compared(noted, file) for name, file in files.items()}

    def _decoded(self, shard: int, files: dict[str, Callable[[], bytes]]) -> Arrays:
        """The rows of a shard, once its files have come and are as its marker says."""
        found: dict[str, tuple[Sharded, bytes]] = {}
        with damage_named(self.path) as at:
            for name, wait in files.items():
                at.array = f"{name}, shard {shard}"
                found[name] = self.arrays[name], wait()
                check_chunks(found[name][1], self.arrays[name], shard)
            return tensors.decode(found, shard)


def open_group(
    path: Place, wanted: Collection[str] | Forms = (), promised: Written | None = None
) -> Reader | RemoteReader:
    """The reader of a group on this machine, or at a URL; arguments and errors are those of `Group`."""
    return RemoteReader(path, wanted, promised) if isinstance(path, Remote) else Reader(path, wanted, promised)
