"""A split of a dataset in memory: its files, checked, in columns with a row for each sequence."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from slvm_data.load.checks import whole_number
from slvm_data.load.column import Column, octets
from slvm_data.store import formats, manifest, npz
from slvm_data.store.damage import DamageError
from slvm_data.types import SPLITS
from slvm_data.windows import PER_FRAME

FRAMES = {name: axes - 1 for name, axes in formats.FRAMES.items()}  # axes of a sequence before those of a frame
MOMENTS = (*PER_FRAME, "time")  # arrays whose first axis is that of the frames
ZEROS = ("state", "dx_dt")  # filled up with zeros where tasks differ in width, other arrays with NaN or -1
MASK = "state_mask"
THREADS = 8  # files read at a time


class Form(NamedTuple):
    """Type and shape of what a sequence has of an array, in all tasks: the largest of theirs."""

    dtype: np.dtype
    shape: tuple[int, ...]
    alike: bool  # whether every task has just this
    shared: bool  # whether it stands there once for all sequences of a task


class _Frames(NamedTuple):
    """How the frames of a sequence lie in memory."""

    shape: tuple[int, ...]
    dtype: np.dtype
    frame: tuple[int, ...]  # C H W
    packed: bool


class Part(NamedTuple):
    """The file of one task."""

    task: int
    path: Path
    entry: dict[str, Any]
    rows: int  # that are wanted, the first ones


@dataclass(frozen=True)
class Held:
    """Columns by name, each of so many sequences."""

    columns: dict[str, Column]
    rows: int
    steps: int  # frames of a sequence
    systems: tuple[str, ...]  # of each task

    def __len__(self) -> int:
        return self.rows


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
) -> Held:
    """Read the arrays of these forms, of a split of the dataset in a folder, whose manifest has this `content`.

    Of each task the first `fraction` of its sequences is read. Raises ValueError for a task that the dataset does not
    have, DamageError where a file is not what was written: nothing of it is returned then.
    """
    files = _files(root, content, split, tasks, fraction)
    seen = [name for name in forms if name in FRAMES]
    _check_frames(root, [part.entry for part in files], seen)
    frames = _frames(content, files, seen)
    _check_memory(root, files, [frames.get(name) or (form.shape, form.dtype) for name, form in forms.items()])
    columns = {name: _column(name, form, files, frames.get(name)) for name, form in forms.items() if name != MASK}
    with ThreadPoolExecutor(min(THREADS, len(files))) as pool:
        list(pool.map(lambda k: _fill(columns, files, k), range(len(files))))
    if MASK in forms:
        columns[MASK] = _mask(forms[MASK].shape[-1], files)
    windows = content["recipe"].get("windows")
    systems = [content["recipe"]["tasks"][part.task]["system"] for part in files]
    steps = windows["length"] if windows else content["recipe"]["steps"]
    return Held(columns, sum(part.rows for part in files), steps, tuple(systems))


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


def forms_of(schemas: list[dict[str, Any]]) -> dict[str, Form]:
    """The form of each array over all tasks, from what a manifest says of the arrays of each.

    All of them, also those that are left out: what is held out later fits then.
    """
    found: dict[str, list[tuple[str, tuple[int, ...], bool]]] = {}
    for arrays in schemas:
        for name, array in arrays.items():
            once = npz.stands_once(name, array["shape"], arrays)
            if not once or name == "time":
                row = array["shape"] if once else array["shape"][1:]
                found.setdefault(name, []).append((array["dtype"], tuple(row), once))
    forms = {name: _form(name, same, len(schemas)) for name, same in found.items()}
    if "state" in forms and not forms["state"].alike:
        forms[MASK] = Form(np.dtype(bool), forms["state"].shape[-1:], alike=True, shared=True)
    return forms


def _form(name: str, found: list[tuple[str, tuple[int, ...], bool]], tasks: int) -> Form:
    alike = len(found) == tasks and len({row for _, row, _ in found}) == 1
    ranks = max(len(row) for _, row, _ in found)
    rows = [row + (1,) * (ranks - len(row)) for _, row, _ in found]
    most = found[0][1] if name in FRAMES else tuple(map(max, zip(*rows, strict=True)))
    return Form(np.dtype(found[0][0]), most, alike, found[0][2])


def _check_frames(root: Path, entries: list[dict[str, Any]], names: list[str]) -> None:
    for name in names:
        shapes = {tuple(entry["arrays"][name]["shape"][1:]) for entry in entries}
        if len(shapes) > 1:
            raise ValueError(f"{root}: {name} differs in shape between tasks, {sorted(shapes)}: choose some with tasks")


def _frames(content: dict[str, Any], files: list[Part], names: list[str]) -> dict[str, _Frames]:
    """How the frames of a sequence lie in memory."""
    views = content["recipe"]["view"]
    binary = all(view["binary"] for view in (views if isinstance(views, list) else [views]))
    found = {}
    for name in names:
        array, lead = files[0].entry["arrays"][name], FRAMES[name]
        shape, dtype = tuple(array["shape"][1:]), np.dtype(array["dtype"])
        frame = shape[lead:] if len(shape) == lead + 3 else (1, *shape[lead:])
        last = octets(prod(frame)) if binary else prod(frame)
        kind = np.dtype(np.uint8 if binary or dtype.kind == "u" else np.float32)
        found[name] = _Frames((*shape[:lead], last), kind, frame, binary)
    return found


def _column(name: str, form: Form, files: list[Part], frames: _Frames | None) -> Column:
    """A column to be filled, in its final size."""
    count = sum(part.rows for part in files)
    if frames:
        return Column(torch.from_numpy(np.zeros((count, *frames.shape), frames.dtype)), frames.frame, frames.packed)
    of = _one_each(files) if form.shared else None
    return Column(torch.from_numpy(empty(name, form, len(files) if form.shared else count)), of=of)


def _one_each(files: list[Part]) -> torch.Tensor:
    """For each sequence the number of its file [N]."""
    return torch.from_numpy(np.repeat(np.arange(len(files)), [part.rows for part in files]))


def empty(name: str, form: Form, rows: int) -> np.ndarray:
    """Room for so many rows of an array, with its filling where a task has less of it or nothing."""
    if form.alike:
        return np.empty((rows, *form.shape), form.dtype)
    filling = 0 if name in ZEROS else np.nan if form.dtype.kind == "f" else -1
    return np.full((rows, *form.shape), filling, form.dtype)


def put(target: np.ndarray, rows: np.ndarray) -> None:
    """Write rows [n …] into rows [n …] of a form that may be larger."""
    target[tuple(slice(0, n) for n in rows.shape) + (0,) * (target.ndim - rows.ndim)] = rows


def _check_memory(root: Path, files: list[Part], rows: Iterable[Sequence[Any]]) -> None:
    """Refuse what this machine cannot hold, from shape and type of a sequence's arrays, before anything is read."""
    needed = sum(part.rows for part in files) * sum(prod(shape) * dtype.itemsize for shape, dtype, *_ in rows)
    if hasattr(os, "sysconf") and needed > (there := os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")):
        raise ValueError(
            f"{root} takes {needed / 1e9:.1f} GB of memory, and there are {there / 1e9:.1f}: "
            "ask for less with tasks, fields or fraction"
        )


def _fill(columns: dict[str, Column], files: list[Part], k: int) -> None:
    """Read the file of one task to its place."""
    part, first = files[k], sum(other.rows for other in files[:k])
    store = formats.of(part.path)
    if fault := store.fault(part.path, part.entry):
        raise DamageError(fault)
    wanted = {name: array for name, array in part.entry["arrays"].items() if name in columns}
    for name, start, block in store.pieces(part.path, wanted):
        column = columns[name]
        if column.of is not None:
            column.data.numpy()[k][start : start + len(block)] = block
        elif len(block := block[: max(0, part.rows - start)]):
            _put(column, first + start, block, part, name)


def _put(column: Column, at: int, block: np.ndarray, part: Part, name: str) -> None:
    target = column.data.numpy()[at : at + len(block)]
    if not column.frame:
        put(target, block)
        return
    flat = block.reshape(*target.shape[:-1], -1)
    if column.packed and flat.shape[-1] == prod(column.frame):  # of Zarr it is packed already
        bits = flat.astype(np.uint8, copy=False)
        if bits.max(initial=0) > 1 or (bits is not flat and (bits != flat).any()):
            raise DamageError(f"{part.path} is damaged, at {name}: its frames are of 0 and 1, and it holds others")
        flat = np.packbits(bits, axis=-1)
    target[..., : flat.shape[-1]] = flat


def _mask(width: int, files: list[Part]) -> Column:
    """Which numbers of a state are its own, not filling."""
    own = np.array([part.entry["arrays"]["state"]["shape"][-1] for part in files])
    return Column(torch.from_numpy(np.arange(width) < own[:, None]), of=_one_each(files))
