"""How many processors there are for this process."""

from __future__ import annotations

import os


def cores(most: int) -> int:
    """Processors that this process may use, `most` at the most."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, most)
