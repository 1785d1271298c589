"""Batches that are made as a whole, although PyTorch expects a list of items to collate."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
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


class Batch(list[Any]):
    """The result of `__getitems__`: a list of items, which `collate` turns into a batch at once.

    Its items are made only if a `collate_fn` of the user's needs them: whatever a list can do makes them first. But
    PyTorch looks at the first one to see what it is, so that one is made alone.
    """

    _complete = True  # whether the list holds its items, as a copy of a batch does
    _first: tuple[Any, list[torch.Tensor]] | None = None  # the first item, and its arrays when it was made

    def __init__(self, arrays: Mapping[str, torch.Tensor], fields: tuple[str, ...] | None) -> None:
        super().__init__()
        self.arrays, self.fields, self._complete = arrays, fields, False

    def __len__(self) -> int:
        return super().__len__() if self._complete else len(next(iter(self.arrays.values())))

    def __getitem__(self, i: Any) -> Any:
        """Return item i, whose arrays are views of the batch; for a slice, a list of items."""
        if i == 0 and not self._complete and len(self):
            return self._item(0)
        self.complete()
        return super().__getitem__(i)

    def __radd__(self, other: list[Any]) -> list[Any]:
        """Return a list and these items; a list itself would look into this one before its items are made."""
        return [*other, *self]

    def _item(self, i: int) -> Item | Row:
        if i == 0 and self._first:
            return self._first[0]
        row = {name: array[i] for name, array in self.arrays.items()}
        item = Item(row) if self.fields is None else Row(row[name] for name in self.fields)
        if i == 0:
            self._first = item, list(row.values())
        return item

    def complete(self) -> None:
        """Make the items, which count from then on instead of the arrays."""
        if not self._complete:
            items = [self._item(i) for i in range(len(self))]
            self._complete = True
            super().extend(items)

    def untouched(self) -> bool:
        """Whether the items are still those of the arrays, as nobody has changed the only one that was made."""
        if self._complete or self._first is None or isinstance(self._first[0], Row):
            return not self._complete
        now, before = list(self._first[0].values()), self._first[1]
        return len(now) == len(before) and all(map(operator.is_, now, before))

    def collated(self) -> dict[str, torch.Tensor] | tuple[torch.Tensor, ...]:
        """Return the whole batch: a dict of arrays [B …], or a tuple of them if `fields` were given."""
        if self.fields is None:
            return dict(self.arrays)
        return tuple(self.arrays[name] for name in self.fields)


def _completed(name: str) -> Callable[..., Any]:
    """A method of list that makes the items first."""
    method = getattr(list, name)

    @wraps(method)
    def completed(self: Batch, *arguments: Any, **options: Any) -> Any:
        self.complete()
        return method(self, *arguments, **options)

    return completed


_OWN = {"__new__", "__init__", "__getattribute__", "__class_getitem__", "__len__", "__getitem__", "__sizeof__"}
for _name in [name for name, method in vars(list).items() if callable(method) and name not in _OWN]:
    setattr(Batch, _name, _completed(_name))


def collate(items: Sequence[Any], **_: Any) -> Any:
    """Return a `Batch` as one batch; stack items that a wrapper fetched one by one."""
    if isinstance(items, Batch) and items.untouched():
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
