#!/usr/bin/env python3
"""How fast is `generate` with modifiers, beside the mere deflating and writing of the same arrays? Side by side.

    python3 benchmarks/observe.py [CASE …] [--sequences 10000]

Each case runs in a process of its own. Both roads write the same number of sequences of pendulum, in turn, after a
first round that compiles; the fastest of three rounds counts, start-up taken off. The ratio is how fast generating is,
as a share of how fast writing is, which uses one core: by the clock, and by the seconds of all cores, which other
programs on the machine disturb less.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from generate import BATCH, RING, ROUNDS, generating, writing

from slvm_data import RECIPES, Recipe
from slvm_data.observe.modifiers import Modifier
from slvm_data.observe.view import View
from slvm_data.simulation.batch import collect

CASES = {
    "binary": ("binary", ()),
    "missing, binary": ("binary", ("missing",)),
    "grey": ("grey", ()),
    "missing, grey": ("grey", ("missing",)),
    "pixel_noise, grey": ("grey", ("pixel_noise",)),
    "correlated_noise, grey": ("grey", ("correlated_noise",)),
    "distractors, grey": ("grey", ("distractors",)),
}


def recipe_of(case: str, sequences: int) -> Recipe:
    """Pendulum with the modifiers of a case."""
    color, words = CASES[case]
    observe = tuple(map(Modifier.parse, words))
    view = View(color=color)
    return dataclasses.replace(RECIPES["pendulum"], train=sequences, val=0, test=0, view=view, observe=observe)


def measure(case: str, sequences: int) -> dict[str, float]:
    """The figures of one case."""
    recipe, little = recipe_of(case, sequences), recipe_of(case, BATCH)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        generating(recipe, folder)
        ring = [collect(recipe, 0, "train", np.arange(i * BATCH, (i + 1) * BATCH)) for i in range(RING)]
        roads = (
            lambda: generating(recipe, folder),
            lambda: writing(recipe, ring, folder),
            lambda: generating(little, folder),
        )
        rounds = [[timed(road) for road in roads] for _ in range(ROUNDS)]
    fastest = [[min(times) for times in zip(*road, strict=True)] for road in zip(*rounds, strict=True)]
    rates = [
        ((sequences - BATCH) / (generated - fixed), sequences / written)
        for generated, written, fixed in zip(*fastest, strict=True)
    ]
    (rate, write), (by_cores, write_by_cores) = rates
    return {"rate": rate, "write rate": write, "ratio": rate / write, "cores": by_cores / write_by_cores}


def timed(road: Callable[[], float]) -> tuple[float, float]:
    """Seconds that a road takes, by the clock and of all cores."""
    before = time.process_time()
    return road(), time.process_time() - before


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("cases", nargs="*", default=list(CASES), metavar="CASE")
    parser.add_argument("--sequences", type=int, default=10_000)
    parser.add_argument("--json", action="store_true", help="one case's figures, for the table")
    options = parser.parse_args()
    if options.json:
        print(json.dumps(measure(options.cases[0], options.sequences)))
        return
    print(f"{options.sequences} sequences of 30 frames; sequences a second, beyond start-up\n")
    print(f"{'case':24}{'generate':>10}{'write':>10}{'ratio':>8}{'of cores':>10}")
    for case in options.cases:
        command = [sys.executable, __file__, case, "--json", "--sequences", str(options.sequences)]
        m = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(f"{case:24}{m['rate']:10.0f}{m['write rate']:10.0f}{m['ratio']:8.2f}{m['cores']:10.2f}", flush=True)


if __name__ == "__main__":
    main()
