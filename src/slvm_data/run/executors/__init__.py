"""The table of executors, which have the units of a plan made: by threads, by processes, or by Dask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from slvm_data.core.optional import optional
from slvm_data.run.plan import Plan, Unit

Execute: TypeAlias = Callable[[Plan, Path, list[Unit]], Iterator[Unit]]
"""Have these units of a plan made for a folder, and yield each one when it is stored, in any order."""


@dataclass(frozen=True, kw_only=True)
class Executor:
    """A way to have units made.

    Its module has `connected(workers, where)`, a context manager that gives an `Execute`. `workers` is the number of
    processes or jobs, None for the usual one; `where` is what was given with `--dask`.
    """

    name: str
    module: str
    here: bool = False  # whether this process makes the units, and counts their sequences
    extra: str = ""  # extra of this package that installs what the module imports


TABLE = (
    Executor(name="threads", module="slvm_data.run.executors.threads", here=True),
    Executor(name="processes", module="slvm_data.run.executors.processes"),
    Executor(name="dask", module="slvm_data.run.executors.dask_cluster", extra="dask"),
    Executor(name="slurm", module="slvm_data.run.executors.slurm", extra="slurm"),
)


def chosen(executor: str | None, workers: int | None, dask: str | None) -> Executor:
    """The executor of this name; without one, the usual one for this number of workers and this place of Dask.

    Raises ValueError for an unknown one.
    """
    usual = "slurm" if dask == "slurm" else "dask" if dask else "processes" if (workers or 1) > 1 else "threads"
    for entry in TABLE:
        if entry.name == (executor or usual):
            return entry
    raise ValueError(f"executor = {executor!r} is unknown; there are {', '.join(entry.name for entry in TABLE)}")


def connected(entry: Executor, workers: int | None, where: str | None) -> AbstractContextManager[Execute]:
    """Connect to an executor; raises ValueError if it needs a package that is not installed."""
    return optional(entry.module, entry.name, entry.extra).connected(workers, where)
