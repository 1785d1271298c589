"""One array of a split in memory, and how its rows are put in a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import prod

import numpy as np
import torch

from slvm_data.load.buffers import BufferPool

SHADE = 1 / 255  # of a byte; frames are floats from 0 to 1
WORD = 2  # bytes; the table below has a row for each word


@cache
def _table() -> torch.Tensor:
    """The bits of every word as floats [65536 16]; a lookup is faster than shifts, and writes each float once."""
    words = np.arange(256**WORD, dtype=np.uint16).view(np.uint8).reshape(-1, WORD)
    return torch.from_numpy(np.unpackbits(words, axis=1).astype(np.float32))


def _in_threads(words: torch.Tensor, out: torch.Tensor) -> None:
    torch.index_select(_table(), 0, words.int(), out=out)


def _in_one(words: torch.Tensor, out: torch.Tensor) -> None:
    np.take(_table().numpy(), words.numpy(), axis=0, out=out.numpy(), mode="clip")


LookUp = Callable[[torch.Tensor, torch.Tensor], None]  # the bits of words [n] as floats [n 16]


def by_processor(device: torch.device) -> bool:
    """Whether what lies there is unpacked by a table, in memory of the processor."""
    return device.type == "cpu"


def packed_size(pixels: int) -> int:
    """Bytes of a packed frame with this number of pixels, rounded up to whole words."""
    return -(-pixels // (8 * WORD)) * WORD


@dataclass(frozen=True)
class Column:
    """Rows of numbers as in the file; or frames, with 8 pixels per byte if they are `packed`."""

    data: torch.Tensor  # [N …]; for frames [N … bytes] or [N … C*H*W]
    frame: tuple[int, ...] = ()  # C H W, of frames
    packed: bool = False
    per_frame: bool = False  # whether its second axis is that of frames

    def take(self, rows: torch.Tensor, pool: BufferPool, frames: torch.Tensor | None = None) -> torch.Tensor:
        """Return these rows [B …], or only their `frames` [B W] if given; pictures as float32 [B … C H W], 0 to 1.

        They lie where the column does.
        """
        rows = rows.to(self.data.device)
        frames = None if frames is None else frames.to(self.data.device)
        if frames is None:
            found = self.data.index_select(0, rows)
        else:
            flat = (rows[:, None] * self.data.shape[1] + frames).flatten()
            found = self.data.flatten(0, 1).index_select(0, flat).unflatten(0, frames.shape)
        if not self.frame:
            return found
        return self._floats(found, pool, _in_threads) if by_processor(found.device) else self.unpacked(found)

    def all(self, pool: BufferPool, frames: torch.Tensor | None = None) -> torch.Tensor:
        """As `take` for all rows, but in one thread, since PyTorch's threads would slow down those that read."""
        found = self.data.numpy()
        if frames is not None:
            found = found[np.arange(len(found))[:, None], frames.numpy()]
        rows = torch.from_numpy(found)
        return self._floats(rows, pool, _in_one) if self.frame else rows

    def unpacked(self, found: torch.Tensor) -> torch.Tensor:
        """Frames [… C H W] from their bytes [… bytes] on a device that is not the processor: the same floats.

        A few operations on all bits at once, which need no table and no memory that is lent.
        """
        if self.packed:
            places = torch.arange(7, -1, -1, dtype=torch.uint8, device=found.device)
            bits = (found[..., None] >> places & 1).flatten(-2)
            return bits[..., : prod(self.frame)].float().reshape(*found.shape[:-1], *self.frame)
        floats = found.float() * SHADE if found.dtype == torch.uint8 else found.float()
        return floats.reshape(*found.shape[:-1], *self.frame)

    def _floats(self, found: torch.Tensor, pool: BufferPool, look_up: LookUp) -> torch.Tensor:
        shape = (*found.shape[:-1], *self.frame)
        if not self.packed:
            out = pool.take(prod(shape)).view(shape).copy_(found.view(shape))
            return out.mul_(SHADE) if found.dtype == torch.uint8 else out  # floats of an original are from 0 to 1
        words = found.view(torch.uint16)  # [… words]
        out = pool.take(8 * WORD * words.numel()).view(words.numel(), 8 * WORD)
        look_up(words.flatten(), out)
        if out.numel() == prod(shape):
            return out.view(shape)
        floats = out.view(*found.shape[:-1], 8 * found.shape[-1])[..., : prod(self.frame)]
        return pool.take(prod(shape)).view(floats.shape).copy_(floats).view(shape)
