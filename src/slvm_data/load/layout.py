"""How rows of an array lie in memory: of the largest form that any task has, frames of zeros and ones packed."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from slvm_data.core.errors import DamageError
from slvm_data.load.column import Column, octets
from slvm_data.observe.windowing import PER_FRAME
from slvm_data.store import formats, npz

FRAMES = {name: axes - 1 for name, axes in formats.FRAMES.items()}  # axes of a sequence before those of a frame
MOMENTS = (*PER_FRAME, "time")  # arrays whose first axis is that of the frames
ZEROS = ("state", "dx_dt")  # filled up with zeros where tasks differ in width, other arrays with NaN or -1
MASK = "state_mask"


class Form(NamedTuple):
    """Type and shape of what a sequence has of an array, in all tasks: the largest of theirs."""

    dtype: np.dtype
    shape: tuple[int, ...]
    alike: bool  # whether every task has just this
    shared: bool  # whether it stands there once for all sequences of a task


class Frames(NamedTuple):
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


def frames_of(root: Path, content: dict[str, Any], files: list[Part], names: list[str]) -> dict[str, Frames]:
    """How the frames of a sequence lie in memory; raises ValueError where these files differ in their shape."""
    entries = [part.entry for part in files]
    _check_frames(root, entries, names)
    views = content["recipe"]["view"]
    binary = all(view["binary"] for view in (views if isinstance(views, list) else [views]))
    found = {}
    for name in names:
        array, lead = entries[0]["arrays"][name], FRAMES[name]
        shape, dtype = tuple(array["shape"][1:]), np.dtype(array["dtype"])
        frame = shape[lead:] if len(shape) == lead + 3 else (1, *shape[lead:])
        last = octets(prod(frame)) if binary else prod(frame)
        kind = np.dtype(np.uint8 if binary or dtype.kind == "u" else np.float32)
        found[name] = Frames((*shape[:lead], last), kind, frame, binary)
    return found


def _check_frames(root: Path, entries: list[dict[str, Any]], names: list[str]) -> None:
    for name in names:
        shapes = {tuple(entry["arrays"][name]["shape"][1:]) for entry in entries}
        if len(shapes) > 1:
            raise ValueError(f"{root}: {name} differs in shape between tasks, {sorted(shapes)}: choose some with tasks")


def blank(name: str, form: Form, frames: Frames | None, rows: int, of: torch.Tensor | None = None) -> Column:
    """A column to be filled, of so many rows."""
    if frames:
        return Column(torch.from_numpy(np.zeros((rows, *frames.shape), frames.dtype)), frames.frame, frames.packed)
    return Column(torch.from_numpy(empty(name, form, rows)), of=of)


def empty(name: str, form: Form, rows: int) -> np.ndarray:
    """Room for so many rows of an array, with its filling where a task has less of it or nothing."""
    if form.alike:
        return np.empty((rows, *form.shape), form.dtype)
    filling = 0 if name in ZEROS else np.nan if form.dtype.kind == "f" else -1
    return np.full((rows, *form.shape), filling, form.dtype)


def put(target: np.ndarray, rows: np.ndarray) -> None:
    """Write rows [n …] into rows [n …] of a form that may be larger."""
    target[tuple(slice(0, n) for n in rows.shape) + (0,) * (target.ndim - rows.ndim)] = rows


def place(column: Column, at: int, block: np.ndarray, path: Path, name: str) -> None:
    """Write rows [n …] of a file to rows of a column, from row `at` on; raises DamageError for what is no bit."""
    target = column.data.numpy()[at : at + len(block)]
    if not column.frame:
        put(target, block)
        return
    flat = block.reshape(*target.shape[:-1], -1)
    if column.packed and flat.shape[-1] == prod(column.frame):  # of Zarr it is packed already
        bits = flat.astype(np.uint8, copy=False)
        if bits.max(initial=0) > 1 or (bits is not flat and (bits != flat).any()):
            raise DamageError(f"{path} is damaged, at {name}: its frames are of 0 and 1, and it holds others")
        flat = np.packbits(bits, axis=-1)
    target[..., : flat.shape[-1]] = flat
