"""A large dataset in shards: made by one process, by two, by Dask; written, read in order and at random; its size.

python3 benchmarks/scale.py [--sequences 1000000] [--folder .]   # on a disk, with 1.5 GB of space
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from slvm_data import RECIPES
from slvm_data.load import Sequences, Shuffled
from slvm_data.recipe.recipe import Recipe
from slvm_data.run.plan import Plan, Unit
from slvm_data.run.portable import PortablePlan
from slvm_data.store import formats, tensors, zarr_reader
from slvm_data.store.zarr_layout import Layout, markers
from slvm_data.store.zarr_reader import Reader

BATCH = 64
ORIGINAL = 30 * (32 * 32 * 3 + 2) * 8  # bytes of a sequence as the original scripts write it, in float64
TASKS = 2000  # that Dask is given to see what one costs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sequences", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path())
    options = parser.parse_args()
    recipe = replace(RECIPES["pendulum"], train=options.sequences, val=0, test=0)
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        folder = Path(place) / "one"
        one = generate(recipe, folder)
        two = generate(recipe, Path(place) / "two", "--workers", "2")
        assert_same(folder, Path(place) / "two")
        dask = generate(recipe, Path(place) / "dask", "--dask", "local", "--workers", "2")
        assert_same(folder, Path(place) / "dask")
        print(f"two processes {one / two:.2f} times as fast as one, Dask's two {one / dask:.2f} times")
        overhead(recipe, folder)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        per = size / recipe.train
        share = f"1/{ORIGINAL / per:.0f} of float64 in three channels"
        print(f"size {size / 1e6:.0f} MB, {per:.0f} bytes a sequence, {share}")
        writing(recipe, folder, Path(place))
        reading(folder)


def generate(recipe: Recipe, folder: Path, *more: str) -> float:
    """Seconds that the command takes, from its start to its end; prints its peak of memory too."""
    command = [sys.executable, "-m", "slvm_data", "generate", "pendulum", "--format", "zarr", "--out", str(folder)]
    command += ["--train", str(recipe.train), "--val", "0", "--test", "0", *more]
    start, peak = time.perf_counter(), 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as run:
        while run.poll() is None:
            time.sleep(0.3)
            peak = max(peak, memory(run.pid))
    seconds = time.perf_counter() - start
    if run.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    what = " ".join(more) or "one process"
    print(f"{what}: {seconds:.1f} s, {recipe.train / seconds:.0f} sequences/s, {peak / 2**20:.0f} MiB at the peak")
    return seconds


def memory(pid: int) -> int:
    """Bytes that a process and its children hold; what they share counts once."""
    try:
        process = psutil.Process(pid)
        return sum(one.memory_full_info().pss for one in (process, *process.children(recursive=True)))
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return 0


def assert_same(folder: Path, other: Path) -> None:
    """Byte for byte."""
    if subprocess.run(["diff", "-rq", folder, other]).returncode:
        raise SystemExit(f"{folder} and {other} differ")
    shutil.rmtree(other)


def nothing(portable: PortablePlan, folder: Path, unit: Unit) -> None:
    """The cost of a shard without making it."""


def overhead(recipe: Recipe, folder: Path) -> None:
    """The time that Dask takes for a shard that takes none."""
    from slvm_data.run.executors import dask_cluster as cluster

    plan = Plan(recipe, formats.named("zarr"))
    many = [plan.units[i % len(plan.units)] for i in range(TASKS)]
    made, cluster.make = cluster.make, nothing
    with cluster.connected(2, "local") as execute:
        list(execute(plan, folder, many[:100]))
        each = seconds(lambda: list(execute(plan, folder, many))) / TASKS
    cluster.make = made
    print(f"Dask: {1e3 * each:.2f} ms a shard")


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def writing(recipe: Recipe, folder: Path, place: Path) -> None:
    """Rows that are ready, as shards, beside a plain copy of the files that they become; both reach the disk."""
    plan = Plan(recipe, formats.named("zarr"))
    ((file, layout),) = plan.layouts.items()
    assert isinstance(layout, Layout)
    count = min(100, recipe.train // layout.rows)
    group = place / "new" / file.path
    layout.create(group)
    stored = Reader(folder / file.path)
    rows = [stored.shard(k)() for k in range(count)]
    puts = [layout.gather(group, k, [unpacked(rows[k], stored)]) for k in range(count)]
    put = seconds(lambda: [store() for store in puts])
    files = [group / name for k in range(count) for name in marked(group, k)]
    size = sum(path.stat().st_size for path in files)
    copied = seconds(lambda: [copy(path, place / "copy") for path in files])
    raw = sum(array.nbytes for shard in rows for array in shard.values())
    print(
        f"writing {count} shards: {size / put / 1e6:.0f} MB/s of files, {raw / put / 1e6:.0f} MB/s of rows, "
        f"{layout.rows * count / put:.0f} sequences/s; a copy of these files {size / copied / 1e6:.0f} MB/s, "
        f"so {put / copied:.2f} times its time"
    )


def unpacked(rows: dict[str, np.ndarray], stored: Reader) -> dict[str, np.ndarray]:
    """Rows as they are made, a byte per pixel."""
    return {name: zarr_reader.unpacked(array, stored.arrays[name]) for name, array in rows.items()}


def marked(group: Path, shard: int) -> list[str]:
    """The files of a shard, as its marker has them."""
    return list(json.loads((markers(group) / f"{shard}.json").read_text())["files"])


def copy(file: Path, target: Path) -> None:
    with file.open("rb") as source, target.open("wb") as place:
        shutil.copyfileobj(source, place)
        place.flush()
        os.fsync(place.fileno())


def reading(folder: Path) -> None:
    """Batches of frames, states and labels, as they come from a `Sequences` in one process."""
    rng = np.random.default_rng(0)
    for library in ("tensorstore", "zarr"):
        with only(library):
            dataset = Sequences(folder)
            many = 200 if library == "zarr" else 1000
            at_random = [rng.integers(0, len(dataset), BATCH).tolist() for _ in range(many)]
            in_order = [list(range(i, i + BATCH)) for i in range(0, min(len(dataset), 200_000) - BATCH, BATCH)]
            mixed = list(Shuffled(dataset))[: len(in_order) * BATCH]
            orders = {"at random": at_random, "in order": in_order}
            orders["shuffled by shards"] = [mixed[i : i + BATCH] for i in range(0, len(mixed), BATCH)]
            rates = {}
            for name, batches in orders.items():
                dataset[batches[0]]
                rates[name] = BATCH * len(batches) / seconds(lambda b=batches, d=dataset: read(d, b))
            print(f"reading by {library}, sequences/s:", ", ".join(f"{n} {r:.0f}" for n, r in rates.items()))


def read(dataset: Sequences, batches: list[list[int]]) -> None:
    for rows in batches:
        dataset[rows]  # the memory of each serves for the next


@contextmanager
def only(library: str) -> Iterator[None]:
    """As in a process that may use tensorstore, or in one that was forked and may not."""
    held = tensors.works
    tensors.works = lambda: library == "tensorstore"
    try:
        yield
    finally:
        tensors.works = held


if __name__ == "__main__":
    main()
