"""Show the progress of a long run: a bar on a terminal, elsewhere one line every half minute."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from slvm_data.core import interruption
from slvm_data.core.types import Arrays

EVERY = 30.0  # s, between lines
LINE = "{desc}: {n_fmt} of {total_fmt} sequences, {rate_fmt}, {remaining} left\n"


class Progress(Protocol):
    """Counts the sequences that are done."""

    def update(self, n: int) -> object:
        """Count `n` more sequences."""
        ...


@contextmanager
def progress(total: int, what: str) -> Iterator[Progress]:
    """Count `total` sequences: with a bar if standard error is a terminal, else in lines."""
    from tqdm import tqdm

    shown: dict[str, Any] = {"unit_scale": True, "dynamic_ncols": True}
    if sys.stderr is None:  # as in a program without a console
        shown = {"disable": True}
    elif not sys.stderr.isatty():
        shown = {"miniters": 1, "mininterval": EVERY, "maxinterval": EVERY, "delay": EVERY, "bar_format": LINE}
    with tqdm(total=total, desc=what, unit=" sequences", **shown) as bar:
        yield bar


def counted(chunks: Iterable[Arrays], bar: Progress) -> Iterator[Arrays]:
    """Yield the same chunks of sequences, and count each when the caller asks for the next."""
    for chunk in chunks:
        yield chunk
        interruption.check()
        bar.update(len(chunk.get("label", ())))
