"""Rows shared out to files of a bounded size, whose names and number are known before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any

from slvm_data.core.progress import Progress, counted
from slvm_data.core.types import Arrays
from slvm_data.store.npz import sha256
from slvm_data.store.source import Rows, Source

SERIES = "series"  # begins the names of the files of uncut paths


@dataclass(frozen=True)
class Shards:
    """The files of some rows, each but the last of `blocks` blocks of `block` rows."""

    rows: Rows
    size: int  # bytes of a file before it is compressed, about
    most: int  # rows of a block, at most

    @property
    def block(self) -> int:
        """Rows of a block."""
        return min(self.rows.block, self.most)

    @property
    def blocks(self) -> int:
        """Blocks of a file."""
        return max(1, self.size // max(1, self.block * self.rows.size))

    @property
    def count(self) -> int:
        """Files in all."""
        return ceil(self.rows.count / (self.block * self.blocks))

    def write(
        self, paths: list[Path], put: Callable[[Path, int, Iterator[Arrays]], None], bar: Progress
    ) -> Iterator[dict[str, Any]]:
        """Have each of `paths` written, by `put(path, number of its first row, blocks)`; what a manifest says of it."""
        rows, blocks = self.block * self.blocks, self.rows.whole_blocks(self.block)
        blocks = counted(blocks, bar) if "label" in self.rows.arrays else blocks  # paths are not what is counted
        for number, path in enumerate(paths):
            first = number * rows
            n = min(rows, self.rows.count - first)
            put(path, first, islice(blocks, self.blocks))
            arrays = {name: {**a, "shape": [n, *a["shape"][1:]]} for name, a in self.rows.whole.items()}
            yield {"sha256": sha256(path), "bytes": path.stat().st_size, "arrays": arrays}
        next(blocks, None)  # checks that nothing follows


def parts(source: Source) -> dict[str, Rows]:
    """The sequences of a file, and its uncut paths where it has them, by what the names of their files begin with."""
    series = {f"{SERIES}-{source.split}": source.series} if source.series else {}
    return {source.split: source.sequences} | series
