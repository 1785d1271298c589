"""Endless sequences, made while the model trains, without files. The only loader that needs JAX."""

from __future__ import annotations

import dataclasses
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from math import prod
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info

from slvm_data.arrays import pictures
from slvm_data.core.arguments import check_known, checked, names_of_fields, whole_number
from slvm_data.core.compiled import kept
from slvm_data.core.devices import backend
from slvm_data.core.types import Arrays
from slvm_data.load.batch import StreamBatch
from slvm_data.load.buffers import BufferPool
from slvm_data.load.column import SHADE
from slvm_data.load.device import known_device
from slvm_data.load.layout import MASK, Layout, in_memory, layouts_of, put
from slvm_data.load.map_dataset import INDEX
from slvm_data.load.missing import check_missing, filled
from slvm_data.load.ranks import check, here
from slvm_data.recipe.recipe import Recipe
from slvm_data.simulation import sequences
from slvm_data.simulation.batch import LEAST, frame_buffer, make, prepare, programs
from slvm_data.store.manifest import forms_of

ROWS = 256  # sequences of a task made at a time
AHEAD = 2  # groups of batches made while others are used
_IMPORTED_BY = os.getpid()  # another process that has this module was forked


class Stream(IterableDataset[dict[str, torch.Tensor]]):
    """Endless batches of a recipe, made while they are used: dicts like those of `Sequences`, with arrays [B …].

    Element i of the stream (its `index`) is sequence i // K of the split's task i % K, for K tasks, of an endless split
    (`split`: train). It has the same random keys as the files, so the stream begins with the sequences of the file.
    Workers and ranks take turns, batch by batch. A pass continues where the last one stopped; `state_dict` says where
    that is.

    It yields whole batches: use it as it is, or in a DataLoader with batch_size=None. The simulation runs in a thread
    of its own, so workers gain little; if you use them, JAX needs multiprocessing_context="spawn". Each worker counts
    its own batches: take one endless pass there, since the next pass begins from the start or, with persistent
    workers, after the batches that were made in advance.

    Arguments:
        recipe: the recipe; if it has windows, each split needs trajectories of its own, since a shared one ends.
        batch: number of sequences in a batch.
        device: device of the batches, such as "cuda"; if JAX computes there too, frames are not copied to it. If None,
            the CPU.
        seed: random seed of all draws; if None, the recipe's own, which is 0 in the datasets of this package.
        fields: names of arrays; all if None. Batches are dicts in both cases.
        split: the split: "train", or any other.
        rank: number of this process; if None, that of `torch.distributed` if it is initialised.
        ranks: number of processes that take turns; if None, likewise.
        missing: as for `Sequences`.

    """

    @checked
    def __init__(
        self,
        recipe: Recipe,
        batch: int = 64,
        device: torch.device | str | None = None,
        seed: int | None = None,
        *,
        fields: Iterable[str] | None = None,
        split: str = "train",
        rank: int | None = None,
        ranks: int | None = None,
        missing: str = "keep",
    ) -> None:
        recipe.count(split)  # raises an error for an unknown one
        labels = recipe.tasks_of(split)
        batch = whole_number("batch", batch, len(labels), unit="sequences, one of each task")
        check(rank, ranks)
        known_device("cpu" if device is None else device)
        if recipe.original:
            raise ValueError("a recipe with original=True cannot be streamed: generate its files")
        if recipe.windows and not recipe.windows.separate:
            raise ValueError(
                f"{recipe.name} cuts windows from one trajectory, which ends: take separate ones, "
                "dataclasses.replace(recipe, windows=dataclasses.replace(recipe.windows, separate=True))"
            )
        self.recipe, self.split = recipe if seed is None else dataclasses.replace(recipe, seed=seed), split
        self.batch, self.device = batch, device
        self.fields, self._ranks = names_of_fields(fields), (rank, ranks)
        check_missing(missing, {name for one in recipe.of_split(split).observe for name in one.recorded}, recipe.name)
        self.missing = missing
        self._done = 0  # batches that this process, or this worker of it, has handed out

    def state_dict(self) -> dict[str, int]:
        """Number of batches done, from which `load_state_dict` continues."""
        return {"batches": self._done}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Continue from a `state_dict()`, with the same batch size and numbers of workers and ranks."""
        self._done = whole_number("batches", state["batches"], 0)

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        turn, turns = self._turn()
        source = _Source(self.recipe, self.split, self.batch, on_device=self.device is not None and on_accelerator())
        pool, waiting, asked = ThreadPoolExecutor(1), deque[Future[_Group]](), self._done
        buffers = BufferPool()  # of this pass, so that a stream that is left keeps none
        with kept(programs(self.recipe)):
            try:
                while True:
                    while len(waiting) < AHEAD:
                        numbers = np.arange(asked, asked + source.batches) * turns + turn
                        waiting.append(pool.submit(source.make, numbers))
                        asked += source.batches
                    for batch in source.cut(waiting.popleft().result(), buffers, self.fields, self.missing):
                        self._done += 1
                        yield self._on_device(batch)
            finally:
                pool.shutdown(cancel_futures=True)

    def _on_device(self, batch: StreamBatch) -> StreamBatch:
        if self.device is None:
            return batch
        return StreamBatch({name: array.to(self.device) for name, array in batch.items()})

    def _turn(self) -> tuple[int, int]:
        """First batch of this process or worker, and the step from each of its batches to the next."""
        worker, (rank, ranks) = get_worker_info(), here(*self._ranks)
        if not worker:
            return rank, ranks
        if os.getpid() != _IMPORTED_BY:
            raise RuntimeError("JAX cannot run in a forked worker: give the DataLoader multiprocessing_context='spawn'")
        return worker.id * ranks + rank, worker.num_workers * ranks


class _Group(NamedTuple):
    """Batches that are made together."""

    numbers: np.ndarray  # numbers of the batches, in the whole stream
    made: list[Arrays]  # for each task, the sequences of all batches


class _Source:
    """Makes groups of batches, since large groups are made faster, and cuts batches from them."""

    def __init__(self, recipe: Recipe, split: str, batch: int, on_device: bool) -> None:
        self.on_device, self.split, self.labels = on_device, split, recipe.tasks_of(split)
        self.recipe, self.batch, self.tasks = recipe.of_split(split), batch, len(self.labels)
        self.inputs = [prepare(recipe, label, split) for label in self.labels]
        rows = len(recipe.windows.starts(split, recipe.steps)) if recipe.windows else ROWS
        self.batches = max(1, rows * self.tasks // batch)
        self.size = max(LEAST, self.batches * -(-batch // self.tasks))
        self.turn = 0

    @cached_property
    def buffers(self) -> list[list[np.ndarray]]:
        """Memory for the frames of the groups made in advance, and of the one in use."""
        return [[frame_buffer(self.recipe, self.size) for _ in range(self.tasks)] for _ in range(AHEAD + 1)]

    def make(self, numbers: np.ndarray) -> _Group:
        """Make the batches with these numbers."""
        elements = (numbers[:, None] * self.batch + np.arange(self.batch)).ravel()
        self.turn = (self.turn + 1) % (AHEAD + 1)
        rows = [elements[elements % self.tasks == task] // self.tasks for task in range(self.tasks)]
        return _Group(numbers, [self._rows(task, index) for task, index in enumerate(rows)])

    def _rows(self, task: int, index: np.ndarray) -> Arrays:
        label = self.labels[task]
        if self.recipe.windows:
            return sequences.collect(self.recipe, label, self.split, index)
        buffer = np.empty((self.size, 0)) if self.on_device else self.buffers[self.turn][task]
        return make(self.recipe, label, self.split, self.inputs[task], index, buffer, on_device=self.on_device).arrays

    def cut(
        self, group: _Group, pool: BufferPool, fields: tuple[str, ...] | None, missing: str
    ) -> Iterator[StreamBatch]:
        """Yield the batches of a group, one after the other."""
        layouts = layouts_of(list(map(forms_of, group.made)))
        check_known(fields, (INDEX, *layouts), self.recipe.name)
        done = [0] * self.tasks
        for number in group.numbers:
            first = int(number) * self.batch
            places = []  # for each task: its sequences in the group, and their places in the batch
            for task in range(self.tasks):
                at = range((task - first) % self.tasks, self.batch, self.tasks)
                places.append((slice(done[task], done[task] + len(at)), slice(at.start, None, self.tasks)))
                done[task] += len(at)
            batch = {INDEX: torch.from_numpy(np.arange(first, first + self.batch))}
            batch |= {name: self._array(layout, group.made, places, pool) for name, layout in layouts.items()}
            filled(batch, missing)
            yield StreamBatch(batch if fields is None else {name: batch[name] for name in fields})
        if self.on_device and torch.cuda.is_available():
            torch.cuda.synchronize()  # JAX frees its memory now, and torch may still be copying from it

    def _array(
        self, layout: Layout, made: list[Arrays], places: list[tuple[slice, slice]], pool: BufferPool
    ) -> torch.Tensor:
        """One array of a batch, from the sequences of each task."""
        name = layout.name
        if pictures(name):
            return self._frames(layout, made, places, pool)
        target = layout.empty(self.batch)
        for arrays, (rows, at) in zip(made, places, strict=True):
            if name == MASK:
                target[at] = np.arange(layout.shape[0]) < arrays["state"].shape[-1]
            elif name in arrays:
                put(target[at], arrays[name][rows])
        return torch.from_numpy(target)

    def _frames(
        self, layout: Layout, made: list[Arrays], places: list[tuple[slice, slice]], pool: BufferPool
    ) -> torch.Tensor:
        held = in_memory(layout, binary=False)
        shape = (self.batch, *held.shape[:-1], *held.frame)
        found = [torch.from_dlpack(arrays[layout.name]) for arrays in made]  # the buffers themselves, or JAX's memory
        device = found[0].device
        out = pool.take(prod(shape)).view(shape) if device.type == "cpu" else torch.empty(shape, device=device)
        for frames, (rows, at) in zip(found, places, strict=True):
            out[at].copy_(frames[rows].view(-1, *shape[1:]))
        return out if self.recipe.binary() else out.mul_(SHADE)


def on_accelerator() -> bool:
    """Whether JAX computes on another device than the CPU."""
    return backend() != "cpu"
