"""Batches that are made at once, where PyTorch expects a list of items to put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils.data import default_collate
from torch.utils.data._utils.collate import default_collate_fn_map


class Item(dict[str, torch.Tensor]):
    """A sequence by the names of its arrays."""


class Row(tuple[torch.Tensor, ...]):
    """A sequence as a tuple, in the order of `fields`."""

    __slots__ = ()


class StreamBatch(dict[str, torch.Tensor]):
    """A batch of a stream, of which PyTorch is to make no batch."""


class Batch(Sequence[Item | Row]):
    """The result of `__getitems__`: a list of items to whoever looks into it, and to PyTorch a batch."""

    def __init__(self, arrays: Mapping[str, torch.Tensor], fields: tuple[str, ...] | None) -> None:
        self.arrays, self.fields = arrays, fields

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))

    def __getitem__(self, i: Any) -> Any:
        """Item i, whose arrays are views of the batch; of a slice the list of its items."""
        if isinstance(i, slice):
            return [self[k] for k in range(*i.indices(len(self)))]
        row = {name: array[i] for name, array in self.arrays.items()}
        return Item(row) if self.fields is None else Row(row[name] for name in self.fields)

    def collated(self) -> dict[str, torch.Tensor] | tuple[torch.Tensor, ...]:
        """All items in one: a dict of arrays [B …], or a tuple of them."""
        if self.fields is None:
            return dict(self.arrays)
        return tuple(self.arrays[name] for name in self.fields)


def collate(items: Sequence[Any], **_: Any) -> Any:
    """A batch as it is; anything else, items that a wrapper fetched one by one, stacked."""
    if isinstance(items, Batch):
        return items.collated()
    if isinstance(items[0], Row):
        return tuple(default_collate(list(column)) for column in zip(*items, strict=True))
    return {name: default_collate([item[name] for item in items]) for name in items[0]}


def refuse(items: Sequence[Any], **_: Any) -> Any:
    """A stream's batches are not items."""
    raise ValueError(
        f"a Stream gives whole batches, and not items to make {len(items)} to a batch: use batch_size=None"
    )


default_collate_fn_map[StreamBatch] = refuse
default_collate_fn_map.update({Item: collate, Row: collate})  # the way that PyTorch has for types of one's own
