"""A recipe carried out: files in a folder, with their certificate, manifest and card."""

from __future__ import annotations

import os
import platform
import sys
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import jax
import numpy as np

from slvm_data.batches import LEAST, Batch, Inputs, batch_size, frame_buffer, make, parameters, prepare
from slvm_data.certificate import Tally, certify
from slvm_data.progress import counted, progress
from slvm_data.recipe import SPLITS, Recipe
from slvm_data.recipe_json import as_json
from slvm_data.sequences import from_films, once
from slvm_data.store import card, formats, manifest, npz
from slvm_data.store.folder import staging
from slvm_data.systems.switching import Switching


def generate(
    recipe: Recipe,
    out: Path | str | None = None,
    *,
    overwrite: bool = False,
    batch: int | None = None,
    form: str = "npz",
) -> Path:
    """Write a dataset to the folder `out` (its name, here, if None) and return the folder.

    One `.npz` per split, or with the form "zarr" one sharded group, in `dataset_<i>` where there are several tasks;
    `dataset.json` with checksums, recipe and certificate; `README.md`, the card. Nothing stands there before everything
    is complete. `batch` changes no bit.

    Raises ValueError where the folder holds anything (unless `overwrite`, which removes the dataset that stands
    there and nothing else), or where a sequence cannot be made; OSError where the folder cannot be written.
    """
    folder = Path(out) if out is not None else Path(recipe.name)
    batch = max(LEAST, batch or batch_size(recipe))
    formats.check(form)
    files = [path for _, _, path in recipe.files(form)]
    store = formats.of(files[0])
    total = len(recipe.tasks) * sum(map(recipe.count, SPLITS))
    with (
        staging(folder, [*files, Path(manifest.CARD), Path(manifest.NAME)], overwrite) as room,
        progress(total, recipe.name) as bar,
        closing(ahead(recipe, batch)) as made,
    ):
        tallies = [Tally(system) for system in recipe.tasks]
        entries = {}
        for task, split, path in recipe.files(form):
            (room / path).parent.mkdir(exist_ok=True)
            films = map(tallies[task].add, islice(made, -(-recipe.paths(split) // batch)))
            show = partial(tallies[task].show, recipe, task, split)
            chunks = counted(map(show, from_films(recipe, task, split, films)), bar)
            rows = dict.fromkeys(npz.SERIES, recipe.paths(split)) if recipe.windows else {}
            alike = once(recipe, task, split)
            written = store.write(room / path, chunks, recipe.count(split), alike, rows, _bits(recipe))
            entries[path.as_posix()] = written | ({"paths": recipe.paths(split)} if recipe.windows else {})
        certificate = [certify(recipe, task, tally) for task, tally in enumerate(tallies)]
        content = _content(recipe, entries, certificate, form)
        content["card"] = {"sha256": card.write(room, content)}
        manifest.write(room, content)
    return folder


def _bits(recipe: Recipe) -> tuple[str, ...]:
    """Arrays of zeros and ones in an octet each."""
    binary = all(recipe.view_of(task).binary for task in range(len(recipe.tasks)))
    return ("image", "domain_image") if binary and not recipe.original else ()


def ahead(recipe: Recipe, size: int) -> Generator[Batch, None, None]:
    """All batches, file after file, in order; some are made while the caller writes the ones before."""
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = min(workers, 8)  # beyond this deflating is the slower half
    pool, waiting = ThreadPoolExecutor(workers), deque[Future[Batch]]()
    buffers = [frame_buffer(recipe, size) for _ in range(2 * workers + 1)]
    try:
        for number, job in enumerate(_jobs(recipe, size)):
            if len(waiting) == len(buffers):
                yield waiting.popleft().result()  # whose buffer is free again when the caller comes back
            waiting.append(pool.submit(make, *job, buffers[number % len(buffers)]))
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _jobs(recipe: Recipe, size: int) -> Iterator[tuple[Recipe, int, str, Inputs, np.ndarray]]:
    """What to call `make` with, batch after batch."""
    for task, split, _ in recipe.files():
        inputs, count = prepare(recipe, task, split), recipe.paths(split)
        for start in range(0, count, size):
            yield recipe, task, split, inputs, np.arange(start, min(start + size, count))


def _content(recipe: Recipe, files: dict[str, Any], certificate: list[dict[str, Any]], form: str) -> dict[str, Any]:
    """The manifest. No clock, no path, no name of a machine: the same run gives the same bytes."""
    return {
        "name": recipe.name,
        "recipe": as_json(recipe),
        "equation": equation(recipe),
        **({"parameters": shared} if any(shared := _parameters(recipe)) else {}),
        **manifest.current(machine(), form),
        "files": files,
        "certificate": certificate,
    }


def _parameters(recipe: Recipe) -> list[dict[str, Any]]:
    """For each task the arrays that all its sequences share, and how its signal was scaled."""
    tasks = []
    for task, system in enumerate(recipe.tasks):
        found = {name: value.tolist() for name, value in parameters(recipe, task).items()}
        if isinstance(system, Switching) and system.normalised:
            mean, deviation = prepare(recipe, task, "train").scale
            found |= {"mean": mean.tolist(), "deviation": deviation.tolist()}
        tasks.append(found)
    return tasks


def machine() -> dict[str, str]:
    """The class of machine within which the same recipe gives the same bytes."""
    simd = np.show_config(mode="dicts")["SIMD Extensions"]  # pyright: ignore
    return {
        "backend": jax.default_backend(),
        "cpu": f"{platform.machine()} {(simd.get('found') or ['baseline'])[-1]}",
    }


def equation(recipe: Recipe) -> str:
    """What the files of the recipe's systems say first, once each."""
    modules = [sys.modules[type(system).__module__] for system in recipe.tasks]
    return "\n".join(dict.fromkeys((module.__doc__ or "").strip() for module in modules))
