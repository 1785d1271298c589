"""Make shards with workers of Dask: those of a running scheduler, of this machine, or of a SLURM cluster."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from dask import config
from distributed import Client, KilledWorker, LocalCluster, as_completed
from distributed.comm.core import CommClosedError

from slvm_data.core.cores import cores
from slvm_data.core.errors import WorkersError
from slvm_data.recipe.recipe import Recipe
from slvm_data.run.portable import PortableRecipe, make
from slvm_data.run.shards import Shard
from slvm_data.run.workers import interrupts_blocked

LOCAL, SLURM = "local", "slurm"
WAITING = 2000  # shards that the scheduler knows of at a time
DEATHS = 3  # of one shard, each after as many workers as the scheduler allows; then the work must be the cause
INTERVAL = "1s"  # between checks that there are enough workers on this machine
LOGGERS = ("distributed", "distributed.client", "distributed.gc", "tornado.application")  # whose levels Dask sets
LOGGING = ("logging", "logging-file-config", "distributed.logging", "distributed.logging-file-config")  # that set them
RETRIES = 2  # of a shard that failed, as when a disk is away for a moment


@contextmanager
def connected(where: str, workers: int | None) -> Iterator[Client]:
    """A client of Dask.

    `where` is the address of a scheduler, "local" for `workers` processes on this machine (one per core if None), or
    "slurm" for `workers` jobs, as dask-jobqueue's configuration describes them. Raises ValueError if none answers.
    """
    with _quiet(), _client(where, workers) as client:
        yield client


def by_dask(client: Client, recipe: Recipe, folder: Path, shards: list[Shard]) -> Iterator[Shard]:
    """Have shards made, and yield each one when it is done; if a worker dies, its shard is made again.

    Raises WorkersError if several workers in a row die making the same shard, or if the scheduler goes away.
    """
    portable, place, waiting = PortableRecipe.of(recipe), folder.absolute(), iter(shards)

    def submit(shard: Shard) -> Any:
        future = client.submit(make, portable, place, shard, pure=False, retries=RETRIES)
        own[future.key] = shard
        return future

    own: dict[Any, Shard] = {}
    deaths: dict[Shard, int] = {}
    with _named(folder, client):
        futures = as_completed([submit(shard) for shard in islice(waiting, WAITING)])
        for future in futures:
            shard = own.pop(future.key)
            try:
                future.result()
            except KilledWorker as error:
                deaths[shard] = deaths.get(shard, 0) + 1
                if deaths[shard] == DEATHS:
                    raise WorkersError(
                        f"{folder}: {shard}: worker after worker died making it, probably because memory ran out; "
                        "give the workers more memory, and run the same command again"
                    ) from error
                futures.add(submit(shard))
                continue
            yield shard
            for shard in islice(waiting, 1):
                futures.add(submit(shard))


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
def _quiet() -> Iterator[None]:
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


@contextmanager
def _client(where: str, workers: int | None) -> Iterator[Client]:
    """A client of the scheduler; a scheduler that was started here ends with the client."""
    with ExitStack() as stack:
        address: Any = where
        if where == LOCAL:
            address = _local()
            most = workers or cores(WAITING)
            address.adapt(minimum=most, maximum=most, interval=INTERVAL)  # which replaces a worker that dies young
        elif where == SLURM:
            address = _slurm(workers or 1)
        if where in (LOCAL, SLURM):
            stack.enter_context(address)
        try:
            client = Client(address)
        except (OSError, ValueError) as error:  # a time that has run out is an OSError
            raise ValueError(f"dask = {where}: no scheduler answers there: {error}") from error
        yield stack.enter_context(client)


def _local() -> LocalCluster:
    """A cluster on this machine whose processes ignore Ctrl-C, which only the main process handles."""
    with interrupts_blocked():
        return LocalCluster(
            n_workers=0, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL
        )


def _slurm(jobs: int) -> Any:
    """A cluster of SLURM with this number of jobs."""
    from dask_jobqueue.slurm import SLURMCluster

    try:
        cluster = SLURMCluster()
    except ValueError as error:
        raise ValueError(
            f"dask = slurm: {error}: describe a job in ~/.config/dask/jobqueue.yaml (jobqueue.slurm)"
        ) from error
    cluster.adapt(minimum_jobs=jobs, maximum_jobs=jobs)  # jobs that were preempted are asked for again
    return cluster
