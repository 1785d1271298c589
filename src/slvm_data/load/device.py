"""Batches on a GPU: copied there while the one before is used, where a dataset does not fit in its memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch

from slvm_data.core.arguments import checked, refused


class Ahead:
    """The batches of a loader on a device: each is copied there while the one before is used.

    For a dataset that does not fit in the memory of a GPU; one that fits is faster with `dataset.to("cuda")`. A batch
    is a dict or a tuple of tensors. On the processor, batches are given as they are.

    Arguments:
        loader: what gives batches, such as a DataLoader or a `Stream`.
        device: a device of PyTorch, such as "cuda".

    Raises ValueError for what is no device.

    """

    @checked
    def __init__(self, loader: Iterable[Any], device: torch.device | str = "cuda") -> None:
        self.loader, self.device = loader, known_device(device)

    def __len__(self) -> int:
        return len(self.loader)  # pyright: ignore[reportArgumentType]

    def __iter__(self) -> Iterator[Any]:
        return self._copied() if self.device.type == "cuda" else (_moved(one, self.device) for one in self.loader)

    def _copied(self) -> Iterator[Any]:
        copying, waiting = torch.cuda.Stream(self.device), None
        for batch in self.loader:
            with torch.cuda.stream(copying):
                coming = _moved(_pinned(batch), self.device)
            if waiting is not None:
                yield _ready(waiting, copying)
            waiting = coming
        if waiting is not None:
            yield _ready(waiting, copying)


def known_device(device: torch.device | str) -> torch.device:
    """The device of PyTorch that is meant; raises ValueError if there is no such kind."""
    try:
        return torch.device(device)
    except (RuntimeError, TypeError, ValueError):
        raise refused("device", device, "a device of PyTorch, such as 'cpu' or 'cuda:0'") from None


def _each(batch: Any, change: Any) -> Any:
    """A batch of the same kind, with every tensor changed."""
    if isinstance(batch, dict):
        return {name: change(array) for name, array in batch.items()}
    return tuple(map(change, batch))


def _moved(batch: Any, device: torch.device) -> Any:
    return _each(batch, lambda array: array.to(device, non_blocking=True))


def _pinned(batch: Any) -> Any:
    """In memory that stays in its place, from where a GPU copies by itself."""
    return _each(batch, lambda array: array.pin_memory())


def _ready(batch: Any, copying: torch.cuda.Stream) -> Any:
    """A batch that has arrived, and whose memory is not used anew before the present work with it is done."""
    now = torch.cuda.current_stream(copying.device)
    now.wait_stream(copying)
    _each(batch, lambda array: array.record_stream(now))
    return batch
