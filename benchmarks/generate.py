#!/usr/bin/env python3
"""How fast is `generate`, beside the mere deflating and writing of its frames? Side by side, dataset by dataset.

    python3 benchmarks/generate.py [DATASET …] [--sequences 50000] [--cold]

Each dataset runs in a process of its own, so that its peak memory is its own. Both roads write the same number of
sequences of the dataset's last task, in turn, after a first round that compiles; the fastest of three rounds counts.
`--cold` also times the whole command, imports and compilation included, at the dataset's full size.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from slvm_data import RECIPES, Recipe, generate
from slvm_data.core.devices import compute_where_asked
from slvm_data.core.types import Arrays
from slvm_data.simulation.batch import BATCH, collect
from slvm_data.store import npz

DATASETS = [name for name, recipe in RECIPES.items() if recipe.windows is None]
RING = 8  # batches held in memory, written again and again
ROUNDS = 3


def alone(name: str, sequences: int) -> Recipe:
    """A recipe of the last task of a dataset alone, with so many sequences to train."""
    whole = RECIPES[name]
    last = {"tasks": whole.tasks[-1:], "dt": whole.dt_of(-1), "view": whole.view_of(-1)}
    return dataclasses.replace(whole, **last, train=sequences, val=0, test=0, splits={}, held_out=())


def generating(recipe: Recipe, folder: Path) -> float:
    """Seconds to generate."""
    start = time.perf_counter()
    generate(recipe, folder / recipe.name, overwrite=True)
    return time.perf_counter() - start


def writing(recipe: Recipe, ring: list[Arrays], folder: Path) -> float:
    """Seconds to deflate and write as many sequences that are in memory already."""

    def chunks() -> Iterator[Arrays]:
        for start in range(0, recipe.train, BATCH):
            n = min(BATCH, recipe.train - start)
            yield {key: array[:n] for key, array in ring[start // BATCH % RING].items()}

    start = time.perf_counter()
    npz.write(folder / "train.npz", chunks(), recipe.train)
    return time.perf_counter() - start


def measure(name: str, sequences: int) -> dict[str, float]:
    """The figures of one dataset."""
    recipe = alone(name, sequences)
    little = dataclasses.replace(recipe, train=BATCH)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        generating(recipe, folder)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # before the frames held to be written again
        ring = [collect(recipe, 0, "train", np.arange(i * BATCH, (i + 1) * BATCH)) for i in range(RING)]
        rounds = [
            (generating(recipe, folder), writing(recipe, ring, folder), generating(little, folder))
            for _ in range(ROUNDS)
        ]
    generated, written, fixed = map(min, zip(*rounds, strict=True))
    rate = (sequences - BATCH) / (generated - fixed)
    return {"rate": rate, "write rate": sequences / written, "ratio": generated / written, "peak": peak}


def cold(name: str) -> float:
    """Seconds of the whole command."""
    with tempfile.TemporaryDirectory() as place:
        start = time.perf_counter()
        command = [sys.executable, "-m", "slvm_data", "generate", name, "--out", f"{place}/{name}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("datasets", nargs="*", default=DATASETS, metavar="DATASET")
    parser.add_argument("--sequences", type=int, default=50_000)
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--json", action="store_true", help="one dataset's figures, for the table")
    options = parser.parse_args()
    compute_where_asked()  # as commands do
    if options.json:
        print(json.dumps(measure(options.datasets[0], options.sequences)))
        return
    print(f"{options.sequences} sequences of 30 frames; sequences a second, beyond start-up\n")
    print(f"{'dataset':18}{'generate':>10}{'frames/s':>12}{'write':>10}{'time ratio':>12}{'peak MiB':>10}{'cold s':>8}")
    for name in options.datasets:
        command = [sys.executable, __file__, name, "--json", "--sequences", str(options.sequences)]
        m = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        frames = m["rate"] * RECIPES[name].steps
        took = f"{cold(name):8.1f}" if options.cold else ""
        line = f"{name:18}{m['rate']:10.0f}{frames:12.0f}{m['write rate']:10.0f}{m['ratio']:12.2f}{m['peak']:10.0f}"
        print(line + took, flush=True)


if __name__ == "__main__":
    main()
