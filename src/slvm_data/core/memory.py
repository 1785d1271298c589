"""Memory of this machine."""

from __future__ import annotations

import os


def check_memory(what: object, needed: int, way_out: str = "make it of fewer sequences") -> None:
    """Raise ValueError, before anything is read, if this machine has less memory than needed [bytes]."""
    if hasattr(os, "sysconf") and needed > (there := os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")):
        raise ValueError(f"{what} takes {needed / 1e9:.1f} GB of memory, and there are {there / 1e9:.1f}: {way_out}")
