"""Write files that are either complete or not there, and compute checksums."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from uuid import uuid4


@contextmanager
def atomic(path: Path, scratch: Path | None = None) -> Iterator[IO[bytes]]:
    """Open a file that appears as `path` when the block ends without error: complete and on the disk, or not at all.

    Until then it is in the folder `scratch`, on the same disk; if None, beside `path`.
    """
    temporary = (scratch or path.parent) / f".{path.name}.{uuid4().hex}.tmp"  # process ids may repeat
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """Checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def altered(path: Path, size: int, checksum: str) -> str | None:
    """How a file differs from one of this size [bytes] and sha256, in a sentence that names it; None if it does not."""
    if not path.is_file():
        return f"{path} is missing"
    if (found := path.stat().st_size) != size:
        return f"{path} has {found} bytes instead of {size}"
    return None if sha256(path) == checksum else f"{path} is damaged: its checksum does not fit"


def check_place(path: Path) -> None:
    """Raise ValueError if no file can be written at `path`: it is a folder, or its folder does not exist."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder: give the name of a file")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"{path} would stand in a folder that is not there: make {path.parent} first")


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
