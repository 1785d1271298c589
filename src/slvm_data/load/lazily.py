"""Rows that are read when they are asked for: from shards, of which those just read stay in memory.

A shard of which several rows are wanted at once is read as a whole, and stays; single rows are read by themselves.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from slvm_data.load.column import Column
from slvm_data.load.form import Form, Frames, Part, blank, place
from slvm_data.load.room import Room

if TYPE_CHECKING:
    from slvm_data.store.reader import Reader

CACHE = 2**28  # octets of shards that stay in memory, in each process
SEVERAL = 4  # rows of a shard from which on it is read as a whole
MIXED = 8  # shards whose sequences are mixed at a time, where they fit in the cache


class Cache:
    """Shards [n …], those used last; each process has one of its own."""

    def __init__(self) -> None:
        self._shards, self._size = OrderedDict[Any, torch.Tensor](), 0

    def __reduce__(self) -> tuple[type[Cache], tuple[()]]:
        return Cache, ()

    def __contains__(self, key: Any) -> bool:
        return key in self._shards

    def get(self, key: Any, read: Callable[[], torch.Tensor]) -> torch.Tensor:
        """The shard of this key, read if it is not there."""
        if key not in self._shards:
            found = read()
            self._shards[key] = found
            self._size += found.nbytes
            while self._size > CACHE and len(self._shards) > 1:
                self._size -= self._shards.popitem(last=False)[1].nbytes
        self._shards.move_to_end(key)
        return self._shards[key]


@dataclass(frozen=True)
class Shards:
    """The files of a split whose rows are read when they are asked for."""

    files: tuple[Part, ...]
    readers: tuple[Reader, ...]  # of each file
    forms: Mapping[str, tuple[Form, Frames | None]]
    cache: Cache

    def column(self, name: str) -> Lazy:
        """One array."""
        return Lazy(name, blank(name, *self.forms[name], 0), self)

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
        """Octets of a row of all arrays."""
        rows = [blank(name, *form, 1).data for name, form in self.forms.items()]
        return sum(row.nbytes for row in rows)

    def small(self) -> bool:
        """Whether everything fits in the cache."""
        return self.row_size * sum(part.rows for part in self.files) <= CACHE

    def mixed(self) -> int:
        """Shards whose sequences can be mixed without reading one twice; a batch may end some and begin the next."""
        per = max(reader.per for reader in self.readers)
        return int(np.clip(CACHE // (2 * per * self.row_size), 1, MIXED))

    def shard(self, k: int, name: str, number: int) -> torch.Tensor:
        """The rows of one shard of file k, as they lie in memory."""
        return self._placed(k, name, self.readers[k].shard(name, number))

    def take(self, k: int, name: str, rows: np.ndarray) -> torch.Tensor:
        """These rows of file k."""
        return self._placed(k, name, self.readers[k].take(name, rows))

    def _placed(self, k: int, name: str, block: np.ndarray) -> torch.Tensor:
        column = blank(name, *self.forms[name], len(block))
        place(column, 0, block, self.files[k].path, name)
        return column.data


@dataclass(frozen=True)
class Lazy:
    """One array of a split; gives what a `Column` of it in memory gives."""

    name: str
    like: Column  # of no row
    shards: Shards

    def take(self, rows: torch.Tensor, room: Room, moments: torch.Tensor | None = None) -> torch.Tensor:
        """As of a `Column`."""
        wanted, firsts = rows.numpy(), self.shards.firsts
        out = blank(self.name, *self.shards.forms[self.name], len(wanted))
        file = np.searchsorted(firsts, wanted, side="right") - 1
        for k in np.unique(file).tolist():
            if self.name in self.shards.readers[k].names:  # what a task lacks stays blank
                at = np.flatnonzero(file == k)
                self._fill(out.data, at, k, wanted[at] - firsts[k])
        return out.take(torch.arange(len(wanted)), room, moments)

    def _fill(self, out: torch.Tensor, at: np.ndarray, k: int, rows: np.ndarray) -> None:
        """Put these rows of file k to their places, `at`."""
        per, cache = self.shards.readers[k].per, self.shards.cache
        numbers, which, counts = np.unique(rows // per, return_inverse=True, return_counts=True)
        several = SEVERAL if not self.shards.small() else 1
        whole = [(k, self.name, n) in cache or count >= several for n, count in zip(numbers, counts, strict=True)]
        for i in np.flatnonzero(whole):
            own, number = which == i, int(numbers[i])
            data = cache.get((k, self.name, number), lambda number=number: self.shards.shard(k, self.name, number))
            out[at[own]] = data[rows[own] - number * per]
        if len(single := np.flatnonzero(~np.array(whole)[which])):
            out[at[single]] = self.shards.take(k, self.name, rows[single])


def open_shards(files: Sequence[Part], forms: Mapping[str, tuple[Form, Frames | None]]) -> Shards:
    """Raises DamageError where the metadata of a file are not what was written."""
    from slvm_data.store.reader import Reader  # which needs the package zarr

    readers = [Reader(p.path, {n: a for n, a in p.entry["arrays"].items() if n in forms}) for p in files]
    return Shards(tuple(files), tuple(readers), forms, Cache())
