"""Memory for batches, used again: the first touch of fresh memory costs more than everything that is written to it."""

from __future__ import annotations

import weakref

import numpy as np
import torch

KEPT = 4  # pieces that wait for their next use
WASTE = 2  # how many times too large a piece may be


class Room:
    """Hands out memory, and takes it back when nobody holds a tensor, or a view of one, that lies in it."""

    def __init__(self) -> None:
        self._free: list[np.ndarray] = []

    def __reduce__(self) -> tuple[type[Room], tuple[()]]:
        return Room, ()  # a copy in another process has memory of its own

    def take(self, count: int) -> torch.Tensor:
        """A float32 tensor [count], whose numbers are whatever lay there before."""
        fits = [i for i, piece in enumerate(self._free) if count <= len(piece) <= WASTE * count]
        piece = self._free.pop(fits[0]) if fits else np.empty(count, np.float32)
        lent = piece[:count]  # the tensor holds it, and whoever holds the tensor
        weakref.finalize(lent, self._back, piece).atexit = False
        return torch.from_numpy(lent)

    def _back(self, piece: np.ndarray) -> None:
        self._free.append(piece)
        del self._free[:-KEPT]
