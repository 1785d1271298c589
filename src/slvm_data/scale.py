"""Who makes the shards: threads of this process, processes of this machine, or jobs that share them out."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from threading import Thread

from slvm_data.cores import cores
from slvm_data.progress import progress
from slvm_data.recipe import SPLITS, Recipe
from slvm_data.shards import Plan, Shard, begin, finish, make_shard
from slvm_data.store import manifest

DEATHS = 3  # in a row, without a shard between them, before the fault is taken to lie in the work
THREADS = 8  # at most, since each has memory of its own


def carry_out(recipe: Recipe, folder: Path, overwrite: bool, workers: int, part: tuple[int, int] | None) -> Path:
    """Make a dataset in shards, or of it what is missing, and return its folder.

    With `part` (i, N) only each N-th shard, from the i-th on; whoever makes the last one finishes the dataset. Raises
    ValueError for a part that does not exist, or where the folder holds another dataset; RuntimeError where processes
    die again and again.
    """
    if workers < 1:
        raise ValueError(f"workers = {workers} has to be at least 1")
    if part and not 0 <= part[0] < part[1]:
        raise ValueError(f"shards = {part[0]}/{part[1]} has to be i/N, with i from 0 to N - 1")
    plan = Plan(recipe)
    if not begin(plan, folder, overwrite):
        return folder
    shards, missing = plan.shards(), set(plan.missing(folder))
    mine = [shard for shard in (shards[part[0] :: part[1]] if part else shards) if shard in missing]
    total = len(recipe.tasks) * sum(map(recipe.count, SPLITS))
    with progress(total, recipe.name) as bar:
        bar.update(total - sum(shard.stop - shard.first for shard in mine))
        for shard in _by_processes(plan, folder, mine, workers) if workers > 1 else _by_threads(plan, folder, mine):
            bar.update(shard.stop - shard.first)
    if not plan.missing(folder):
        try:
            finish(plan, folder)
        except FileNotFoundError:  # as for a shard
            if not (folder / manifest.NAME).is_file():
                raise
    return folder


def _by_threads(plan: Plan, folder: Path, shards: list[Shard]) -> Iterator[Shard]:
    """Make shards, the first one alone, since it compiles what the others need."""
    for shard in shards[:1]:
        make_shard(plan, folder, shard)
        yield shard
    with ThreadPoolExecutor(cores(THREADS)) as pool:
        yield from _each(pool, plan, folder, shards[1:])


def _by_processes(plan: Plan, folder: Path, shards: list[Shard], workers: int) -> Iterator[Shard]:
    """Make shards; a process that dies costs those that were being made, which others make again."""
    left, deaths = dict.fromkeys(shards), 0
    spawn = multiprocessing.get_context("spawn")  # JAX does not bear being forked
    while left:
        with ProcessPoolExecutor(min(workers, len(left)), spawn, _begin_work, (plan.recipe,)) as pool:
            try:
                for shard in _each(pool, None, folder, list(left)):
                    deaths = 0
                    del left[shard]
                    yield shard
            except BrokenProcessPool as error:
                if (deaths := deaths + 1) == DEATHS:
                    raise RuntimeError(
                        f"{folder}: processes died {DEATHS} times in a row: for lack of memory, if by itself; "
                        "try fewer workers, and run the same command again"
                    ) from error


def _each(pool: Executor, plan: Plan | None, folder: Path, shards: list[Shard]) -> Iterator[Shard]:
    """Have shards made, and say which one is done."""
    made = {pool.submit(_work, plan, folder, shard): shard for shard in shards}
    try:
        for future in as_completed(made):
            future.result()
            yield made[future]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_plan: Plan | None = None  # of a process that makes shards


def _begin_work(recipe: Recipe) -> None:
    """Let a process of its own know what there is to do; it ends with the one that began it."""
    global _plan
    _plan = Plan(recipe)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process says when to stop
    parent = multiprocessing.parent_process()
    if parent:
        Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


def _work(plan: Plan | None, folder: Path, shard: Shard) -> None:
    own = plan or _plan
    assert own
    make_shard(own, folder, shard)
