"""Finish a dataset whose files are complete: what lies beside its arrays, and the manifest last."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from slvm_data.core.errors import DamageError
from slvm_data.core.types import Arrays
from slvm_data.export import croissant
from slvm_data.recipe.recipe import Recipe
from slvm_data.run import preview
from slvm_data.run.beginning import files
from slvm_data.run.description import describe
from slvm_data.run.plan import File, Plan
from slvm_data.run.unit import Note, noted, told
from slvm_data.simulation.certificate import Tally, certificates, measured, sampled
from slvm_data.store import card, formats, journal, manifest
from slvm_data.store.folder import replaceable
from slvm_data.store.manifest import FileEntry, Manifest


def finish_if_complete(plan: Plan, folder: Path, overwrite: bool) -> bool:
    """Put a dataset in its folder if all its units are there, unless another run has done so; return whether it is."""
    with journal.alone(folder), told(folder, "the end"):
        if not journal.plan_of(folder).is_file():
            journal.discard(folder)  # what this run has made meanwhile
            return (folder / manifest.NAME).is_file()
        notes = [noted(plan, folder, unit) for unit in plan.units]
        if not all(notes):
            return False
        finish(journal.next_of(folder), _with_preview(plan, folder, [note for note in notes if note]))
        journal.commit(folder, replaceable(folder, files(plan), overwrite))
    return True


def _with_preview(plan: Plan, folder: Path, notes: list[Note]) -> Manifest:
    """The manifest of a dataset whose units have these notes, and its preview, drawn while the errors are measured."""
    if not plan.recipe.has_frames():
        return _content(plan, folder, notes)
    with ThreadPoolExecutor(1) as beside:
        shown = beside.submit(preview.write, journal.next_of(folder), plan.recipe, plan.format)
        content = _content(plan, folder, notes)
        return preview.added(shown.result(), content)


@contextmanager
def _forged(folder: Path) -> Iterator[None]:
    """Say in a sentence that a note with a right checksum is none that was written here."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        place = journal.units_of(folder)
        raise DamageError(f"{place} is damaged: remove {place.parent}, and make the dataset again") from error


def finish(place: Path, content: Manifest, for_programs: bool = False) -> None:
    """Write the card, the description for programs if wanted, and the manifest of the files in a folder."""
    written = formats.module_of(content.format)
    front = written.front_matter(content) if hasattr(written, "front_matter") else ""
    content = replace(content, card=card.write(place, content, front))
    if for_programs:
        content = replace(content, croissant=croissant.write(place / manifest.CROISSANT, content))
    manifest.write(place, content)


def _content(plan: Plan, folder: Path, notes: list[Note]) -> Manifest:
    """The manifest of a dataset whose units have these notes, except for the files beside the arrays."""
    recipe = plan.recipe
    recipes = {part: plan.recipe_of(split) for part, split in recipe.parts().items()}
    tallies = {part: Tally(of.tasks[part[1]], of.drift) for part, of in recipes.items()}
    stored: dict[File, list[object]] = {file: [] for file in plan.files}
    for unit, note in zip(plan.units, notes, strict=True):
        stored[unit.file].append(note.stored)
        with _forged(folder):
            if note.tally:
                tallies[recipe.part_of(unit.file.split), unit.file.task].join(note.tally)
    own: dict[str, FileEntry] = {}
    kept: dict[str, FileEntry] = {}
    for file in plan.files:
        with _forged(folder):
            written = plan.layouts[file].written(
                journal.next_of(folder) / file.path, stored[file], journal.scratch_of(folder)
            )
        cut_from = recipe.trajectories(file.split) if recipe.windows and not file.series else None
        entry = FileEntry.of(written, file.task, file.split, cut_from)
        (kept if file.series else own)[file.path.as_posix()] = entry
        if not file.series:
            tallies[recipe.part_of(file.split), file.task].show_all(recipe, file.split)
    certificate = certificates(recipe, tallies, partial(_measured, plan, folder))
    return replace(describe(recipe, own, kept, certificate, plan.format), own_files=plan.own_files)


def _measured(plan: Plan, folder: Path, own: Recipe, task: int, split: str) -> Arrays | None:
    """What the errors of a task are measured on, as it is stored: else its program would be compiled here once more."""
    if (names := measured(own, task)) is None:
        return None
    return preview.first_rows(journal.next_of(folder), own, task, split, plan.format, sampled(own, split), names)
