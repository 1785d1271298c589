"""Random choices, each a pure function of seed, epoch, step and purpose alone.

They are made by integer arithmetic from the raw numbers of Philox-4x64, with seed, epoch, step and purpose as its key
and counter; NumPy guarantees that these numbers never change. So a choice is the same on every machine, in every
process and in any order.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

STEPS = 2**32 - 1  # largest number of steps of an epoch
EPOCHS = 2**31 - 1  # largest number of epochs, so that the number of a moment has 63 bits


@dataclass(frozen=True)
class Moment:
    """One step of one epoch. Its number is the argument of `split_`, and the `episode` of items."""

    seed: int
    epoch: int
    step: int = 0

    @property
    def number(self) -> int:
        """Epoch and step in one number."""
        return (self.epoch << 32) + self.step

    @staticmethod
    def of(seed: int, number: int) -> Moment:
        """The moment with this number."""
        return Moment(seed, number >> 32, number & STEPS)

    def bits(self, purpose: str, which: int, count: int) -> np.ndarray:
        """Random uint64 [count]."""
        key = np.array([self.seed, zlib.crc32(purpose.encode())], np.uint64)
        counter = np.array([0, self.step, self.epoch, which], np.uint64)
        return np.random.Philox(key=key, counter=counter).random_raw(count)

    def choose(self, purpose: str, which: int, size: int, of: int) -> np.ndarray:
        """Draw `size` different numbers from 0 … `of` - 1 [size], in random order."""
        if size > of:
            raise ValueError(f"{size} different numbers cannot be chosen from {of}")
        if 4 * size > of:
            return np.argsort(self.bits(purpose, which, of), kind="stable")[:size]
        found, tries = np.empty(0, np.int64), 2 * size
        while len(found) < size:  # a few of many: the first ones drawn, without repetitions
            drawn = (self.bits(purpose, which, tries) % np.uint64(of)).astype(np.int64)
            _, first = np.unique(drawn, return_index=True)
            found, tries = drawn[np.sort(first)], 2 * tries
        return found[:size]
