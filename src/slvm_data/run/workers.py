"""Whoever has others make shards: how they are begun, and the error where they cannot go on."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


class WorkersError(RuntimeError):
    """Processes that make shards die again and again, or their scheduler went away. The message says what to do."""


@contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Threads and processes that are begun here, and by these, leave Ctrl-C to the first process."""
    if os.name != "posix":
        yield
        return
    resource_tracker.ensure_running()  # else whichever thread needs it first unblocks them
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
