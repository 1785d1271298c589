"""A dataset in shards, each made by whoever takes it: begun once, made in any order, finished when all are there.

A shard is a pure function of recipe and number, so it may be made again at any time, by anyone, and is the same. What
tells how far a dataset has come is its markers alone. Films only: windows are cut from paths, which no shard has whole.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from slvm_data import preview
from slvm_data.batches import batch_size, collect, frame_buffer, make, prepare
from slvm_data.certificate import Tally, certify
from slvm_data.description import bits, describe, machine
from slvm_data.recipe import Recipe
from slvm_data.recipe_json import as_json
from slvm_data.sequences import once
from slvm_data.store import card, manifest, zarr
from slvm_data.store.damage import DamageError
from slvm_data.store.folder import lay_over, replaceable, take_away
from slvm_data.store.folder import room as staging_room

FORM = "zarr"
LEFT_OVER = ("*.partial", ".*.tmp")  # names of files that a process which was killed was writing


@dataclass(frozen=True)
class Shard:
    """A range of the sequences of one task and split."""

    task: int
    split: str
    path: Path  # of its group, relative to the dataset's folder
    number: int
    first: int
    stop: int

    def __str__(self) -> str:
        return f"{self.path} shard {self.number}"


class Plan:
    """What the shards of a recipe are."""

    def __init__(self, recipe: Recipe) -> None:
        if recipe.windows:
            raise ValueError(
                f"{recipe.name} cuts windows from paths, of which a shard has no whole one: use one process"
            )
        self.recipe = recipe

    @cached_property
    def layouts(self) -> dict[Path, zarr.Layout]:
        """How each group lies in shards."""
        found = {}
        for task in range(len(self.recipe.tasks)):
            own = [(split, path) for other, split, path in self.recipe.files(FORM) if other == task]
            first = collect(self.recipe, task, own[0][0], np.arange(1))
            found |= {path: zarr.Layout.of(self.recipe.count(split), first, bits(self.recipe)) for split, path in own}
        return found

    def shards(self) -> list[Shard]:
        """All of them, in order."""
        found = []
        for task, split, path in self.recipe.files(FORM):
            layout = self.layouts[path]
            for number in range(layout.shards):
                first = number * layout.rows
                found.append(Shard(task, split, path, number, first, min(first + layout.rows, layout.count)))
        return found

    def missing(self, folder: Path) -> list[Shard]:
        """Those that have no marker yet."""
        return [shard for shard in self.shards() if zarr.marker(folder / shard.path, shard.number) is None]


def begin(plan: Plan, folder: Path, overwrite: bool = False) -> bool:
    """Make the folder of a dataset, with everything but its shards; False if the same one is complete there already.

    Of several who do so at once, one makes it, and the others find it. Raises ValueError where another dataset, or
    anything else, stands there (unless `overwrite`, which removes the files of the dataset that stands there).
    """
    files = [path for _, _, path in plan.recipe.files(FORM)]
    if overwrite:
        take_away(folder, replaceable(folder, [*files, Path(manifest.PREVIEW)], overwrite))
    if (held := _held(folder)) is None:
        _create(plan, folder, files, overwrite)
        held = _held(folder)
    assert held
    return _same(plan.recipe, folder, held)


def _create(plan: Plan, folder: Path, files: list[Path], overwrite: bool) -> None:
    """Make everything but the shards in a room beside the folder, which then takes its name, as a whole."""
    try:
        replaceable(folder, files, overwrite)
    except ValueError:
        if _held(folder) is None:  # else another process has just been faster
            raise
    room = folder.absolute().parent / f".{folder.absolute().name}.{os.getpid()}.tmp"
    shutil.rmtree(room, ignore_errors=True)
    try:
        for path in files:
            make_group(plan, room, path)
        groups = {path.as_posix(): [layout.shards, layout.count] for path, layout in plan.layouts.items()}
        content = {"name": plan.recipe.name, "recipe": as_json(plan.recipe), "files": {}, "groups": groups}
        manifest.write(room, {**content, **manifest.current(machine(), FORM)}, manifest.PLAN)
        _settle(room, folder)
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _settle(room: Path, folder: Path) -> None:
    """Give what is complete its name, unless another process was faster."""
    here = folder.is_dir() and folder.samefile(Path.cwd())  # a folder that we are in cannot be exchanged
    try:
        if not here:
            room.replace(folder)
            return
    except OSError:  # it is there, and not empty
        if _held(folder) is not None:
            return
    for path in sorted(room.iterdir(), key=lambda path: path.name == manifest.PLAN):  # beside files of the user's
        lay_over(path, folder / path.name)


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


def _same(recipe: Recipe, folder: Path, held: dict[str, Any]) -> bool:
    """Whether there is more to do; raises ValueError where the folder holds another dataset."""
    asked, there = as_json(recipe), held["recipe"]
    if odd := [name for name in asked if asked[name] != there.get(name)]:
        kind = f"{there['name']} with {odd[0]} = {there.get(odd[0])}, and {odd[0]} = {asked[odd[0]]} was asked for"
        raise ValueError(f"{folder} holds {kind}: choose another place with --out, or add --overwrite")
    if held["files"] and manifest.form(held) != FORM:
        raise ValueError(
            f"{folder} holds the same dataset as .npz: choose another place with --out, or add --overwrite"
        )
    return not held["files"]


def make_group(plan: Plan, folder: Path, path: Path) -> None:
    """Make a group without a shard: its metadata, and what stands there once."""
    task, split = next((task, split) for task, split, other in plan.recipe.files(FORM) if other == path)
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    zarr.create(folder / path)
    plan.layouts[path].create(folder / path)
    zarr.mark_rest(folder / path, once(plan.recipe, task, split))


def make_rest(plan: Plan, folder: Path, path: Path) -> None:
    """Make all of a group but its shards again."""
    with staging_room(folder) as place:
        make_group(plan, place, path)
        lay_over(place / path, folder / path)
        lay_over(zarr.markers(place / path), zarr.markers(folder / path))


def make_shard(plan: Plan, folder: Path, shard: Shard) -> None:
    """Make one shard, its marker last; the same again if it is there already."""
    recipe, layout, tally = plan.recipe, plan.layouts[shard.path], Tally(plan.recipe.tasks[shard.task])
    inputs, size, parts = prepare(recipe, shard.task, shard.split), batch_size(recipe), []
    frames = frame_buffer(recipe, size)
    for start in range(shard.first, shard.stop, size):
        index = np.arange(start, min(start + size, shard.stop))
        made = make(recipe, shard.task, shard.split, inputs, index, frames)
        parts.append(layout.packs(tally.add(made)))
    rows = {name: np.concatenate([part[name] for part in parts]) for name in layout.schema}
    try:
        layout.put(folder / shard.path, zarr.SEQUENCES, shard.number, rows, tally=tally.state())
    except FileNotFoundError:  # another run has finished the dataset, and cleared away what it took for left over
        if zarr.marker(folder / shard.path, shard.number) is None:
            raise


def finish(plan: Plan, folder: Path) -> None:
    """Write the certificate, the card and the manifest of a dataset whose shards are all there.

    Raises DamageError for a shard that is not.
    """
    recipe, entries = plan.recipe, {}
    tallies = [Tally(system) for system in recipe.tasks]
    for shard in plan.shards():
        noted = zarr.marker(folder / shard.path, shard.number)
        if noted is None:
            raise DamageError(f"{folder}: {shard} is not there: run the same command again")
        tallies[shard.task].join(noted["tally"])
    for pattern in LEFT_OVER:
        for path in folder.rglob(pattern):
            path.unlink(missing_ok=True)
    for task, split, path in recipe.files(FORM):
        entries[path.as_posix()] = zarr.entry(
            folder / path, {zarr.SEQUENCES: plan.layouts[path]}, once(recipe, task, split)
        )
    certificate = [certify(recipe, task, tally) for task, tally in enumerate(tallies)]
    content = describe(recipe, entries, certificate, FORM)
    preview.add(folder, recipe, content, FORM)
    content["card"] = {"sha256": card.write(folder, content)}
    manifest.write(folder, content)
    (folder / manifest.PLAN).unlink(missing_ok=True)
