"""Standard output and standard error that take any text, or lose it, but never stop the work of a command."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from slvm_data.core.text import visible


class Stream:
    """A standard stream. What a terminal would obey is shown, and letters that it lacks become `?`.

    After an error, as of a full disk, it drops text.
    """

    def __init__(self, stream: Any, name: str) -> None:
        self._stream, self._name = stream or Path(os.devnull).open("w", encoding="utf-8"), name  # noqa: SIM115
        self._error: OSError | None = None
        with suppress(AttributeError):  # of what is not a text stream of Python's own
            self._stream.reconfigure(errors="replace")

    def write(self, text: str) -> int:
        """Write a text and return its length; it may begin with a return, as a bar of progress does."""
        returned = text[: text.startswith("\r")]
        try:
            self._stream.write(returned + visible(text[len(returned) :]))
        except OSError as error:
            self._lose(error)
        return len(text)

    def flush(self) -> None:
        """Hand what was written to the operating system."""
        try:
            self._stream.flush()
        except OSError as error:
            self._lose(error)

    def take_error(self) -> OSError | None:
        """The first error since the last call."""
        error, self._error = self._error, None
        return error

    def _lose(self, error: OSError) -> None:
        self._error = self._error or OSError(error.errno, error.strerror, f"standard {self._name}")
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())  # also for what the stream still holds, at the end of Python
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def safe() -> Iterator[None]:
    """In this block, `sys.stdout` and `sys.stderr` are streams of this kind, also where they were closed."""
    before = sys.stdout, sys.stderr
    _fill()
    out, err = Stream(sys.stdout, "output"), Stream(sys.stderr, "error")
    sys.stdout, sys.stderr = cast(Any, (out, err))
    try:
        yield
    finally:
        out.flush()
        if (error := out.take_error()) and not isinstance(error, BrokenPipeError):
            print(f"warning: {error.filename}: {error.strerror}; some text is lost, the work is done", file=err)
        err.flush()
        sys.stdout, sys.stderr = before


def show(text: str) -> None:
    """Print what a command is there to show; raises OSError if standard output cannot take it."""
    print(text, flush=True)
    if isinstance(sys.stdout, Stream) and (error := sys.stdout.take_error()):
        raise error


def _fill() -> None:
    """Open the standard streams that are closed, or the next file that is opened takes their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # it gets the least number that is free
