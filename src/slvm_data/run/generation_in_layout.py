"""Generate a dataset in the layout of other programs: in our own format first, then its copy."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slvm_data.core.files import at_home
from slvm_data.export.layouts import Layout
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.serialisation import to_stored
from slvm_data.run import layout_copy
from slvm_data.run.description import describe
from slvm_data.run.generation import generate
from slvm_data.run.plan import File, Plan
from slvm_data.store import formats, manifest
from slvm_data.store.manifest import Certificate, Copy, FileEntry, Forms, Manifest


def generate_in(
    recipe: Recipe, out: Path | str | None, layout: Layout, largest: int | None, *, overwrite: bool = False, **how: Any
) -> Path:
    """Write a dataset to the folder `out` in a layout of other programs, and return the folder.

    The dataset is made beside it, in a folder `.<name>.slvm-data`, which is removed in the end: so the same command
    goes on if it was interrupted. `how` are arguments of `generate`.

    Raises ValueError as `generate` and `convert` do, and for options that do not go with a layout.
    """
    target = at_home(out) if out is not None else Path(recipe.name)
    for name in ("part", "format"):
        if how.get(name) is not None:
            raise ValueError(f"layout {layout.name} is made as a whole: leave --{SAID[name]} out, or convert later")
    if formats.wanted(target, None):
        said = f"{target} ends in {target.suffix}"
        raise ValueError(f"{said}, and layout {layout.name} decides the files: leave that out")
    if _is_there(target, recipe, layout, largest) and not overwrite:
        print(f"{target}: this copy is there already, and complete", file=sys.stderr)
        return target
    layout_copy.plan(target, _outlook(recipe), layout, largest)  # says what is missing before anything is made
    source = target.absolute().parent / f".{target.name}.slvm-data"
    generate(recipe, source, **how)
    layout_copy.write(source, target, manifest.read(source), layout, largest, overwrite)
    shutil.rmtree(source)
    return target


SAID = {"part": "shards", "format": "format"}  # the words of the command line


def _is_there(target: Path, recipe: Recipe, layout: Layout, largest: int | None) -> bool:
    """Whether the folder holds this copy, and every file is as it was written."""
    if not (target / manifest.NAME).is_file():
        return False
    held = manifest.read_any(target)
    if not isinstance(held, Copy) or (held.layout, held.largest) != (layout.name, largest):
        return False
    same = held.recipe == to_stored(recipe)
    return same and not any(checksum.fault(target / name) for name, checksum in held.files.items())


def _outlook(recipe: Recipe) -> Manifest:
    """The manifest that the dataset will have, as far as it is known before: without checksums and report."""
    plan = Plan(recipe, formats.named(formats.OWN[0]))
    every = {file: layout.forms for file, layout in plan.layouts.items()}
    report = [
        Certificate(task=i, sample=0, substeps=None, error=None, energy_drift=None, rejection_rate=0.0, coverage={})
        for i in range(len(recipe.tasks))
    ]
    files, kept = (dict(_entries(every, series)) for series in (False, True))
    return describe(recipe, files, kept, report, plan.format)


def _entries(every: dict[File, Forms], series: bool) -> Iterator[tuple[str, FileEntry]]:
    for file, forms in every.items():
        if file.series == series:
            entry = FileEntry(sha256="", bytes=0, arrays=forms, task=file.task, split=file.split)
            yield file.path.as_posix(), entry
