"""Is a dataset what it says it is? Every byte by its checksum, the schema, and some sequences made again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from slvm_data.core.errors import DamageError
from slvm_data.core.types import Arrays
from slvm_data.export import croissant
from slvm_data.recipe.recipe import Recipe
from slvm_data.run import preview
from slvm_data.simulation.sequences import collect, first_series
from slvm_data.store import formats, manifest, npz

TOLERANCE = 1e-4  # of states made again on another class of machine


def faults(folder: Path, recipe: Recipe, content: dict[str, Any], sample: int, bit_exact: bool) -> Iterator[str]:
    """What is wrong with a dataset, a sentence each; nothing if all is well.

    `sample` sequences of each file are made again; they have to be equal bit for bit if `bit_exact`, that is on the
    class of machine and with the libraries that made them, and within a tolerance otherwise; windows of chaotic paths
    are not compared then. Of an export, and of what lies beside the files, checksums alone are compared.
    """
    if manifest.form(content) in formats.EXPORTS:
        yield from _altered(folder, content["files"] | content.get("series", {}))
    else:
        yield from _unlike(folder, recipe, content, sample, bit_exact)
    if "preview" in content and (fault := preview.fault(folder, content["preview"])):
        yield fault
    if "croissant" in content and (fault := croissant.fault(folder, content["croissant"])):
        yield fault
    for name, entry in content.get("combined", {}).items():
        if fault := npz.fault(folder / name, entry):
            yield fault


def _altered(folder: Path, files: dict[str, Any]) -> Iterator[str]:
    """Files that are missing, or whose bytes are not those that were written."""
    for name, entry in files.items():
        if fault := npz.altered(folder / name, entry):
            yield fault


def _unlike(folder: Path, recipe: Recipe, content: dict[str, Any], sample: int, bit_exact: bool) -> Iterator[str]:
    """Files that are not what the manifest says, or not what the recipe gives."""
    written = {Path(name).with_suffix(""): Path(name) for name in content["files"]}
    for task, split, path in recipe.files():
        if (path := written.get(path.with_suffix(""), path)).as_posix() not in content["files"]:
            yield f"{folder / path} does not stand in {manifest.NAME}"
            continue
        entry = content["files"][path.as_posix()]
        comparable = bit_exact or not (recipe.windows and recipe.tasks[task].chaotic)
        fault = formats.of(path).fault(folder / path, entry) or _remake_fault(
            folder / path, entry, recipe, (task, split), sample * comparable, bit_exact
        )
        if fault:
            yield fault


def _remake_fault(
    path: Path, entry: dict[str, Any], recipe: Recipe, where: tuple[int, str], sample: int, bit_exact: bool
) -> str | None:
    count = recipe.count(where[1])
    rows = np.unique(np.linspace(0, count - 1, min(sample, count)).astype(int))
    try:
        stored = formats.of(path).read(path, rows)
    except DamageError as error:
        return str(error)
    once = {name for name, a in entry["arrays"].items() if npz.stands_once(name, a["shape"], entry["arrays"])}
    schema = {n: [list(a.shape)[n not in once :], str(a.dtype)] for n, a in stored.items()}
    promised = {n: [a["shape"][n not in once :], a["dtype"]] for n, a in entry["arrays"].items()}
    if schema != promised:
        return f"{path} holds {schema} instead of {promised}"
    if not len(rows):
        return None
    odd = _difference(stored, collect(recipe, *where, rows), bit_exact)
    series = first_series(recipe, *where)
    odd = odd or _difference({name: stored[name][:1] for name in series}, series, bit_exact)
    return f"{path} differs in {odd} from what its recipe gives" if odd else None


def _difference(stored: Arrays, made: Arrays, bit_exact: bool) -> str | None:
    """Name of the first array that differs."""
    for name, array in made.items():
        if bit_exact or name == "image" or array.dtype.kind in "iu":  # frames of an original are floats
            tolerated = 0.0 if bit_exact or name != "image" else 1e-3
            same = stored[name].shape == array.shape and np.sum(stored[name] != array) <= tolerated * array.size
        else:
            same = np.allclose(stored[name], array, rtol=TOLERANCE, atol=TOLERANCE)
        if not same:
            return name
    return None
