"""All tasks of a dataset in one file per split, in task order or shuffled, in bounded memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from slvm_data.core.errors import DamageError
from slvm_data.core.keys import exact, split_key, stream
from slvm_data.core.progress import Progress, counted, progress
from slvm_data.core.types import Arrays
from slvm_data.recipe.recipe import SPLITS
from slvm_data.store import manifest, npz
from slvm_data.store.folder import room

ROOM = 2**24  # bytes of sequences held at a time


class Part(NamedTuple):
    """The file of one task: what the manifest says of its arrays, and its instants [T] if it has any."""

    path: Path
    arrays: dict[str, Any]
    time: tuple[float, ...]

    @property
    def sequences(self) -> int:
        """Number of sequences."""
        return self.arrays["label"]["shape"][0]

    def row(self, name: str) -> tuple[Any, ...]:
        """Type and shape of what one sequence has of an array; empty if it has nothing of it."""
        entry = self.arrays.get(name)
        if not entry or npz.stands_once(name, entry["shape"], self.arrays):
            return ()
        return entry["dtype"], *entry["shape"][1:]


def combine(
    folder: Path | str, *, shuffle: bool = False, seed: int = 0, pad: bool = False, overwrite: bool = False
) -> dict[str, Any]:
    """Write `combined_{train,val,test}.npz` into a dataset's folder; what its manifest says of them, by file name.

    They hold `image`, `state` and `label` of all tasks, and of the other arrays those that all tasks have alike; `time`
    is [N T] where tasks differ in it. With `pad`, states of different width are filled up with zeros, and `state_mask`
    [N D] tells the numbers from the filling. With `shuffle`, sequences stand in an order that follows from `seed`. The
    files appear when all are complete.

    Raises ValueError where states differ in width (unless `pad`) or frames in shape, or where the files exist (unless
    `overwrite`); DamageError where a file is not what was written.
    """
    folder = Path(folder)
    content = manifest.read(folder)
    splits = {split: parts for split in SPLITS if (parts := _parts(folder, content, split))}
    for parts in splits.values():
        _check(folder, parts, pad)
    _check_files(folder, content, [_name(split) for split in splits], overwrite)
    combined, total = {}, sum(part.sequences for parts in splits.values() for part in parts)
    with room(folder) as partial, progress(total, "combine") as bar:
        for split, parts in splits.items():
            order = permutation(seed, split, sum(part.sequences for part in parts)) if shuffle else None
            combined[_name(split)] = _write(partial / _name(split), parts, order, pad, bar)
        manifest.write(folder, content | {"combined": combined})  # first: what it lists is ours to verify and to remove
        for name in combined:
            (partial / name).replace(folder / name)
    return combined


def permutation(seed: int, split: str, count: int) -> np.ndarray:
    """A random order of `count` sequences [N], the same everywhere."""
    with exact():
        bits = jax.random.bits(stream(split_key(seed, 0, split), "order"), (count,), "uint64")
        return np.argsort(np.asarray(bits), kind="stable")


def common(parts: list[Part]) -> list[str]:
    """Arrays that all tasks have alike, but for the width of a state."""
    first = parts[0]
    own = [name for name in first.arrays if first.row(name)]
    alike = (name for name in own if all(part.row(name) == first.row(name) for part in parts))
    always = [name for name in ("image", "state") if name in own]
    return [*always, *(name for name in alike if name not in always)]


def _name(split: str) -> str:
    return f"combined_{split}.npz"


def _parts(folder: Path, content: dict[str, Any], split: str) -> list[Part]:
    """The files of a split, in task order."""
    recipe, found = content["recipe"], []
    for name, entry in manifest.parts(content, split):
        dt = recipe["dt"][len(found)] if isinstance(recipe["dt"], list) else recipe["dt"]
        once = len(entry["arrays"].get("time", {}).get("shape", ())) == 1
        time = tuple(np.arange(recipe["steps"]) * dt) if once else ()
        found.append(Part(folder / name, entry["arrays"], time))
    return found


def _check(folder: Path, parts: list[Part], pad: bool) -> None:
    for name, what in (("image", "frames"), ("queries", "signals")):
        if len(shapes := {part.row(name) for part in parts}) > 1:
            raise ValueError(f"{folder}: {what} of different shapes cannot stand in one array: {sorted(shapes)}")
    if len(widths := dict.fromkeys(part.row("state")[-1:] for part in parts)) > 1 and not pad:
        numbers = ", ".join(str(*width) for width in widths)
        raise ValueError(f"{folder}: states have {numbers} numbers: add --pad to fill them up with zeros")


def _check_files(folder: Path, content: dict[str, Any], names: list[str], overwrite: bool) -> None:
    """Nothing of another's is in the way, and what is to be combined is what was written."""
    if odd := [name for name in content["files"] if Path(name).suffix != ".npz"]:
        raise ValueError(f"{folder / odd[0]} is no .npz, which alone is combined: generate it with --format npz")
    for path in (folder / name for name in names if os.path.lexists(folder / name)):
        if path.name not in content.get("combined", ()) or not path.is_file():
            raise ValueError(f"{path} is not of this dataset and stays: move it away")
        if not overwrite:
            raise ValueError(f"{path} exists: add --overwrite to replace it")
    for name, entry in content["files"].items():
        if found := npz.fault(folder / name, entry):
            raise DamageError(found)


def _write(path: Path, parts: list[Part], order: np.ndarray | None, pad: bool, bar: Progress) -> dict[str, Any]:
    count, same = sum(part.sequences for part in parts), len({part.time for part in parts}) == 1
    once = {"time": np.array(parts[0].time)} if same and parts[0].time else {}
    chunks = _rows(parts, same, pad)
    chunks = chunks if order is None else _reordered(chunks, order, path.parent)
    return npz.write(path, counted(chunks, bar), count, once)


def _rows(parts: list[Part], same_time: bool, pad: bool) -> Iterator[Arrays]:
    """Sequences of all tasks in order, with one schema, some at a time."""
    names, widths = common(parts), [(0, *part.row("state"))[-1] for part in parts]
    for part, width in zip(parts, widths, strict=True):
        for block in npz.blocks(part.path, _at_a_time((a["dtype"], a["shape"]) for a in part.arrays.values())):
            n, chunk = len(block["label"]), {name: block[name] for name in names}
            if pad and "state" in chunk:
                filling = ((0, 0), (0, 0), (0, max(widths) - width))
                chunk["state"] = np.pad(chunk["state"], filling)
                chunk["state_mask"] = np.tile(np.arange(max(widths)) < width, (n, 1))
            yield chunk if same_time else {**chunk, "time": np.tile(np.array(part.time), (n, 1))}


def _at_a_time(arrays: Iterable[tuple[Any, Sequence[int]]]) -> int:
    """Sequences that fit into `ROOM`, from type and shape of each of their arrays."""
    return max(1, ROOM // sum(np.dtype(kind).itemsize * int(np.prod(shape[1:])) for kind, shape in arrays))


def _reordered(chunks: Iterable[Arrays], order: np.ndarray, place: Path) -> Iterator[Arrays]:
    """The same sequences in another order, laid out on the disk of `place` meanwhile."""
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
        size = _at_a_time((row.dtype, row.shape) for row in rows.values())
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            yield {name: _gathered(files[name], rows[name], chosen) for name in rows}


def _gathered(file: Any, row: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """These rows of a file of rows like `row`."""
    array = np.empty((len(chosen), *row.shape[1:]), row.dtype)
    width = array[:1].nbytes
    if not width:
        return array
    octets = array.reshape(-1).view(np.uint8).reshape(len(chosen), width)
    for i, at in enumerate(chosen.tolist()):
        file.seek(at * width)
        if file.readinto(octets[i]) != width:
            raise ValueError(f"row {at} of {row.dtype} {row.shape} is missing")
    return array
