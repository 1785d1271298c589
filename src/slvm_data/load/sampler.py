"""Episodes in the main process: which query, which context, in every batch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from torch.utils.data import Sampler

from slvm_data.load.draws import STEPS, Moment
from slvm_data.load.episodes import Episodes, keys
from slvm_data.load.ranks import here

PER = ("batch", "epoch")


class EpisodeSampler(Sampler[list[tuple[int, ...]]]):
    """The batches of an `Episodes`, for the `batch_sampler` of a DataLoader; each draws context and queries anew.

    It yields index tuples (episode, query, context, …), so that workers hold no random state. What it yields is a
    pure function of the dataset's seed, epoch and step: the same for any number of workers, another in every epoch.

    Arguments:
        dataset: the `Episodes`.
        batch_size: queries in a batch, over all ranks; the whole episode if None.
        per: "batch" draws a new episode for each batch; "epoch" one for the epoch, each of whose queries comes once.
        steps: batches in an epoch, with per="batch"; as many as there are sequences for if None.
        fixed: the same episodes in every epoch, for evaluation.
        rank, ranks: this process among those that share out each batch; of `torch.distributed` if None, when it runs.

    To go on where a run was cut off, `set_epoch(epoch, step)` before the first batch; or keep `state_dict()`, which
    torchdata's StatefulDataLoader does by itself (with a plain DataLoader and workers, it counts what was asked for
    ahead too: count your own batches there).

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
        if per not in PER:
            raise ValueError(f"per = {per!r} is unknown; there are {', '.join(PER)}")
        if per == "epoch" and (steps is not None or dataset.ways):
            raise ValueError("per='epoch' takes every query once, of all groups: leave steps and ways out")
        self.dataset, self.per, self.fixed = dataset, per, fixed
        self.rank, self.ranks = here(rank, ranks)
        self.batch_size = batch_size
        self.steps = self._count() if steps is None else steps
        self._check()
        self._next = (0, 0)  # epoch and step at which the next pass begins
        self._at = (0, 0)  # and those of the batch that comes next

    def _count(self) -> int:
        """Batches that an epoch has if nobody says how many."""
        whole = self.dataset.least()
        queries = whole if self.per == "epoch" else self.dataset.sequences
        return math.ceil(queries / max(1, self.batch_size or whole))

    def _check(self) -> None:
        least = self.dataset.least()
        size = least if self.batch_size is None else self.batch_size
        if not self.ranks <= size <= least:
            raise ValueError(f"batch_size = {size} has to lie between {self.ranks} (ranks) and {least} (queries)")
        if not 0 < self.steps < STEPS:
            raise ValueError(f"steps = {self.steps} has to be at least 1")

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
        """Index tuples of one step, those of this rank; whatever came before."""
        moment = Moment(self.dataset.seed, 0 if self.fixed else epoch, step if self.per == "batch" else 0)
        split = self.dataset.draw(moment)
        count = len(split.queries)
        if self.per == "epoch":
            size = self.batch_size or count
            chosen = moment.choose("queries", 0, count, count)[step * size : (step + 1) * size]
        else:
            chosen = moment.choose("queries", 0, self.batch_size, count) if self.batch_size else np.arange(count)
        return list(map(tuple, keys(moment.number, split, chosen[self.rank :: self.ranks]).tolist()))

    def set_epoch(self, epoch: int, step: int = 0) -> None:
        """Begin the next pass with this epoch, at this step of it."""
        self._next = self._at = (epoch, step)

    def state_dict(self) -> dict[str, Any]:
        """Where the next batch is; `load_state_dict` goes on from there."""
        epoch, step = self._at
        return {"epoch": epoch, "step": step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.set_epoch(state["epoch"], state["step"])
