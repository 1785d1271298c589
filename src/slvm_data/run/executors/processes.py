"""Have units made by processes of this machine; if one dies, what it was making is made again."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from multiprocessing.context import SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

from slvm_data.core.compiled import share
from slvm_data.core.cores import cores
from slvm_data.core.errors import WorkersError
from slvm_data.core.main_guard import GUARD, runs_again
from slvm_data.run.executors import Execute
from slvm_data.run.plan import Plan, Unit
from slvm_data.run.portable import PortablePlan, in_turn, make
from slvm_data.run.workers import interrupts_blocked
from slvm_data.store.journal import scratch_of

WORKERS = 64  # at most, unless asked for
UNGUARDED = 77  # exit code of a process that runs the main script, and would start processes too
ENDING = 5  # seconds to wait for a process that is ending
DEATHS = 3  # in a row, without a finished unit between them; then the work must be the cause


class _Spawn(SpawnContext):
    """Starts processes that import everything anew, since JAX does not bear being forked, and notes how they ended."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[BaseProcess] = []

    def Process(self, *arguments: Any, **options: Any) -> BaseProcess:  # noqa: N802  # pyright: ignore
        """A process, as the pool asks for it."""
        self.started.append(super().Process(*arguments, **options))
        return self.started[-1]

    def ended_with(self, code: int) -> bool:
        """Whether a process ended with this exit code."""
        for process in self.started:
            process.join(ENDING)
        return code in [process.exitcode for process in self.started]


def connected(workers: int | None, _where: str | None) -> AbstractContextManager[Execute]:
    """Processes are begun when there are units to make."""
    return nullcontext(partial(by_processes, workers=workers or cores(WORKERS)))


def by_processes(plan: Plan, folder: Path, units: list[Unit], workers: int) -> Iterator[Unit]:
    """Have units made, and yield each one when it is stored; raises WorkersError if processes die again and again."""
    left, deaths = dict.fromkeys(in_turn(plan, units)), 0
    portable = PortablePlan.of(plan)
    if runs_again():
        sys.exit(UNGUARDED)  # without a word, as the process that started this one tells what is wrong
    context = _Spawn()
    with TemporaryDirectory(dir=scratch_of(folder)) as compiled:  # which nobody else may open
        while left:
            with ProcessPoolExecutor(min(workers, len(left)), context, _begin_work, (compiled,)) as pool:
                try:
                    for unit in _each(pool, portable, folder, list(left)):
                        deaths = 0
                        del left[unit]
                        yield unit
                except BrokenProcessPool as error:
                    if context.ended_with(UNGUARDED):
                        raise WorkersError(f"{folder}: processes cannot make it: {GUARD}") from None
                    if (deaths := deaths + 1) == DEATHS:
                        raise WorkersError(
                            f"{folder}: processes died {DEATHS} times in a row, while {next(iter(left))} was to be "
                            "made, probably because memory ran out; try fewer workers, and run the same command again"
                        ) from error


def _each(pool: ProcessPoolExecutor, portable: PortablePlan, folder: Path, units: list[Unit]) -> Iterator[Unit]:
    """Have units made, and yield each one when it is done."""
    with interrupts_blocked():  # also in processes that have only just begun
        made = {pool.submit(make, portable, folder, unit): unit for unit in units}
    try:
        for future in as_completed(made):
            future.result()
            yield made[future]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin_work(compiled: str) -> None:
    """Make a worker process ignore Ctrl-C, which the main process handles, and end when the main process ends.

    What it compiles is kept in the folder `compiled`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    share(compiled)
    parent = multiprocessing.parent_process()
    if parent:
        Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()
