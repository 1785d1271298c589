"""Samplers in the main process: queries and context of every batch of episodes; items in random order, or in order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence, Sized

import numpy as np

from slvm_data.core.arguments import checked, whole_number
from slvm_data.load.draws import STEPS, Moment
from slvm_data.load.episodes import Episodes
from slvm_data.load.epochs import Epochs
from slvm_data.load.ranks import share
from slvm_data.load.sequences import Sequences

PER = ("batch", "epoch")


class EpisodeSampler(Epochs[list[tuple[int, ...]]]):
    """The batches of an `Episodes`, for the `batch_sampler` of a DataLoader; each batch draws new context and queries.

    It yields index tuples (episode, query, context, …, a mark of the dataset), so that workers hold no random state.
    What it yields is a pure function of the dataset's seed, epoch and step: the same for any number of workers, and
    different in every epoch.

    Arguments:
        dataset: the `Episodes`.
        batch_size: number of queries in a batch, over all ranks; the whole episode if None.
        per: "batch" draws a new episode for each batch; "epoch" draws one episode for the epoch, with each query once.
        steps: number of batches in an epoch, with per="batch"; if None, the batches have as many queries in all as
            there are sequences.
        fixed: whether all epochs have the same episodes, for evaluation; with per="epoch" each query comes once.
        rank: number of this process; if None, that of `torch.distributed` if it is initialised.
        ranks: number of processes that divide each batch; if None, likewise.

    To continue an interrupted run, call `set_epoch(epoch, step)` before the first batch; or keep `state_dict()`, as
    torchdata's StatefulDataLoader does automatically. With a plain DataLoader and workers, `state_dict()` also counts
    batches that were requested in advance: count the batches yourself there.

    """

    @checked
    def __init__(
        self,
        dataset: Episodes,
        batch_size: int | None = None,
        *,
        per: str = "batch",
        steps: int | None = None,
        fixed: bool = False,
        rank: int | None = None,
        ranks: int | None = None,
    ) -> None:
        if per not in PER:
            raise ValueError(f"per = {per!r} is unknown; there are {', '.join(PER)}")
        if per == "epoch" and (steps is not None or dataset.ways):
            raise ValueError("per='epoch' takes every query once, of all groups: leave steps and ways out")
        super().__init__(rank, ranks)
        self.dataset, self.per, self.fixed = dataset, per, fixed
        least = dataset.least()
        self.batch_size = None if batch_size is None else whole_number("batch_size", batch_size, 1, least, "queries")
        self.steps = self._count(least) if steps is None else whole_number("steps", steps, 1, STEPS)
        self._check_ranks()

    def _count(self, least: int) -> int:
        """Number of batches of an epoch by default."""
        queries = least if self.per == "epoch" else self.dataset.sequences
        return math.ceil(queries / (self.batch_size or least))

    def __len__(self) -> int:
        return self.steps

    def _check_ranks(self) -> None:
        """Raise ValueError if the smallest batch of an epoch has too few queries for the ranks."""
        least, ranks = self.dataset.least(), self.here()[1]
        size = self.batch_size or least
        last = least - (self.steps - 1) * size if self.per == "epoch" else size
        if last < ranks:
            raise ValueError(
                f"batch_size = {self.batch_size} leaves {last} queries for the last batch of an epoch, too few for "
                f"{ranks} ranks: choose another batch_size"
            )

    def chunks(self, epoch: int, first: int) -> Iterator[Sequence[list[tuple[int, ...]]]]:
        """Yield the batches of an epoch for this rank, from step `first` on; raises ValueError for too many ranks."""
        self._check_ranks()  # again, since torch.distributed may have been initialised in between
        return ([self.batch(epoch, step)] for step in range(first, self.steps))

    def batch(self, epoch: int, step: int) -> list[tuple[int, ...]]:
        """Index tuples of one step for this rank, which do not depend on earlier steps."""
        moment = Moment(self.dataset.seed, 0 if self.fixed else epoch, step if self.per == "batch" else 0)
        split = self.dataset.draw(moment)
        count = len(split.queries)
        if self.per == "epoch":
            size = self.batch_size or count
            chosen = moment.choose("queries", 0, count, count)[step * size : (step + 1) * size]
        else:
            chosen = moment.choose("queries", 0, self.batch_size, count) if self.batch_size else np.arange(count)
        rank, ranks = self.here()
        return list(map(tuple, self.dataset.keys(moment.number, split, chosen[rank::ranks]).tolist()))


class InOrder(Epochs[int]):
    """Each item of a dataset once, in order. Each rank takes a part of them, as `Shuffled` divides an epoch."""

    @checked
    def __init__(self, dataset: Sized, *, rank: int | None = None, ranks: int | None = None) -> None:
        super().__init__(rank, ranks)
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self._share())

    def _share(self) -> range:
        """Places of this rank in the order of an epoch."""
        return share(len(self.dataset), *self.here())

    def chunks(self, epoch: int, first: int) -> Iterator[Sequence[int]]:  # noqa: ARG002
        """Yield the numbers of the items for this rank, from the one at place `first` on."""
        yield self._share()[first:]


class Shuffled(InOrder):
    """Each item of a dataset once in an epoch, in random order, which is a pure function of seed and epoch.

    For a `Sequences` that reads from shards, a few shards are taken at a time, in random order, and their items are
    mixed, so that each shard is read once; with `globally` all items are mixed, which may be slow to read.

    Several ranks divide the shards, or the items if these are in memory. All have the same number of items, so up to
    `ranks` - 1 items come twice in an epoch.

    Arguments:
        dataset: a `Sequences` or `Windows`, or any other map-style dataset.
        seed: random seed of the order.
        globally: whether to mix the items of all shards.
        rank: number of this process; if None, that of `torch.distributed` if it is initialised.
        ranks: number of processes that divide the items; if None, likewise.

    To continue an interrupted run, call `set_epoch(epoch, step)`, where `step` is the number of items of this epoch
    that this rank has used; or keep `state_dict()`, as for `EpisodeSampler`.

    """

    @checked
    def __init__(
        self,
        dataset: Sized,
        seed: int = 0,
        globally: bool = False,
        *,
        rank: int | None = None,
        ranks: int | None = None,
    ) -> None:
        super().__init__(dataset, rank=rank, ranks=ranks)
        self.seed, self.globally = whole_number("seed", seed, 0), globally

    def chunks(self, epoch: int, first: int) -> Iterator[Sequence[int]]:
        """Yield the numbers of the items of an epoch for this rank, from step `first` on."""
        moment, count = Moment(self.seed, epoch), len(self.dataset)
        blocks, mixed = self.dataset.blocks() if isinstance(self.dataset, Sequences) and not self.globally else ([], 0)
        if not blocks:
            own = self._share()
            yield moment.choose("order", 0, count, count)[own.start : own.stop][first:].tolist()
            return
        parts = self._parts([blocks[i] for i in moment.choose("shards", 0, len(blocks), len(blocks)).tolist()])
        for k in range(0, len(parts), mixed):
            items = np.concatenate([np.arange(*part) for part in parts[k : k + mixed]])
            if first < len(items):
                yield items[moment.choose("order", k, len(items), len(items))][first:].tolist()
            first = max(0, first - len(items))

    def _parts(self, blocks: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """The shards of this rank, as first item and the one after the last; the first and last may be parts of one."""
        own, begin, found = self._share(), 0, []
        for first, stop in blocks:
            low, high = max(first, first + own.start - begin), min(stop, first + own.stop - begin)
            begin += stop - first
            found += [(low, high)] if low < high else []
        return found
