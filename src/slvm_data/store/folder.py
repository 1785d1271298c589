"""Where a dataset goes: nothing of another's is removed, and nothing unfinished stands under a final name."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slvm_data.store import manifest
from slvm_data.store.damage import DamageError

PARTIAL = ".partial"  # within the dataset's folder, hence on its disk


@contextmanager
def staging(folder: Path, overwrite: bool) -> Iterator[Path]:
    """A folder to write to. Its files move to `folder` when the block ends well, and vanish when it does not.

    Raises ValueError where `folder` holds anything already. `overwrite` lifts this, and removes the files of the
    dataset that stood there, as its manifest lists them, and no others.
    """
    _check_free(folder, overwrite)
    made = not folder.exists()
    partial = folder / PARTIAL
    shutil.rmtree(partial, ignore_errors=True)  # what a run that was killed left there
    partial.mkdir(parents=True)
    try:
        yield partial
        _move(partial, folder, overwrite)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if made and not any(folder.iterdir()):
            folder.rmdir()


def _check_free(folder: Path, overwrite: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; choose another place with --out")
    there = [path.name for path in folder.iterdir() if path.name != PARTIAL] if folder.exists() else []
    if there and not overwrite:
        what = "a dataset" if manifest.NAME in there else f"{sorted(there)[0]!r}"
        raise ValueError(f"{folder} already holds {what}: choose another place with --out, or add --overwrite")


def _move(partial: Path, folder: Path, overwrite: bool) -> None:
    """Replace the old dataset by the new, the manifest last: with it the folder becomes a dataset."""
    old = _listed(folder) if overwrite else []
    new = [path.relative_to(partial) for path in partial.rglob("*") if path.is_file()]
    for path in new:
        if (folder / path).exists() and path not in old:
            raise ValueError(f"{folder / path} is not of a dataset of ours and stays: choose another place with --out")
    for path in sorted(old, key=lambda path: path.name != manifest.NAME):
        (folder / path).unlink(missing_ok=True)
        if path.parent != Path() and not any((folder / path.parent).iterdir()):
            (folder / path.parent).rmdir()
    for path in sorted(new, key=lambda path: path.name == manifest.NAME):
        (folder / path).parent.mkdir(exist_ok=True)
        (partial / path).replace(folder / path)


def _listed(folder: Path) -> list[Path]:
    """The files of the dataset in a folder, relative to it; none where its manifest cannot be read."""
    try:
        files = [Path(name) for name in manifest.read(folder)["files"]]
    except DamageError:
        return []
    inside = [path for path in files if not path.is_absolute() and ".." not in path.parts]
    return [path for path in (*inside, Path(manifest.CARD), Path(manifest.NAME)) if (folder / path).is_file()]
