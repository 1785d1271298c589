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
from slvm_data.store.folder import check_groups
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
        with journal.staged(folder, lambda: _replaced(folder, content)) as place:
            preview.write(place, recipe, content.format, shown=folder)
            _check_fits(content.preview.fault(place / manifest.PREVIEW))
            manifest.write(place, content)
        made.append(manifest.PREVIEW)
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
    with journal.staged(folder, lambda: _replaced(folder, content)) as place:
        for file in damaged:
            made += _remake(plan, folder, file)
            name = file.path.as_posix()
            _check_fits(plan.layouts[file].misfit(place / file.path, folder / file.path, every[name]))
        manifest.write(place, content)
    with journal.alone(folder):
        journal.prepare(folder)
        for file in damaged:
            if plan.layouts[file].relist(folder / file.path, journal.scratch_of(folder)):
                made.append(f"{file.path} list of shards")
        journal.discard(folder)
    for file in damaged:
        _check_fits(_fault(folder, file, every[file.path.as_posix()]))
    return made


def _replaced(folder: Path, content: Manifest) -> list[Path]:
    """No files but those that are made again; raises an error if the dataset is another one, or lies behind links."""
    journal.still(folder, content)
    check_groups(folder, list(map(Path, content.every_file())))
    return []


def _check_fits(fault: str | None) -> None:
    """Raise DamageError for a file that was made again and is not what the manifest says: the old one stays."""
    if fault:
        raise DamageError(f"{fault}, {OTHER}")


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
