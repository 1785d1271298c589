"""Batches that are whole from the start, where PyTorch expects a list of items to put together."""

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


class Batch(Sequence[Item | Row]):
    """What `__getitems__` returns: a list of items to whoever looks into it, and to PyTorch a batch."""

    def __init__(self, arrays: Mapping[str, torch.Tensor], fields: tuple[str, ...] | None) -> None:
        self.arrays, self.fields = arrays, fields

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))

    def __getitem__(self, i: Any) -> Any:
        """Item i, whose arrays are views of the batch."""
        row = {name: array[i] for name, array in self.arrays.items()}
        return Item(row) if self.fields is None else Row(row[name] for name in self.fields)

    def whole(self) -> dict[str, torch.Tensor] | tuple[torch.Tensor, ...]:
        """All items in one: a dict of arrays [B …], or a tuple of them."""
        if self.fields is None:
            return dict(self.arrays)
        return tuple(self.arrays[name] for name in self.fields)


def collate(items: Sequence[Any], **_: Any) -> Any:
    """A batch as it is; anything else, items that a wrapper fetched one by one, stacked."""
    if isinstance(items, Batch):
        return items.whole()
    if isinstance(items[0], Row):
        return tuple(default_collate(list(column)) for column in zip(*items, strict=True))
    return {name: default_collate([item[name] for item in items]) for name in items[0]}


default_collate_fn_map.update({Item: collate, Row: collate})  # the way that PyTorch has for types of one's own
