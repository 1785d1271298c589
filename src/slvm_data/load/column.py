"""One array of a split in memory, and how rows of it become a part of a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import prod

import numpy as np
import torch

from slvm_data.load.buffers import Room

WORD = 2  # octets; the table below has a row for each word


@cache
def _table() -> torch.Tensor:
    """The bits of every word as floats [65536 16]; a lookup is faster than shifts, and writes each float once."""
    octets = np.arange(256**WORD, dtype=np.uint16).view(np.uint8).reshape(-1, WORD)
    return torch.from_numpy(np.unpackbits(octets, axis=1).astype(np.float32))


def _in_threads(words: torch.Tensor, out: torch.Tensor) -> None:
    torch.index_select(_table(), 0, words.int(), out=out)


def _in_one(words: torch.Tensor, out: torch.Tensor) -> None:
    np.take(_table().numpy(), words.numpy(), axis=0, out=out.numpy(), mode="clip")


LookUp = Callable[[torch.Tensor, torch.Tensor], None]  # the bits of words [n] as floats [n 16]


def octets(pixels: int) -> int:
    """Octets that a frame of so many bits takes: whole words."""
    return -(-pixels // (8 * WORD)) * WORD


@dataclass(frozen=True)
class Column:
    """Rows of numbers as they stand in the file; or frames, eight pixels to the octet if they are `packed`."""

    data: torch.Tensor  # [N …], of frames [N … octets] or [N … C*H*W]
    frame: tuple[int, ...] = ()  # C H W, of frames
    packed: bool = False
    of: torch.Tensor | None = None  # which row of `data` each sequence has [N], where many share one

    def take(self, rows: torch.Tensor, room: Room, moments: torch.Tensor | None = None) -> torch.Tensor:
        """These rows [B …], each of these `moments` alone [B W] if they are given; frames as float32 [B … C H W]."""
        rows = rows if self.of is None else self.of[rows]
        if moments is None:
            found = self.data.index_select(0, rows)
        else:
            flat = (rows[:, None] * self.data.shape[1] + moments).flatten()
            found = self.data.flatten(0, 1).index_select(0, flat).unflatten(0, moments.shape)
        return self._floats(found, room, _in_threads) if self.frame else found

    def all(self, room: Room, moments: torch.Tensor | None = None) -> torch.Tensor:
        """As `take` of all rows, but in one thread: those of PyTorch spin for a while, while others are to read."""
        found = self.data.numpy()
        if moments is not None:
            found = found[np.arange(len(found))[:, None], moments.numpy()]
        rows = torch.from_numpy(found)
        return self._floats(rows, room, _in_one) if self.frame else rows

    def _floats(self, found: torch.Tensor, room: Room, look_up: LookUp) -> torch.Tensor:
        shape = (*found.shape[:-1], *self.frame)
        if not self.packed:
            return room.take(prod(shape)).view(shape).copy_(found.view(shape))
        words = found.view(torch.uint16)  # [… words]
        out = room.take(8 * WORD * words.numel()).view(words.numel(), 8 * WORD)
        look_up(words.flatten(), out)
        if out.numel() == prod(shape):
            return out.view(shape)
        floats = out.view(*found.shape[:-1], 8 * found.shape[-1])[..., : prod(self.frame)]
        return room.take(prod(shape)).view(floats.shape).copy_(floats).view(shape)
