"""Errors that a command reports in one sentence, with an exit code."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath

from slvm_data.core.names import HIDDEN, MANIFEST


class DamageError(Exception):
    """A file is missing, cut short or altered. The message names it, what is wrong with it, and the way out.

    `what` is the message without the way out, which is known where `path`, the file, belongs to a dataset.
    """

    def __init__(self, what: str, path: PurePath | None = None) -> None:
        super().__init__(f"{what}{_way_out(path)}" if path else what)
        self.what = what


class WorkersError(RuntimeError):
    """Processes that make a dataset died several times, or their scheduler went away. The message says what to do."""


@dataclass
class At:
    """The part of a file that is being read, for errors."""

    array: str


@contextmanager
def damage_named(path: PurePath, part: str = "its directory") -> Iterator[At]:
    """Turn any error into a DamageError that names the file, and the array that the block has noted in `At`."""
    at = At(part)
    try:
        yield at
    except FileNotFoundError:
        raise DamageError(f"{path} is missing", path) from None
    except (PermissionError, ConnectionError):
        raise
    except DamageError as error:
        raise DamageError(error.what, path) from error
    except Exception as error:  # damaged bytes may raise any error, even tokenize.TokenError
        raise DamageError(f"{path} is damaged, at {at.array}: {error}", path) from error


def _way_out(path: PurePath) -> str:
    """The command that makes a damaged file of a dataset again, after a colon; nothing outside a dataset's folder."""
    if not isinstance(path, Path):
        return ""  # at a URL
    if HIDDEN in path.parts:
        return ": run the command that began the dataset again"
    folder = next((folder for folder in path.parents if (folder / MANIFEST).is_file()), None)
    return f": slvm-data repair {shlex.quote(str(folder))}" if folder else ""
