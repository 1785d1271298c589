"""Let only the main process of a run handle Ctrl-C, not the processes and threads that it starts."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


@contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Block Ctrl-C in the threads and processes that are started within, and in those that they start."""
    if os.name != "posix":
        yield
        return
    resource_tracker.ensure_running()  # otherwise the thread that needs it first would unblock them
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
