"""The folder that a loader reads: at a URL, or one that stands, else the dataset of this name in the cache."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from slvm_data.core.files import at_home, lasting
from slvm_data.store.remote import Place, remote

_SAID: set[str] = set()  # folders that this process has spoken of


def found(root: Path | str) -> Place:
    """The folder that a loader is given, or that of the dataset with this name, which is made where none stands.

    Raises errors as `cache.cached` does, for a name; ValueError for a URL that cannot be read.
    """
    if place := remote(root):
        return place
    if not (isinstance(root, str) and root.replace(":", "").isidentifier()):
        return lasting(root)
    from slvm_data import cache  # here, since the recipes take 0.1 s, and most roots are paths

    if root not in cache.RECIPES:
        return lasting(root)
    if not os.path.lexists(at_home(root)):
        return cache.cached(root)
    if root not in _SAID:
        _SAID.add(root)
        print(f"note: the folder {root} in this directory is read, not the dataset of this name", file=sys.stderr)
    return lasting(root)
