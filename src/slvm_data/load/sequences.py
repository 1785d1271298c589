"""Sequences for standard training: an item is a sequence, or a part of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from slvm_data.core.arguments import checked, whole_number
from slvm_data.load.map_dataset import INDEX, MapDataset


class Sequences(MapDataset):
    """The sequences of a split of a dataset, of all its tasks or some: a map-style dataset for PyTorch's DataLoader.

    An item is a dict: `index` (its number in this dataset), `image` float32 [T C H W], and all other arrays as in the
    file: `state` [T D], `label` [1], `time` [T], `param_…`, and recorded arrays. If tasks differ in the width of a
    state, it is padded with zeros, and `state_mask` [D] tells the numbers from the padding. In other arrays that differ
    between tasks, missing numbers are NaN, or -1 for integers.

    Arguments:
        root: the dataset's folder, with `dataset.json`; or its URL, if it is in Zarr (`s3://…`, `gs://…`, `https://…`);
            or, where no folder of this name stands, the name of a dataset, which is then made in the cache when it is
            first used: see `cache.cached`.
        split: "train", "val", "test", or the name of another split of the dataset.
        tasks: labels of the tasks to take; all if None.
        fields: names of arrays; items are then tuples in this order, and nothing else is read.
        window: number of frames of an item; the whole sequence if None. Item i is window i % n of sequence i // n, if
            a sequence has n windows.
        stride: number of frames from the start of one window to the next.
        fraction: share of the sequences of each task to take, from the first one on; 0.1 is contained in 0.2, and is
            the same as a dataset of a tenth of the size.
        missing: "keep" leaves frames that are missing (where `mask` is false) as they are in the file, "zero" makes
            them zeros, "nan" makes them NaN; signals likewise.
        cache: size of the shards that were read and stay in memory, in each process [MB]; 268 if None.

    Frames are floats from 0 to 1. Binary ones stay bit-packed in memory, 8 pixels per byte, others stay bytes; they
    become floats in the batch. If the dataset is in shards (`--format zarr`), an item is read when it is asked for;
    `Shuffled` gives a suitable order, and `to_memory` reads everything at once.

    Raises ValueError for what the dataset does not have, `core.errors.DamageError` for a file that is missing or
    altered.

    """

    lazily = True

    @checked
    def __init__(
        self,
        root: Path | str,
        split: str = "train",
        *,
        tasks: Sequence[int] | None = None,
        fields: Iterable[str] | None = None,
        window: int | None = None,
        stride: int = 1,
        fraction: float = 1.0,
        missing: str = "keep",
        cache: int | None = None,
    ) -> None:
        self.cache = None if cache is None else whole_number("cache", cache, 1, unit="MB")
        if window is None and stride != 1:
            raise ValueError(f"stride = {stride} is between windows: give window too")
        super().__init__(root, split, tasks=tasks, fields=fields, fraction=fraction, missing=missing)
        steps = self._columns.frames
        length = steps if window is None else whole_number("window", window, 1, steps, "frames")
        first = np.arange(0, steps - length + 1, whole_number("stride", stride, 1, unit="frames"))
        self._starts = torch.from_numpy(first)
        self._window = None if window is None else torch.from_numpy(np.arange(length))

    def __len__(self) -> int:
        return len(self._columns) * len(self._starts)

    def to_memory(self) -> Sequences:
        """Read the whole split from its shards and check every byte; frames stay packed. Returns the dataset itself."""
        self._columns = self._in_memory()
        return self

    def blocks(self) -> tuple[list[tuple[int, int]], int]:
        """First item, and the one after the last, of each shard, and the number of shards to mix; none if in memory."""
        shards, per = self._columns.shards, len(self._starts)
        return ([(per * a, per * b) for a, b in shards.ranges()], shards.mixed()) if shards else ([], 0)

    def _arrays(self, indices: Sequence[Any]) -> dict[str, torch.Tensor]:
        numbers = self._numbers(indices)
        rows, frames = numbers, None
        if self._window is not None:
            rows, frames = numbers // len(self._starts), self._starts[numbers % len(self._starts), None] + self._window
        found = {INDEX: numbers} if self._wants(INDEX) else {}
        return found | self._columns.take(rows, self._pool, frames)
