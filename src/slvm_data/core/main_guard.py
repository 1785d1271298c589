"""Processes run the main script again when they are started, unless it keeps them from doing so."""

from __future__ import annotations

import multiprocessing

GUARD = "put what the script does under `if __name__ == '__main__':`, since each process that it starts runs it again"


def runs_again() -> bool:
    """Whether this process was started by another one, and is still running the main script of that one."""
    return getattr(multiprocessing.current_process(), "_inheriting", False)
