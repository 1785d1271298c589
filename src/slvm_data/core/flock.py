"""Locks of the operating system on open files and folders; it releases them when a process ends, however it ends."""

from __future__ import annotations

try:
    import fcntl
except ModuleNotFoundError:  # on Windows
    fcntl = None


def try_lock(handle: int) -> bool | None:
    """Lock an open file. Returns False if another process holds it, None if the file system has no locks."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
