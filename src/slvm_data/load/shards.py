"""Read rows from shards when they are asked for; the shards read last stay in memory.

If several rows of a shard are wanted at once, the whole shard is read and kept; single rows are read by themselves.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from slvm_data.load.column import Column
from slvm_data.load.layout import Layout, Part, placed

if TYPE_CHECKING:
    from slvm_data.store.zarr_reader import Reader
    from slvm_data.store.zarr_remote import RemoteReader

Rows = dict[str, np.ndarray]  # [n …] of each array, in their layout in memory
CACHE = 2**28  # bytes of shards that stay in memory, in each process, if nothing else is asked for
SEVERAL = 4  # least number of rows of a shard for which it is read as a whole
MIXED = 8  # shards whose sequences are mixed at a time, if they fit in the cache


class Cache:
    """The shards used last; each process has its own cache, which its threads share."""

    def __init__(self, most: int | None = None) -> None:
        self._shards, self._size, self._most = OrderedDict[Any, Rows](), 0, most  # [MB]
        self._lock = Lock()

    def __reduce__(self) -> tuple[type[Cache], tuple[int | None]]:
        return Cache, (self._most,)

    @property
    def most(self) -> int:
        """Bytes of shards that stay in memory."""
        return CACHE if self._most is None else 10**6 * self._most

    def get(self, key: Any) -> Rows | None:
        """A shard, which is then the one used last; None if it is not here."""
        with self._lock:
            if key in self._shards:
                self._shards.move_to_end(key)
            return self._shards.get(key)

    def put(self, key: Any, rows: Rows) -> Rows:
        """Keep a new shard, remove the least recently used ones if there is no room, and return it."""
        with self._lock:
            self._size += _size(rows) - _size(self._shards.pop(key, {}))
            self._shards[key] = rows
            while self._size > self.most and len(self._shards) > 1:
                self._size -= _size(self._shards.popitem(last=False)[1])
        return rows


def _size(rows: Rows) -> int:
    return sum(array.nbytes for array in rows.values())


@dataclass(frozen=True)
class Shards:
    """The files of a split whose rows are read when they are asked for."""

    files: tuple[Part, ...]
    readers: tuple[Reader | RemoteReader, ...]  # of each file
    layouts: Mapping[str, Layout]
    cache: Cache

    @cached_property
    def firsts(self) -> np.ndarray:
        """Number of the first row of each file [files]."""
        counts = [part.rows for part in self.files]
        return np.cumsum([0, *counts[:-1]])

    def ranges(self) -> list[tuple[int, int]]:
        """First row, and the one after the last, of each shard, in order."""
        found: list[tuple[int, int]] = []
        for first, part, reader in zip(self.firsts.tolist(), self.files, self.readers, strict=True):
            starts = range(0, part.rows, reader.per)
            found += [(first + start, first + min(start + reader.per, part.rows)) for start in starts]
        return found

    @cached_property
    def row_size(self) -> int:
        """Bytes of a row of all arrays."""
        return sum(layout.size for layout in self.layouts.values())

    def small(self) -> bool:
        """Whether everything fits in the cache."""
        return self.row_size * sum(part.rows for part in self.files) <= self.cache.most

    def mixed(self) -> int:
        """Number of shards to mix without reading one twice; half the cache, as a batch may need the next ones too."""
        per = max(reader.per for reader in self.readers)
        return int(np.clip(self.cache.most // (2 * per * self.row_size), 1, MIXED))

    def read(self, rows: np.ndarray) -> dict[str, Column]:
        """Read these rows [B] as one column per array [B …]; all that has to be read is asked for at the same time."""
        found = {name: layout.blank(len(rows)) for name, layout in self.layouts.items()}
        file = np.searchsorted(self.firsts, rows, side="right") - 1
        files = [(k, np.flatnonzero(file == k)) for k in np.unique(file).tolist()]
        pieces = [piece for k, at in files for piece in self._pieces(k, at, rows[at] - self.firsts[k])]
        targets = {name: column.data.numpy() for name, column in found.items()}
        for at, within, arrive in pieces:
            here, there = (int(at[0]), int(within[0])) if len(at) == 1 else (at, within)  # faster for a single row
            for name, data in arrive().items():  # an array that a task lacks stays blank
                targets[name][here] = data[there]
        return found

    def _pieces(
        self, k: int, at: np.ndarray, rows: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray, Callable[[], Rows]]]:
        """Begin to read rows of file k; yield places in the batch, rows of what is read, and a function that waits."""
        per = self.readers[k].per
        numbers, which, counts = np.unique(rows // per, return_inverse=True, return_counts=True)
        several = 1 if self.small() or self.readers[k].whole else SEVERAL
        whole = np.array(
            [self.cache.get((k, n)) is not None or count >= several for n, count in zip(numbers, counts, strict=True)]
        )
        for i in np.flatnonzero(whole).tolist():
            own, number = which == i, int(numbers[i])
            yield at[own], rows[own] - number * per, self._shard(k, number)
        if len(single := np.flatnonzero(~whole[which])):
            asked = self.readers[k].take(rows[single])
            yield at[single], np.arange(len(single)), lambda: self._placed(k, asked())

    def _shard(self, k: int, number: int) -> Callable[[], Rows]:
        """Get a whole shard, from the cache or by reading it; return a function that waits for it."""
        if (kept := self.cache.get((k, number))) is not None:
            return lambda: kept
        asked = self.readers[k].shard(number)
        return lambda: self.cache.put((k, number), self._placed(k, asked()))

    def _placed(self, k: int, blocks: Mapping[str, np.ndarray]) -> Rows:
        """Convert rows from their form in the file to their layout in memory."""
        return {name: placed(self.layouts[name], block, self.files[k].path) for name, block in blocks.items()}


def open_shards(files: Sequence[Part], layouts: Mapping[str, Layout], cache: int | None = None) -> Shards:
    """Open the files of a split; raises DamageError if the metadata of one are not as they were written.

    Of what was read, `cache` [MB] stays in memory.
    """
    from slvm_data.store.zarr_remote import open_group  # which needs tensorstore

    wanted = [{name: form for name, form in part.entry.arrays.items() if name in layouts} for part in files]
    readers = [open_group(part.path, own, part.entry) for part, own in zip(files, wanted, strict=True)]
    return Shards(tuple(files), tuple(readers), layouts, Cache(cache))
