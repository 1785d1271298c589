"""Memory for batches, used again: the first touch of fresh memory costs more than everything that is written to it."""

from __future__ import annotations

import weakref

import numpy as np
import torch

KEPT = 4  # pieces that wait for their next use
WASTE = 2  # how many times too large a piece may be


class Room:
    """Hands out memory, and takes it back when nobody holds a tensor, or a view of one, that lies in it.

    Whoever lets go of the last view may do so in another thread: each step on the pieces is one that Python does not
    interrupt. There is no lock, since garbage is also collected in the middle of a step that holds it.
    """

    def __init__(self) -> None:
        self._free: dict[int, np.ndarray] = {}

    def __reduce__(self) -> tuple[type[Room], tuple[()]]:
        return Room, ()  # a copy in another process has memory of its own

    def take(self, count: int) -> torch.Tensor:
        """A float32 tensor [count], whose numbers are whatever lay there before."""
        piece = self._waiting(count)
        piece = np.empty(count, np.float32) if piece is None else piece
        lent = piece[:count]  # the tensor holds it, and whoever holds the tensor
        weakref.finalize(lent, self._back, piece).atexit = False
        return torch.from_numpy(lent)

    def _waiting(self, count: int) -> np.ndarray | None:
        """A piece that waits and fits, if there is one."""
        for key, piece in list(self._free.items()):
            if count <= len(piece) <= WASTE * count and self._free.pop(key, None) is not None:
                return piece
        return None

    def _back(self, piece: np.ndarray) -> None:
        self._free[id(piece)] = piece
        for key in list(self._free)[:-KEPT]:
            self._free.pop(key, None)
