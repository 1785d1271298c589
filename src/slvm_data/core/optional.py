"""Modules that need packages which not everybody has installed."""

from __future__ import annotations

import importlib
from types import ModuleType


def optional(module: str, what: str, extra: str) -> ModuleType:
    """Import a module of this package; raises ValueError if it needs a package that is not installed.

    The error says that `what` needs it, and that the `extra` of this package installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("slvm_data"):
            raise
        raise ValueError(f"{what} needs a package that is not installed: pip install 'slvm-data[{extra}]'") from error
