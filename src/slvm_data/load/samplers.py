"""Samplers in the main process: the queries and context of every batch of episodes, and random order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sized
from typing import Any

import numpy as np
from torch.utils.data import Sampler

from slvm_data.load.arguments import whole_number
from slvm_data.load.draws import EPOCHS, STEPS, Moment
from slvm_data.load.episodes import Episodes
from slvm_data.load.ranks import check, here
from slvm_data.load.sequences import Sequences

PER = ("batch", "epoch")


class EpisodeSampler(Sampler[list[tuple[int, ...]]]):
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
        rank, ranks: this process and the number of processes that divide each batch; if None, those of
            `torch.distributed` if it is initialised.

    To continue an interrupted run, call `set_epoch(epoch, step)` before the first batch; or keep `state_dict()`, as
    torchdata's StatefulDataLoader does automatically. With a plain DataLoader and workers, `state_dict()` also counts
    batches that were requested in advance: count the batches yourself there.

    """

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
        if not isinstance(dataset, Episodes):
            raise ValueError(f"dataset = {dataset!r} has to be an Episodes")
        if per not in PER:
            raise ValueError(f"per = {per!r} is unknown; there are {', '.join(PER)}")
        if per == "epoch" and (steps is not None or dataset.ways):
            raise ValueError("per='epoch' takes every query once, of all groups: leave steps and ways out")
        check(rank, ranks)
        self.dataset, self.per, self.fixed, self._ranks = dataset, per, fixed, (rank, ranks)
        least = dataset.least()
        self.batch_size = None if batch_size is None else whole_number("batch_size", batch_size, 1, least, "queries")
        self.steps = self._count(least) if steps is None else whole_number("steps", steps, 1, STEPS)
        self._next = (0, 0)  # epoch and step at which the next pass begins
        self._at = (0, 0)  # epoch and step of the next batch

    def _count(self, least: int) -> int:
        """Number of batches of an epoch by default."""
        queries = least if self.per == "epoch" else self.dataset.sequences
        return math.ceil(queries / (self.batch_size or least))

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[list[tuple[int, ...]]]:
        epoch, first = self._next  # only when the first batch is asked for: DataLoaders call iter() more than once
        self._next = (epoch + 1, 0)
        for step in range(first, self.steps):
            self._at = (epoch, step + 1)
            yield self.batch(epoch, step)
        self._at = self._next

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
        rank, ranks = here(*self._ranks)
        if len(chosen) < ranks:
            raise ValueError(
                f"batch {step} of the epoch has {len(chosen)} queries for {ranks} ranks: another batch_size"
            )
        return list(map(tuple, self.dataset.keys(moment.number, split, chosen[rank::ranks]).tolist()))

    def set_epoch(self, epoch: int, step: int = 0) -> None:
        """Begin the next pass with this epoch, at this step of it."""
        epoch = whole_number("epoch", epoch, 0, EPOCHS)
        self._next = self._at = (epoch, whole_number("step", step, 0, self.steps))

    def state_dict(self) -> dict[str, Any]:
        """Epoch and step of the next batch; `load_state_dict` continues there."""
        epoch, step = self._at
        return {"epoch": epoch, "step": step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue at the epoch and step of a `state_dict()`."""
        self.set_epoch(state["epoch"], state["step"])


class Shuffled(Sampler[int]):
    """Each item of a dataset once, in random order, which is a pure function of seed and epoch.

    For a `Sequences` that reads from shards, a few shards are taken at a time, in random order, and their items are
    mixed, so that each shard is read once; with `globally` all items are mixed, which may be slow to read.
    """

    def __init__(self, dataset: Sized, seed: int = 0, globally: bool = False) -> None:
        self.dataset, self.seed, self.globally = dataset, whole_number("seed", seed, 0), globally
        self._epoch = 0

    def __len__(self) -> int:
        return len(self.dataset)

    def __iter__(self) -> Iterator[int]:
        moment, self._epoch = Moment(self.seed, self._epoch), self._epoch + 1
        blocks, mixed = self.dataset.blocks() if isinstance(self.dataset, Sequences) and not self.globally else ([], 0)
        if not blocks:
            yield from moment.choose("order", 0, len(self), len(self)).tolist()
            return
        order = moment.choose("shards", 0, len(blocks), len(blocks)).tolist()
        for k in range(0, len(order), mixed):
            items = np.concatenate([np.arange(*blocks[i]) for i in order[k : k + mixed]])
            yield from items[moment.choose("order", k, len(items), len(items))].tolist()

    def set_epoch(self, epoch: int) -> None:
        """Begin the next pass with this epoch; Lightning calls this automatically."""
        self._epoch = whole_number("epoch", epoch, 0, EPOCHS)
