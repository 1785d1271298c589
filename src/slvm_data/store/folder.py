"""Where a dataset goes: nothing of another's is removed, and nothing unfinished stands under a final name."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from slvm_data.store import formats, manifest
from slvm_data.store.damage import DamageError
from slvm_data.store.npz import sha256

PARTIAL = ".slvm-data.partial"  # within the dataset's folder, hence on its disk


@contextmanager
def staging(folder: Path, files: list[Path], overwrite: bool) -> Iterator[Path]:
    """A folder to write `files` to. They move to `folder` when the block ends well, and vanish when it does not.

    Raises ValueError where `folder` holds anything already. `overwrite` lifts this for the files of the dataset that
    stands there, as its manifest lists them, and for no others.
    """
    old = replaceable(folder, files, overwrite)
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        with room(folder) as partial:
            yield partial
            _move(partial, folder, files, old)
    finally:
        for path in made:
            _remove_if_empty(path)


@contextmanager
def room(folder: Path) -> Iterator[Path]:
    """A folder within `folder` for what is not complete, which vanishes at the end."""
    partial = folder / PARTIAL
    shutil.rmtree(partial, ignore_errors=True)  # what a run that was killed left there
    try:
        partial.mkdir(parents=True)
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def replaceable(folder: Path, files: list[Path], overwrite: bool) -> list[Path]:
    """The old dataset's files; raises ValueError where something stands in the way."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; choose another folder")
    there = [path.name for path in folder.iterdir() if path.name != PARTIAL] if folder.exists() else []
    if there and not overwrite:
        what = "a dataset" if manifest.NAME in there else f"{min(there)!r}"
        raise ValueError(f"{folder} already holds {what}: choose another folder, or add --overwrite")
    old = _listed(folder)
    for path in files:
        parent = folder / path.parent
        in_the_way = parent if parent.exists() and not parent.is_dir() else folder / path
        if os.path.lexists(in_the_way) and path not in old:
            raise ValueError(f"{in_the_way} is not of a dataset of ours and stays: choose another folder")
    return old


def _listed(folder: Path) -> list[Path]:
    """The files of the dataset in a folder, complete or not, relative to it; none where no manifest can be read."""
    found = []
    for name in (manifest.PLAN, manifest.NAME):
        try:
            content = manifest.read(folder, name)
        except (DamageError, ValueError):
            continue
        found += [Path(file) for key in ("files", "combined", "series", "groups") for file in content.get(key, ())]
        for key, text in (("card", manifest.CARD), ("preview", manifest.PREVIEW), ("croissant", manifest.CROISSANT)):
            path = folder / text
            if path.is_file() and sha256(path) == content.get(key, {}).get("sha256"):  # one edited is its editor's
                found.append(Path(text))
        found.append(Path(name))
    return list(dict.fromkeys(found))


def _move(partial: Path, folder: Path, files: list[Path], old: list[Path]) -> None:
    """Replace the old dataset by the new, the manifest last: with it the folder becomes a dataset."""
    (folder / manifest.NAME).unlink(missing_ok=True)
    take_away(folder, [path for path in old if (folder / path).is_dir()])
    for path in sorted(files, key=lambda path: path.name == manifest.NAME):
        target = folder / path
        target.parent.mkdir(exist_ok=True)
        if path.name == manifest.NAME:
            _sync([folder, *{(folder / other).parent for other in files}])
        for name in (path.name, *formats.beside(path)):
            (partial / path).with_name(name).replace(target.with_name(name))
    for path in set(old) - set(files):
        if not (folder / path).is_dir():  # a user's own, where a group was
            (folder / path).unlink(missing_ok=True)
        if path.parent != Path():
            _remove_if_empty(folder / path.parent)


def take_away(folder: Path, old: list[Path]) -> None:
    """Remove files and groups of a dataset, and of a group no file that is not its own."""
    for path in old:
        if (folder / path).is_dir():
            formats.of(path).remove(folder / path)
        else:
            (folder / path).unlink(missing_ok=True)


def lay_over(source: Path, target: Path) -> None:
    """Move a file to its place, or of a folder every file to where it stands in the other."""
    for file in [source] if source.is_file() else [path for path in source.rglob("*") if path.is_file()]:
        place = target / file.relative_to(source) if file != source else target
        place.parent.mkdir(parents=True, exist_ok=True)
        file.replace(place)


def _sync(folders: list[Path]) -> None:
    """Bring the names in these folders to the disk, so that no manifest outlives its files when the power fails."""
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    for folder in folders:
        handle = os.open(folder, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def status(folder: Path) -> dict[str, Any]:
    """How many shards of a dataset are there, by their markers alone, whoever makes them."""
    begun = not (folder / manifest.NAME).is_file() and (folder / manifest.PLAN).is_file()
    content = manifest.read(folder, manifest.PLAN if begun else manifest.NAME)
    if not begun:
        shards = sum(sum(entry.get("shards", {"": 1}).values()) for entry in content["files"].values())
        return {"name": content["name"], "complete": True, "done": shards, "shards": shards}
    groups = [(folder / group).with_suffix(".shards") for group in content["groups"]]
    done = sum(len([path for path in group.glob("*-*.json") if path.name[0] != "."]) for group in groups)
    shards = sum(shards for shards, _ in content["groups"].values())
    return {"name": content["name"], "complete": False, "done": done, "shards": shards}
