"""A recipe carried out: files in a folder, with their certificate, manifest and card."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from slvm_data.core.cores import cores
from slvm_data.core.progress import Progress, counted, progress
from slvm_data.recipe.recipe import SPLITS, Recipe
from slvm_data.run import preview
from slvm_data.run.description import describe
from slvm_data.run.space import check_space
from slvm_data.simulation.batch import LEAST, Batch, Inputs, batch_size, frame_buffer, make, prepare
from slvm_data.simulation.certificate import Tally, certify
from slvm_data.simulation.sequences import from_films, once
from slvm_data.store import card, formats, manifest, npz
from slvm_data.store.folder import staging


def generate(
    recipe: Recipe,
    out: Path | str | None = None,
    *,
    overwrite: bool = False,
    batch: int | None = None,
    form: str = "npz",
    workers: int | None = None,
    part: tuple[int, int] | None = None,
    dask: str | None = None,
) -> Path:
    """Write a dataset to the folder `out` (its name, here, if None) and return the folder.

    One `.npz` per split, or with the form "zarr" one sharded group, in `dataset_<i>` where there are several tasks;
    `dataset.json` with checksums, recipe and certificate; `README.md`, the card, with `preview.gif` in it. Nothing
    stands there before everything is complete. `batch` changes no bit.

    With the form "zarr" a dataset is made in shards: by `workers` processes, by the workers of `dask` (the address of a
    scheduler, "local" or "slurm"), or of them only each N-th, from the i-th on, if `part` is (i, N), so that N jobs
    together make the dataset. Where the same dataset was begun, it goes on.

    Raises ValueError where the folder holds anything (unless `overwrite`, which removes the dataset that stands
    there and nothing else), or where a sequence cannot be made; OSError where the folder cannot be written.
    """
    folder = Path(out) if out is not None else Path(recipe.name)
    batch = max(LEAST, batch or batch_size(recipe))
    formats.check(form)
    files = [path for _, _, path in recipe.files(form)]
    formats.of(files[0])  # says what is missing before anything is made
    if form == "zarr":
        from slvm_data.run import executors as scale  # which needs the package zarr

        return scale.carry_out(recipe, folder, overwrite, workers, part, dask)
    if workers or part or dask:
        raise ValueError("workers, shards and dask are of --format zarr, which is made in shards")
    total = len(recipe.tasks) * sum(map(recipe.count, SPLITS))
    with (
        staging(folder, [*files, *preview.beside(recipe)], overwrite) as room,
        progress(total, recipe.name) as bar,
        closing(ahead(recipe, batch, recipe.files(form))) as made,
    ):
        check_space(recipe, folder, form)
        tallies = [Tally(system) for system in recipe.tasks]
        entries = {}
        for task, split, path in recipe.files(form):
            (room / path).parent.mkdir(exist_ok=True)
            entries[path.as_posix()] = write(room / path, recipe, task, split, made, batch, tallies[task], bar)
        certificate = [certify(recipe, task, tally) for task, tally in enumerate(tallies)]
        content = describe(recipe, entries, certificate, form)
        preview.add(room, recipe, content, form)
        content["card"] = {"sha256": card.write(room, content)}
        manifest.write(room, content)
    return folder


def write(
    path: Path, recipe: Recipe, task: int, split: str, made: Iterator[Batch], batch: int, tally: Tally, bar: Progress
) -> dict[str, Any]:
    """Write the .npz of one task and split from its batches, the next ones of `made`; what a manifest says of it."""
    films = map(tally.add, islice(made, -(-recipe.paths(split) // batch)))
    show = partial(tally.show, recipe, task, split)
    chunks = counted(map(show, from_films(recipe, task, split, films)), bar)
    rows = dict.fromkeys(npz.SERIES, recipe.paths(split)) if recipe.windows else {}
    alike = once(recipe, task, split)
    written = npz.write(path, chunks, recipe.count(split), alike, rows)
    return written | ({"paths": recipe.paths(split)} if recipe.windows else {})


def ahead(recipe: Recipe, size: int, files: list[tuple[int, str, Path]]) -> Generator[Batch, None, None]:
    """All batches of these files, in order; some are made while the caller writes the ones before."""
    workers = cores(8)  # beyond this deflating is the slower half
    pool, waiting = ThreadPoolExecutor(workers), deque[Future[Batch]]()
    buffers = [frame_buffer(recipe, size) for _ in range(2 * workers + 1)]
    try:
        for number, job in enumerate(_jobs(recipe, size, files)):
            if len(waiting) == len(buffers):
                yield waiting.popleft().result()  # whose buffer is free again when the caller comes back
            waiting.append(pool.submit(make, *job, buffers[number % len(buffers)]))
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _jobs(
    recipe: Recipe, size: int, files: list[tuple[int, str, Path]]
) -> Iterator[tuple[Recipe, int, str, Inputs, np.ndarray]]:
    """What to call `make` with, batch after batch."""
    for task, split, _ in files:
        inputs, count = prepare(recipe, task, split), recipe.paths(split)
        for start in range(0, count, size):
            yield recipe, task, split, inputs, np.arange(start, min(start + size, count))
