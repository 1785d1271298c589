"""Begin a dataset in a folder, or find out that it was begun or completed there before."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from slvm_data.core.errors import DamageError
from slvm_data.recipe.own_file import OwnFiles, differing
from slvm_data.recipe.serialisation import to_stored
from slvm_data.run import preview
from slvm_data.run.description import machine
from slvm_data.run.plan import Plan
from slvm_data.store import journal, manifest
from slvm_data.store.folder import replaceable
from slvm_data.store.manifest import Manifest, PlanRecord
from slvm_data.store.source import sources


def begin(plan: Plan, folder: Path, overwrite: bool) -> bool:
    """Note in the folder what is to be made; return False if the same dataset is complete there already.

    Several processes may do so at once. Raises ValueError if the folder holds another dataset or anything else, or the
    same one begun by other software (unless `overwrite`); DamageError if the same one is complete, and damaged.
    """
    with journal.alone(folder):
        if begun := _begun(folder):
            if (other := _difference(plan, begun)) is None:
                _prepare(plan, folder)
                return True
            if not overwrite:
                raise ValueError(f"{folder} holds {other}: choose another place with --out, or add --overwrite")
        elif not overwrite and (held := _complete(folder)):
            if (other := _difference(plan, held)) is not None:
                raise ValueError(f"{folder} holds {other}: choose another place with --out, or add --overwrite")
            _check_whole(folder, held)
            journal.discard(folder)  # what was begun, but not even a plan of it is left
            return False
        replaceable(folder, files(plan), overwrite)
        journal.check_unused(folder)
        journal.discard(folder)
        try:
            _prepare(plan, folder)
            manifest.write_plan(folder, _record(plan))
        except BaseException:
            journal.discard(folder)
            raise
    return True


def files(plan: Plan) -> list[Path]:
    """All files of a dataset, relative to its folder."""
    return [*(file.path for file in plan.files), *preview.beside(plan.recipe)]


def _prepare(plan: Plan, folder: Path) -> None:
    """Make the places for new files, and the metadata of groups, if they are missing or damaged."""
    journal.prepare(folder)
    for file, layout in plan.layouts.items():
        path = journal.next_of(folder) / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if layout.lacks_metadata(path):
            layout.create(path, journal.scratch_of(folder))


def _begun(folder: Path) -> PlanRecord | None:
    """The plan of the dataset that is being made in a folder; None if there is none, or none that can be read."""
    try:
        return manifest.read_plan(folder)
    except DamageError:
        return None


def _complete(folder: Path) -> Manifest | None:
    """The manifest of the dataset in a folder; None if there is none."""
    return manifest.read(folder) if (folder / manifest.NAME).is_file() else None


def _check_whole(folder: Path, held: Manifest) -> None:
    """Raise DamageError if a file of a dataset is not as it was written."""
    for file in sources(folder, held):
        if fault := file.fault():
            raise DamageError(f"{folder} holds this dataset, and it is damaged: {fault}", file.path)


def _record(plan: Plan) -> PlanRecord:
    return PlanRecord(
        name=plan.recipe.name,
        recipe=to_stored(plan.recipe),
        form=plan.format.name,
        units=len(plan.units),
        sources=_sources(plan.own_files),
        versions=manifest.versions(plan.format),
        machine=machine(),
    )


def _sources(files: OwnFiles) -> dict[str, str]:
    return {own.file: own.sha256 for own in files.values()}


def _difference(plan: Plan, held: Manifest | PlanRecord) -> str | None:
    """Say how the dataset in a folder differs from the one that is asked for; None if it does not."""
    asked, there = to_stored(plan.recipe), held.recipe
    for name in (field.name for field in fields(asked)):
        if (old := getattr(there, name)) != (new := getattr(asked, name)):
            return f"{there.name} with {name} = {old}, and {name} = {new} was asked for"
    if held.format is not plan.format:
        return f"the same dataset as .{held.format.ending}"
    if isinstance(held, Manifest):
        odd = differing(plan.own_files, held.own_files)
        return f"the same recipe, made with another text of {odd}" if odd else None
    here = _record(plan)
    for name in ("versions", "machine", "sources"):
        if (old := getattr(held, name)) != (new := getattr(here, name)):
            return f"the same dataset, begun by other {name}: {old}, here {new}"
    return None
