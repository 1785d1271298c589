"""Have units made by workers of Dask: those of a running scheduler, or of this machine."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from dask import config
from distributed import Client, KilledWorker, LocalCluster, as_completed
from distributed.comm.core import CommClosedError

from slvm_data.core.cores import cores
from slvm_data.core.errors import WorkersError
from slvm_data.run.executors import Execute
from slvm_data.run.plan import Plan, Unit
from slvm_data.run.portable import PortablePlan, in_turn, make
from slvm_data.run.workers import interrupts_blocked

LOCAL = "local"
WAITING = 2000  # units that the scheduler knows of at a time
DEATHS = 3  # of one unit, each after as many workers as the scheduler allows; then the work must be the cause
INTERVAL = "1s"  # between checks that there are enough workers on this machine
LOGGERS = ("distributed", "distributed.client", "distributed.gc", "tornado.application")  # whose levels Dask sets
LOGGING = ("logging", "logging-file-config", "distributed.logging", "distributed.logging-file-config")  # that set them
RETRIES = 2  # of a unit that failed, as when a disk is away for a moment


@contextmanager
def connected(workers: int | None, where: str | None) -> Iterator[Execute]:
    """Connect to workers of Dask.

    `where` is the address of a scheduler, or "local" for `workers` processes on this machine (one per core if None).
    Raises ValueError if none answers.
    """
    where = where or LOCAL
    with quiet(), ExitStack() as stack:
        address: Any = stack.enter_context(_local(workers or cores(WAITING))) if where == LOCAL else where
        yield partial(by_dask, client=stack.enter_context(client_of(address, where)))


def client_of(address: Any, where: str) -> Client:
    """A client of a cluster, or of a scheduler at this address; raises ValueError if none answers."""
    try:
        return Client(address)
    except (OSError, ValueError) as error:  # a time that has run out is an OSError
        raise ValueError(f"dask = {where}: no scheduler answers there: {error}") from error


def by_dask(plan: Plan, folder: Path, units: list[Unit], client: Client) -> Iterator[Unit]:
    """Have units made, and yield each one when it is stored; if a worker dies, its unit is made again.

    Raises WorkersError if several workers in a row die making the same unit, or if the scheduler goes away.
    """
    portable, place, waiting = PortablePlan.of(plan), folder.absolute(), iter(in_turn(plan, units))

    def submit(unit: Unit) -> Any:
        future = client.submit(make, portable, place, unit, pure=False, retries=RETRIES)
        own[future.key] = unit
        return future

    own: dict[Any, Unit] = {}
    deaths: dict[Unit, int] = {}
    with _named(folder, client):
        futures = as_completed([submit(unit) for unit in islice(waiting, WAITING)])
        for future in futures:
            unit = own.pop(future.key)
            try:
                future.result()
            except KilledWorker as error:
                deaths[unit] = deaths.get(unit, 0) + 1
                if deaths[unit] == DEATHS:
                    raise WorkersError(
                        f"{folder}: {unit}: worker after worker died making it, probably because memory ran out; "
                        "give the workers more memory, and run the same command again"
                    ) from error
                futures.add(submit(unit))
                continue
            yield unit
            for unit in islice(waiting, 1):
                futures.add(submit(unit))


@contextmanager
def _named(folder: Path, client: Client) -> Iterator[None]:
    """Raise WorkersError, in one sentence, if the scheduler goes away."""
    address = client.scheduler_info(n_workers=0)["address"]
    try:
        yield
    except (CommClosedError, CancelledError) as error:
        raise WorkersError(
            f"{folder}: the scheduler at {address} went away: run the same command again to go on"
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Dask from logging errors that are raised anyway, unless the user has configured logging."""
    said = logging.root.handlers or any(config.get(name, None) for name in LOGGING)
    levels = {} if said else {logger: logger.level for logger in map(logging.getLogger, LOGGERS)}
    try:
        for logger in levels:
            logger.setLevel(logging.CRITICAL)
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)


def _local(workers: int) -> LocalCluster:
    """A cluster on this machine whose processes ignore Ctrl-C, which only the main process handles."""
    with interrupts_blocked():
        cluster = LocalCluster(
            n_workers=0, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL
        )
    cluster.adapt(minimum=workers, maximum=workers, interval=INTERVAL)  # which replaces a worker that dies young
    return cluster
