"""Episodes for meta-learning: a query, and other sequences of the same task as its context."""

from __future__ import annotations

import multiprocessing
import os
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import get_worker_info

from slvm_data.core.arguments import checked, whole_number
from slvm_data.load.columns import open_manifest
from slvm_data.load.draws import Moment
from slvm_data.load.map_dataset import INDEX, MapDataset

CONTEXT = "context_"
EPISODE = "episode"
WORKERS = 4096  # largest number of workers that are noted
NUMBERS = 2**63 - 1  # the largest seed, and number of an episode
STALE = (
    "split_ does not reach the workers of a DataLoader, which hold copies of this dataset: give the DataLoader an "
    "EpisodeSampler as its batch_sampler, which draws anew by itself, or leave num_workers at 0 (or persistent_workers "
    "off, and call split_ between two passes)"
)


@dataclass(frozen=True)
class Draw:
    """Sequences that are queries [Q] and context [groups context], and the group of each query [Q]."""

    queries: np.ndarray
    contexts: np.ndarray
    group: np.ndarray


class Episodes(MapDataset):
    """Queries of a split of a dataset, each with `context` other sequences of its task.

    An item is a dict: the arrays of the query as in `Sequences`; the arrays of its context, with one more axis in front
    and `context_` before the name, such as `context_image` float32 [context T C H W]; and `episode`, the number of the
    draw. Context and queries of one episode have no sequence in common.

    All queries of a group have the same context in one episode. `split_()` draws new context and queries, in place;
    with a DataLoader that has workers, use an `EpisodeSampler`. An episode is a pure function of seed and number; with
    a sampler its number is epoch · 2³² + step.

    Arguments:
        root: as for `Sequences`.
        split: as for `Sequences`.
        tasks: as for `Sequences`. Tasks that are left out are held out: evaluate on them with another `Episodes`.
        fields: as for `Sequences`; they may name `episode` and `context_…` too.
        context: number of context sequences for a query.
        by: array whose value all sequences of a group share: "label", or a drawn parameter such as "param_g".
        ways: number of groups in an episode; all if None.
        queries: number of queries of each group in an episode; all sequences that are not context if None.
        support: number of sequences of each task, the first ones, from which all context is drawn, and no query; if
            None, as the split says, and for most splits 0: context is drawn from all sequences.
        seed: random seed of all draws.
        missing: as for `Sequences`; for the context too.

    """

    @checked
    def __init__(
        self,
        root: Path | str,
        split: str = "train",
        context: int = 15,
        *,
        by: str = "label",
        tasks: Sequence[int] | None = None,
        fields: Iterable[str] | None = None,
        ways: int | None = None,
        queries: int | None = None,
        support: int | None = None,
        seed: int = 0,
        missing: str = "keep",
    ) -> None:
        self.context, self.by = whole_number("context", context, 1, unit="sequence"), by
        self.ways = None if ways is None else whole_number("ways", ways, 1)
        self.queries = None if queries is None else whole_number("queries", queries, 1)
        self.seed = whole_number("seed", seed, 0, NUMBERS)
        super().__init__(root, split, tasks=tasks, fields=fields, missing=missing)
        given = open_manifest(self.root).recipe.support_of(split) if support is None else support
        self.support = whole_number("support", given, 0, unit="sequence")
        self._groups = self._grouped()
        self._pools = self._divided()
        self._check()
        self._group = np.empty(len(self._columns), np.int64)  # of each sequence
        for number, rows in enumerate(self._groups):
            self._group[rows] = number
        self._mark = self._fingerprint()
        self.episode = 0
        self._share()
        self._set(0)

    def _fingerprint(self) -> int:
        """A number that marks index tuples as those of this dataset."""
        own = self.split, self.seed, self.by, self.context, self.ways, self.queries
        own = (*own, self.support) if self.support else own
        return zlib.crc32(self._group.tobytes(), zlib.crc32(repr(own).encode()))

    def _known(self, stored: list[str]) -> list[str]:
        own = [INDEX, *stored]
        return [*own, EPISODE, *(CONTEXT + name for name in own)]

    def _read(self, stored: list[str]) -> list[str]:
        if self.by not in stored:
            raise ValueError(f"by = {self.by!r} has to be 'label' or a parameter that {self.root} has, as 'param_m'")
        return [name for name in stored if self._wants(name) or self._wants(CONTEXT + name) or name == self.by]

    def _share(self) -> None:
        """Share memory with the copies in workers: the number of the episode, and the workers that read a copy."""
        self._shared = torch.from_numpy(np.zeros(1 + WORKERS, np.int64)).share_memory_()
        self._shared[0] = self.episode
        self._owner = os.getpid()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if not self._shared.is_shared():  # an independent copy, not one for a worker
            self._share()

    def _grouped(self) -> list[np.ndarray]:
        """The sequences of each group, in order."""
        column, systems = self._columns.columns[self.by], dict.fromkeys(self._columns.systems)
        if column.frame or column.data.ndim > 2 or self.by == "time":
            raise ValueError(f"by = {self.by!r} has to be 'label' or a parameter that {self.root} has, as 'param_m'")
        if self.by != "label" and len(systems) > 1:
            raise ValueError(f"by = {self.by!r} would mix {', '.join(systems)}: choose tasks of one system with tasks")
        values = column.data.numpy().reshape(len(self._columns), -1)
        _, group = np.unique(values, axis=0, return_inverse=True)
        order = np.argsort(group.ravel(), kind="stable")
        return np.split(order, np.cumsum(np.bincount(group.ravel()))[:-1])

    def _divided(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of each group, the sequences of the support, and the others; both are all sequences without a support."""
        if not self.support:
            return [(rows, rows) for rows in self._groups]
        firsts = self._columns.firsts
        task = np.searchsorted(firsts, np.arange(len(self._columns)), side="right") - 1
        first = np.arange(len(self._columns)) - firsts[task] < self.support
        return [(rows[first[rows]], rows[~first[rows]]) for rows in self._groups]

    def _check_support(self) -> None:
        for pool, rest in self._pools:
            if len(pool) < self.context or len(rest) < (self.queries or 1):
                raise ValueError(
                    f"by = {self.by!r} makes groups with {len(pool)} sequences of the support and {len(rest)} others "
                    f"in {self.split} of {self.root}, too few for {self.context} of context and {self.queries or 1} to "
                    "query"
                )

    def _check(self) -> None:
        if self.support:
            self._check_support()
        least = min(map(len, self._groups))
        if least < self.context + (self.queries or 1):
            raise ValueError(
                f"by = {self.by!r} makes groups of {least} sequences in {self.split} of {self.root}, too few for "
                f"{self.context} of context and {self.queries or 1} to query"
            )
        if self.ways and self.ways > len(self._groups):
            raise ValueError(f"ways = {self.ways} is more than the {len(self._groups)} groups by {self.by!r}")

    @property
    def groups(self) -> dict[Any, np.ndarray]:
        """Indices of the sequences of each group [n], by the value that they share: a label, or a parameter.

        These are the numbers of `Sequences` over the same tasks; a parameter that is a vector is a tuple here.
        """
        column = self._columns.columns[self.by].data.numpy().reshape(len(self._columns), -1)
        values = (column[rows[0]].tolist() for rows in self._groups)
        keys = (value[0] if len(value) == 1 else tuple(value) for value in values)
        return dict(zip(keys, self._groups, strict=True))

    @property
    def sequences(self) -> int:
        """Total number of sequences, queries and context."""
        return len(self._columns)

    def least(self) -> int:
        """Number of queries that every episode has at least."""
        spent = 0 if self.support else self.context
        sizes = sorted(self.queries or len(rest) - spent for _, rest in self._pools)
        return sum(sizes[: self.ways])

    def draw(self, moment: Moment) -> Draw:
        """Draw the split of one episode, which depends only on this dataset and the moment."""
        ways = range(len(self._groups))
        if self.ways:
            ways = np.sort(moment.choose("ways", 0, self.ways, len(self._groups))).tolist()
        contexts, queries = [], []
        for way in ways:
            chosen, rest = self._chosen(moment, way)
            contexts.append(chosen)
            queries.append(rest)
        group = np.repeat(np.arange(len(queries)), list(map(len, queries)))
        return Draw(np.concatenate(queries), np.stack(contexts), group)

    def _chosen(self, moment: Moment, way: int) -> tuple[np.ndarray, np.ndarray]:
        """The context and the queries of a group in an episode."""
        pool, rest = self._pools[way]
        if self.support:
            context = pool[moment.choose("context", way, self.context, len(pool))]
            return context, rest[moment.choose("queries", way, self.queries, len(rest))] if self.queries else rest
        chosen = pool[moment.choose("rows", way, self.context + (self.queries or 0), len(pool))]
        if self.queries:
            return chosen[: self.context], chosen[self.context :]
        return chosen, np.setdiff1d(pool, chosen, assume_unique=True)

    def split_(self, episode: int | None = None) -> Episodes:
        """Draw new context and queries, in place: those of episode number `episode`, or of the next one.

        Call it at the start of each episode, per batch or per epoch. Raises RuntimeError while workers of a
        DataLoader hold copies of this dataset, since these would keep the old split.
        """
        number = whole_number("episode", self.episode + 1 if episode is None else episode, 0, NUMBERS)
        self._come_into_own()
        alive = {child.pid for child in multiprocessing.active_children()}
        if get_worker_info() is not None or alive & set(self._shared[1:].tolist()):
            raise RuntimeError(STALE)
        self._set(number)
        return self

    def _come_into_own(self) -> None:
        """Detach a copy from the original in another process that is not a worker, such as a rank."""
        if get_worker_info() is None and self._owner != os.getpid():
            self._share()

    def _set(self, number: int) -> None:
        self.episode = number
        self._shared[0] = number
        self._split = self.draw(Moment.of(self.seed, number))

    def __len__(self) -> int:
        return len(self._split.queries)

    def _arrays(self, indices: Sequence[Any]) -> dict[str, torch.Tensor]:
        """Arrays of items, by their numbers in the current split or by the tuples of an `EpisodeSampler`."""
        if len(indices) and isinstance(indices[0], list):
            raise IndexError("an EpisodeSampler yields whole batches: give it as batch_sampler, not as sampler")
        if len(indices) and isinstance(indices[0], tuple):
            rows = torch.tensor(indices, dtype=torch.int64, device="cpu")
            if rows.shape[1] != 3 + self.context or (rows[:, -1] != self._mark).any():
                raise IndexError(f"{indices[0]} is no index of {self!r}: was the EpisodeSampler made of another one?")
        else:
            rows = self._keys(indices)
        return self._batch(rows[:, 0], rows[:, 1], rows[:, 2:-1])

    def _keys(self, indices: Sequence[Any]) -> torch.Tensor:
        """The index tuples [B 3+context] of items of the current split."""
        self._come_into_own()
        if get_worker_info():
            self._shared[1 + os.getpid() % WORKERS] = os.getpid()
        if int(self._shared[0]) != self.episode:  # a worker's copy, whose original has drawn a new split
            raise RuntimeError(STALE)
        numbers = self._numbers(indices).numpy()
        return torch.from_numpy(self.keys(self.episode, self._split, numbers))

    def keys(self, episode: int, split: Draw, chosen: np.ndarray) -> np.ndarray:
        """Index tuples [B 3+context] of these queries [B] of a split: episode, query, context, this dataset's mark."""
        numbers, mark = np.full((len(chosen), 1), episode), np.full((len(chosen), 1), self._mark)
        return np.hstack([numbers, split.queries[chosen, None], split.contexts[split.group[chosen]], mark])

    def _batch(self, episode: torch.Tensor, rows: torch.Tensor, context: torch.Tensor) -> dict[str, torch.Tensor]:
        found = {INDEX: rows, CONTEXT + INDEX: context, EPISODE: episode}
        found = {name: array for name, array in found.items() if self._wants(name)}
        flat = context.flatten()
        for name in self._columns.columns:
            if self._wants(name):
                found[name] = self._columns.array(name, rows, self._pool)
            if self._wants(CONTEXT + name):
                found[CONTEXT + name] = self._columns.array(name, flat, self._pool).unflatten(0, context.shape)
        return found
