#!/usr/bin/env python3
"""Steps per second of the switching systems, beside a plain loop over one trajectory: side by side.

    python3 benchmarks/switching.py [DATASET …] [--steps 2000000]

A step is a frame with state, regime, latents and noisy signal, of trajectories as long as the dataset's, on all cores,
after a first round that compiles. The plain loop makes the same in NumPy (SciPy for the double pendulum), frame after
frame, as scripts do. Also the whole of `generate`, in windows a second, with the peak memory of a process of its own.
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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.integrate import odeint

from slvm_data import RECIPES, Recipe, generate
from slvm_data.run.plan import Plan
from slvm_data.run.unit import ahead
from slvm_data.simulation.batch import batch_size, shared_parameters
from slvm_data.store import formats

SWITCHING = [name for name, recipe in RECIPES.items() if recipe.windows]
ROUNDS = 3
PLAIN = 5_000  # steps of the plain loop


def nascar(p: dict[str, Any], rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Regime by the broken stick, then a step."""
    x, z = np.array([0.0, 1.0]), 2
    while True:
        s = 1 / (1 + np.exp(-np.clip(p["R"] @ x + p["r"], -500, 500)))
        after = int((rng.random() < np.cumprod(1 - s)).sum())
        x, z = p["A"][z] @ x + p["b"][z] + 0.01 * rng.normal(size=2), after
        yield x @ p["C"] + 0.003 * rng.normal(size=10)


def lorenz(p: dict[str, Any], rng: np.random.Generator) -> Iterator[np.ndarray]:
    """A step of Euler's."""
    x = np.array([0.0, 1.0, 1.05])
    while True:
        x = x + 0.01 * np.array([10 * (x[1] - x[0]), x[0] * (28 - x[2]) - x[1], x[0] * x[1] - 2.667 * x[2]])
        yield x @ p["C"] + 0.01 * rng.normal(size=10)


def switching_double_pendulum(p: dict[str, Any], rng: np.random.Generator) -> Iterator[np.ndarray]:  # noqa: ARG001
    """SciPy's odeint."""

    def velocity(x: np.ndarray, _: float) -> tuple[float, ...]:
        s, c = np.sin(x[1] - x[0]), np.cos(x[1] - x[0])
        a1 = x[2] ** 2 * s * c + 9.8 * np.sin(x[1]) * c + x[3] ** 2 * s - 19.6 * np.sin(x[0])
        a2 = -(x[3] ** 2) * s * c + 2 * (9.8 * np.sin(x[0]) * c - x[2] ** 2 * s - 9.8 * np.sin(x[1]))
        return x[2], x[3], a1 / (2 - c**2), a2 / (2 - c**2)

    x = odeint(velocity, np.deg2rad([120.0, -10.0, 0.0, 0.0]), np.arange(PLAIN + 1) * 0.05)
    for q1, q2 in x[:, :2]:
        bob = np.array([np.sin(q1), -np.cos(q1)])
        yield np.append(bob, bob + np.array([np.sin(q2), -np.cos(q2)])) @ p["C"]


def three_mode(p: dict[str, Any], rng: np.random.Generator) -> Iterator[np.ndarray]:
    """A segment's length when it begins."""
    durations, x, z = RECIPES["three_mode"].tasks[0].durations, np.array([2.0, 0.0]), 0  # pyright: ignore
    while True:
        lengths, weights = np.array(durations[z]).T
        for _ in range(rng.choice(lengths, p=weights / weights.sum())):
            x = p["A"][z] @ x + p["b"][z] + 0.1 * rng.normal(size=2)
            yield x @ p["C"][z] + p["d"][z] + 0.2 * rng.normal(size=1)
        z = rng.choice(3, p=p["transitions"][z])


def bouncing_ball_1d(p: dict[str, Any], rng: np.random.Generator) -> Iterator[np.ndarray]:  # noqa: ARG001
    """Turned round behind a wall."""
    y, v = 3.0, 0.3
    while True:
        yield np.array([y + 0.1 * rng.normal()])
        y += v
        v = v if 0 <= y <= 10 else -v


def simulating(recipe: Recipe, size: int) -> float:
    """Seconds to simulate all trajectories."""
    start = time.perf_counter()
    plan = Plan(recipe, formats.named("npz"), size)
    for _ in ahead(plan, plan.units):
        pass
    return time.perf_counter() - start


def looping(loop: Callable[..., Iterator[np.ndarray]], recipe: Recipe) -> float:
    """Seconds of the plain loop."""
    start = time.perf_counter()
    frames = loop(shared_parameters(recipe, 0), np.random.default_rng(0))
    np.stack([next(frames) for _ in range(PLAIN)])
    return time.perf_counter() - start


def measure(name: str, steps: int) -> dict[str, float]:
    """The figures of one dataset."""
    recipe = RECIPES[name]
    with tempfile.TemporaryDirectory() as place:
        generate(recipe, Path(place) / "first")
        start = time.perf_counter()
        generate(recipe, Path(place) / "second")
        took = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    uncut = dataclasses.replace(recipe, windows=None, val=0, test=0, train=max(8, steps // recipe.steps))
    size = batch_size(uncut)
    simulating(dataclasses.replace(uncut, train=size), size)
    rounds = [(simulating(uncut, size), looping(globals()[name], recipe)) for _ in range(ROUNDS)]
    rate, plain = uncut.train * uncut.steps / min(r[0] for r in rounds), PLAIN / min(r[1] for r in rounds)
    windows = recipe.train + recipe.val + recipe.test
    return {"rate": rate, "plain": plain, "windows": windows / took, "peak": peak}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("datasets", nargs="*", default=SWITCHING, metavar="DATASET")
    parser.add_argument("--steps", type=int, default=2_000_000)
    parser.add_argument("--json", action="store_true", help="one dataset's figures, for the table")
    options = parser.parse_args()
    if options.json:
        print(json.dumps(measure(options.datasets[0], options.steps)))
        return
    print(f"{'dataset':26}{'steps/s':>12}{'plain loop':>12}{'ratio':>8}{'windows/s':>12}{'peak MiB':>10}")
    for name in options.datasets:
        command = [sys.executable, __file__, name, "--json", "--steps", str(options.steps)]
        m = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        line = f"{name:26}{m['rate']:12.0f}{m['plain']:12.0f}{m['rate'] / m['plain']:8.0f}"
        print(f"{line}{m['windows']:12.0f}{m['peak']:10.0f}", flush=True)


if __name__ == "__main__":
    main()
