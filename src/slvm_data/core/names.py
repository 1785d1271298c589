"""Names that are allowed for folders and files on all operating systems, and names that a dataset uses itself."""

from __future__ import annotations

import re

MANIFEST = "dataset.json"
CARD = "README.md"
PREVIEW = "preview.gif"  # of the frames, shown by the card
CROISSANT = "croissant.json"  # for programs that search for datasets
PLAN = "plan.json"  # what is being made
HIDDEN = ".slvm-data"  # folder, within that of a dataset, of all that is not complete

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_ON_WINDOWS = {"con", "prn", "aux", "nul", *(f"{d}{i}" for d in ("com", "lpt") for i in range(10))}
_ENDINGS = (".npz", ".zarr", ".shards")


def check_name(name: str) -> None:
    """Raise ValueError unless a name can be a folder on all operating systems."""
    if not _NAME.fullmatch(name) or name.split(".")[0].lower() in _ON_WINDOWS:
        raise ValueError(
            f"the name {name[:120]!r} cannot be a folder: use up to 100 letters, digits, '.', '_' or '-', "
            "and no name that Windows reserves"
        )


def is_taken(name: str) -> bool:
    """Whether a dataset has, or may have, a file with this name."""
    lower = name.lower()
    return lower in (MANIFEST, CARD.lower(), PREVIEW, CROISSANT) or lower.endswith(_ENDINGS)
