"""How far a long run has come: a bar on a terminal, one line every half minute elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from tqdm import tqdm

from slvm_data.core.types import Arrays

HEARTBEAT = 30.0  # s


class Progress(Protocol):
    """Counts what is done."""

    def update(self, n: int) -> object:
        """`n` more are done."""
        ...


class Heartbeat:
    """Writes a line to standard error when one is due."""

    def __init__(self, total: int, what: str, every: float = HEARTBEAT) -> None:
        self.total, self.what, self.every = total, what, every
        self.done, self.start = 0, time.monotonic()
        self.due = self.start + every

    def update(self, n: int) -> None:
        """Count `n`, and write a line if the last one is long ago."""
        self.done, now = self.done + n, time.monotonic()
        if now >= self.due:
            rate = self.done / (now - self.start)
            left = (self.total - self.done) / rate
            print(
                f"{self.what}: {self.done} of {self.total} sequences, {rate:.0f}/s, {left:.0f} s left",
                file=sys.stderr,
            )
            self.due = now + self.every


@contextmanager
def progress(total: int, what: str) -> Iterator[Progress]:
    """The one that fits where standard error goes."""
    if not sys.stderr.isatty():
        yield Heartbeat(total, what)
        return
    with tqdm(total=total, desc=what, unit=" sequences", unit_scale=True, dynamic_ncols=True) as bar:
        yield bar


def counted(chunks: Iterable[Arrays], bar: Progress) -> Iterator[Arrays]:
    """The same chunks of sequences, each counted when whoever takes them is done with it."""
    for chunk in chunks:
        yield chunk
        bar.update(len(chunk.get("label", ())))
