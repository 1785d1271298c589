"""What commands have compiled, kept in the user's cache folder: the second time, a command has nothing to compile.

The folder may be deleted at any time. It is not used with SLVM_PROGRAM_CACHE=off, or where JAX has been given another.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import stat
import warnings
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

MOST = 200 * 2**20  # bytes, then it is begun anew; a program takes about 30 kB
SWITCH, CHOSEN = "SLVM_PROGRAM_CACHE", "JAX_COMPILATION_CACHE_DIR"


def use() -> None:
    """Let JAX, which is not imported yet, and processes that are begun keep there what they compile."""
    if os.environ.get(SWITCH) == "off" or CHOSEN in os.environ:
        return
    with suppress(OSError, RuntimeError):  # no home, a full disk: then it is compiled each time
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not _is_ours(folder):
            return
        if sum(entry.stat().st_size for entry in os.scandir(folder)) > MOST:
            shutil.rmtree(folder, ignore_errors=True)
        os.environ[CHOSEN] = str(folder)
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.02")
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
        # A file that another process writes just now is compiled again, which nobody has to be told.
        warnings.filterwarnings("ignore", message="Error (read|writ)ing persistent compilation cache entry")


def _folder() -> Path:
    """The folder for this version of the compiler and this type of processor, whose code others cannot run."""
    from platformdirs import user_cache_path  # here, since most commands compile nothing, and it takes 25 ms

    kind = hashlib.sha256(f"{version('jaxlib')} {platform.machine()} {_abilities()}".encode()).hexdigest()[:16]
    return user_cache_path("slvm-data") / "programs" / kind


def _abilities() -> str:
    """What instructions the processor has, as far as it says."""
    with suppress(OSError), Path("/proc/cpuinfo").open() as file:
        return next((line for line in file if line.startswith(("flags", "Features"))), "")
    return platform.processor()


def _is_ours(folder: Path) -> bool:
    """Whether nobody else may write there: it is code that will run."""
    found = folder.stat()
    return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
