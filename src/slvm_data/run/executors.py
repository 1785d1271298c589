"""Have shards made by threads of this process, processes of this machine, workers of Dask, or jobs of a job array."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

from slvm_data.core.cores import cores
from slvm_data.core.errors import DamageError, WorkersError
from slvm_data.core.progress import progress
from slvm_data.recipe.recipe import Recipe
from slvm_data.run.portable import PortableRecipe, make
from slvm_data.run.shards import FORMAT, Plan, Shard, begin, clear, finish, goes_on, make_shard
from slvm_data.run.space import check_space
from slvm_data.run.workers import interrupts_blocked
from slvm_data.store import manifest

DEATHS = 3  # in a row, without a finished shard between them; then the work must be the cause
THREADS = 8  # at most, since each has memory of its own


def carry_out(
    recipe: Recipe,
    folder: Path,
    overwrite: bool,
    workers: int | None = None,
    part: tuple[int, int] | None = None,
    dask: str | None = None,
) -> Path:
    """Make a dataset in shards, or only the shards that are missing, and return its folder.

    With `part` (i, N) make only every N-th shard, starting at shard i; the run that makes the last shard finishes the
    dataset. Raises ValueError for a part that does not exist, if the folder holds another dataset, or if the disk has
    too little space; WorkersError if processes die again and again.
    """
    _check(workers, part)
    if part and overwrite:
        raise ValueError(f"overwrite is not for shards = {part[0]}/{part[1]}: a job would remove what others have made")
    with _connected(dask, workers) if dask else nullcontext() as client:  # before anything is written
        return _carry_out(recipe, folder, overwrite, workers, part, client)


def _carry_out(
    recipe: Recipe, folder: Path, overwrite: bool, workers: int | None, part: tuple[int, int] | None, client: Any
) -> Path:
    """Do the work of `carry_out`, with a client of Dask or None."""
    plan = Plan(recipe)
    shards = plan.shards()
    own = shards[part[0] :: part[1]] if part else shards
    if overwrite or not (folder / manifest.NAME).is_file():
        anew = overwrite and not goes_on(plan, folder)
        left = own if anew else plan.missing(folder, own)
        check_space(recipe, folder, FORMAT, len(left) / len(shards), _size(folder) if anew else 0)
    if not begin(plan, folder, overwrite):
        if (folder / manifest.PLAN).is_file():
            clear(plan, folder)
        return folder
    mine = plan.missing(folder, own)
    with progress(_sequences(own), recipe.name) as bar:
        bar.update(_sequences(own) - _sequences(mine))
        if client:
            from slvm_data.run.dask_cluster import by_dask

            made = by_dask(client, recipe, folder, mine)
        elif workers and workers > 1:
            made = _by_processes(recipe, folder, mine, workers)
        else:
            made = _by_threads(plan, folder, mine)
        for shard in made:
            bar.update(_sequences([shard]))
    _finish_if_complete(plan, folder)
    return folder


def _size(folder: Path) -> int:
    """Bytes of the dataset in a folder; 0 if there is none."""
    try:
        return sum(entry.bytes for entry in manifest.read(folder).every_file().values())
    except (ValueError, DamageError):
        return 0


def _sequences(shards: list[Shard]) -> int:
    """Number of sequences in these shards; uncut trajectories are not counted."""
    return sum(shard.stop - shard.first for shard in shards if not shard.file.series)


def _check(workers: int | None, part: tuple[int, int] | None) -> None:
    if workers is not None and workers < 1:
        raise ValueError(f"workers = {workers} has to be at least 1")
    if part and not 0 <= part[0] < part[1]:
        raise ValueError(f"shards = {part[0]}/{part[1]} has to be i/N, with i from 0 to N - 1")


def _connected(dask: str, workers: int | None) -> AbstractContextManager[Any]:
    """A client of Dask; raises ValueError where that is not installed."""
    try:
        from slvm_data.run.dask_cluster import SLURM, connected

        if dask == SLURM:
            import_module("dask_jobqueue")
    except ModuleNotFoundError as error:
        extra = "slurm" if error.name == "dask_jobqueue" else "dask"
        raise ValueError(
            f"dask = {dask} needs a package that is not installed: pip install 'slvm-data[{extra}]'"
        ) from error
    return connected(dask, workers)


def _finish_if_complete(plan: Plan, folder: Path) -> None:
    """Finish the dataset if all its shards are there; several runs may do so at once, with the same result."""
    if plan.is_complete(folder):
        with suppress(FileNotFoundError):  # another run is faster, and removes our temporary files
            finish(plan, folder)
    if (folder / manifest.NAME).is_file():
        clear(plan, folder)  # also what this run has left after another one has finished
    elif plan.is_complete(folder):
        finish(plan, folder)


def _by_threads(plan: Plan, folder: Path, shards: list[Shard]) -> Iterator[Shard]:
    """Make shards, the first one alone, since it compiles what the others need."""
    for shard in shards[:1]:
        make_shard(plan, folder, shard)
        yield shard
    with ThreadPoolExecutor(cores(THREADS)) as pool:
        yield from _each(pool, partial(make_shard, plan, folder), shards[1:])


def _by_processes(recipe: Recipe, folder: Path, shards: list[Shard], workers: int) -> Iterator[Shard]:
    """Make shards; if a process dies, the shards that were being made are made again."""
    left, deaths = dict.fromkeys(shards), 0
    work = partial(make, PortableRecipe.of(recipe), folder)
    spawn = multiprocessing.get_context("spawn")  # JAX does not bear being forked
    while left:
        with ProcessPoolExecutor(min(workers, len(left)), spawn, _begin_work) as pool:
            try:
                for shard in _each(pool, work, list(left)):
                    deaths = 0
                    del left[shard]
                    yield shard
            except BrokenProcessPool as error:
                if (deaths := deaths + 1) == DEATHS:
                    raise WorkersError(
                        f"{folder}: processes died {DEATHS} times in a row, while {next(iter(left))} was to be made, "
                        "probably because memory ran out; try fewer workers, and run the same command again"
                    ) from error


def _each(pool: Executor, work: Callable[[Shard], None], shards: list[Shard]) -> Iterator[Shard]:
    """Have shards made, and yield each one when it is done."""
    with interrupts_blocked():  # also in processes that have only just begun
        made = {pool.submit(work, shard): shard for shard in shards}
    try:
        for future in as_completed(made):
            future.result()
            yield made[future]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin_work() -> None:
    """Make a worker process ignore Ctrl-C, which the main process handles, and end when the main process ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent:
        Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()
