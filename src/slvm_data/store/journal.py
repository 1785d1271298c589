"""A new dataset on its way into its folder: an interruption at any moment leaves the old dataset, or leads to the new.

    .slvm-data/plan.json   what is being made, if `generate` makes it
    .slvm-data/units/      a note on each unit that is finished
    .slvm-data/scratch/    files that are not complete
    .slvm-data/next/       complete files, under the names that they will have in the folder
    .slvm-data/old.json    the old files that are removed: once it is there, the new files are put in their places

Until then nothing else in the folder changes. What was interrupted later is carried on by `settle`, whose steps may be
repeated: the old manifest is removed, then old files, new files are moved, and the new manifest is moved last.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from slvm_data.core.errors import DamageError
from slvm_data.core.files import atomic, check_no_links, is_no_folder, read_at_most
from slvm_data.core.json_tree import from_json
from slvm_data.core.names import HIDDEN, MANIFEST, PLAN, check_path
from slvm_data.store import lock, manifest
from slvm_data.store.folder import take_away

PATIENCE = 10.0  # s, for which a folder that others remove again and again is made again
NEXT, UNITS, SCRATCH, OLD = "next", "units", "scratch", "old.json"


def next_of(folder: Path) -> Path:
    """The place of the files of the new dataset."""
    return folder / HIDDEN / NEXT


def scratch_of(folder: Path) -> Path:
    """The place of files that are not complete."""
    return folder / HIDDEN / SCRATCH


def units_of(folder: Path) -> Path:
    """The place of the notes on finished units."""
    return folder / HIDDEN / UNITS


def plan_of(folder: Path) -> Path:
    """The file that says what is being made."""
    return folder / HIDDEN / PLAN


@contextmanager
def staged(folder: Path, old: Callable[[], list[Path]]) -> Iterator[Path]:
    """A place for new files, which are put into `folder` at the end of the block, or removed after an error.

    `old` returns the files of the folder that they replace, or raises ValueError if they cannot; it is called before
    the block and after it. While another process writes to the folder, this one waits.
    """
    with alone(folder):
        old()
        check_unused(folder)
        discard(folder)
        try:
            prepare(folder)
            yield next_of(folder)
            commit(folder, old())
        finally:
            if not (folder / HIDDEN / OLD).is_file():  # otherwise it is decided, and is carried on later
                discard(folder)


def still(folder: Path, content: manifest.Manifest) -> None:
    """Raise DamageError if the dataset in a folder is not the one with this manifest any more."""
    if manifest.read(folder) != content:
        raise DamageError(f"{folder} was changed by another command meanwhile: run this one again")


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, which is made if necessary; carry on what was interrupted in it.

    The operating system releases the lock even if the process is killed. A folder that stays empty is removed. Raises
    ValueError if a file is in its place.
    """
    if is_no_folder(folder):
        raise ValueError(f"{folder} is a file; choose another folder")
    made = missing(folder)
    try:
        with _locked(folder / HIDDEN):
            try:
                check_no_links(folder / HIDDEN)
                settle(folder)
                yield
            except OSError as error:
                error.filename = error.filename or str(folder)  # of a full disk Python does not say which
                raise
            finally:
                remove_if_empty(folder / HIDDEN)  # while it is locked: later it may be another process that holds it
    finally:
        for path in made:
            remove_if_empty(path)


def settled(folder: Path) -> manifest.Manifest:
    """The manifest of a folder, after what was decided and then interrupted in it is carried on."""
    if (folder / HIDDEN).is_dir():
        with alone(folder):
            pass
    return manifest.read(folder)


def missing(folder: Path) -> list[Path]:
    """Those of a folder and of the folders that contain it that do not exist, the innermost first."""
    return [path for path in (folder, *folder.parents) if not path.exists()]


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    """Make a folder and hold a lock on it."""
    until, held = time.monotonic() + PATIENCE, None
    while not held:
        try:
            held = _entered(place)
        except (FileExistsError, FileNotFoundError):  # the process that had the lock may just have removed the folder
            if time.monotonic() > until or is_no_folder(place):
                raise
            time.sleep(1e-3)
    with held:
        yield


def _entered(place: Path) -> ExitStack | None:
    """The lock of a folder, which is made if necessary; None if the folder was removed before we had the lock."""
    place.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        if stack.enter_context(lock.exclusive(place)):
            return stack.pop_all()
    return None


@contextmanager
def running(folder: Path, made: list[Path]) -> Iterator[None]:
    """Note that this process makes units; if it fails alone, before any unit is finished, nothing is left behind.

    `made` are the folders that were missing before the dataset was begun.
    """
    place = units_of(folder)
    with lock.shared(place) as is_alone:
        try:
            yield
        except BaseException:
            if not any(place.glob("*.json")) and is_alone():
                with alone(folder):
                    discard(folder)
                for path in made:
                    remove_if_empty(path)
            raise


def check_unused(folder: Path) -> None:
    """Raise ValueError if a process makes units of a dataset that was begun in a folder."""
    if not lock.is_free(units_of(folder)):
        raise ValueError(f"{folder}: another process is making a dataset there: wait for it, or end it")


def prepare(folder: Path) -> None:
    """Make the places for new files."""
    for place in (next_of(folder), scratch_of(folder), units_of(folder)):
        place.mkdir(parents=True, exist_ok=True)


def commit(folder: Path, old: list[Path]) -> None:
    """Put the new files into the folder, and remove those of the `old` files that they do not replace."""
    new = next_of(folder)
    for path in new.glob(".*.tmp"):  # of a process that was killed
        path.unlink()
    removed = [path.as_posix() for path in old if not (new / path).is_file()]
    _sync(path for path in (new, *new.rglob("*")) if path.is_dir() and path.suffix != ".zarr" and path.name != "c")
    _decide(folder, removed)
    settle(folder)


def _decide(folder: Path, removed: list[str]) -> None:
    with atomic(folder / HIDDEN / OLD, scratch=scratch_of(folder)) as file:
        file.write(json.dumps(removed).encode())


def settle(folder: Path) -> None:
    """Carry on what was decided and then interrupted."""
    if not (folder / HIDDEN / OLD).is_file():
        return
    if (next_of(folder) / MANIFEST).is_file():
        _forward(folder)
    clear(folder)


def _forward(folder: Path) -> None:
    """Put new files in their places, the manifest last: with it the folder becomes a dataset."""
    new, removed = next_of(folder), _removed(folder)
    first = sorted(path for path in new.iterdir() if path.name != MANIFEST)
    if removed or any((folder / path.name).exists() for path in first):
        (folder / MANIFEST).unlink(missing_ok=True)
    take_away(folder, removed)
    for parent in {(folder / path).parent for path in removed} - {folder}:
        remove_if_empty(parent)
    if removed:
        _decide(folder, [])  # new files with these names are not removed when this is repeated
    for path in first:
        _lay_over(path, folder / path.name, linked=path.suffix not in (".zarr", ".shards"))
    _sync([folder])
    (new / MANIFEST).replace(folder / MANIFEST)
    _sync([folder])


def _removed(folder: Path) -> list[Path]:
    """The old files that are removed."""
    path = folder / HIDDEN / OLD
    try:
        names = from_json(tuple[str, ...], json.loads(read_at_most(path, manifest.LARGEST)), path.name)
        for name in names:
            check_path(name)  # none leads out of the folder
        return [Path(name) for name in names]
    except (ValueError, RecursionError) as error:
        raise DamageError(f"{path} is damaged: remove {path.parent}, and make the dataset again") from error


def _lay_over(source: Path, target: Path, linked: bool = False) -> None:
    """Move a file or a folder to `target`; if that is a folder, move each entry into it; `linked` if it may be a link.

    Raises ValueError for any other link to a folder.
    """
    if not (source.is_dir() and target.is_dir()):
        _move(source, target)
        return
    if target.is_symlink() and not linked:
        raise ValueError(f"{target} is a link: remove it, and run the same command again")
    for path in sorted(source.iterdir()):
        _lay_over(path, target / path.name)
    remove_if_empty(source)  # another run may make a unit again here, until it finds the dataset complete


def _move(source: Path, target: Path) -> None:
    """Move a file or a folder, also to another disk."""
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        if source.is_dir():
            target.mkdir()
            _lay_over(source, target)
            return
        with source.open("rb") as old, atomic(target) as new:
            shutil.copyfileobj(old, new)
        source.unlink()


def discard(folder: Path) -> None:
    """Remove everything that was not decided, the plan last: while it exists, there may be more to remove."""
    for place in (next_of(folder), units_of(folder), scratch_of(folder)):
        shutil.rmtree(place, ignore_errors=True)
    for path in (folder / HIDDEN).glob(".*.tmp"):
        path.unlink(missing_ok=True)
    plan_of(folder).unlink(missing_ok=True)


def clear(folder: Path) -> None:
    """Remove everything that a complete dataset no longer needs, the decision last."""
    discard(folder)
    (folder / HIDDEN / OLD).unlink(missing_ok=True)


def remove_if_empty(folder: Path) -> None:
    """Remove a folder if it holds nothing."""
    with suppress(OSError):  # also where another process has just put something into it
        folder.rmdir()


def _sync(folders: Iterator[Path] | list[Path]) -> None:
    """Flush these folders to the disk, so that after a power failure no manifest is there without its files."""
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    for folder in folders:
        handle = os.open(folder, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


def _is_in_place(folder: Path) -> bool:
    """Whether the new dataset is complete in its place, and an interruption has kept the rest from being removed."""
    return (folder / HIDDEN / OLD).is_file() and not (next_of(folder) / MANIFEST).is_file()


@dataclass(frozen=True)
class Status:
    """How many units of a dataset are done, of how many, and whether it is complete."""

    name: str
    complete: bool
    done: int
    units: int


def status(folder: Path) -> Status:
    """Count the finished units of a dataset, files or shards, whichever process makes them."""
    if not plan_of(folder).is_file() or _is_in_place(folder):
        content = manifest.read(folder)
        units = sum(entry.shards or 1 for entry in (content.files | content.series).values())
        return Status(content.name, True, units, units)
    plan = manifest.read_plan(folder)
    done = len(list(units_of(folder).glob("*.json")))
    return Status(plan.name, False, done, plan.units)
