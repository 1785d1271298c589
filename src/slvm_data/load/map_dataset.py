"""The common part of all map-style datasets: items by number, and whole batches."""

from __future__ import annotations

import operator
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch.utils.data import Dataset, get_worker_info

from slvm_data.core.arguments import check_known, checked, names_of_fields
from slvm_data.load.batch import Batch, Item, Row
from slvm_data.load.buffers import BufferPool
from slvm_data.load.columns import Columns, layouts_in, load_columns, open_manifest
from slvm_data.load.device import known_device
from slvm_data.load.missing import MASKS, check_missing, filled
from slvm_data.load.root import found

INDEX = "index"


class MapDataset(Dataset[Item | Row]):
    """A split of a dataset. A subclass says which arrays an item has, and what its arguments mean."""

    of_windows = False  # whether it reads windows; if not, whole trajectories
    lazily = False  # whether rows in shards are read when they are asked for
    cache: int | None = None  # of these, what stays in memory [MB]

    @checked
    def __init__(
        self,
        root: Path | str,
        split: str = "train",
        *,
        tasks: Sequence[int] | None = None,
        fields: Iterable[str] | None = None,
        fraction: float = 1.0,
        missing: str = "keep",
    ) -> None:
        self.root, self.split, self.fields = found(root), split, names_of_fields(fields)
        self.missing = missing
        content = open_manifest(self.root)
        if (windows := content.recipe.windows is not None) != self.of_windows:
            kind, loader = ("windows with context", "Windows") if windows else ("whole trajectories", "Sequences")
            raise ValueError(f"{self.root} holds {kind}: open it with slvm_data.load.{loader}")
        layouts = layouts_in(self.root, content, split)
        check_known(self.fields, self._known(list(layouts)), self.root)
        check_missing(missing, layouts, self.root)
        self._pool = BufferPool()
        self._asked = tasks, {name: layouts[name] for name in self._read(list(layouts))}, fraction
        self._columns: Columns = load_columns(self.root, content, split, *self._asked, self.lazily, self.cache)

    def _known(self, stored: list[str]) -> list[str]:
        """Names allowed in `fields`: those of stored arrays, and others."""
        return [INDEX, *stored]

    def _read(self, stored: list[str]) -> list[str]:
        """The stored arrays that the fields need."""
        return [name for name in stored if self._wants(name)]

    device = torch.device("cpu")
    """Where the arrays of this dataset lie, and its batches are made."""

    def to(self, device: torch.device | str) -> Self:
        """Keep all arrays in the memory of a device, such as "cuda", where batches are then made; frames stay packed.

        A dataset in shards is read whole. Returns the dataset itself; its items are the same, but lie there. Raises
        ValueError for what is no device, and MemoryError if it has too little memory.
        """
        place, size = known_device(device), self._columns.size
        if place.type == "cuda" and size > (free := torch.cuda.mem_get_info(place)[0]):
            raise MemoryError(
                f"{self.root} needs {size / 1e9:.3g} GB of {place}, which has {free / 1e9:.3g} GB free: ask for less "
                "with tasks, fields or fraction"
            )
        self._columns, self.device = self._in_memory().to(place), place
        return self

    @property
    def size(self) -> int:
        """Bytes of memory that the whole dataset takes, with binary frames packed."""
        return self._columns.size

    def _in_memory(self) -> Columns:
        """The columns, not in shards."""
        if not self._columns.shards:
            return self._columns
        return load_columns(self.root, open_manifest(self.root), self.split, *self._asked, lazily=False)

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def _arrays(self, indices: Sequence[Any]) -> dict[str, torch.Tensor]:
        """The arrays [B …] of these items."""

    def __getitem__(self, index: Any) -> Any:
        """Return an item; for a slice, a list or array of indices [B], or a mask [len(self)], a batch."""
        index = index.item() if getattr(index, "ndim", None) == 0 else index
        if isinstance(index, bool):
            raise IndexError(f"{index} is no number of an item: give a mask with one value per item")
        if isinstance(index, slice):
            index = list(range(*index.indices(len(self))))
        if isinstance(index, list | range) or getattr(
            index, "ndim", 0
        ):  # as a DataLoader with batch_size=None asks for
            return self._filled(self._listed(index)).collated()
        return self._filled([index])[0]

    def _listed(self, index: Any) -> list[Any]:
        """The numbers in a list, an array or a tensor, or where a mask is true; raises IndexError for other shapes."""
        given = index.tolist() if hasattr(index, "tolist") else list(index)
        masked = sum(isinstance(value, bool | np.bool_) for value in given)
        if masked and masked == len(given) == len(self):
            return [i for i, wanted in enumerate(given) if wanted]
        if masked or any(isinstance(value, list) for value in given):
            raise IndexError(
                f"this index fits none of {len(self)} items: give numbers of items [B], or a mask [{len(self)}] with a "
                "value for each"
            )
        return given

    def __getitems__(self, indices: Sequence[Any]) -> Sequence[Any]:
        """Return a batch; PyTorch's DataLoader calls this instead of `__getitem__` if it exists."""
        if type(self).__getitem__ is not MapDataset.__getitem__:  # a subclass does more to each item
            return [self[index] for index in indices]
        return self._filled(indices)

    def _filled(self, indices: Sequence[Any]) -> Batch:
        """The batch of these items, with missing frames as `missing` says."""
        arrays = self._arrays(indices) if self.device.type == "cpu" else self._arrays_there(indices)
        return Batch(filled(arrays, self.missing), self.fields)

    def _arrays_there(self, indices: Sequence[Any]) -> dict[str, torch.Tensor]:
        """The arrays [B …] of these items on the device, also their numbers."""
        if get_worker_info():
            raise RuntimeError(f"workers of a DataLoader cannot make batches on {self.device}: leave num_workers at 0")
        return {name: array.to(self.device) for name, array in self._arrays(indices).items()}

    def __repr__(self) -> str:
        fields = ", ".join(self.fields or self._known(list(self._columns.columns)))
        return f"{type(self).__name__}({str(self.root)!r}, {self.split!r}): {len(self)} items of {fields}"

    def _numbers(self, indices: Sequence[Any]) -> torch.Tensor:
        """Item numbers [B], negative ones counted from the end; raises IndexError for anything else."""
        try:
            numbers = torch.from_numpy(np.array([operator.index(i) for i in indices], np.int64))
        except (TypeError, OverflowError):
            raise IndexError(f"{list(indices)[:4]} are no numbers of items") from None
        numbers = torch.where(numbers < 0, numbers + len(self), numbers)
        if len(numbers) and not (int(numbers.min()) >= 0 and int(numbers.max()) < len(self)):
            raise IndexError(f"index {max(indices, key=abs)} of {len(self)} items in {self.split} of {self.root}")
        return numbers

    def _wants(self, name: str) -> bool:
        return self.fields is None or name in self.fields or (self.missing != "keep" and name in MASKS)
