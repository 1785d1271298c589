"""Check that a dataset is as it was written: all bytes by checksums, some sequences by making them again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from slvm_data.arrays import info, pictures
from slvm_data.core.errors import DamageError
from slvm_data.core.types import Arrays
from slvm_data.recipe.recipe import Recipe
from slvm_data.run.plan import File, files_of
from slvm_data.simulation.sequences import collect, first_series
from slvm_data.store import formats, manifest
from slvm_data.store.manifest import CROISSANT, FileEntry, Form, Manifest

TOLERANCE = 1e-4  # of states made again on another class of machine
PIXELS = 1e-3  # share of pixels that may differ there


def faults(folder: Path, recipe: Recipe, content: Manifest, sample: int, bit_exact: bool) -> Iterator[str]:
    """Yield the faults of a dataset, one sentence each; nothing if there are none.

    `sample` sequences of each file are made again. With `bit_exact`, for the same class of machine and the same
    libraries, they have to be equal bit for bit. Otherwise they have to be equal within a tolerance, sequences only in
    the frames before they diverge by chaos, and windows of chaotic trajectories are not compared. For a copy for other
    libraries, and for the files beside the arrays, only checksums are compared.
    """
    if content.format.own:
        yield from _unlike(folder, recipe, content, sample, bit_exact)
    else:
        yield from _altered(folder, content.files | content.series)
    yield from beside_faults(folder, content)
    for name, entry in content.combined.items():
        if fault := formats.store_of(folder / name).fault(folder / name, entry):
            yield fault


def beside_faults(folder: Path, content: Manifest) -> Iterator[str]:
    """How the preview and the description for programs differ from what was written, a sentence each."""
    for name, checksum in content.beside().items():
        if name != manifest.CARD and (fault := checksum.fault(folder / name)):  # a card may be edited
            again = f" (slvm-data convert {folder} {folder / name} --overwrite)" if name == CROISSANT else ""
            yield f"{fault}{again}"


def _altered(folder: Path, files: dict[str, FileEntry]) -> Iterator[str]:
    """Files that are missing, or whose bytes are not those that were written."""
    for name, entry in files.items():
        if fault := manifest.Checksum(entry.bytes, entry.sha256).fault(folder / name):
            yield fault


def _unlike(folder: Path, recipe: Recipe, content: Manifest, sample: int, bit_exact: bool) -> Iterator[str]:
    """Files that are not what the manifest says, or not what the recipe gives."""
    every = content.files | content.series
    for file in files_of(recipe, content.format):
        path, entry = folder / file.path, every.get(file.path.as_posix())
        if entry is None or (entry.task, entry.split) != (file.task, file.split):
            yield f"{path} does not stand in {manifest.NAME}"
            continue
        horizon = None if bit_exact else content.certificate_of(file.task, file.split).horizon
        chaotic = recipe.tasks[file.task].chaotic or horizon is not None
        count = 0 if recipe.windows and chaotic and not bit_exact else sample
        if fault := formats.store_of(path).fault(path, entry) or _remake_fault(
            path, entry, recipe, file, count, bit_exact, horizon
        ):
            yield fault


def _remake_fault(
    path: Path, entry: FileEntry, recipe: Recipe, file: File, sample: int, bit_exact: bool, horizon: int | None
) -> str | None:
    """How some rows of a file differ from its entry in the manifest, or, up to the horizon, from those made again."""
    count = file.rows(recipe)
    rows = np.unique(np.linspace(0, count - 1, min(1 if file.series else sample, count)).astype(int))
    try:
        stored = formats.store_of(path).read(path, rows)
    except DamageError as error:
        return error.what
    found = {name: Form.of(array, count) for name, array in stored.items()}
    if found != entry.arrays:
        return f"{path} holds {found} instead of {entry.arrays}"
    if not len(rows) or not sample:
        return None
    made = first_series(recipe, file.task, file.split) if file.series else collect(recipe, file.task, file.split, rows)
    odd = _difference(_until(horizon, stored), _until(horizon, made), bit_exact)
    return f"{path} differs in {odd} from what its recipe gives" if odd else None


def _until(horizon: int | None, arrays: Arrays) -> Arrays:
    """The arrays with their first frames only, as many as the horizon says; all frames if there is none."""
    return {name: array[:, :horizon] if info(name).per_frame else array for name, array in arrays.items()}


def _difference(stored: Arrays, made: Arrays, bit_exact: bool) -> str | None:
    """Name of the first array that differs."""
    for name, array in made.items():
        if bit_exact or pictures(name) or array.dtype.kind in "iu":  # frames of an original are floats
            tolerated = PIXELS if pictures(name) and not bit_exact else 0.0
            same = stored[name].shape == array.shape and np.sum(stored[name] != array) <= tolerated * array.size
        else:
            same = np.allclose(stored[name], array, rtol=TOLERANCE, atol=TOLERANCE)
        if not same:
            return name
    return None
