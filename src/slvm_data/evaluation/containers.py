"""What holds the arrays of a forecast: an .npz, a Zarr group, or a dict in memory; read some rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from slvm_data.core.errors import DamageError
from slvm_data.core.optional import optional
from slvm_data.core.types import Arrays
from slvm_data.store import npz
from slvm_data.store.manifest import Form, Forms
from slvm_data.store.npz_rows import Rows

BLOCK = 2**23  # bytes read at a time
CHUNK = 2**30  # bytes of a chunk of a Zarr array, at most
FITS = "a forecast is an .npz with arrays of numbers, a folder of them, or a Zarr group"


class Container(Protocol):
    """Arrays by name, of which nothing is read before it is asked for."""

    @property
    def where(self) -> str:
        """What errors call it."""
        ...

    @property
    def forms(self) -> Forms:
        """Shape and type of each array."""
        ...

    def blocks(self, name: str) -> Iterator[np.ndarray]:
        """Yield an array, some of its rows at a time; raises ValueError if it is damaged."""
        ...

    def rows(self, name: str, rows: np.ndarray, samples: bool = False) -> np.ndarray:
        """These rows (increasing) [n …] of an array; with `samples`, whose first axis is theirs, [S n …]."""
        ...


@dataclass(frozen=True)
class Archive:
    """An .npz. Nothing is unpickled; sizes are compared before anything is read."""

    path: Path
    _rows: Rows

    @staticmethod
    def of(path: Path) -> Archive:
        """Open a file; raises ValueError unless it holds arrays of numbers."""
        return Archive(path, _told(lambda: Rows(path)))

    @property
    def where(self) -> str:
        """The path."""
        return str(self.path)

    @property
    def forms(self) -> Forms:
        """Shape and type of each array."""
        return self._rows.forms

    def blocks(self, name: str) -> Iterator[np.ndarray]:
        """Yield an array from its first row to its last, and compare its checksum."""
        pieces = npz.pieces(self.path, {name: self.forms[name]})
        while (piece := _told(lambda: next(pieces, None))) is not None:
            yield piece[2]

    def rows(self, name: str, rows: np.ndarray, samples: bool = False) -> np.ndarray:
        """These rows (increasing) of an array."""
        if not samples:
            return _told(lambda: self._rows.read(rows, (name,)))[name]
        S, N, *rest = self.forms[name].shape
        every = (N * np.arange(S)[:, None] + rows).ravel()
        return _told(lambda: self._rows.read(every, (name,), axes=2))[name].reshape(S, len(rows), *rest)


def _told(read: Callable[[], Any]) -> Any:
    """What a function reads; its errors are those of a file that a model wrote, and that no command makes again."""
    try:
        return read()
    except DamageError as error:
        raise ValueError(f"{error.what.replace(' is damaged, at ', ' cannot be read, at ')}; {FITS}") from error


@dataclass(frozen=True)
class Group:
    """A Zarr group, read with zarr-python."""

    path: Path
    _arrays: dict[str, Any]

    @staticmethod
    def of(path: Path) -> Group:
        """Open a group; raises ValueError if it is none, or if a chunk of it would not fit in memory."""
        library = optional("zarr", "a Zarr group", "zarr")
        try:
            arrays = dict(library.open_group(str(path), mode="r").arrays())
        except Exception as error:  # damaged metadata may raise any error
            raise ValueError(f"{path} cannot be read as a Zarr group: {error}; {FITS}") from error
        for name, array in arrays.items():
            if (size := prod(array.chunks) * array.dtype.itemsize) > CHUNK:
                raise ValueError(f"{path} has {name} in chunks of {size} bytes, and {CHUNK} are the most that fit")
        return Group(path, arrays)

    @property
    def where(self) -> str:
        """The path."""
        return str(self.path)

    @property
    def forms(self) -> Forms:
        """Shape and type of each array."""
        return {name: _form(self.where, name, array.shape, array.dtype) for name, array in self._arrays.items()}

    def blocks(self, name: str) -> Iterator[np.ndarray]:
        """Yield an array, whole chunks at a time."""
        array = self._arrays[name]
        step = array.chunks[0] * max(1, BLOCK // max(1, prod(array.chunks) * array.dtype.itemsize))
        for start in range(0, array.shape[0], step):
            yield self._read(name, lambda start=start: array[start : start + step])

    def rows(self, name: str, rows: np.ndarray, samples: bool = False) -> np.ndarray:
        """These rows (increasing) of an array."""
        asked = (slice(None), rows) if samples else (rows,)
        return self._read(name, lambda: self._arrays[name].oindex[asked])

    def _read(self, name: str, read: Callable[[], Any]) -> np.ndarray:
        try:
            return np.asarray(read())
        except Exception as error:  # damaged chunks may raise any error
            raise ValueError(f"{self.path} cannot be read, at {name}: {error}; {FITS}") from error


@dataclass(frozen=True)
class Given:
    """Arrays in memory, of NumPy or PyTorch."""

    arrays: Arrays
    where: str = "the forecast"

    @staticmethod
    def of(arrays: Mapping[str, Any]) -> Given:
        """Arrays by name; raises ValueError for what is no array of numbers."""
        plain = {name: _plain(value) for name, value in arrays.items()}
        given = Given(plain)
        _ = given.forms
        return given

    @property
    def forms(self) -> Forms:
        """Shape and type of each array."""
        return {name: _form(self.where, name, own.shape, own.dtype) for name, own in self.arrays.items()}

    def blocks(self, name: str) -> Iterator[np.ndarray]:
        """Yield an array, some rows at a time."""
        array = self.arrays[name]
        step = max(1, BLOCK // max(1, array[:1].nbytes))
        yield from (array[start : start + step] for start in range(0, len(array), step))

    def rows(self, name: str, rows: np.ndarray, samples: bool = False) -> np.ndarray:
        """These rows of an array."""
        return self.arrays[name][:, rows] if samples else self.arrays[name][rows]


def _plain(value: Any) -> np.ndarray:
    return value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)


def _form(where: str, name: str, shape: tuple[int, ...], dtype: Any) -> Form:
    try:
        return Form(tuple(shape), str(dtype))
    except ValueError as error:
        raise ValueError(f"{where} cannot be read, at {name}: {error}; {FITS}") from None


ENDINGS: dict[str, Callable[[Path], Container]] = {".npz": Archive.of, ".zarr": Group.of}
"""Endings of names, and what opens a file or group with it."""


def is_one(path: Path) -> bool:
    """Whether a path is that of one forecast, and not of a folder of several."""
    return path.is_file() or path.suffix in ENDINGS or any((path / name).is_file() for name in ("zarr.json", ".zgroup"))


def opened(path: Path) -> Container:
    """The forecast at a path; raises ValueError if there is none."""
    if not path.exists():
        raise ValueError(f"{path} is missing: {FITS}")
    if path.is_dir():
        return Group.of(path)
    if path.suffix not in ENDINGS:
        raise ValueError(f"{path} ends in none of {', '.join(ENDINGS)}: {FITS}")
    return ENDINGS[path.suffix](path)
