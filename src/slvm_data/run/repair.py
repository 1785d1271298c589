"""Make damaged or missing files of a dataset again, byte for byte, and leave all others as they are."""

from __future__ import annotations

from pathlib import Path

from slvm_data.core.errors import DamageError
from slvm_data.core.progress import progress
from slvm_data.recipe.recipe import Recipe
from slvm_data.run import preview
from slvm_data.run.plan import File, Plan
from slvm_data.run.unit import make_units
from slvm_data.run.verification import beside_faults
from slvm_data.store import formats, journal, manifest
from slvm_data.store.manifest import FileEntry, Manifest

OTHER = "though made again: by other software than wrote it; generate the dataset anew"


def mend(folder: Path, recipe: Recipe, content: Manifest) -> list[str]:
    """Make the damaged units of a dataset, and its preview, again; return the names of what was made.

    Raises DamageError if a file made again is not, byte for byte, what the manifest says, as with other software.
    """
    if not content.format.own:
        raise ValueError(f"{folder} is a copy for other libraries: convert the dataset again with --overwrite")
    made = _units(folder, recipe, content)
    if content.preview and content.preview.fault(folder / manifest.PREVIEW):
        with journal.staged(folder, list) as place:
            preview.write(place, recipe, content.format, shown=folder)
            manifest.write(place, content)
        made.append(manifest.PREVIEW)
        if fault := content.preview.fault(folder / manifest.PREVIEW):
            raise DamageError(f"{fault}, {OTHER}")
    for fault in beside_faults(folder, content):
        raise DamageError(fault)
    return made


def _units(folder: Path, recipe: Recipe, content: Manifest) -> list[str]:
    """Make the damaged units again; return the names of what was made."""
    plan, every = Plan(recipe, content.format), content.files | content.series
    damaged = [file for file in plan.files if _fault(folder, file, every[file.path.as_posix()])]
    if not damaged:
        return []
    made = []
    with journal.staged(folder, list) as place:
        for file in damaged:
            made += _remake(plan, folder, file)
        manifest.write(place, content)
    with journal.alone(folder):
        journal.prepare(folder)
        for file in damaged:
            plan.layouts[file].relist(folder / file.path, journal.scratch_of(folder))
        journal.discard(folder)
    for file in damaged:
        if fault := _fault(folder, file, every[file.path.as_posix()]):
            raise DamageError(f"{fault}, {OTHER}")
    return made


def _fault(folder: Path, file: File, entry: FileEntry) -> str | None:
    return formats.store_of(file.path).fault(folder / file.path, entry)


def _remake(plan: Plan, folder: Path, file: File) -> list[str]:
    """Make the damaged units of a file again, and the metadata of a group; return the names of what was made."""
    layout, made = plan.layouts[file], []
    new, old = journal.next_of(folder) / file.path, folder / file.path
    if layout.lacks_metadata(old):
        made.append(f"{file.path} metadata")
    layout.create(new, journal.scratch_of(folder))
    units = [unit for unit in plan.units if unit.file == file and layout.is_damaged(old, unit.number)]
    with progress(sum(unit.sequences for unit in units), str(file.path)) as plan.bar:
        return made + [str(unit) for unit in make_units(plan, folder, units)]
