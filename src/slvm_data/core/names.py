"""Which names may become folders and files, here and on other systems."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{d}{i}" for d in ("com", "lpt") for i in range(10)),
}  # on Windows


def check_name(name: str) -> None:
    """Raise ValueError unless a name can safely become a folder, here and on other systems."""
    if not _NAME.fullmatch(name) or name.split(".")[0].lower() in _RESERVED:
        raise ValueError(
            f"the name {name[:120]!r} cannot be a folder: use up to 100 letters, digits, '.', '_' or '-', "
            "and none that Windows keeps for itself"
        )
