"""Make a dataset in shards: begin it once, make the shards in any order and in any process, finish it at the end.

A shard is a pure function of recipe and number, so it may be made again at any time, by any process, and is the same.
The markers of the shards alone tell which ones are made. Windows are cut from trajectories, which are simulated again
for each shard that has windows of them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from slvm_data.core.errors import DamageError
from slvm_data.core.files import atomic
from slvm_data.core.types import Arrays
from slvm_data.observe.windowing import Windowing
from slvm_data.recipe.own_file import digests
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.serialisation import to_stored
from slvm_data.run import preview
from slvm_data.run.description import describe, machine
from slvm_data.run.plan import File, files_of
from slvm_data.simulation.batch import Batch, Inputs, batch_size, frame_buffer, make, prepare
from slvm_data.simulation.certificate import Tally, certify
from slvm_data.simulation.sequences import collect, first_series, series, windows_of
from slvm_data.store import card, formats, manifest, zarr
from slvm_data.store.folder import lay_over, left_over, private_workspace, replaceable, take_away
from slvm_data.store.manifest import FileEntry, Manifest, PlanRecord, forms_of
from slvm_data.store.rows import fitting

FORMAT = formats.named("zarr")


@dataclass(frozen=True)
class Shard:
    """A range of the rows of a file."""

    file: File
    number: int
    first: int
    stop: int

    def __str__(self) -> str:
        return f"{self.file.path} shard {self.number}"


class Plan:
    """The shards of a recipe, and what they have in common."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe, self.files = recipe, files_of(recipe, FORMAT)
        self._inputs: dict[tuple[int, str], Inputs] = {}
        self._trajectory: tuple[tuple[int, str], Batch] | None = None

    @cached_property
    def layouts(self) -> dict[File, zarr.Layout]:
        """The layout of each file: how it is divided into shards."""
        recipe, found = self.recipe, {}
        rows: dict[tuple[int, bool], Arrays] = {}  # the first of each task, as large as those of its other splits
        for file in self.files:
            if file.series:
                row = first_series(recipe, file.task, file.split)
            else:
                key = file.task, file.series
                rows[key] = row = rows.get(key) or collect(recipe, file.task, file.split, np.arange(1))
            forms = forms_of(row, file.rows(recipe))
            found[file] = zarr.Layout.of(forms, recipe.bit_packed(), one_by_one=file.series)
        return found

    def shards(self) -> list[Shard]:
        """All shards of the dataset, in order."""
        every = self.layouts.items()
        return [Shard(file, k, *layout.range(k)) for file, layout in every for k in range(layout.shards)]

    def missing(self, folder: Path, shards: list[Shard]) -> list[Shard]:
        """Those of the given shards that are not complete yet."""
        return [shard for shard in shards if _counted(folder, shard) is None]

    def is_complete(self, folder: Path) -> bool:
        """Whether all shards are there."""
        return not self.missing(folder, self.shards())

    def inputs(self, file: File) -> Inputs:
        """The numbers that all shards of a split are made from."""
        key = file.task, file.split
        if key not in self._inputs:
            self._inputs[key] = prepare(self.recipe, *key)
        return self._inputs[key]

    def batch(self, file: File, index: np.ndarray, frames: np.ndarray) -> Batch:
        """Simulate the trajectories with these numbers; if a split has only one, it is kept for all its windows."""
        recipe, key = self.recipe, (file.task, file.split)
        if not recipe.windows or recipe.trajectories(file.split) > 1:
            return make(recipe, *key, self.inputs(file), index, frames)
        kept = self._trajectory
        if kept is None or kept[0] != key:
            kept = self._trajectory = key, make(recipe, *key, self.inputs(file), index)
        return kept[1]


def begin(plan: Plan, folder: Path, overwrite: bool = False) -> bool:
    """Make the folder of a dataset, with all but its shards; return False if the same one is complete there already.

    Several processes may do so at once: one writes the plan, and each that finds the metadata of a group missing or
    damaged writes them. Raises ValueError if the folder holds another dataset, or anything else, or the same one begun
    by other software (unless `overwrite`, which removes the files of the dataset in the folder).
    """
    if overwrite and not goes_on(plan, folder):
        take_away(folder, replaceable(folder, _files(plan), overwrite))
    if (held := _held(folder)) is None:
        held = _create(plan, folder, overwrite)
    if other := _difference(plan, held):
        raise ValueError(f"{folder} holds {other}: choose another place with --out, or add --overwrite")
    if isinstance(held, Manifest):
        return False
    for file in plan.files:
        if zarr.metadata_damaged(folder / file.path):
            make_metadata(plan, folder, file)
    return True


def goes_on(plan: Plan, folder: Path) -> bool:
    """Whether exactly this dataset was begun in the folder and is not complete."""
    try:
        held = _held(folder)
    except DamageError:
        return False
    return isinstance(held, PlanRecord) and _difference(plan, held) is None


def _files(plan: Plan) -> list[Path]:
    return [*(file.path for file in plan.files), Path(manifest.PREVIEW)]


def _create(plan: Plan, folder: Path, overwrite: bool) -> Manifest | PlanRecord:
    """Write the plan, unless another process is faster; return the plan or manifest that is there then."""
    groups = {file.path.as_posix(): layout.shards for file, layout in plan.layouts.items()}
    record = PlanRecord(
        name=plan.recipe.name,
        recipe=to_stored(plan.recipe),
        groups=groups,
        sources=_sources(plan.recipe),
        versions=manifest.versions(FORMAT),
        machine=machine(),
    )
    try:
        replaceable(folder, _files(plan), overwrite)
        folder.mkdir(parents=True, exist_ok=True)
        manifest.write_plan(folder, record)
    except (ValueError, FileExistsError, FileNotFoundError):  # another process has even removed our draft
        if _held(folder) is None:
            raise
    held = _held(folder)
    assert held
    return held


def _sources(recipe: Recipe) -> dict[str, str]:
    return digests(type(system).__module__ for system in recipe.tasks)


def _held(folder: Path) -> Manifest | PlanRecord | None:
    """The manifest or the plan of the dataset in a folder; None where there is none."""
    for name in (manifest.NAME, manifest.PLAN, manifest.NAME):  # the plan goes when the manifest has come
        if (folder / name).is_file():
            try:
                return manifest.read(folder) if name == manifest.NAME else manifest.read_plan(folder)
            except DamageError:
                if (folder / name).is_file():
                    raise
    return None


def _difference(plan: Plan, held: Manifest | PlanRecord) -> str | None:
    """Say how the dataset in a folder differs from the one that is asked for; None if it does not."""
    asked, there = to_stored(plan.recipe), held.recipe
    for name in (field.name for field in fields(asked)):
        if (old := getattr(there, name)) != (new := getattr(asked, name)):
            return f"{there.name} with {name} = {old}, and {name} = {new} was asked for"
    if isinstance(held, Manifest):
        return None if held.format is FORMAT else f"the same dataset as .{held.format.ending}"
    here = {"versions": manifest.versions(FORMAT), "machine": machine(), "sources": _sources(plan.recipe)}
    for name, new in here.items():
        if (old := getattr(held, name)) != new:
            return f"the same dataset, begun by other {name}: {old}, here {new}"
    return None


def make_metadata(plan: Plan, folder: Path, file: File) -> None:
    """Make everything of a group except its shards, again if it is there already."""
    with private_workspace(folder) as place:
        (place / file.path).parent.mkdir(parents=True, exist_ok=True)
        plan.layouts[file].create(place / file.path)
        lay_over(place / file.path, folder / file.path)
        lay_over(zarr.markers(place / file.path), zarr.markers(folder / file.path))


def make_shard(plan: Plan, folder: Path, shard: Shard, counted: bool = True) -> None:
    """Make one shard, its marker last; if it is there already, it is made again and stays the same.

    Its tally is stored beside the marker until `finish` has counted it, or not at all if not `counted`. An error is
    raised again with the names of folder and shard.
    """
    file, tally = shard.file, Tally(plan.recipe.tasks[shard.file.task])
    layout = plan.layouts[file]
    with _named(folder, shard):
        first, stop = layout.range(shard.number)
        parts = [layout.packs(part) for part, _ in fitting(_parts(plan, shard, tally), stop - first)]
        rows = {name: np.concatenate([part[name] for part in parts]) for name in layout.forms}
        try:
            if counted and not file.series:
                _write_tally(_tally(folder, shard), tally)
            layout.put(folder / file.path, shard.number, rows)
        except FileNotFoundError:  # another run has finished the dataset and removed temporary files
            if not zarr.is_there(folder / file.path, shard.number):
                raise


def _parts(plan: Plan, shard: Shard, tally: Tally) -> Iterator[Arrays]:
    """The rows of a shard, some at a time."""
    recipe, size, file = plan.recipe, batch_size(plan.recipe), shard.file
    frames = frame_buffer(recipe, size)
    if recipe.windows and not file.series:
        yield from _windows(plan, recipe.windows, shard, tally, frames)
        return
    for start in range(shard.first, shard.stop, size):
        numbers = np.arange(start, min(start + size, shard.stop))
        batch = plan.batch(file, numbers, frames)
        if file.series:  # its trajectories are counted when their windows are cut
            yield series(recipe, file.split, batch.arrays, numbers)
        else:
            yield tally.add(batch)


def _windows(plan: Plan, windows: Windowing, shard: Shard, tally: Tally, frames: np.ndarray) -> Iterator[Arrays]:
    """Yield the windows of a shard, cut from their trajectories; the shard of its first window counts a trajectory."""
    recipe, file, index = plan.recipe, shard.file, np.arange(shard.first, shard.stop)
    trajectory, start = windows.places(file.split, recipe.steps, index)
    own = np.unique(trajectory[start == windows.starts(file.split, recipe.steps)[0]])
    others = np.setdiff1d(trajectory, own)
    groups = [(others, False)] if len(others) else []
    groups += [(own[i : i + len(frames)], True) for i in range(0, len(own), len(frames))]
    for numbers, counted in groups:
        batch = plan.batch(file, numbers, frames)
        arrays = tally.add(batch) if counted else batch.arrays
        within = index[np.isin(trajectory, numbers)]
        yield from windows_of(recipe, windows, file.task, file.split, arrays, numbers, within)


@contextmanager
def _named(folder: Path, shard: Shard) -> Iterator[None]:
    """Add to errors where they arose, and what to do next."""
    try:
        yield
    except OSError as error:
        what = f"{error.strerror or error}, at {shard}: mend this, and run the same command again to go on"
        raise OSError(error.errno, what, str(folder)) from error
    except ValueError as error:
        raise ValueError(f"{folder}, {shard}: {error}") from error


def _tally(folder: Path, shard: Shard) -> Path:
    """Path of a shard's tally, a file that exists until all are counted."""
    return zarr.markers(folder / shard.file.path) / f"tally-{shard.number}"


def _write_tally(path: Path, tally: Tally) -> None:
    text = json.dumps(tally.state())
    with atomic(path) as file:
        file.write(f"{sha256(text.encode()).hexdigest()} {text}".encode())


def _read_tally(path: Path) -> dict[str, Any] | None:
    """Read a tally; None if it is missing or not as it was written."""
    try:
        digest, _, text = path.read_bytes().partition(b" ")
    except FileNotFoundError:
        return None
    return json.loads(text) if digest == sha256(text).hexdigest().encode() else None


def _counted(folder: Path, shard: Shard) -> dict[str, Any] | None:
    """Tally of a shard of an unfinished dataset, empty for uncut trajectories; None if the shard is not complete."""
    if not zarr.is_there(folder / shard.file.path, shard.number):
        return None
    return {} if shard.file.series else _read_tally(_tally(folder, shard))


def finish(plan: Plan, folder: Path) -> None:
    """Write the certificate, the card and the manifest of a dataset whose shards are all there.

    Raises DamageError for a shard that is missing.
    """
    recipe = plan.recipe
    tallies = [Tally(system) for system in recipe.tasks]
    for shard in plan.shards():
        if (tally := _counted(folder, shard)) is None:
            raise DamageError(f"{folder}: {shard} is not there: run the same command again to go on")
        if tally:
            tallies[shard.file.task].join(tally)
    own: dict[str, FileEntry] = {}
    kept: dict[str, FileEntry] = {}
    for file in plan.files:
        zarr.remove_left_over(folder / file.path)
        written = zarr.written(folder / file.path, plan.layouts[file])
        cut_from = recipe.trajectories(file.split) if recipe.windows and not file.series else None
        entry = FileEntry.of(written, file.task, file.split, cut_from)
        (kept if file.series else own)[file.path.as_posix()] = entry
        if not file.series:
            tallies[file.task].show_all(recipe, file.split)
    certificate = [certify(recipe, task, tally) for task, tally in enumerate(tallies)]
    content = preview.add(folder, recipe, describe(recipe, own, kept, certificate, FORMAT))
    manifest.write(folder, replace(content, card=card.write(folder, content)))
    clear(plan, folder)


def clear(plan: Plan, folder: Path) -> None:
    """Remove what a complete dataset no longer needs, the plan last: while it exists, there may be more to remove."""
    for shard in plan.shards():
        _tally(folder, shard).unlink(missing_ok=True)
    for path in left_over(folder):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    (folder / manifest.PLAN).unlink(missing_ok=True)
