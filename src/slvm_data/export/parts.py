"""Divide rows among files of bounded size, whose names and number are known before anything is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from math import ceil
from pathlib import Path

from slvm_data.core.progress import Progress, counted
from slvm_data.core.types import Arrays
from slvm_data.store.manifest import Checksum, Written
from slvm_data.store.source import Source

NUMBER = re.compile(r"-\d+(-of-\d+)?$")  # of a part, at the end of its name


def without_number(stem: str) -> str:
    """The name that all files have in common which one file is divided into, of the name of one without ending."""
    return NUMBER.sub("", stem)


@dataclass(frozen=True)
class Parts:
    """The files that one file is divided into; each except the last has `blocks` blocks of `block` rows."""

    source: Source
    default: int  # bytes of a file before it is compressed, about, if the source does not say it
    most: int  # rows of a block, at most

    @property
    def size(self) -> int:
        """Bytes of a file before it is compressed, about, but at least one row."""
        return self.source.shard or self.default

    @property
    def block(self) -> int:
        """Number of rows of a block."""
        return max(1, min(self.source.block, self.most, self.size // max(1, self.source.row_size)))

    @property
    def blocks(self) -> int:
        """Number of blocks of a file."""
        return max(1, self.size // max(1, self.block * self.source.row_size))

    @property
    def count(self) -> int:
        """Total number of files."""
        return ceil(self.source.entry.rows / (self.block * self.blocks))

    def write(
        self, paths: list[Path], put: Callable[[Path, int, Iterator[Arrays]], None], bar: Progress
    ) -> Iterator[Written]:
        """Write each of `paths` by `put(path, number of its first row, blocks)`; yield what was written."""
        rows, blocks = self.block * self.blocks, self.source.blocks(self.block)
        if not self.source.series:  # the progress bar counts sequences only
            blocks = counted(blocks, bar)
        for number, path in enumerate(paths):
            first = number * rows
            put(path, first, islice(blocks, self.blocks))
            n = min(rows, self.source.entry.rows - first)
            forms = {name: form.with_rows(n) for name, form in self.source.arrays.items()}
            yield Written(**vars(Checksum.of(path)), arrays=forms)
        next(blocks, None)  # checks that nothing follows
