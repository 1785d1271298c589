"""Locks on folders: by the operating system, or by files where a file system has no locks, as some of clusters.

The operating system releases a lock when a process ends. A file names its process, so that one whose process has ended
on this machine does not count; of a process on another machine nothing is known, and its file counts until it is gone.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from slvm_data.core.flock import fcntl, try_lock

LOCK, RUNNING = "lock", ".running"  # name of the file of a lock, and ending of the files of those who share one
PAUSE = 0.05  # s, until a file is looked at again


@contextmanager
def exclusive(place: Path) -> Iterator[bool]:
    """Hold the lock of a folder; wait while another process holds it, and say so.

    Yields whether the folder is still there: the process that had the lock before may have removed it. Raises
    FileNotFoundError if it is not there at first.
    """
    if not fcntl:
        yield True
        return
    handle = os.open(place, os.O_RDONLY)
    try:
        if _system_locks(handle, place):
            yield _is(handle, place)
        else:
            with _file(place / LOCK):
                yield _is(handle, place)
    finally:
        os.close(handle)


def _is(handle: int, place: Path) -> bool:
    """Whether an open folder still stands at this place."""
    try:
        return os.path.samestat(os.fstat(handle), place.stat())
    except FileNotFoundError:
        return False


def _system_locks(handle: int, place: Path) -> bool:
    """Lock a folder, and wait for it; False where the file system has no locks."""
    assert fcntl
    if (locked := try_lock(handle)) is False:
        print(f"{place.parent}: another process writes there; waiting", file=sys.stderr)
        fcntl.flock(handle, fcntl.LOCK_EX)
    return locked is not None


@contextmanager
def _file(path: Path) -> Iterator[None]:
    """Hold a lock that is a file, and remove its folder if nothing else is left in it."""
    if not _made(path):
        print(f"{path.parent.parent}: another process writes there; waiting (or remove {path})", file=sys.stderr)
        while not _made(path):
            time.sleep(PAUSE)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        with suppress(OSError):
            path.parent.rmdir()


def _made(path: Path) -> bool:
    """Make the file of a lock, unless there is one whose process may be alive."""
    with suppress(FileNotFoundError):
        if not _lives(there := path.read_text()):
            _remove(path, there)
    try:
        with path.open("x") as file:
            file.write(_name())
    except FileExistsError:
        return False
    return True


def _remove(path: Path, there: str) -> None:
    """Remove a lock with this content, but not one that another process has made meanwhile."""
    taken = path.with_name(_name())
    path.rename(taken)
    if taken.read_text() == there:
        taken.unlink()
    else:
        taken.rename(path)


@contextmanager
def shared(place: Path) -> Iterator[Callable[[], bool]]:
    """Hold a lock of a folder that several may hold; yields a function that says whether nobody else holds it."""
    if not fcntl:
        yield lambda: True
        return
    handle, own = os.open(place, os.O_RDONLY), place / (_name() + RUNNING)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH)
        except OSError:
            own.touch()
        yield lambda: _is_free(handle, place, own)
    finally:
        os.close(handle)  # first, so that the lock is let go whatever becomes of the file
        own.unlink(missing_ok=True)


def is_free(place: Path) -> bool:
    """Whether nobody holds the shared lock of a folder, which may not be there."""
    if not fcntl:
        return True
    try:
        handle = os.open(place, os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        return _is_free(handle, place, None)
    finally:
        os.close(handle)


def _is_free(handle: int, place: Path, own: Path | None) -> bool:
    """Whether nobody but the owner of the file `own` holds the shared lock of a folder."""
    if (locked := try_lock(handle)) is None:
        return not any(path != own and _lives(path.stem) for path in place.glob(f"*{RUNNING}"))
    return locked


def _name() -> str:
    """A name of this process, for a file of its own."""
    return f"{os.getpid()}-{uuid4().hex}-{platform.node()}"


def _lives(name: str) -> bool:
    """Whether the process with this name may be alive."""
    pid, _, rest = name.partition("-")
    if not pid.isdecimal() or rest.partition("-")[2] != platform.node():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's
    return True
