"""All tasks of a dataset in one file per split, in task order or shuffled, in bounded memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from slvm_data import arrays
from slvm_data.core.arguments import checked, whole_number
from slvm_data.core.errors import DamageError
from slvm_data.core.files import at_home
from slvm_data.core.keys import exact, of_data, split_key, stream
from slvm_data.core.late import jax
from slvm_data.core.progress import Progress, counted, progress
from slvm_data.core.types import SEEDS, Arrays
from slvm_data.run.order import in_order
from slvm_data.store import journal, manifest, npz
from slvm_data.store.manifest import FileEntry, Forms, Manifest
from slvm_data.store.source import Source

MEMORY = 2**24  # bytes of sequences held at a time


@checked
def combine(
    folder: Path | str, *, shuffle: bool = False, seed: int = 0, pad: bool = False, overwrite: bool = False
) -> dict[str, FileEntry]:
    """Write `combined_<split>.npz` for each split into a dataset's folder; return their manifest entries by file name.

    They hold the arrays that have the same type and shape in all tasks. With `pad`, narrower states are filled up with
    zeros, and `state_mask` [N D] tells the numbers from the padding. With `shuffle`, sequences are in a random order,
    which depends on `seed` alone. The files appear when all are complete.

    Raises ValueError if states differ in width (unless `pad`) or frames in shape, or if the files exist (unless
    `overwrite`); DamageError if a file is not as it was written.
    """
    folder, seed = at_home(folder), whole_number("seed", seed, 0, SEEDS - 1)
    content = in_order(journal.settled(folder))
    splits = {split: parts for split in content.recipe.split_names() if (parts := _parts(folder, content, split))}
    for parts in splits.values():
        _check(folder, parts, pad)
    names = [_name(split) for split in splits]
    combined, total = {}, sum(part.entry.rows for parts in splits.values() for part in parts)
    with (
        journal.staged(folder, lambda: _replaced(folder, content, names, overwrite)) as place,
        progress(total, "combine") as bar,
    ):
        for split, parts in splits.items():
            order = permutation(seed, split, sum(part.entry.rows for part in parts)) if shuffle else None
            combined[_name(split)] = _write(place / _name(split), split, parts, order, pad, bar)
        manifest.write(place, replace(content, combined=combined))
    return combined


def permutation(seed: int, split: str, count: int) -> np.ndarray:
    """Draw a random order of `count` sequences [N], the same on every machine."""
    with exact():
        bits = jax.random.bits(stream(of_data(split_key(seed, 0, split)), "order"), (count,), "uint64")
        return np.argsort(np.asarray(bits), kind="stable")


def common(parts: list[Source]) -> list[str]:
    """Names of the arrays with the same type and shape in all tasks; states may differ in width."""
    first = parts[0].arrays
    alike = [name for name in first if len({_row(part, name) for part in parts}) == 1]
    always = [name for name in ("image", "state") if name in first]
    return [*always, *(name for name in alike if name not in always)]


def _row(part: Source, name: str) -> tuple[Any, ...]:
    """Type and shape of one row of an array; empty if there is none."""
    form = part.arrays.get(name)
    return (form.dtype, *form.row) if form else ()


def _name(split: str) -> str:
    return f"combined_{split}.npz"


def _parts(folder: Path, content: Manifest, split: str) -> list[Source]:
    """The files of a split, in task order."""
    return [Source(name, folder / name, entry, False) for name, entry in content.of_split(split)]


def _check(folder: Path, parts: list[Source], pad: bool) -> None:
    for name, what in (("image", "frames"), ("queries", "signals")):
        if len(shapes := {_row(part, name) for part in parts}) > 1:
            raise ValueError(f"{folder}: {what} of different shapes cannot stand in one array: {sorted(shapes)}")
    if len(widths := dict.fromkeys(_row(part, "state")[-1:] for part in parts)) > 1 and not pad:
        numbers = ", ".join(str(*width) for width in widths)
        raise ValueError(f"{folder}: states have {numbers} numbers: add --pad to fill them up with zeros")


def _replaced(folder: Path, content: Manifest, names: list[str], overwrite: bool) -> list[Path]:
    """Combined files of before; raises an error if a file is in the way, or if one to be combined is damaged."""
    journal.still(folder, content)
    if content.format.name != "npz":
        held = f"{folder} holds .{content.format.ending}, and only .npz is combined"
        way = f"first `slvm-data convert {folder} NEW --to npz`" if content.format.own else "combine the original"
        raise ValueError(f"{held}: {way}")
    for path in (folder / name for name in names if os.path.lexists(folder / name)):
        if path.name not in content.combined or not path.is_file():
            raise ValueError(f"{path} is not of this dataset and stays: move it away")
        if not overwrite:
            raise ValueError(f"{path} exists: add --overwrite to replace it")
    for name, entry in content.files.items():
        if found := npz.fault(folder / name, entry):
            raise DamageError(found, folder / name)
    return [Path(name) for name in content.combined]


def _write(
    path: Path, split: str, parts: list[Source], order: np.ndarray | None, pad: bool, bar: Progress
) -> FileEntry:
    chunks = _rows(parts, pad)
    chunks = chunks if order is None else _reordered(chunks, order, path.parent)
    written = npz.write(path, counted(chunks, bar), sum(part.entry.rows for part in parts))
    return FileEntry.of(written, 0, split)


def _rows(parts: list[Source], pad: bool) -> Iterator[Arrays]:
    """Yield the sequences of all tasks in order, all with the same arrays, in chunks."""
    names, widest = common(parts), max((0, *_row(part, "state"))[-1] for part in parts)
    for part in parts:
        for block in npz.blocks(part.path, _at_a_time(part.arrays)):
            chunk = {name: block[name] for name in names}
            if pad and "state" in chunk:
                width = chunk["state"].shape[-1]
                missing = ((0, 0), (0, 0), (0, widest - width))
                chunk["state"] = np.pad(chunk["state"], missing, constant_values=arrays.info("state").filling)
                chunk["state_mask"] = np.tile(np.arange(widest) < width, (len(block["label"]), 1))
            yield chunk


def _at_a_time(forms: Forms) -> int:
    """Number of sequences that fit into `MEMORY`."""
    return max(1, MEMORY // sum(form.row_size for form in forms.values()))


def _reordered(chunks: Iterable[Arrays], order: np.ndarray, place: Path) -> Iterator[Arrays]:
    """Yield the same sequences in another order, by way of temporary files in the folder `place`."""
    rows: dict[str, np.ndarray] = {}  # an empty row of each array, for its type and shape
    with ExitStack() as stack:
        files = {}
        for chunk in chunks:
            for name, array in chunk.items():
                rows[name] = array[:0]
                if name not in files:
                    files[name] = stack.enter_context(tempfile.TemporaryFile(dir=place))
                if array.size:
                    files[name].write(np.ascontiguousarray(array).data.cast("B"))
        size = _at_a_time(manifest.forms_of(rows))
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            yield {name: _gathered(files[name], rows[name], chosen) for name in rows}


def _gathered(file: Any, row: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Read the rows with the numbers `chosen` from a file whose rows have the type and shape of `row`."""
    array = np.empty((len(chosen), *row.shape[1:]), row.dtype)
    width = array[:1].nbytes
    if not width:
        return array
    data = array.reshape(-1).view(np.uint8).reshape(len(chosen), width)
    for i, at in enumerate(chosen.tolist()):
        file.seek(at * width)
        if file.readinto(data[i]) != width:
            raise ValueError(f"row {at} of {row.dtype} {row.shape} is missing")
    return array
