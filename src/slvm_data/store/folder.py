"""Write a dataset to its folder: never remove files of others, never leave an unfinished file under its final name."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from slvm_data.core.errors import DamageError
from slvm_data.store import formats, manifest

try:
    import fcntl
except ModuleNotFoundError:  # on Windows
    fcntl = None

PARTIAL = ".slvm-data.partial"  # within the dataset's folder, hence on its disk
PRIVATE = ".slvm-data."  # prefix, followed by a random number
LEFT_OVER = re.compile(r"\.slvm-data\.(partial|[0-9a-f]{32})|\.[\w-]+\.(json|md|gif)\.[0-9a-f]{32}\.tmp")


@contextmanager
def staging(folder: Path, files: list[Path], overwrite: bool) -> Iterator[Path]:
    """A folder to write `files` to: they are moved to `folder` at the end of the block, or removed after an error.

    Raises ValueError if `folder` holds anything already. With `overwrite`, it may hold a dataset: the files that its
    manifest lists are replaced, and no others. While another process writes to `folder`, this one waits.
    """
    replaceable(folder, files, overwrite)
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        with workspace(folder) as partial:
            replaceable(folder, files, overwrite)  # another process may have written something meanwhile
            yield partial
            _move(partial, folder, files, replaceable(folder, files, overwrite))
    finally:
        for path in made:
            _remove_if_empty(path)


@contextmanager
def workspace(folder: Path) -> Iterator[Path]:
    """A folder within `folder` for unfinished files, which is removed at the end. Only one process has it at a time."""
    partial = folder / PARTIAL
    with _alone(partial):
        for path in partial.iterdir():  # left by a run that was killed
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        try:
            yield partial
        finally:
            shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def private_workspace(folder: Path) -> Iterator[Path]:
    """A folder within `folder` for this process alone, while several make the same files; it is removed at the end."""
    place = folder / f"{PRIVATE}{uuid4().hex}"
    try:
        place.mkdir(parents=True)
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Make a folder and hold a lock on it, which the operating system releases even if the process is killed."""
    while True:
        try:
            place.mkdir(parents=True, exist_ok=True)
            handle = os.open(place, os.O_RDONLY) if fcntl else None
        except (FileExistsError, FileNotFoundError):
            if os.path.lexists(place) and not place.is_dir():
                raise
            continue  # the process that had the lock has just removed the folder
        try:
            if handle is not None:
                _lock(handle, place)
            if handle is None or _is(handle, place):
                yield  # otherwise the process that had the lock before has removed the folder
                return
        finally:
            if handle is not None:
                os.close(handle)


def _is(handle: int, place: Path) -> bool:
    """Whether an open folder still stands at this place."""
    try:
        return os.path.samestat(os.fstat(handle), place.stat())
    except FileNotFoundError:
        return False


def _lock(handle: int, place: Path) -> None:
    """Lock a folder, and wait while another process holds the lock."""
    assert fcntl
    with suppress(OSError):  # a file system that has no locks
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{place.parent}: another process writes there; waiting", file=sys.stderr)
            fcntl.flock(handle, fcntl.LOCK_EX)


def left_over(folder: Path) -> list[Path]:
    """Unfinished files in a folder, of processes that were killed or are about to remove them."""
    return [path for path in folder.iterdir() if LEFT_OVER.fullmatch(path.name)]


def replaceable(folder: Path, files: list[Path], overwrite: bool) -> list[Path]:
    """Return the files of the old dataset; raises ValueError if another file is in the way."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; choose another folder")
    there = [path.name for path in folder.iterdir() if not LEFT_OVER.fullmatch(path.name)] if folder.exists() else []
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
    found: list[Path] = []
    with suppress(DamageError, ValueError):
        found += [*map(Path, manifest.read_plan(folder).groups), Path(manifest.PLAN)]
    with suppress(DamageError, ValueError):
        content = manifest.read(folder)
        found += map(Path, content.every_file())
        for name, checksum in content.beside().items():
            if checksum.fault(folder / name) is None:  # a file that a user has edited is not ours to remove
                found.append(Path(name))
        found.append(Path(manifest.NAME))
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
            lay_over((partial / path).with_name(name), target.with_name(name))
    for path in set(old) - set(files):
        if not (folder / path).is_dir():  # a folder of the user, where a group was before
            (folder / path).unlink(missing_ok=True)
        if path.parent != Path():
            _remove_if_empty(folder / path.parent)


def take_away(folder: Path, old: list[Path]) -> None:
    """Remove files and groups of a dataset; in a group, only the files that belong to it."""
    for path in old:
        if (folder / path).is_dir():
            formats.store_of(path).remove(folder / path)
        else:
            (folder / path).unlink(missing_ok=True)


def lay_over(source: Path, target: Path) -> None:
    """Move a file or a folder to `target`; if that folder exists already, move each file into it, one by one."""
    if not target.is_dir() or not any(target.iterdir()):
        with suppress(OSError):  # another process has just made it
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)
            return
    for file in [source] if source.is_file() else [path for path in source.rglob("*") if path.is_file()]:
        place = target / file.relative_to(source) if file != source else target
        place.parent.mkdir(parents=True, exist_ok=True)
        file.replace(place)


def _sync(folders: list[Path]) -> None:
    """Flush these folders to the disk, so that after a power failure no manifest is there without its files."""
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    for folder in folders:
        handle = os.open(folder, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


@dataclass(frozen=True)
class Status:
    """How many shards of a dataset are done, of how many, and whether it is complete."""

    name: str
    complete: bool
    done: int
    shards: int


def status(folder: Path) -> Status:
    """Count the finished shards of a dataset by their markers, whichever process makes them; for .npz, count files."""
    if (folder / manifest.NAME).is_file() or not (folder / manifest.PLAN).is_file():
        content = manifest.read(folder)
        shards = sum(entry.shards or 1 for entry in (content.files | content.series).values())
        return Status(content.name, True, shards, shards)
    plan = manifest.read_plan(folder)
    groups = [(folder / group).with_suffix(".shards") for group in plan.groups]
    done = sum(len([path for path in group.glob("*.json") if path.stem.isdigit()]) for group in groups)
    return Status(plan.name, False, done, sum(plan.groups.values()))
