"""Have units made by jobs of a SLURM cluster, which dask-jobqueue submits as its configuration describes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from dask_jobqueue.slurm import SLURMCluster

from slvm_data.run.executors import Execute
from slvm_data.run.executors.dask_cluster import by_dask, client_of, quiet


@contextmanager
def connected(workers: int | None, _where: str | None) -> Iterator[Execute]:
    """Ask for `workers` jobs, one if None; raises ValueError if no job is described."""
    with quiet():
        try:
            cluster = SLURMCluster()
        except ValueError as error:
            raise ValueError(
                f"dask = slurm: {error}: describe a job in ~/.config/dask/jobqueue.yaml (jobqueue.slurm)"
            ) from error
        jobs = workers or 1
        cluster.adapt(minimum_jobs=jobs, maximum_jobs=jobs)  # jobs that were preempted are asked for again
        with cluster, client_of(cluster, "slurm") as client:
            yield partial(by_dask, client=client)
