"""A split of a dataset as columns with one row per sequence: in memory, after a check, or read when needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import torch

from slvm_data.core.arguments import share, whole_number
from slvm_data.core.errors import DamageError
from slvm_data.core.memory import check_memory
from slvm_data.core.text import numbers
from slvm_data.load.buffers import BufferPool
from slvm_data.load.column import Column
from slvm_data.load.layout import MASK, Layout, Part, check_frames, in_memory, layouts_of, place
from slvm_data.load.shards import Shards, open_shards
from slvm_data.store import formats, manifest
from slvm_data.store.manifest import Manifest
from slvm_data.store.remote import Place, Remote
from slvm_data.store.unchanged import Unchanged

THREADS = 8  # files read at a time


@dataclass(frozen=True)
class Columns:
    """Columns by name, all with the same number of sequences."""

    columns: dict[str, Column]  # columns that are read from shards when needed have no rows
    firsts: np.ndarray  # number of the first sequence of each task [tasks]
    rows: int
    frames: int  # of a sequence
    systems: tuple[str, ...]  # of each task
    widths: tuple[int, ...]  # width of the states of each task, if they differ
    unchanged: Unchanged  # the dataset while it is read
    shards: Shards | None = None

    def __len__(self) -> int:
        return self.rows

    @property
    def size(self) -> int:
        """Bytes of memory that all arrays take, also those that are read when needed."""
        late = self.rows * self.shards.row_size if self.shards else 0
        return late + sum(column.data.nbytes for column in self.columns.values())

    def to(self, device: torch.device) -> Columns:
        """The same columns in the memory of a device."""
        moved = {name: replace(column, data=column.data.to(device)) for name, column in self.columns.items()}
        return replace(self, columns=moved)

    def take(self, rows: torch.Tensor, pool: BufferPool, frames: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        """Return these rows [B …] of every array; for arrays with a frame axis only `frames` [B W], if given."""
        read: dict[str, Column] = {}
        if self.shards:
            with self.unchanged.throughout():
                read = self.shards.read(rows.numpy())
        return {name: self.array(name, rows, pool, read, frames) for name in self.columns}

    def array(
        self,
        name: str,
        rows: torch.Tensor,
        pool: BufferPool,
        read: Mapping[str, Column] = MappingProxyType({}),
        frames: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return these rows [B …] of an array, as `take` does; `read` holds these rows if they come from shards."""
        column = self.columns[name]
        some = frames if column.per_frame else None
        if name == MASK:
            return self._mask(rows)
        return read[name].all(pool, some) if name in read else column.take(rows, pool, some)

    def _mask(self, rows: torch.Tensor) -> torch.Tensor:
        """Whether each number of a state is data, not padding [B D]."""
        task = np.searchsorted(self.firsts, rows.numpy(), side="right") - 1
        own = np.array(self.widths)[task]
        mask = torch.from_numpy(np.arange(self.columns[MASK].data.shape[1]) < own[:, None])
        return mask.to(self.columns[MASK].data.device)


def layouts_in(root: Place, content: Manifest, split: str) -> dict[str, Layout]:
    """Layouts of the arrays of a split; raises ValueError for an unknown or empty split."""
    content.recipe.count(split)  # raises an error for an unknown one
    if not (files := content.of_split(split)):
        raise ValueError(f"{root} has no sequences in {split}")
    return layouts_of([entry.arrays for _, entry in files])


def load_columns(
    root: Place,
    content: Manifest,
    split: str,
    tasks: Sequence[int] | None,
    layouts: dict[str, Layout],
    fraction: float,
    lazily: bool,
    cache: int | None = None,
) -> Columns:
    """Load the arrays of these layouts, for one split of the dataset in a folder with this manifest.

    For each task the first `fraction` of its sequences is read; with `lazily`, shards are read when they are asked
    for, and `cache` [MB] of them stay in memory. Raises ValueError for a task that the dataset does not have,
    DamageError if a file is not as it was written.
    """
    unchanged, parts = Unchanged(root, content), _parts(root, content, split, tasks, fraction)
    check_frames(root, parts, list(layouts))
    recipe = content.recipe.of_split(split)
    binary = recipe.binary()
    every = {name: in_memory(layout, binary, parts[0]) for name, layout in layouts.items() if name != MASK}
    in_shards = lazily and content.format.name == "zarr"
    late = every if in_shards else {}
    total = sum(part.rows for part in parts)
    needed = total * sum(layout.size for name, layout in every.items() if name not in late)
    check_memory(root, needed, "ask for less with tasks, fields or fraction")
    columns = {name: layout.blank(0 if name in late else total) for name, layout in every.items()}
    with unchanged.throughout():
        shards = open_shards(parts, late, cache) if late else None
        if not in_shards:
            _fill_all(columns, parts)
    if MASK in layouts:
        columns[MASK] = layouts[MASK].blank(0)
    return Columns(
        columns,
        firsts=np.cumsum([0, *(part.rows for part in parts[:-1])]),
        rows=total,
        frames=recipe.length(),
        systems=tuple(recipe.tasks[part.entry.task].system for part in parts),
        widths=tuple(part.entry.arrays["state"].row[-1] for part in parts) if MASK in layouts else (),
        unchanged=unchanged,
        shards=shards,
    )


def open_manifest(root: Place) -> Manifest:
    """Read the manifest of a folder; raises ValueError if it does not exist, or is the folder of one task only."""
    if isinstance(root, Remote):
        return _at_url(root)
    if not root.exists():
        raise ValueError(f"{root} does not exist: slvm-data generate writes datasets, slvm-data list names them")
    above = root.resolve().parent
    if not (root / manifest.NAME).is_file() and (above / manifest.NAME).is_file():
        own = [
            entry.task for name, entry in manifest.read(above).files.items() if (above / name).parent == root.resolve()
        ]
        if own:
            raise ValueError(f"{root} is a task of a dataset: open {above}, with tasks=[{own[0]}]")
    return manifest.read(root)


def _at_url(root: Remote) -> Manifest:
    """The manifest of a dataset at a URL; raises ValueError if its format cannot be read from there."""
    content = manifest.read(root)
    if content.format.name != "zarr":
        raise ValueError(
            f"{root} is in {content.format.name}, and from a URL only Zarr is read: write it with `slvm-data generate "
            "--format zarr`, or `slvm-data convert FOLDER FOLDER.zarr`"
        )
    return content


def _parts(root: Place, content: Manifest, split: str, tasks: Sequence[int] | None, fraction: float) -> list[Part]:
    fraction = share("fraction", fraction)
    files = {entry.task: (name, entry) for name, entry in content.of_split(split)}
    chosen = [whole_number("tasks", task, 0) for task in (files if tasks is None else tasks)]
    if odd := [task for task in chosen if task not in files]:
        raise ValueError(f"tasks = {odd[0]} does not exist in {root}, whose tasks in {split} are {numbers(files)}")
    if not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(f"tasks = {chosen} has to name at least one task, and each once")
    found = []
    for name, entry in (files[task] for task in chosen):
        found.append(Part(root / name, entry, max(1, round(fraction * entry.rows))))
    return found


def _fill_all(columns: Mapping[str, Column], parts: list[Part]) -> None:
    """Check and read the files of all tasks."""
    with ThreadPoolExecutor(min(THREADS, len(parts))) as pool:
        list(pool.map(lambda k: _fill(columns, parts, k), range(len(parts))))


def _fill(columns: Mapping[str, Column], parts: list[Part], k: int) -> None:
    """Check the file of one task, and read it into its rows of the columns."""
    part, first = parts[k], sum(other.rows for other in parts[:k])
    store = formats.store_of(part.path)
    promised = (part.entry,) if isinstance(part.path, Remote) else ()  # what comes from afar is compared on its way
    if not promised and (fault := store.fault(part.path, part.entry)):
        raise DamageError(fault, part.path)
    wanted = {name: form for name, form in part.entry.arrays.items() if name in columns}
    for name, start, block in store.pieces(part.path, wanted, *promised) if wanted else ():
        if len(some := block[: max(0, part.rows - start)]):
            place(columns[name], first + start, some, part.path, name)
