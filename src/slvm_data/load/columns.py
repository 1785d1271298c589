"""A split of a dataset in columns with a row for each sequence: in memory, its files checked, or read when needed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch

from slvm_data.core.errors import DamageError
from slvm_data.core.types import SPLITS
from slvm_data.load.arguments import whole_number
from slvm_data.load.buffers import Room
from slvm_data.load.column import Column
from slvm_data.load.layout import FRAMES, MASK, MOMENTS, Form, Frames, Part, blank, forms_of, frames_of, place
from slvm_data.load.shards import Shards, open_shards
from slvm_data.store import formats, manifest

THREADS = 8  # files read at a time


@dataclass(frozen=True)
class Held:
    """Columns by name, each of so many sequences."""

    columns: dict[str, Column]  # those of shards without a row
    rows: int
    steps: int  # frames of a sequence
    systems: tuple[str, ...]  # of each task
    shards: Shards | None = None  # what is read when it is asked for

    def __len__(self) -> int:
        return self.rows

    def take(self, rows: torch.Tensor, room: Room, moments: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        """These rows [B …] of every array; of those with frames these `moments` alone [B W], if they are given."""
        read = self.shards.read(rows.numpy()) if self.shards else {}
        found = {}
        for name, column in self.columns.items():
            some = moments if name in MOMENTS else None
            found[name] = read[name].all(room, some) if name in read else column.take(rows, room, some)
        return found


def forms_in(root: Path, content: dict[str, Any], split: str) -> dict[str, Form]:
    """The arrays of a split; raises ValueError where there is no such split, or nothing in it."""
    if split not in SPLITS:
        raise ValueError(f"split = {split!r} is unknown; there are {', '.join(SPLITS)}")
    if not (parts := manifest.parts(content, split)):
        raise ValueError(f"{root} has no sequences in {split}")
    return forms_of([entry["arrays"] for _, entry in parts])


def hold(
    root: Path,
    content: dict[str, Any],
    split: str,
    tasks: Sequence[int] | None,
    forms: dict[str, Form],
    fraction: float,
    lazily: bool,
) -> Held:
    """The arrays of these forms, of a split of the dataset in a folder, whose manifest has this `content`.

    Of each task the first `fraction` of its sequences is read; of shards, if `lazily`, when they are asked for. Raises
    ValueError for a task that the dataset does not have, DamageError where a file is not what was written.
    """
    files = _files(root, content, split, tasks, fraction)
    frames = frames_of(root, content, files, [name for name in forms if name in FRAMES])
    late = [n for n, form in forms.items() if not form.shared] if lazily and manifest.form(content) == "zarr" else []
    shards = open_shards(files, {name: (forms[name], frames.get(name)) for name in late}) if late else None
    sizes = [frames.get(n) or (form.shape, form.dtype) for n, form in forms.items() if n not in late]
    _check_memory(root, files, sizes)
    columns = {
        name: _column(name, form, [] if name in late else files, frames.get(name))
        for name, form in forms.items()
        if name != MASK
    }
    with ThreadPoolExecutor(min(THREADS, len(files))) as pool:
        list(pool.map(lambda k: _fill(columns, late, files, k), range(len(files))))
    if MASK in forms:
        columns[MASK] = _mask(forms[MASK].shape[-1], files)
    windows = content["recipe"].get("windows")
    systems = [content["recipe"]["tasks"][part.task]["system"] for part in files]
    steps = windows["length"] if windows else content["recipe"]["steps"]
    return Held(columns, sum(part.rows for part in files), steps, tuple(systems), shards)


def open_manifest(root: Path) -> dict[str, Any]:
    """What a folder's manifest says; raises ValueError where it is not that of a dataset, and says which is."""
    if not root.exists():
        raise ValueError(f"{root} does not exist: slvm-data generate writes datasets, slvm-data list names them")
    if not (root / manifest.NAME).is_file() and (root.resolve().parent / manifest.NAME).is_file():
        whole = root.resolve().parent
        names = list(dict.fromkeys(str(Path(name).parent) for name in manifest.read(whole)["files"]))
        if (own := root.resolve().name) in names:
            raise ValueError(f"{root} is a task of a dataset: open {whole}, with tasks=[{names.index(own)}]")
    return manifest.read(root)


def _files(root: Path, content: dict[str, Any], split: str, tasks: Sequence[int] | None, fraction: float) -> list[Part]:
    if not isinstance(fraction, int | float) or not 0 < fraction <= 1:
        raise ValueError(f"fraction = {fraction!r} has to lie above 0 and be at most 1")
    parts, found = manifest.parts(content, split), []
    if tasks is not None and (isinstance(tasks, str) or not hasattr(tasks, "__iter__")):
        raise ValueError(f"tasks = {tasks!r} has to be a list of labels, such as [{tasks}]")
    chosen = [whole_number("tasks", task, 0) for task in (range(len(parts)) if tasks is None else tasks)]
    if odd := [task for task in chosen if task >= len(parts)]:
        raise ValueError(f"tasks = {odd[0]} does not exist in {root}, whose tasks are 0 … {len(parts) - 1}")
    if not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(f"tasks = {chosen} has to name at least one task, and each once")
    for task in chosen:
        name, entry = parts[task]
        rows = max(1, round(fraction * entry["arrays"]["label"]["shape"][0]))
        found.append(Part(task, root / name, entry, rows))
    return found


def _column(name: str, form: Form, files: list[Part], frames: Frames | None) -> Column:
    """A column to be filled, in its final size."""
    if form.shared:
        return blank(name, form, frames, len(files), _one_each(files))
    return blank(name, form, frames, sum(part.rows for part in files))


def _one_each(files: list[Part]) -> torch.Tensor:
    """For each sequence the number of its file [N]."""
    return torch.from_numpy(np.repeat(np.arange(len(files)), [part.rows for part in files]))


def _check_memory(root: Path, files: list[Part], rows: Iterable[Sequence[Any]]) -> None:
    """Refuse what this machine cannot hold, from shape and type of a sequence's arrays, before anything is read."""
    needed = sum(part.rows for part in files) * sum(prod(shape) * dtype.itemsize for shape, dtype, *_ in rows)
    if hasattr(os, "sysconf") and needed > (there := os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")):
        raise ValueError(
            f"{root} takes {needed / 1e9:.1f} GB of memory, and there are {there / 1e9:.1f}: "
            "ask for less with tasks, fields or fraction"
        )


def _fill(columns: Mapping[str, Column], late: list[str], files: list[Part], k: int) -> None:
    """Read the file of one task to its place: of shards that are read later, what stands there once alone."""
    part, first = files[k], sum(other.rows for other in files[:k])
    store = formats.of(part.path)
    if not late and (fault := store.fault(part.path, part.entry)):
        raise DamageError(fault)
    own = {name: column for name, column in columns.items() if name not in late}
    wanted = {name: array for name, array in part.entry["arrays"].items() if name in own}
    for name, start, block in store.pieces(part.path, wanted):
        column = own[name]
        if column.of is not None:
            column.data.numpy()[k][start : start + len(block)] = block
        elif len(block := block[: max(0, part.rows - start)]):
            place(column, first + start, block, part.path, name)


def _mask(width: int, files: list[Part]) -> Column:
    """Which numbers of a state are its own, not filling."""
    own = np.array([part.entry["arrays"]["state"]["shape"][-1] for part in files])
    return Column(torch.from_numpy(np.arange(width) < own[:, None]), of=_one_each(files))
