"""Show the progress of a long run: a bar on a terminal, elsewhere one line every half minute."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from tqdm import tqdm

from slvm_data.core import interruption
from slvm_data.core.types import Arrays

HEARTBEAT = 30.0  # s


class Progress(Protocol):
    """Counts the sequences that are done."""

    def update(self, n: int) -> object:
        """Count `n` more sequences."""
        ...


class Heartbeat:
    """Writes a line to standard error every `every` seconds."""

    def __init__(self, total: int, what: str, every: float = HEARTBEAT) -> None:
        self.total, self.what, self.every = total, what, every
        self.done, self.start = 0, time.monotonic()
        self.due = self.start + every

    def update(self, n: int) -> None:
        """Count `n` more sequences, and write a line if it is time for one."""
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
    """A progress bar if standard error is a terminal, else a `Heartbeat`."""
    if not sys.stderr.isatty():
        yield Heartbeat(total, what)
        return
    with tqdm(total=total, desc=what, unit=" sequences", unit_scale=True, dynamic_ncols=True) as bar:
        yield bar


def counted(chunks: Iterable[Arrays], bar: Progress) -> Iterator[Arrays]:
    """Yield the same chunks of sequences, and count each when the caller asks for the next."""
    for chunk in chunks:
        yield chunk
        interruption.check()
        bar.update(len(chunk.get("label", ())))
