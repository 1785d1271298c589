"""What every map-style dataset has in common: items by number, whole batches at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset

from slvm_data.load.batch import Batch, Item, Row
from slvm_data.load.held import Held, hold, open_manifest
from slvm_data.load.room import Room

INDEX = "index"


class Table(Dataset[Item | Row]):
    """Sequences in memory. A subclass says which arrays an item has."""

    made = (INDEX,)  # fields that stand in no file
    of_windows = False  # whether it reads windows, or whole films

    def __init__(
        self,
        root: Path | str,
        split: str,
        tasks: Sequence[int] | None,
        fields: Iterable[str] | None,
        fraction: float = 1.0,
    ) -> None:
        self.root, self.split = Path(root), split
        if isinstance(fields, str):
            raise ValueError(f"fields = {fields!r} has to be a list of names, such as ({fields!r},)")
        self.fields = None if fields is None else tuple(fields)
        if self.fields == ():
            raise ValueError("fields is empty: name at least one array")
        self._room = Room()
        content = open_manifest(self.root)
        if (windows := bool(content["recipe"].get("windows"))) != self.of_windows:
            kind, loader = ("windows with context", "Windows") if windows else ("whole films", "Sequences")
            raise ValueError(f"{self.root} holds {kind}: open it with slvm_data.load.{loader}")
        self._held: Held = hold(self.root, content, split, tasks, self._to_read(), fraction)

    def _to_read(self) -> Iterable[str] | None:
        """The arrays that the fields need; None for all."""
        return None if self.fields is None else [name for name in self.fields if name not in self.made]

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def _arrays(self, indices: Sequence[Any]) -> dict[str, torch.Tensor]:
        """The arrays [B …] of these items."""

    def __getitem__(self, index: Any) -> Item | Row:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[Any]) -> Batch:
        """A whole batch, which PyTorch's DataLoader asks for where a dataset can give one."""
        return Batch(self._arrays(indices), self.fields)

    def _numbers(self, indices: Sequence[Any]) -> torch.Tensor:
        """Item numbers [B], negative ones counted from the end; raises IndexError beyond the last."""
        numbers = torch.as_tensor(indices, dtype=torch.int64)
        numbers = torch.where(numbers < 0, numbers + len(self), numbers)
        if len(numbers) and not (int(numbers.min()) >= 0 and int(numbers.max()) < len(self)):
            raise IndexError(f"index {max(indices, key=abs)} of {len(self)} items in {self.split} of {self.root}")
        return numbers

    def _wants(self, name: str) -> bool:
        return self.fields is None or name in self.fields
