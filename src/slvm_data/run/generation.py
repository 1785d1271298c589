"""Carry out a recipe: write its files to a folder, with their certificate, manifest and card."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from slvm_data.core.cores import cores
from slvm_data.core.progress import Progress, counted, progress
from slvm_data.core.types import Arrays
from slvm_data.recipe.recipe import Recipe
from slvm_data.run import preview
from slvm_data.run.description import describe
from slvm_data.run.plan import File, files_of
from slvm_data.run.space import check_space
from slvm_data.simulation.batch import LEAST, Batch, Inputs, batch_size, frame_buffer, make, prepare
from slvm_data.simulation.certificate import Tally, certify
from slvm_data.simulation.sequences import from_batches, series
from slvm_data.store import card, formats, manifest, npz
from slvm_data.store.folder import staging
from slvm_data.store.manifest import FileEntry


def generate(
    recipe: Recipe,
    out: Path | str | None = None,
    *,
    overwrite: bool = False,
    batch: int | None = None,
    format: str = "npz",  # noqa: A002 - the word that users know from the command line
    workers: int | None = None,
    part: tuple[int, int] | None = None,
    dask: str | None = None,
) -> Path:
    """Write a dataset to the folder `out` and return the folder; without `out`, it has the dataset's name.

    The folder holds one `.npz` per split, or one sharded group with the format "zarr", in `dataset_<i>` if there are
    several tasks; `dataset.json` with checksums, recipe and certificate; and `README.md`, the card, with `preview.gif`
    in it. Nothing stands there before everything is complete. `batch`, the number of trajectories made at a time, does
    not change the data.

    With the format "zarr" a dataset is made in shards, by `workers` processes or by the workers of `dask` (the address
    of a scheduler, "local" or "slurm"). If `part` is (i, N), only every N-th shard is made, starting at shard i, so
    that N jobs together make the dataset. If the same dataset was begun before, it is continued.

    Raises ValueError if the folder holds anything (unless `overwrite`, which removes the dataset in it and nothing
    else), or if a sequence cannot be made; OSError if the folder cannot be written.
    """
    folder = Path(out) if out is not None else Path(recipe.name)
    written = formats.own_format(format)
    formats.module_of(written)  # says what is missing before anything is made
    if format == "zarr":
        from slvm_data.run import executors  # which needs the package zarr

        return executors.carry_out(recipe, folder, overwrite, workers, part, dask)
    if workers or part or dask:
        raise ValueError("workers, shards and dask need --format zarr, which is made in shards")
    _generate_files(recipe, folder, overwrite, max(LEAST, batch or batch_size(recipe)))
    return folder


def _generate_files(recipe: Recipe, folder: Path, overwrite: bool, batch: int) -> None:
    """Write a dataset of .npz files."""
    written = formats.named("npz")
    files = files_of(recipe, written)
    total = sum(recipe.count(file.split) for file in files if not file.series)
    with (
        staging(folder, [*(file.path for file in files), *preview.beside(recipe)], overwrite) as place,
        progress(total, recipe.name) as bar,
        closing(ahead(recipe, batch, files)) as made,
    ):
        check_space(recipe, folder, written)
        tallies = [Tally(system) for system in recipe.tasks]
        own: dict[str, FileEntry] = {}
        kept: dict[str, FileEntry] = {}
        for file in files:
            (place / file.path).parent.mkdir(exist_ok=True)
            entry = write(place, recipe, file, made, batch, tallies[file.task], bar)
            (kept if file.series else own)[file.path.as_posix()] = entry
        certificate = [certify(recipe, task, tally) for task, tally in enumerate(tallies)]
        content = preview.add(place, recipe, describe(recipe, own, kept, certificate, written))
        manifest.write(place, replace(content, card=card.write(place, content)))


def write(
    place: Path, recipe: Recipe, file: File, made: Iterator[Batch], batch: int, tally: Tally, bar: Progress
) -> FileEntry:
    """Write one .npz into a folder; its batches are the next ones of the iterator `made`."""
    batches = islice(made, -(-recipe.trajectories(file.split) // batch))
    if file.series:  # its trajectories were counted when their windows were cut
        chunks = _series(recipe, file, batches)
    else:
        show = partial(tally.show, recipe, file.task, file.split)
        chunks = counted(map(show, from_batches(recipe, file.task, file.split, map(tally.add, batches))), bar)
    written = npz.write(place / file.path, chunks, file.rows(recipe))
    cut_from = recipe.trajectories(file.split) if recipe.windows and not file.series else None
    return FileEntry.of(written, file.task, file.split, cut_from)


def _series(recipe: Recipe, file: File, batches: Iterator[Batch]) -> Iterator[Arrays]:
    done = 0
    for batch in batches:
        numbers = np.arange(done, done + len(batch.arrays["label"]))
        done += len(numbers)
        yield series(recipe, file.split, batch.arrays, numbers)


def ahead(recipe: Recipe, size: int, files: list[File]) -> Generator[Batch, None, None]:
    """Yield all batches of these files, in order; the next ones are made while the caller writes the one before."""
    workers = cores(8)  # with more workers, compression is what takes the time
    pool, waiting = ThreadPoolExecutor(workers), deque[Future[Batch]]()
    buffers = [frame_buffer(recipe, size) for _ in range(2 * workers + 1)]
    try:
        for number, job in enumerate(_jobs(recipe, size, files)):
            if len(waiting) == len(buffers):
                yield waiting.popleft().result()  # its buffer is free again when the caller asks for the next
            waiting.append(pool.submit(make, *job, buffers[number % len(buffers)]))
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _jobs(recipe: Recipe, size: int, files: list[File]) -> Iterator[tuple[Recipe, int, str, Inputs, np.ndarray]]:
    """The arguments to call `make` with, batch after batch."""
    for file in files:
        inputs, count = prepare(recipe, file.task, file.split), recipe.trajectories(file.split)
        for start in range(0, count, size):
            yield recipe, file.task, file.split, inputs, np.arange(start, min(start + size, count))
