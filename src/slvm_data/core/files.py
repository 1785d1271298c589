"""Write files that are either complete or not there, and compute checksums."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import IO
from uuid import uuid4

from slvm_data.core.errors import DamageError
from slvm_data.core.flock import fcntl, try_lock

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{32}\.tmp", re.DOTALL)


@contextmanager
def atomic(path: Path, scratch: Path | None = None) -> Iterator[IO[bytes]]:
    """Open a file that appears as `path` when the block ends without error: complete and on the disk, or not at all.

    Until then it has another name, in the folder `scratch`, on the same disk. If that is None, it is beside `path`, and
    what processes that were killed have left there is removed first.
    """
    if scratch is None:
        _clear(path.parent)
    file = _temporary(scratch or path.parent, path.name)
    temporary = Path(file.name)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if fcntl is None:
                file.close()  # Windows gives an open file no other name
            temporary.replace(path)  # while it is locked
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _temporary(folder: Path, name: str) -> IO[bytes]:
    """A new file, which is locked as long as it is open: the lock ends with the process, even if that is killed."""
    while True:
        file = (folder / f".{name}.{uuid4().hex}.tmp").open("xb")  # process ids may repeat
        if try_lock(file.fileno()) is not False and Path(file.name).exists():
            return file
        file.close()  # another process has just taken it for one that was left over
        Path(file.name).unlink(missing_ok=True)


def _clear(folder: Path) -> None:
    """Remove the temporary files in a folder that no process holds any more; where there are no locks, none."""
    if fcntl is None:
        return
    for path in folder.glob(".*.tmp"):
        if _TEMPORARY.fullmatch(path.name) and path.is_file():
            with suppress(OSError):  # it has just got its name, or belongs to someone else
                handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
                try:
                    if try_lock(handle):
                        path.unlink()
                finally:
                    os.close(handle)


def identity(path: Path) -> tuple[int, int, int]:
    """What differs, as a rule, once a file was written again or replaced: its number, its size [bytes] and its time."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def opened(path: Path) -> BufferedReader:
    """Open a file to read it. Raises DamageError for a folder, a pipe or a device, which might never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise DamageError(f"{path} is damaged: it is a folder, a pipe or a device, and no file")
    return open(path, "rb", opener=_without_waiting)


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe may have come there meanwhile


def read_at_most(path: Path, most: int) -> bytes:
    """Content of a file of at most `most` bytes. Raises DamageError for a larger one, and as `opened` does."""
    with opened(path) as file:
        if (size := os.fstat(file.fileno()).st_size) > most:
            raise DamageError(f"{path} is damaged: it has {size} bytes, and {most} are the most it can have")
        return file.read(size)  # with more, as much memory would be taken


def sha256(path: Path) -> str:
    """Checksum of a file; raises DamageError as `opened` does."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def altered(path: Path, size: int, checksum: str) -> str | None:
    """How a file differs from one of this size [bytes] and sha256, in a sentence that names it; None if it does not."""
    if not path.is_file():
        return f"{path} is {'no file' if path.exists() else 'missing'}"
    if (found := path.stat().st_size) != size:
        return f"{path} has {found} bytes instead of {size}"
    return None if sha256(path) == checksum else f"{path} is damaged: its checksum does not fit"


def check_place(path: Path) -> None:
    """Raise ValueError if no file can be written at `path`: it is a folder, or its folder does not exist."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder: give the name of a file")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"{path} would stand in a folder that is not there: make {path.parent} first")


def check_no_links(folder: Path) -> None:
    """Raise ValueError if a folder, or one in it, is a link: what is written or removed there would lie elsewhere."""
    inner = (Path(place) / name for place, names, _ in os.walk(folder) for name in names)
    if link := next((path for path in (folder, *inner) if path.is_symlink()), None):
        raise ValueError(f"{link} is a link: remove it, since nothing is written or removed beyond it")


def at_home(path: Path | str) -> Path:
    """A path as a person writes it: `~` is the home folder, as in a shell."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - leaves `~name` as it is if there is no such user


def lasting(path: Path | str) -> Path:
    """The place that a path means now, which stays the same when the working directory changes."""
    return Path(os.path.realpath(at_home(path)))


def is_no_folder(path: Path) -> bool:
    """Whether a file or a broken link is there, by one look: a folder may be gone at a second one."""
    try:
        return not stat.S_ISDIR(path.stat().st_mode)
    except FileNotFoundError:
        return path.is_symlink()
