"""A dataset in shards, each made by whoever takes it: begun once, made in any order, finished when all are there.

A shard is a pure function of recipe and number, so it may be made again at any time, by anyone, and is the same. What
tells how far a dataset has come is its markers alone. Windows are cut from paths, which are simulated anew for each
shard that has windows of them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from slvm_data.core.errors import DamageError
from slvm_data.core.types import Arrays
from slvm_data.observe.windowing import Windows
from slvm_data.recipe.own_file import digests
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.serialisation import as_json
from slvm_data.run import preview
from slvm_data.run.description import bits, describe, machine
from slvm_data.simulation.batch import Batch, Inputs, batch_size, frame_buffer, make, prepare
from slvm_data.simulation.certificate import Tally, certify
from slvm_data.simulation.sequences import collect, first_series, from_paths, once
from slvm_data.store import card, manifest, zarr
from slvm_data.store.folder import lay_over, left_over, own_room, replaceable, take_away
from slvm_data.store.npz import SERIES, whole

FORM = "zarr"


@dataclass(frozen=True)
class Shard:
    """A range of the sequences of one task and split, or of the paths that they were cut from."""

    task: int
    split: str
    path: Path  # of its group, relative to the dataset's folder
    kind: str  # zarr.SEQUENCES or PATHS
    number: int
    first: int
    stop: int

    def __str__(self) -> str:
        return f"{self.path} {'shard' if self.kind == zarr.SEQUENCES else 'path'} {self.number}"


class Plan:
    """What the shards of a recipe are, and what they have in common."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self._inputs: dict[tuple[int, str], Inputs] = {}
        self._path: tuple[tuple[int, str], Batch] | None = None

    @cached_property
    def layouts(self) -> dict[Path, dict[str, zarr.Layout]]:
        """How each group lies in shards, of each kind."""
        recipe, found = self.recipe, {}
        for task in range(len(recipe.tasks)):
            own = [(split, path) for other, split, path in recipe.files(FORM) if other == task]
            alike = once(recipe, task, own[0][0])
            first = collect(recipe, task, own[0][0], np.arange(1))
            first = {name: array for name, array in first.items() if name not in alike}
            for split, path in own:
                layout = zarr.Layout.of(recipe.count(split), first, bits(recipe))
                found[path] = {zarr.SEQUENCES: layout}
                if series := first_series(recipe, task, split):
                    found[path][zarr.PATHS] = zarr.Layout.of(recipe.paths(split), series, (), one_by_one=True)
        return found

    def shards(self) -> list[Shard]:
        """All of them, in order."""
        found = []
        for task, split, path in self.recipe.files(FORM):
            for kind, layout in self.layouts[path].items():
                for number in range(layout.shards):
                    first = number * layout.rows
                    stop = min(first + layout.rows, layout.count)
                    found.append(Shard(task, split, path, kind, number, first, stop))
        return found

    def missing(self, folder: Path, shards: list[Shard]) -> list[Shard]:
        """Those of these that are not whole yet."""
        return [shard for shard in shards if _counted(folder, shard) is None]

    def is_complete(self, folder: Path) -> bool:
        """Whether all are there."""
        return not self.missing(folder, self.shards())

    def inputs(self, shard: Shard) -> Inputs:
        """What all shards of a split are made from."""
        key = shard.task, shard.split
        if key not in self._inputs:
            self._inputs[key] = prepare(self.recipe, *key)
        return self._inputs[key]

    def batch(self, shard: Shard, index: np.ndarray, frames: np.ndarray) -> Batch:
        """Films or paths with these numbers; the only path of a split is kept, as all its windows are cut from it."""
        recipe, key = self.recipe, (shard.task, shard.split)
        if not recipe.windows or recipe.paths(shard.split) > 1:
            return make(recipe, *key, self.inputs(shard), index, frames)
        kept = self._path
        if kept is None or kept[0] != key:
            kept = self._path = key, make(recipe, *key, self.inputs(shard), index)
        return kept[1]


def begin(plan: Plan, folder: Path, overwrite: bool = False) -> bool:
    """Make the folder of a dataset, with everything but its shards; False if the same one is complete there already.

    Several may do so at once: one writes the plan, and whoever finds a group's metadata missing, or not as they were
    written, makes them. Raises ValueError where another dataset, or anything else, stands there, or the same one begun
    by other software (unless `overwrite`, which removes the files of the dataset that stands there).
    """
    if overwrite and not goes_on(plan, folder):
        take_away(folder, replaceable(folder, _files(plan), overwrite))
    if (held := _held(folder)) is None:
        held = _create(plan, folder, overwrite)
    if other := _difference(plan, held):
        raise ValueError(f"{folder} holds {other}: choose another place with --out, or add --overwrite")
    if held["files"]:
        return False
    for path in plan.layouts:
        if zarr.rest_is_damaged(folder / path):
            make_rest(plan, folder, path)
    return True


def goes_on(plan: Plan, folder: Path) -> bool:
    """Whether just this dataset was begun there, and is not complete."""
    try:
        held = _held(folder)
    except DamageError:
        return False
    return held is not None and not held["files"] and _difference(plan, held) is None


def _files(plan: Plan) -> list[Path]:
    return [*plan.layouts, Path(manifest.PREVIEW)]


def _create(plan: Plan, folder: Path, overwrite: bool) -> dict[str, Any]:
    """Write the plan, unless another process is faster; what is there then."""
    groups = {path.as_posix(): _counts(layouts) for path, layouts in plan.layouts.items()}
    content = {"name": plan.recipe.name, "recipe": as_json(plan.recipe), "files": {}, "groups": groups}
    try:
        replaceable(folder, _files(plan), overwrite)
        folder.mkdir(parents=True, exist_ok=True)
        manifest.write(folder, content | _made_by(plan.recipe), manifest.PLAN, new=True)
    except (ValueError, FileExistsError, FileNotFoundError):  # another process has even cleared away our draft
        if _held(folder) is None:
            raise
    held = _held(folder)
    assert held
    return held


def _counts(layouts: dict[str, zarr.Layout]) -> list[int]:
    """Shards of a group, and its sequences."""
    return [sum(layout.shards for layout in layouts.values()), layouts[zarr.SEQUENCES].count]


def _made_by(recipe: Recipe) -> dict[str, Any]:
    """What all parts of a dataset have to be made by, so that they fit together."""
    sources = digests(type(system).__module__ for system in recipe.tasks)
    return manifest.current(machine(), FORM) | ({"sources": sources} if sources else {})


def _held(folder: Path) -> dict[str, Any] | None:
    """What a folder says of the dataset in it, complete or not; None where there is none."""
    for name in (manifest.NAME, manifest.PLAN, manifest.NAME):  # the plan goes when the manifest has come
        if (folder / name).is_file():
            try:
                return manifest.read(folder, name)
            except DamageError:
                if (folder / name).is_file():
                    raise
    return None


def _difference(plan: Plan, held: dict[str, Any]) -> str | None:
    """In what a dataset that stands there differs from the one that is asked for, in words."""
    asked, there = as_json(plan.recipe), held["recipe"]
    if odd := [name for name in asked if asked[name] != there.get(name)]:
        return f"{there['name']} with {odd[0]} = {there.get(odd[0])}, and {odd[0]} = {asked[odd[0]]} was asked for"
    if held["files"]:
        return "the same dataset as .npz" if manifest.form(held) != FORM else None
    here = _made_by(plan.recipe)
    if odd := [name for name in ("versions", "machine", "sources") if here.get(name) != held.get(name)]:
        return f"the same dataset, begun by other {odd[0]}: {held.get(odd[0])}, here {here.get(odd[0])}"
    return None


def make_group(plan: Plan, folder: Path, path: Path) -> None:
    """Make a group without a shard: its metadata, and what stands there once."""
    task, split = next((task, split) for task, split, other in plan.recipe.files(FORM) if other == path)
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    zarr.create(folder / path)
    for layout in plan.layouts[path].values():
        layout.create(folder / path)
    zarr.mark_rest(folder / path, once(plan.recipe, task, split))


def make_rest(plan: Plan, folder: Path, path: Path) -> None:
    """Make all of a group but its shards again."""
    with own_room(folder) as place:
        make_group(plan, place, path)
        lay_over(place / path, folder / path)
        lay_over(zarr.markers(place / path), zarr.markers(folder / path))


def make_shard(plan: Plan, folder: Path, shard: Shard, counted: bool = True) -> None:
    """Make one shard, its marker last; the same again if it is there already.

    Its tally stands beside the marker until `finish` has counted it; without one if not `counted`. What goes wrong is
    raised again with the name of folder and shard.
    """
    layout, tally = plan.layouts[shard.path][shard.kind], Tally(plan.recipe.tasks[shard.task])
    with _named(folder, shard):
        parts = [layout.packs(part) for part in _parts(plan, shard, tally)]
        rows = {name: np.concatenate([part[name] for part in parts]) for name in layout.schema}
        try:
            if counted and shard.kind == zarr.SEQUENCES:
                _write_tally(_tally(folder, shard), tally)
            layout.put(folder / shard.path, shard.kind, shard.number, rows)
        except FileNotFoundError:  # another run has finished the dataset, and cleared away what it took for left over
            if zarr.marker(folder / shard.path, shard.kind, shard.number) is None:
                raise


def _parts(plan: Plan, shard: Shard, tally: Tally) -> Iterator[Arrays]:
    """The rows of a shard, some at a time."""
    recipe, size = plan.recipe, batch_size(plan.recipe)
    frames = frame_buffer(recipe, size)
    if recipe.windows and shard.kind == zarr.SEQUENCES:
        yield from _windows(plan, recipe.windows, shard, tally, frames)
        return
    for start in range(shard.first, shard.stop, size):
        batch = plan.batch(shard, np.arange(start, min(start + size, shard.stop)), frames)
        series = shard.kind == zarr.PATHS  # of paths that are counted where their windows are cut
        yield {name: batch.arrays[name] for name in SERIES} if series else tally.add(batch)


def _windows(plan: Plan, windows: Windows, shard: Shard, tally: Tally, frames: np.ndarray) -> Iterator[Arrays]:
    """The windows of a shard, from the paths that they lie on; a path counts where its first window is."""
    recipe, index = plan.recipe, np.arange(shard.first, shard.stop)
    path, start = windows.places(shard.split, recipe.steps, index)
    own = np.unique(path[start == windows.starts(shard.split, recipe.steps)[0]])
    others = np.setdiff1d(path, own)
    batches = [own[i : i + len(frames)] for i in range(0, len(own), len(frames))]
    for paths in [others] * bool(len(others)) + batches:
        batch = plan.batch(shard, paths, frames)
        films = batch.arrays if paths is others else tally.add(batch)
        within = index[np.isin(path, paths)]
        yield from from_paths(recipe, windows, shard.task, shard.split, films, paths, within)


@contextmanager
def _named(folder: Path, shard: Shard) -> Iterator[None]:
    """Let errors say where, and what to do next."""
    try:
        yield
    except OSError as error:
        what = f"{error.strerror or error}, at {shard}: mend this, and run the same command again to go on"
        raise OSError(error.errno, what, str(folder)) from error
    except ValueError as error:
        raise ValueError(f"{folder}, {shard}: {error}") from error


def _tally(folder: Path, shard: Shard) -> Path:
    """Where a shard's tally stands until all are counted."""
    return zarr.markers(folder / shard.path) / f"tally-{shard.number}"


def _write_tally(path: Path, tally: Tally) -> None:
    text = json.dumps(tally.state())
    with whole(path) as file:
        file.write(f"{sha256(text.encode()).hexdigest()} {text}".encode())


def _read_tally(path: Path) -> dict[str, Any] | None:
    """What was counted, if it is there as it was written."""
    try:
        digest, _, text = path.read_bytes().partition(b" ")
    except FileNotFoundError:
        return None
    return json.loads(text) if digest == sha256(text).hexdigest().encode() else None


def _counted(folder: Path, shard: Shard) -> dict[str, Any] | None:
    """The tally of a shard of a dataset that is not finished, empty of a path; None if not all of it is there."""
    if not zarr.is_there(folder / shard.path, shard.kind, shard.number):
        return None
    return _read_tally(_tally(folder, shard)) if shard.kind == zarr.SEQUENCES else {}


def finish(plan: Plan, folder: Path) -> None:
    """Write the certificate, the card and the manifest of a dataset whose shards are all there.

    Raises DamageError for a shard that is not.
    """
    recipe, entries = plan.recipe, {}
    tallies = [Tally(system) for system in recipe.tasks]
    for shard in plan.shards():
        if (tally := _counted(folder, shard)) is None:
            raise DamageError(f"{folder}: {shard} is not there: run the same command again to go on")
        if tally:
            tallies[shard.task].join(tally)
    for task, split, path in recipe.files(FORM):
        zarr.remove_left_over(folder / path)
        tallies[task].show_all(recipe, split)
        entry = zarr.entry(folder / path, plan.layouts[path], once(recipe, task, split))
        entries[path.as_posix()] = entry | ({"paths": recipe.paths(split)} if recipe.windows else {})
    certificate = [certify(recipe, task, tally) for task, tally in enumerate(tallies)]
    content = describe(recipe, entries, certificate, FORM)
    preview.add(folder, recipe, content, FORM)
    content["card"] = {"sha256": card.write(folder, content)}
    manifest.write(folder, content)
    clear(plan, folder)


def clear(plan: Plan, folder: Path) -> None:
    """Take away what a complete dataset needs no more, the plan last: as long as it is there, more may be."""
    for shard in plan.shards():
        _tally(folder, shard).unlink(missing_ok=True)
    for path in left_over(folder):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    (folder / manifest.PLAN).unlink(missing_ok=True)
