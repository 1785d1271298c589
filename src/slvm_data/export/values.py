"""Arrays of a dataset, arranged as a layout wants them: order of axes, type, range of values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from slvm_data import arrays
from slvm_data.export.layouts import Column, Layout
from slvm_data.store.manifest import Form, Manifest
from slvm_data.store.source import Source


@dataclass(frozen=True)
class Values:
    """The values of a column of a file: rows of one source after the other, as wide as in the widest."""

    key: str
    column: Column
    arrays: tuple[str, ...]  # name of the array in each source
    parts: tuple[Source, ...]
    form: Form  # with all rows, as they are written
    scale: float = 1.0  # of the numbers of a frame
    constant: np.ndarray | None = None  # a shared parameter, which has no rows

    @property
    def size(self) -> int:
        """Bytes of all rows."""
        return self.form.row_size * self.form.shape[0]

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the rows, some at a time; raises DamageError if they are not what the manifest says."""
        if self.constant is not None:
            yield self.constant
            return
        for name, part in zip(self.arrays, self.parts, strict=True):
            for block in part.blocks(names=(name,)):
                yield self._arranged(block[name], name)

    def _arranged(self, block: np.ndarray, name: str) -> np.ndarray:
        found = arranged(block, arrays.info(name).letters(block.ndim), self.column.axes)
        found = np.ones_like(found) if self.column.ones else found
        if self.scale != 1:
            found = found * self.scale if self.scale > 1 else found / (1 / self.scale)
        wide = [(0, n - m) for n, m in zip(self.form.row, found.shape[1:], strict=True)]
        found = np.pad(found, [(0, 0), *wide]) if any(map(sum, wide)) else found
        return np.ascontiguousarray(found, self.form.dtype)


def arranged(block: np.ndarray, have: tuple[str, ...], want: str) -> np.ndarray:
    """An array with axes `have` in the axes that a column wants; one colour is repeated for "R".

    Axes that are not wanted have one element. Raises ValueError for one that has more.
    """
    tokens = _resolved(have, want.split())
    letters = [letter for token in tokens for letter in token.split("*")]
    kept = [letter for letter in have if letter in letters or (letter == "C" and "R" in letters)]
    block = block.reshape([n for n, letter in zip(block.shape, have, strict=True) if letter in kept])
    names = ["R" if letter == "C" and "R" in letters else letter for letter in kept]
    block = block.transpose([names.index(letter) for letter in letters if letter in names])
    for i, letter in enumerate(letters):
        block = np.expand_dims(block, i) if letter not in names else block
    sizes = iter(block.shape)
    block = block.reshape([prod(next(sizes) for _ in token.split("*")) for token in tokens])
    colour = tokens.index("R") if "R" in tokens else None
    return block if colour is None or block.shape[colour] == 3 else np.repeat(block, 3, axis=colour)


def _resolved(have: tuple[str, ...], want: list[str]) -> list[str]:
    """The wanted axes, with the name of the axis that "*" stands for."""
    named = [letter for token in want if token != "*" for letter in token.split("*")]
    left = [letter for letter in have if letter not in named] or ["1"]
    return [left[-1] if token == "*" else token for token in want]


def of(column: Column, key: str, parts: list[Source], layout: Layout, content: Manifest, top: int | None) -> Values:
    """The values of a column from these sources; `top` is the largest number of a frame, if it is not the layout's.

    Raises ValueError, which says what is missing, if the dataset cannot fill the column.
    """
    if column.shared:
        return _of_shared(column, key, parts, layout, content)
    names = tuple(_array(column, part) for part in parts)
    rows = [_form(column, name, part, layout, content) for name, part in zip(names, parts, strict=True)]
    if len({row[:-1] if names[0] == "state" else row for row in rows}) > 1:  # narrow states are padded
        raise ValueError(
            f"{content.name} has {names[0]} of different shapes, {sorted(set(rows))}, which cannot stand in one file "
            f"of layout {layout.name}: choose another layout (slvm-data layouts), or generate some of the tasks alone"
        )
    widest = tuple(map(max, zip(*rows, strict=True)))
    dtype = column.dtype or parts[0].arrays[names[0]].dtype
    count = sum(part.entry.rows for part in parts)
    scale = _scale(column, names[0], np.dtype(dtype), layout, content, top)
    return Values(key, column, names, tuple(parts), Form((count, *widest), dtype), scale)


def _array(column: Column, part: Source) -> str:
    """The first of the column's arrays that a source has; raises ValueError if only other tasks have one."""
    for name in column.array:
        if name in part.arrays:
            return name
    raise ValueError(f"{part.path} has no {' or '.join(column.array)}, as other tasks have: choose another layout")


def _form(column: Column, name: str, part: Source, layout: Layout, content: Manifest) -> tuple[int, ...]:
    """Shape of a row in the file."""
    shape = (1, *part.arrays[name].row)
    have = arrays.info(name).letters(len(shape))
    try:
        return arranged(np.broadcast_to(np.zeros(1, bool), shape), have, column.axes).shape[1:]
    except ValueError:
        held = ", ".join(f"{n} ({arrays.AXES[letter]})" for n, letter in zip(shape[1:], have[1:], strict=True))
        one = "generate it with frames of one colour (--palette 1), or " if "C" in have else ""
        raise ValueError(
            f"layout {layout.name} wants {column.key or name} with the axes {column.axes}, and {name} of "
            f"{content.name} has {held}: {one}choose another layout (slvm-data layouts)"
        ) from None


def _scale(column: Column, name: str, dtype: np.dtype, layout: Layout, content: Manifest, top: int | None) -> float:
    """What the numbers of a frame are multiplied by."""
    if not arrays.pictures(name) or column.ones:
        return 1.0
    held = 1 if content.recipe.binary() or content.recipe.original else 255
    wanted = top or (255 if column.full else 1) if column.dtype else top or held
    if wanted < held and dtype.kind != "f":
        raise ValueError(
            f"layout {layout.name} has frames of 0 and 1, and those of {content.name} have 256 shades: add --range 255"
        )
    return wanted / held


def _of_shared(column: Column, key: str, parts: list[Source], layout: Layout, content: Manifest) -> Values:
    task = parts[0].entry.task
    held = content.shared_parameters[task] if content.shared_parameters else {}
    if column.shared not in held:
        raise ValueError(f"layout {layout.name} needs the shared parameter {column.shared}, which {content.name} lacks")
    value = np.ascontiguousarray(held[column.shared], column.dtype)
    return Values(key, column, (), (), Form(value.shape, column.dtype), constant=value)


def fills(column: Column, parts: list[Source], content: Manifest) -> bool:
    """Whether a dataset has what an optional column needs."""
    if column.shared:
        held = content.shared_parameters[parts[0].entry.task] if content.shared_parameters else {}
        return column.shared in held and np.ndim(held[column.shared]) == len(column.axes.split())
    return all(any(name in part.arrays for name in column.array) for part in parts)
