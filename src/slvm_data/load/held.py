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

from slvm_data.load.column import Column, octets
from slvm_data.store import manifest, npz
from slvm_data.store.damage import DamageError
from slvm_data.types import SPLITS
from slvm_data.windows import PER_FRAME

FRAMES = {"image": 1, "domain_image": 2}  # axes of a sequence's frames before those of the frame itself
ZEROS = ("state", "dx_dt")  # filled up with zeros where tasks differ in width, other arrays with NaN or -1
MASK = "state_mask"
THREADS = 8  # files read at a time


class Form(NamedTuple):
    """Type and shape of what a sequence has of an array, in all tasks: the largest of theirs."""

    dtype: np.dtype
    shape: tuple[int, ...]
    alike: bool  # whether every task has just this
    shared: bool  # whether it stands there once for all sequences of a task


class Part(NamedTuple):
    """The file of one task."""

    task: int
    path: Path
    entry: dict[str, Any]
    rows: int  # that are wanted, the first ones


@dataclass(frozen=True)
class Held:
    """Columns by name, and the task of each sequence [N]."""

    columns: dict[str, Column]
    task: torch.Tensor
    steps: int  # frames of a sequence

    def __len__(self) -> int:
        return len(self.task)

    def has_moments(self, name: str) -> bool:
        """Whether the first axis of an array is that of the frames."""
        return name in (*PER_FRAME, "time") and self.columns[name].data.shape[1] == self.steps


def hold(
    root: Path | str, split: str, tasks: Sequence[int] | None, fields: Iterable[str] | None, fraction: float
) -> Held:
    """Read a split. `fields` are the arrays to read, all if None; of each task the first `fraction` of its sequences.

    Raises ValueError for what the dataset does not have, DamageError where a file is not what was written: nothing of
    it is returned then.
    """
    root = Path(root)
    content = open_manifest(root)
    files = _files(root, content, split, tasks, fraction)
    forms = _forms([entry for _, entry in manifest.parts(content, split)])
    chosen = _chosen(forms, fields, root)
    _check_frames(root, [part.entry for part in files], [name for name in chosen if name in FRAMES])
    columns = _empty(content, {name: forms[name] for name in chosen if name != MASK}, files)
    _check_memory(root, columns.values())
    with ThreadPoolExecutor(min(THREADS, len(files))) as pool:
        list(pool.map(lambda k: _fill(columns, files, k), range(len(files))))
    if MASK in chosen:
        columns[MASK] = _mask(forms["state"].shape[-1], files)
    task = torch.repeat_interleave(torch.tensor([part.task for part in files]), torch.tensor([p.rows for p in files]))
    windows = content["recipe"].get("windows")
    return Held(columns, task, windows["length"] if windows else content["recipe"]["steps"])


def open_manifest(root: Path) -> dict[str, Any]:
    """What a folder's manifest says; raises ValueError where it is not that of a dataset, and says which is."""
    if not (root / manifest.NAME).is_file() and (root.resolve().parent / manifest.NAME).is_file():
        whole = root.resolve().parent
        names = [str(Path(name).parent) for name, _ in manifest.parts(manifest.read(whole), SPLITS[0])]
        task = names.index(root.resolve().name) if root.resolve().name in names else 0
        raise ValueError(f"{root} is a task of the dataset {root.parent}: open that one, with tasks=[{task}]")
    return manifest.read(root)


def _files(
    root: Path, content: dict[str, Any], split: str, tasks: Sequence[int] | None, fraction: float
) -> list[Part]:
    if split not in SPLITS:
        raise ValueError(f"split = {split!r} is unknown; there are {', '.join(SPLITS)}")
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction = {fraction} has to lie above 0 and be at most 1")
    if not (parts := manifest.parts(content, split)):
        raise ValueError(f"{root} has no sequences in {split}")
    chosen = range(len(parts)) if tasks is None else list(tasks)
    if odd := [task for task in chosen if task not in range(len(parts))]:
        raise ValueError(f"tasks = {odd[0]} does not exist in {root}, whose tasks are 0 … {len(parts) - 1}")
    if not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(f"tasks = {chosen} has to name at least one task, and each once")
    found = []
    for task in chosen:
        name, entry = parts[task]
        rows = max(1, round(fraction * entry["arrays"]["label"]["shape"][0]))
        found.append(Part(task, root / name, entry, rows))
    return found


def _forms(entries: list[dict[str, Any]]) -> dict[str, Form]:
    """The form of each array over all tasks, also those that are left out: what is held out later fits then."""
    found: dict[str, list[tuple[str, tuple[int, ...], bool]]] = {}
    for arrays in (entry["arrays"] for entry in entries):
        for name, array in arrays.items():
            once = npz.stands_once(name, array["shape"], arrays)
            if not once or name == "time":
                row = array["shape"] if once else array["shape"][1:]
                found.setdefault(name, []).append((array["dtype"], tuple(row), once))
    forms = {name: _form(name, same, len(entries)) for name, same in found.items()}
    if "state" in forms and not forms["state"].alike:
        forms[MASK] = Form(np.dtype(bool), forms["state"].shape[-1:], alike=True, shared=True)
    return forms


def _form(name: str, found: list[tuple[str, tuple[int, ...], bool]], tasks: int) -> Form:
    alike = len(found) == tasks and len({row for _, row, _ in found}) == 1
    ranks = max(len(row) for _, row, _ in found)
    rows = [row + (1,) * (ranks - len(row)) for _, row, _ in found]
    most = found[0][1] if name in FRAMES else tuple(map(max, zip(*rows, strict=True)))
    return Form(np.dtype(found[0][0]), most, alike, found[0][2])


def _chosen(forms: dict[str, Form], fields: Iterable[str] | None, root: Path) -> list[str]:
    chosen = list(forms) if fields is None else list(dict.fromkeys(fields))
    for name in chosen:
        if name not in forms:
            raise ValueError(f"{name!r} is not among the arrays of {root}: index, {', '.join(forms)}")
    return chosen


def _check_frames(root: Path, entries: list[dict[str, Any]], names: list[str]) -> None:
    for name in names:
        shapes = {tuple(entry["arrays"][name]["shape"][1:]) for entry in entries}
        if len(shapes) > 1:
            raise ValueError(f"{root}: {name} differs in shape between tasks, {sorted(shapes)}: choose some with tasks")


def _empty(content: dict[str, Any], forms: dict[str, Form], files: list[Part]) -> dict[str, Column]:
    """Columns to be filled, in their final size."""
    count, columns = sum(part.rows for part in files), {}
    sizes = torch.tensor([part.rows for part in files])
    views = content["recipe"]["view"]
    views = views if isinstance(views, list) else [views]
    for name, form in forms.items():
        if name in FRAMES:
            shape = tuple(files[0].entry["arrays"][name]["shape"][1:])
            columns[name] = _frames(count, shape, FRAMES[name], form.dtype, all(view["binary"] for view in views))
        else:
            rows = len(files) if form.shared else count
            filling = 0 if name in ZEROS else np.nan if form.dtype.kind == "f" else -1
            empty = np.empty if form.alike else lambda *form, _=filling: np.full(form[0], _, form[1])
            of = torch.repeat_interleave(torch.arange(len(files)), sizes) if form.shared else None
            columns[name] = Column(torch.from_numpy(empty((rows, *form.shape), form.dtype)), of=of)
    return columns


def _frames(count: int, shape: tuple[int, ...], lead: int, dtype: np.dtype, binary: bool) -> Column:
    frame = shape[lead:] if len(shape) == lead + 3 else (1, *shape[lead:])
    last, kind = (octets(prod(frame)), np.uint8) if binary else (prod(frame), np.uint8 if dtype.kind == "u" else "f4")
    return Column(torch.from_numpy(np.zeros((count, *shape[:lead], last), kind)), frame, binary)


def _check_memory(root: Path, columns: Iterable[Column]) -> None:
    """Refuse what this machine cannot hold before anything is read."""
    needed = sum(column.data.nbytes for column in columns)
    if hasattr(os, "sysconf") and needed > (there := os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")):
        raise ValueError(
            f"{root} takes {needed / 1e9:.1f} GB of memory, and there are {there / 1e9:.1f}: "
            "ask for less with tasks, fields or fraction"
        )


def _fill(columns: dict[str, Column], files: list[Part], k: int) -> None:
    """Read the file of one task to its place."""
    part, first = files[k], sum(other.rows for other in files[:k])
    if fault := npz.fault(part.path, part.entry):
        raise DamageError(fault)
    wanted = {name: array for name, array in part.entry["arrays"].items() if name in columns}
    for name, start, block in npz.pieces(part.path, wanted):
        column = columns[name]
        if column.of is not None:
            column.data.numpy()[k][start : start + len(block)] = block
        elif len(block := block[: max(0, part.rows - start)]):
            _put(column, first + start, block, part, name)


def _put(column: Column, at: int, block: np.ndarray, part: Part, name: str) -> None:
    target = column.data.numpy()[at : at + len(block)]
    if not column.frame:
        target[tuple(slice(0, n) for n in block.shape) + (0,) * (target.ndim - block.ndim)] = block
        return
    flat = block.reshape(*target.shape[:-1], -1)
    if column.packed:
        bits = flat.astype(np.uint8, copy=False)
        if bits.max(initial=0) > 1 or (bits is not flat and (bits != flat).any()):
            raise DamageError(f"{part.path} is damaged, at {name}: its frames are of 0 and 1, and it holds others")
        flat = np.packbits(bits, axis=-1)
    target[..., : flat.shape[-1]] = flat


def _mask(width: int, files: list[Part]) -> Column:
    """Which numbers of a state are its own, not filling."""
    own = torch.tensor([part.entry["arrays"]["state"]["shape"][-1] for part in files])
    sizes = torch.tensor([part.rows for part in files])
    return Column(torch.arange(width) < own[:, None], of=torch.repeat_interleave(torch.arange(len(files)), sizes))
