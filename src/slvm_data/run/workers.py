"""Processes and threads that a run begins leave it to the first process to say when to stop."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


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
