"""Names that are allowed for folders and files on all operating systems, and names that a dataset uses itself."""

from __future__ import annotations

import re

MANIFEST = "dataset.json"
CARD = "README.md"
PREVIEW = "preview.gif"  # of the frames, shown by the card
CROISSANT = "croissant.json"  # for programs that search for datasets
PLAN = "plan.json"  # what is being made
HIDDEN = ".slvm-data"  # folder, within that of a dataset, of all that is not complete

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_LICENSE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,99}")
_LETTERS, _LETTERS_OF_FILE = 100, 200  # file systems allow 255, and a file that is being written has 38 more
_ON_WINDOWS = {"con", "prn", "aux", "nul", *(f"{d}{i}" for d in ("com", "lpt") for i in range(10))}
_ENDINGS = (".npz", ".zarr", ".shards")


def hub_split(split: str) -> str:
    """What the library `datasets` calls a split."""
    return {"val": "validation"}.get(split, split)


def check_name(name: str) -> None:
    """Raise ValueError unless a name can be a folder on all operating systems."""
    _check(name, "folder", _LETTERS)


def check_license(name: str) -> None:
    """Raise ValueError unless a name has the form of those of licences that SPDX lists."""
    if not _LICENSE.fullmatch(name):
        raise ValueError(
            f"license = {name[:120]!r} is not the identifier of a licence: write one of https://spdx.org/licenses, "
            "such as CC-BY-4.0, or LicenseRef-NAME for a licence of your own"
        )


def check_path(path: str) -> None:
    """Raise ValueError unless a path, "a/b", leads to a file within its folder on all operating systems.

    The file may have a longer name than a folder: it may have the dataset's and the folder's in its own.
    """
    *folders, name = path.split("/")
    for word in folders:
        check_name(word)
    _check(name, "file", _LETTERS_OF_FILE)


def _check(name: str, what: str, letters: int) -> None:
    if not _NAME.fullmatch(name) or len(name) > letters or name.split(".")[0].lower() in _ON_WINDOWS:
        raise ValueError(
            f"the name {name[:120]!r} cannot be a {what}: use up to {letters} letters, digits, '.', '_' or '-', "
            "and no name that Windows reserves"
        )


def is_taken(name: str) -> bool:
    """Whether a dataset has, or may have, a file with this name."""
    lower = name.lower()
    return lower in (MANIFEST, CARD.lower(), PREVIEW, CROISSANT) or lower.endswith(_ENDINGS)
