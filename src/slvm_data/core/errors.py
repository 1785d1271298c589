"""Errors that a command reports in one sentence, with an exit code."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from slvm_data.core.names import MANIFEST


class DamageError(Exception):
    """A file is missing, cut short or altered. The message names it and what is wrong with it."""


class WorkersError(RuntimeError):
    """Processes that make a dataset died several times, or their scheduler went away. The message says what to do."""


@dataclass
class At:
    """The part of a file that is being read, for errors."""

    array: str


@contextmanager
def damage_named(path: Path, part: str = "its directory") -> Iterator[At]:
    """Turn any error into a DamageError that names the file, and the array that the block has noted in `At`."""
    at = At(part)
    try:
        yield at
    except FileNotFoundError:
        raise DamageError(f"{path} is missing{way_out(path)}") from None
    except (PermissionError, DamageError):
        raise
    except Exception as error:  # damaged bytes may raise any error, even tokenize.TokenError
        raise DamageError(f"{path} is damaged, at {at.array}: {error}{way_out(path)}") from error


def way_out(path: Path) -> str:
    """The command that makes a damaged file of a dataset again, after a colon; nothing outside a dataset's folder."""
    folder = next((folder for folder in path.parents if (folder / MANIFEST).is_file()), None)
    return f": slvm-data repair {shlex.quote(str(folder))}" if folder else ""
