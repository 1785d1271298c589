"""Memory for batches, used again: the first touch of fresh memory costs more than everything that is written to it."""

from __future__ import annotations

import weakref

import numpy as np
import torch

KEPT = 4  # buffers that wait for their next use
WASTE = 2  # how many times too large a buffer may be


class BufferPool:
    """Hands out memory, and takes it back when nobody holds a tensor, or a view of one, that lies in it.

    Whoever lets go of the last view may do so in another thread: each step on the buffers is one that Python does not
    interrupt. There is no lock, since garbage is also collected in the middle of a step that holds it.
    """

    def __init__(self) -> None:
        self._free: dict[int, np.ndarray] = {}

    def __reduce__(self) -> tuple[type[BufferPool], tuple[()]]:
        return BufferPool, ()  # a copy in another process has memory of its own

    def take(self, count: int) -> torch.Tensor:
        """A float32 tensor [count], whose numbers are whatever lay there before."""
        buffer = self._waiting(count)
        buffer = np.empty(count, np.float32) if buffer is None else buffer
        lent = buffer[:count]  # the tensor holds it, and whoever holds the tensor
        weakref.finalize(lent, self._back, buffer).atexit = False
        return torch.from_numpy(lent)

    def _waiting(self, count: int) -> np.ndarray | None:
        """A buffer that waits and fits, if there is one."""
        for key, buffer in list(self._free.items()):
            if count <= len(buffer) <= WASTE * count and self._free.pop(key, None) is not None:
                return buffer
        return None

    def _back(self, buffer: np.ndarray) -> None:
        self._free[id(buffer)] = buffer
        for key in list(self._free)[:-KEPT]:
            self._free.pop(key, None)
