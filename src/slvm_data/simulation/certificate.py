"""The physics certificate: what was measured, on the sequences themselves, of how right a dataset is."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from slvm_data.core.integrator import solve
from slvm_data.core.keys import exact
from slvm_data.core.types import SPLITS, Array, Arrays
from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.simulation.batch import Batch, collect, longest_step, parameters
from slvm_data.simulation.regimes import Regimes
from slvm_data.systems.hamiltonian import Hamiltonian
from slvm_data.systems.switching import Switching
from slvm_data.systems.system import System

SAMPLE = 64  # sequences
FRAMES = 10**6  # of the sample, at most, where there is more than one sequence in it
BINS = 10  # of the histogram of each constant, over its range
FINER = 2  # times as many substeps: at order 8 the error that remains is 256 times smaller
TOLERANCE = 1e-4  # beyond this error a dataset is called inaccurate; its states are stored to about 1e-7


class Tally:
    """What passes by while a task is made: the constants drawn, and the candidates rejected."""

    def __init__(self, system: System) -> None:
        self.made = self.rejected = 0
        ranges = {name: (system.low(name), system.high(name)) for name in system.domains()}
        self.regimes = Regimes(system.regimes()) if isinstance(system, Switching) else None
        self.coverage: dict[str, dict[str, Any]] = {
            name: {"low": low, "high": high, "least": np.inf, "most": -np.inf, "counts": [0] * BINS}
            for name, (low, high) in ranges.items()
        }

    def add(self, batch: Batch) -> Arrays:
        """Count a batch, and hand on its arrays. The result does not depend on how the sequences came in batches."""
        self.made += len(batch.arrays["label"])
        self.rejected += batch.rejected
        for name, seen in self.coverage.items():
            values, low, width = batch.constants[name].astype(np.float64), seen["low"], seen["high"] - seen["low"]
            seen["least"], seen["most"] = (
                min(seen["least"], float(values.min())),
                max(seen["most"], float(values.max())),
            )
            bins = ((values.ravel() - low) / (width or 1.0) * BINS).clip(0, BINS - 1).astype(int)
            counts = np.bincount(bins, minlength=BINS)
            seen["counts"] = [a + int(b) for a, b in zip(seen["counts"], counts, strict=True)]
        if self.regimes:
            self.regimes.add(batch.arrays, batch.constants["observation_noise"])
        return batch.arrays

    def state(self) -> dict[str, Any]:
        """What was counted, as plain JSON values."""
        regimes = {"regimes": self.regimes.state()} if self.regimes else {}
        return {"made": self.made, "rejected": self.rejected, "coverage": self.coverage, **regimes}

    def join(self, state: dict[str, Any]) -> None:
        """Count what another one has counted, as if it had passed by here."""
        self.made += state["made"]
        self.rejected += state["rejected"]
        for name, seen in self.coverage.items():
            other = state["coverage"][name]
            seen["least"], seen["most"] = min(seen["least"], other["least"]), max(seen["most"], other["most"])
            seen["counts"] = [a + b for a, b in zip(seen["counts"], other["counts"], strict=True)]
        if self.regimes:
            self.regimes.join(state["regimes"])

    def show_all(self, recipe: Recipe, split: str) -> None:
        """Note which frames the windows of a split show."""
        if self.regimes and recipe.windows:
            path, frame = recipe.windows.places(split, recipe.steps, np.arange(recipe.count(split)))
            number = np.asarray(recipe.windows.number(split, path))
            self.regimes.show(recipe.windows, split, recipe.steps, number, frame)

    def show(self, recipe: Recipe, task: int, split: str, chunk: Arrays) -> Arrays:
        """Note which frames these sequences of a split show, if they are windows, and hand them on."""
        if self.regimes and recipe.windows and "path" in chunk:
            frame = np.rint(chunk["time"][:, 0] / recipe.dt_of(task)).astype(int)
            self.regimes.show(recipe.windows, split, recipe.steps, chunk["path"], frame)
        return chunk


def certify(recipe: Recipe, task: int, tally: Tally) -> dict[str, Any]:
    """Certificate of one task: accuracy from its first sequences, the rest from all of them.

    A system that brings its own motion has no step of integration, and hence no error to measure against a finer one.
    """
    system, dt = recipe.tasks[task], recipe.dt_of(task)
    split = next(name for name in SPLITS if recipe.count(name))
    index = np.arange(min(SAMPLE, recipe.paths(split), max(1, FRAMES // recipe.steps)))
    plain = dataclasses.replace(recipe, original=False, record=())
    if tally.regimes:  # no need of frames
        plain = dataclasses.replace(plain, view=View(kind="signals"))
    arrays = collect(plain, task, split, index)
    numbers = {name: arrays[f"param_{name}"].astype(np.float64) for name in system.domains()}
    substeps = max(1, int(np.ceil(dt / longest_step(system, dt) - 1e-9))) if system.integrated() else None
    run = partial(_trajectories, parameters=parameters(recipe, task), template=system.template())
    films = arrays["state"].astype(np.float64)
    pieces = _pieces(recipe, numbers, films, dt)
    with exact():
        states, drift = jax.tree.map(np.asarray, run(*pieces, dt / (substeps or 1)))
        finer = run(*pieces, dt / (FINER * substeps))[0] if substeps else None
        if recipe.windows and drift is not None:  # of the paths themselves
            drift = np.asarray(run(numbers, films[:, 0], np.arange(films.shape[1]) * dt, dt / (substeps or 1))[1])
    return {
        "task": task,
        "sample": len(states),
        "substeps": substeps,
        "error": None if finer is None else float(np.abs(states - np.asarray(finer)).max()),
        "energy_drift": None if drift is None else float(drift.max()),
        "rejection_rate": tally.rejected / (tally.rejected + tally.made),
        "coverage": tally.coverage,
        **(tally.regimes.summary() if tally.regimes else {}),
        **({"leakage": tally.regimes.leakage()} if tally.regimes and recipe.windows else {}),
    }


def _pieces(recipe: Recipe, numbers: Arrays, states: np.ndarray, dt: float) -> tuple[Arrays, np.ndarray, np.ndarray]:
    """Constants [n …] and first states [n D] of what is to be simulated once more, and its instants [T].

    Films as they are. Of a path as many frames as a window and its contexts span, from several places on it: two
    computations of a chaotic motion, however exact, go different ways in the end.
    """
    if recipe.windows is None:
        return numbers, states[:, 0], np.arange(recipe.steps) * dt
    span = recipe.windows.lead + recipe.windows.length
    places = np.linspace(0, states.shape[1] - span, max(1, SAMPLE // len(states))).astype(int)
    repeated = {name: np.repeat(value, len(places), axis=0) for name, value in numbers.items()}
    return repeated, states[:, places].reshape(-1, states.shape[2]), np.arange(span) * dt


@partial(jax.jit, static_argnames="template")
def _trajectories(
    numbers: dict[str, Array], x0: Array, t: Array, step: float, *, parameters: dict[str, Array], template: System
) -> tuple[Array, Array | None]:
    """States [N T D] at this substep, and the relative energy drift [N] where there is an energy."""

    def one(numbers: dict[str, Array], x0: Array) -> tuple[Array, Array | None]:
        member = template.member(numbers | parameters | {"substep": step})
        if isinstance(member, Hamiltonian) and member.integrated():
            path = solve(lambda y: _with_loss(member, y), jnp.append(x0, 0.0), t, step)
            return path[:, :-1], _drift(member, path)
        states = member.simulate(x0, t, jax.random.key(0, impl="threefry2x32"))
        lossless = jnp.pad(states, ((0, 0), (0, 1)))
        return states, _drift(member, lossless) if member.keeps_energy() else None

    return jax.vmap(one)(numbers, x0)


def _with_loss(member: Hamiltonian, y: Array) -> Array:
    """Velocity of a state [D + 1] that ends with the energy lost to friction so far."""
    velocity = member.velocity(y[:-1])
    dh_dp = velocity[: len(velocity) // 2]
    return jnp.append(velocity, member.friction * jnp.sum(dh_dp**2))


def _drift(member: Any, path: Array) -> Array:
    """Largest change of energy, losses added back, relative to the largest of |H| at the start and kinetic energy."""
    q, p = jnp.split(path[:, :-1], 2, axis=1)
    energy, rest = jax.vmap(member.energy)(q, p), jax.vmap(member.energy)(q, jnp.zeros_like(p))
    scale = jnp.maximum(jnp.abs(energy[0]), jnp.max(energy - rest))
    return jnp.max(jnp.abs(energy + path[:, -1] - energy[0])) / jnp.where(scale > 0, scale, 1.0)
