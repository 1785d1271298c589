"""Number of processors that this process may use."""

from __future__ import annotations

import os


def cores(most: int) -> int:
    """Number of processors that this process may use, but at most `most`."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, most)
