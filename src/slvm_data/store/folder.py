"""The files of a dataset in its folder: which ones are replaced or removed, and never those of others."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from slvm_data.core.errors import DamageError
from slvm_data.core.files import check_no_links, is_no_folder
from slvm_data.core.names import HIDDEN
from slvm_data.store import formats, manifest


def replaceable(folder: Path, files: list[Path], overwrite: bool) -> list[Path]:
    """Return the files of the old dataset; raises ValueError if another file is in the way."""
    if is_no_folder(folder):
        raise ValueError(f"{folder} is a file; choose another folder")
    there = [path.name for path in folder.iterdir() if path.name != HIDDEN] if folder.exists() else []
    if there and not overwrite:
        if manifest.NAME in there:
            raise ValueError(f"{folder} already holds a dataset: choose another folder, or add --overwrite")
        raise ValueError(f"{folder} already holds {min(there)!r}, which is of no dataset: choose another folder")
    old = _listed(folder)
    check_groups(folder, [*old, *files])
    for path in files:
        parent = folder / path.parent
        in_the_way = parent if is_no_folder(parent) else folder / path
        if os.path.lexists(in_the_way) and path not in old:
            raise ValueError(f"{in_the_way} is not of a dataset of ours and stays: choose another folder")
    return old


def check_groups(folder: Path, files: list[Path]) -> None:
    """Raise ValueError if one of these files is a group behind a link; the folder of a task may be a link."""
    for path in files:
        for place in (path, *map(path.with_name, formats.beside(path))):
            if (folder / place).is_dir():
                check_no_links(folder / place)


def _listed(folder: Path) -> list[Path]:
    """The files of the dataset in a folder, complete or not, relative to it; none where no manifest can be read."""
    found: list[Path] = []
    with suppress(DamageError, ValueError):
        content = manifest.read_any(folder)
        found += map(Path, content.files if isinstance(content, manifest.Copy) else content.every_file())
        for name, checksum in content.beside().items():
            if checksum.fault(folder / name) is None:  # a file that a user has edited is not ours to remove
                found.append(Path(name))
        found.append(Path(manifest.NAME))
    return list(dict.fromkeys(found))


def take_away(folder: Path, old: list[Path]) -> None:
    """Remove files and groups of a dataset; in a group, only the files that belong to it."""
    for path in old:
        if (folder / path).is_dir() or formats.beside(path):
            formats.store_of(path).remove(folder / path)
        else:
            (folder / path).unlink(missing_ok=True)
