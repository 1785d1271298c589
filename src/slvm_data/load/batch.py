"""Batches that are made as a whole, although PyTorch expects a list of items to collate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils.data import default_collate
from torch.utils.data._utils.collate import default_collate_fn_map


class Item(dict[str, torch.Tensor]):
    """A sequence as a dict of its arrays by name."""


class Row(tuple[torch.Tensor, ...]):
    """A sequence as a tuple, in the order of `fields`."""

    __slots__ = ()


class StreamBatch(dict[str, torch.Tensor]):
    """A batch of a stream, which PyTorch must not collate into a larger batch."""


class Batch(Sequence[Item | Row]):
    """The result of `__getitems__`: a sequence of items, which `collate` turns into a batch at once."""

    def __init__(self, arrays: Mapping[str, torch.Tensor], fields: tuple[str, ...] | None) -> None:
        self.arrays, self.fields = arrays, fields

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))

    def __getitem__(self, i: Any) -> Any:
        """Return item i, whose arrays are views of the batch; for a slice, a list of items."""
        if isinstance(i, slice):
            return [self[k] for k in range(*i.indices(len(self)))]
        row = {name: array[i] for name, array in self.arrays.items()}
        return Item(row) if self.fields is None else Row(row[name] for name in self.fields)

    def collated(self) -> dict[str, torch.Tensor] | tuple[torch.Tensor, ...]:
        """Return the whole batch: a dict of arrays [B …], or a tuple of them if `fields` were given."""
        if self.fields is None:
            return dict(self.arrays)
        return tuple(self.arrays[name] for name in self.fields)


def collate(items: Sequence[Any], **_: Any) -> Any:
    """Return a `Batch` as one batch; stack items that a wrapper fetched one by one."""
    if isinstance(items, Batch):
        return items.collated()
    if isinstance(items[0], Row):
        return tuple(default_collate(list(column)) for column in zip(*items, strict=True))
    return {name: default_collate([item[name] for item in items]) for name in items[0]}


def refuse(items: Sequence[Any], **_: Any) -> Any:
    """Raise ValueError: the batches of a stream are not items."""
    raise ValueError(
        f"a Stream gives whole batches, so {len(items)} of them cannot be put in a batch: use batch_size=None"
    )


default_collate_fn_map[StreamBatch] = refuse
default_collate_fn_map.update({Item: collate, Row: collate})  # how PyTorch is told about new types
