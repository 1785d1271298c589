"""Shards made by the workers of Dask: of a scheduler that runs, of this machine, or of a SLURM cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from distributed import Client, KilledWorker, LocalCluster, as_completed

from slvm_data.cores import cores
from slvm_data.parcel import Parcel, make
from slvm_data.recipe import Recipe
from slvm_data.shards import Shard
from slvm_data.workers import WorkersError

LOCAL, SLURM = "local", "slurm"
WAITING = 2000  # shards that the scheduler knows of at a time
DEATHS = 3  # of one shard, each after as many workers as the scheduler allows, before the fault lies in the work
INTERVAL = "1s"  # between looks at whether there are enough workers here
RETRIES = 2  # of a shard that failed, as when a disk is away for a moment


def by_dask(recipe: Recipe, folder: Path, shards: list[Shard], where: str, workers: int | None) -> Iterator[Shard]:
    """Have shards made, and say which one is done; a worker that dies costs the shard that it was making.

    `where` is the address of a scheduler, "local" for `workers` processes of this machine (one to a core if None), or
    "slurm" for as many jobs, as dask-jobqueue's configuration describes them. Raises ValueError where no scheduler
    answers, WorkersError where one shard kills worker after worker.
    """
    parcel, place, waiting = Parcel.of(recipe), folder.absolute(), iter(shards)
    with _client(where, workers) as client:

        def submit(shard: Shard) -> Any:
            future = client.submit(make, parcel, place, shard, pure=False, retries=RETRIES)
            own[future.key] = shard
            return future

        own: dict[Any, Shard] = {}
        deaths: dict[Shard, int] = {}
        futures = as_completed([submit(shard) for shard in islice(waiting, WAITING)])
        for future in futures:
            shard = own.pop(future.key)
            try:
                future.result()
            except KilledWorker as error:
                deaths[shard] = deaths.get(shard, 0) + 1
                if deaths[shard] == DEATHS:
                    raise WorkersError(
                        f"{folder}: {shard}: worker after worker died making it: for lack of memory, if by itself; "
                        "give them more, and run the same command again"
                    ) from error
                futures.add(submit(shard))
                continue
            yield shard
            for shard in islice(waiting, 1):
                futures.add(submit(shard))


@contextmanager
def _client(where: str, workers: int | None) -> Iterator[Client]:
    """A client of the scheduler, which ends with it if it was begun here."""
    with ExitStack() as stack:
        address: Any = where
        if where == LOCAL:
            address = LocalCluster(n_workers=0, threads_per_worker=1, dashboard_address="")
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


def _slurm(jobs: int) -> Any:
    """A cluster of so many jobs of SLURM."""
    from dask_jobqueue.slurm import SLURMCluster

    try:
        cluster = SLURMCluster()
    except ValueError as error:
        raise ValueError(
            f"dask = slurm: {error}: describe a job in ~/.config/dask/jobqueue.yaml (jobqueue.slurm)"
        ) from error
    cluster.adapt(minimum_jobs=jobs, maximum_jobs=jobs)  # jobs that were preempted are asked for again
    return cluster
