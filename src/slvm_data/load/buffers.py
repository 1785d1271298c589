"""Reuse memory for batches: the first access to new memory takes longer than all that is written to it."""

from __future__ import annotations

import weakref

import numpy as np
import torch

KEPT = 4  # buffers that wait for their next use
WASTE = 2  # largest ratio of the size of a buffer to the size needed


class BufferPool:
    """Lends memory for tensors, and takes it back when no tensor or view in it is left.

    The last view may disappear in another thread, so each step on the buffers is one that Python does not interrupt.
    A lock would not work: garbage may be collected, and memory come back, while the same thread holds the lock.
    """

    def __init__(self) -> None:
        self._free: dict[int, np.ndarray] = {}

    def __reduce__(self) -> tuple[type[BufferPool], tuple[()]]:
        return BufferPool, ()  # a copy in another process has memory of its own

    def take(self, count: int) -> torch.Tensor:
        """Return a float32 tensor [count], which is not initialised."""
        buffer = self._waiting(count)
        buffer = np.empty(count, np.float32) if buffer is None else buffer
        lent = buffer[:count]  # alive as long as the tensor or a view of it
        weakref.finalize(lent, self._back, buffer).atexit = False
        return torch.from_numpy(lent)

    def _waiting(self, count: int) -> np.ndarray | None:
        """Return a free buffer of a suitable size; None if there is none."""
        for key, buffer in list(self._free.items()):
            if count <= len(buffer) <= WASTE * count and self._free.pop(key, None) is not None:
                return buffer
        return None

    def _back(self, buffer: np.ndarray) -> None:
        self._free[id(buffer)] = buffer
        for key in list(self._free)[:-KEPT]:
            self._free.pop(key, None)
