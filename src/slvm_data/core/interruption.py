"""Requests to stop, by Ctrl-C or SIGTERM: an exception at once, and again at the next step if a library swallowed it.

While JAX compiles, it calls Python from C++, and drops what is raised there.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Any, NoReturn

_received: list[int] = []
_shown = sys.unraisablehook


class Terminated(BaseException):
    """SIGTERM was received: what was begun is dropped on the way up."""


def listen() -> None:
    """From now on both signals are remembered, and raise KeyboardInterrupt or Terminated; nothing is said of it."""
    sys.unraisablehook = _Quiet()
    signal.signal(signal.SIGTERM, _receive)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored, as `nohup` wants it
        signal.signal(signal.SIGINT, _receive)


def check() -> None:
    """Raise once more what was raised and has ended nothing."""
    if _received:
        _raise(_received[-1])


class _Quiet:
    """Says nothing of a signal that arrived in a callback, as of the garbage collection, where it ends nothing."""

    def __init__(self) -> None:
        self.ours = (KeyboardInterrupt, Terminated)  # held here, since names of modules are gone when Python ends
        self.shown = _shown

    def __call__(self, unraisable: Any) -> None:
        if not issubclass(unraisable.exc_type, self.ours):
            self.shown(unraisable)


def _receive(number: int, _frame: FrameType | None) -> NoReturn:
    _received.append(number)
    _raise(number)


def _raise(number: int) -> NoReturn:
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated
