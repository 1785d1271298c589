"""Views of a dataset: a page in the browser, figures, and moving pictures."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slvm_data.view.animation import animate
    from slvm_data.view.figure import plot

__all__ = ["animate", "plot"]

_HOMES = {"animate": "animation", "plot": "figure"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"slvm_data.view.{_HOMES[name]}"), name)
