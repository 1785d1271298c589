"""How the rows of an array are held in memory: as wide as in the task with the widest, binary frames bit-packed."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import PurePath

import numpy as np
import torch

from slvm_data import arrays
from slvm_data.core.errors import DamageError
from slvm_data.load.column import Column, packed_size
from slvm_data.store.manifest import FileEntry, Forms
from slvm_data.store.remote import Place

MASK = "state_mask"


@dataclass(frozen=True)
class Layout:
    """Type and shape of an array for one sequence: large enough for all tasks; for frames, as they are packed."""

    name: str
    dtype: np.dtype
    shape: tuple[int, ...]
    alike: bool  # whether every task has exactly this shape
    frame: tuple[int, ...] = ()  # C H W, of frames
    packed: bool = False

    @property
    def per_frame(self) -> bool:
        """Whether the second axis is time; contexts have another axis before it."""
        return arrays.info(self.name).axes.split()[1:2] == ["T"]

    @property
    def size(self) -> int:
        """Bytes of a row."""
        return prod(self.shape) * self.dtype.itemsize

    def empty(self, rows: int) -> np.ndarray:
        """Memory for this number of rows, filled with padding if some task lacks numbers of the array, or the array."""
        if self.frame:
            return np.zeros((rows, *self.shape), self.dtype)
        if self.alike:
            return np.empty((rows, *self.shape), self.dtype)
        return np.full((rows, *self.shape), arrays.info(self.name).filling, self.dtype)

    def blank(self, rows: int) -> Column:
        """A column of this number of rows, to be filled."""
        return Column(torch.from_numpy(self.empty(rows)), self.frame, self.packed, self.per_frame)


@dataclass(frozen=True)
class Part:
    """The file of one task, and the number of its rows that are loaded."""

    path: Place
    entry: FileEntry
    rows: int  # number of rows to load, from the first one on


def layouts_of(every: list[Forms]) -> dict[str, Layout]:
    """Layouts of the arrays from their forms in each task; frames as they are in the file.

    All tasks count, also those that are not loaded, so that tasks loaded later have the same shapes.
    """
    names = dict.fromkeys(name for forms in every for name in forms)
    found = {name: _layout(name, [forms for forms in every if name in forms], len(every)) for name in names}
    if "state" in found and not found["state"].alike:
        found[MASK] = Layout(MASK, np.dtype(bool), found["state"].shape[-1:], alike=True)
    return found


def _layout(name: str, having: list[Forms], tasks: int) -> Layout:
    forms = [each[name] for each in having]
    alike = len(forms) == tasks and len({form.row for form in forms}) == 1
    ranks = max(len(form.row) for form in forms)
    rows = [form.row + (1,) * (ranks - len(form.row)) for form in forms]
    largest = forms[0].row if arrays.pictures(name) else tuple(map(max, zip(*rows, strict=True)))
    return Layout(name, np.dtype(forms[0].dtype), largest, alike)


def in_memory(layout: Layout, binary: bool, part: Part | None = None) -> Layout:
    """Layout in memory of an array: binary frames are packed, as in a file; other arrays do not change."""
    axis = arrays.info(layout.name).frame_axis
    if axis is None:
        return layout
    shape = part.entry.arrays[layout.name].row if part else layout.shape
    lead, picture = shape[: axis - 1], shape[axis - 1 :]
    frame = picture if len(picture) == 3 else (1, *picture)
    last = packed_size(prod(frame)) if binary else prod(frame)
    kind = np.dtype(np.uint8 if binary or layout.dtype.kind == "u" else np.float32)
    return Layout(layout.name, kind, (*lead, last), layout.alike, frame, binary)


def check_frames(root: Place, parts: list[Part], names: list[str]) -> None:
    """Raise ValueError if files differ in the shape of their frames."""
    for name in filter(arrays.pictures, names):
        if len(shapes := {part.entry.arrays[name].row for part in parts}) > 1:
            raise ValueError(f"{root}: {name} differs in shape between tasks, {sorted(shapes)}: choose some with tasks")


def put(target: np.ndarray, rows: np.ndarray) -> None:
    """Write rows [n …] into rows [n …] of an array that may be wider."""
    target[tuple(slice(0, n) for n in rows.shape) + (0,) * (target.ndim - rows.ndim)] = rows


def place(column: Column, at: int, block: np.ndarray, path: PurePath, name: str) -> None:
    """Write rows [n …] of a file to rows of a column, from row `at` on; raises DamageError if bits are not 0 or 1."""
    target = column.data.numpy()[at : at + len(block)]
    if not column.frame:
        put(target, block)
        return
    flat = block.reshape(*target.shape[:-1], prod(block.shape[target.ndim - 1 :]))
    if column.packed and flat.shape[-1] == prod(column.frame):  # from Zarr it is packed already
        bits = flat.astype(np.uint8, copy=False)
        if bits.max(initial=0) > 1 or (bits is not flat and (bits != flat).any()):
            raise DamageError(f"{path} is damaged, at {name}: its frames are of 0 and 1, and it holds others", path)
        flat = np.packbits(bits, axis=-1)
    target[..., : flat.shape[-1]] = flat


def placed(layout: Layout, block: np.ndarray, path: PurePath) -> np.ndarray:
    """Rows [n …] of a file in their layout in memory; not copied if that is the same. Raises as `place` does."""
    if (block.shape[1:], block.dtype) == (layout.shape, layout.dtype):
        return block
    column = layout.blank(len(block))
    place(column, 0, block, path, layout.name)
    return column.data.numpy()
