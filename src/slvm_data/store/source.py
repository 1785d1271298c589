"""The files of a dataset as its manifest lists them, read some rows at a time, whatever their format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from slvm_data.core.errors import DamageError
from slvm_data.core.types import Arrays
from slvm_data.store import formats
from slvm_data.store.manifest import ArrayEntry, FileEntry, Form, Forms, Manifest

BLOCK = 2**24  # bytes of rows read at a time, but at least one row


@dataclass(frozen=True)
class Source:
    """A file of a dataset: the sequences of a task and split, or the uncut trajectories of its windows."""

    name: str  # relative to the dataset's folder, as in the manifest
    path: Path
    entry: FileEntry
    series: bool  # whether its rows are uncut trajectories
    place: str = ""  # folder of the task in a copy, relative to that; empty: as in the dataset
    shard: int | None = None  # bytes of each file that it becomes, before compression; None: as its format has it
    described: dict[str, ArrayEntry] = field(default_factory=dict)  # the arrays, in the manifest's words

    @property
    def stem(self) -> str:
        """The file's name without folder and ending."""
        return PurePosixPath(self.name).stem

    @property
    def folder(self) -> str:
        """The task's folder, relative to the folder of the dataset or copy; "." if it is the same."""
        return self.place or PurePosixPath(self.name).parent.as_posix()

    @property
    def arrays(self) -> Forms:
        """Shape and type of each array."""
        return self.entry.arrays

    @property
    def row_size(self) -> int:
        """Bytes of a row of all arrays."""
        return sum(form.row_size for form in self.arrays.values())

    @property
    def block(self) -> int:
        """Number of rows read at a time."""
        return max(1, min(self.entry.rows, BLOCK // max(1, self.row_size)))

    def blocks(self, rows: int | None = None, names: tuple[str, ...] | None = None) -> Iterator[Arrays]:
        """Yield the arrays with these names (all if None), `rows` rows at a time.

        Raises DamageError if they are not what the manifest says.
        """
        done, count, names = 0, self.entry.rows, names or tuple(self.arrays)
        for block in formats.store_of(self.path).blocks(self.path, rows or self.block, names):
            for name in names:
                if (found := Form.of(block[name], count)) != (promised := self.arrays[name]):
                    raise DamageError(f"{self.path} is damaged, at {name}: it is {found}, not {promised}", self.path)
            done += len(block[names[0]])
            yield {name: block[name] for name in names}
        if done != count:
            raise DamageError(f"{self.path} is damaged: it has {done} rows instead of {count}", self.path)

    def fault(self) -> str | None:
        """How the file differs from what was written, in a sentence that names it; None if it does not."""
        return formats.store_of(self.path).fault(self.path, self.entry)


def sources(folder: Path, content: Manifest, shard: int | None = None) -> list[Source]:
    """The files of a dataset, those of uncut trajectories after those of sequences."""
    files = [(name, entry, False) for name, entry in content.files.items()]
    files += [(name, entry, True) for name, entry in content.series.items()]
    return [
        Source(name, folder / name, entry, series, shard=shard, described=content.arrays)
        for name, entry, series in files
    ]
