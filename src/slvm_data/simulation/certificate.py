"""The certificate of a dataset: its accuracy, measured on its own sequences."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from slvm_data.arrays import PARAMETER
from slvm_data.core.compiled import compiled
from slvm_data.core.integrator import solve
from slvm_data.core.json_tree import from_json, to_json
from slvm_data.core.keys import exact, root
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Arrays
from slvm_data.observe.modifiers import CLEAN
from slvm_data.recipe.recipe import Recipe
from slvm_data.simulation.batch import Batch, collect, longest_step, shared_parameters
from slvm_data.simulation.regimes import RegimeCounts
from slvm_data.store.manifest import Certificate, Coverage
from slvm_data.systems.hamiltonian import Hamiltonian
from slvm_data.systems.switching import Switching
from slvm_data.systems.system import System

SAMPLE = 64  # sequences
FRAMES = 10**6  # of the sample, at most, unless it is a single sequence
BINS = 10  # of the histogram of each parameter, over its range
FINER = 2  # factor on the number of substeps: at order 8 the remaining error is 256 times smaller
TOLERANCE = 1e-4  # beyond this error a dataset is called inaccurate; its states are stored to about 1e-7
NEARBY = 1e-12  # relative distance of two starts, above rounding: where chaos takes them apart, no finer step helps


class Tally:
    """Counts kept while a task is made: drawn parameters, rejected candidates, regimes."""

    def __init__(self, system: System) -> None:
        self.made = self.rejected = 0
        self.regimes = RegimeCounts(system.regimes()) if isinstance(system, Switching) else None
        self.coverage = {
            name: Coverage(system.low(name), system.high(name), np.inf, -np.inf, (0,) * BINS)
            for name in system.parameters()
        }

    def add(self, batch: Batch) -> Arrays:
        """Count a batch and return its arrays. The counts do not depend on the division into batches."""
        self.made += len(batch.arrays["label"])
        self.rejected += batch.rejected
        for name, seen in self.coverage.items():
            values = batch.parameters[name].astype(np.float64)
            bins = ((values.ravel() - seen.low) / ((seen.high - seen.low) or 1.0) * BINS).clip(0, BINS - 1).astype(int)
            counts = tuple(np.bincount(bins, minlength=BINS).tolist())
            found = Coverage(seen.low, seen.high, float(values.min()), float(values.max()), counts)
            self.coverage[name] = _joined(seen, found)
        if self.regimes:
            assert batch.signal is not None
            self.regimes.add(batch.arrays["mode"], batch.signal, batch.parameters["observation_noise"])
        return batch.arrays

    def state(self) -> dict[str, Any]:
        """The counts as plain JSON values."""
        coverage = {name: to_json(seen) for name, seen in self.coverage.items()}
        regimes = {"regimes": self.regimes.state()} if self.regimes else {}
        return {"made": self.made, "rejected": self.rejected, "coverage": coverage, **regimes}

    def join(self, state: dict[str, Any]) -> None:
        """Add the counts of another tally, given by its `state()`."""
        made, rejected = (from_json(int, state[name], name) for name in ("made", "rejected"))
        if min(made, rejected) < 0:
            raise ValueError(f"{made} sequences were made and {rejected} rejected")
        self.made, self.rejected = self.made + made, self.rejected + rejected
        for name, seen in self.coverage.items():
            self.coverage[name] = _joined(seen, from_json(Coverage, state["coverage"][name], name))
        if self.regimes:
            self.regimes.join(state["regimes"])

    def show_all(self, recipe: Recipe, split: str) -> None:
        """Note which frames the windows of a split show."""
        if self.regimes and recipe.windows:
            trajectory, frame = recipe.windows.places(split, recipe.steps, np.arange(recipe.count(split)))
            number = recipe.windows.number(split, trajectory)
            self.regimes.show(recipe.windows, split, recipe.steps, number, frame)


def _joined(a: Coverage, b: Coverage) -> Coverage:
    counts = tuple(x + y for x, y in zip(a.counts, b.counts, strict=True))
    return Coverage(a.low, a.high, min(a.least, b.least), max(a.most, b.most), counts)


def sampled(recipe: Recipe) -> int:
    """Number of trajectories that errors are measured on."""
    return min(SAMPLE, recipe.trajectories(recipe.splits()[0]), max(1, FRAMES // recipe.steps))


def measured(recipe: Recipe, task: int) -> list[str] | None:
    """The stored arrays that errors are measured on; None where they are not stored, but have to be made again."""
    if recipe.windows or recipe.original:
        return None
    return ["state", *(PARAMETER + name for name in recipe.tasks[task].parameters())]


def certify(recipe: Recipe, task: int, tally: Tally, first: Arrays | None = None) -> Certificate:
    """Certificate of one task: accuracy from its first sequences, the rest from all of them.

    `first` are the first `sampled` rows of the arrays that are `measured`, if they are at hand.

    A system with its own `simulate` has no step of integration, so there is no error to measure with a finer step.
    """
    system, dt = recipe.tasks[task], recipe.dt_of(task)
    arrays = first or _first(recipe, task)
    numbers = {name: arrays[PARAMETER + name].astype(np.float64) for name in system.parameters()}
    substeps = max(1, int(np.ceil(dt / longest_step(system, dt) - 1e-9))) if system.integrated() else None
    run = partial(_trajectories, shared=shared_parameters(recipe, task), template=system.template())
    states = arrays["state"].astype(np.float64)
    pieces = _pieces(recipe, numbers, states, dt)
    count, pieces = len(pieces[1]), _filled(*pieces)
    with exact():
        again, drift = jax.tree.map(np.asarray, run(*pieces, dt / (substeps or 1)))
        finer = partial(_states, run, *pieces, step=dt / (FINER * substeps)) if substeps else None
        error, horizon = _accuracy(again, finer) if finer else (None, None)
        if recipe.windows and drift is not None:  # measured on whole trajectories
            drift = np.asarray(run(numbers, states[:, 0], np.arange(states.shape[1]) * dt, dt / (substeps or 1))[1])
    return Certificate(
        task=task,
        sample=count,
        substeps=substeps,
        error=error,
        horizon=horizon,
        energy_drift=None if drift is None else float(drift.max()),
        rejection_rate=tally.rejected / max(1, tally.rejected + tally.made),
        coverage=tally.coverage,
        regimes=tally.regimes.statistics() if tally.regimes else None,
    )


def _states(
    run: Callable[..., tuple[Array, Array | None]],
    numbers: Arrays,
    starts: np.ndarray,
    t: np.ndarray,
    *,
    step: float,
    nearby: float = 0.0,
) -> np.ndarray:
    """States [N T D] with this step; `nearby` is how far each start is moved, relative to the largest of all starts."""
    return np.asarray(run(numbers, starts + nearby * np.abs(starts).max(axis=0), t, step)[0])


def _accuracy(again: np.ndarray, finer: Callable[..., np.ndarray]) -> tuple[float, int | None]:
    """The largest error of states [N T D], and the number of frames after which trajectories diverge by chaos, or None.

    In chaotic motion any two computations differ in the end, however exact they are. So only those frames count, of
    all trajectories, in which any two that begin `NEARBY` each other are less than `TOLERANCE` apart. Both have the
    finer step: where the error comes from a coarse step, they stay together.
    """
    reference = finer()
    error = np.abs(again - reference).max(axis=2)
    if error.max() <= TOLERANCE:
        return float(error.max()), None
    apart = np.abs(finer(nearby=NEARBY) - reference).max(axis=2) > TOLERANCE
    apart = np.logical_or.accumulate(apart, axis=1)
    horizon = int((~apart).sum(axis=1).min())
    return float(error[:, :horizon].max(initial=0.0)), horizon if horizon < apart.shape[1] else None


def _first(recipe: Recipe, task: int) -> Arrays:
    """The first trajectories of a task, made once more."""
    plain = dataclasses.replace(recipe, original=False)  # else the program that made the dataset, compiled already
    if isinstance(recipe.tasks[task], Switching):  # frames and their modifiers are not needed
        record = tuple(name for name in recipe.record if name != CLEAN)
        plain = dataclasses.replace(plain, observation="signals", observe=(), record=record)
    return collect(plain, task, recipe.splits()[0], np.arange(sampled(recipe)))


def _pieces(recipe: Recipe, numbers: Arrays, states: np.ndarray, dt: float) -> tuple[Arrays, np.ndarray, np.ndarray]:
    """Parameters [n …], first states [n D] and times [T] of the pieces that are simulated a second time.

    A sequence is one piece. Long trajectories are cut into several pieces as long as a window with its contexts, since
    two computations of a chaotic motion, however exact, differ in the end.
    """
    if recipe.windows is None:
        return numbers, states[:, 0], np.arange(recipe.steps) * dt
    span = recipe.windows.lead + recipe.windows.length
    places = np.linspace(0, states.shape[1] - span, max(1, SAMPLE // len(states))).astype(int)
    repeated = {name: np.repeat(value, len(places), axis=0) for name, value in numbers.items()}
    return repeated, states[:, places].reshape(-1, states.shape[2]), np.arange(span) * dt


def _filled(numbers: Arrays, starts: np.ndarray, t: np.ndarray) -> tuple[Arrays, np.ndarray, np.ndarray]:
    """As many pieces as a large sample has, the first ones again, so that one program serves datasets of every size."""
    rows = np.resize(np.arange(len(starts)), max(len(starts), min(SAMPLE, FRAMES // len(t))))
    return {name: value[rows] for name, value in numbers.items()}, starts[rows], t


@compiled("template")
def _trajectories(
    numbers: dict[str, Array], x0: Array, t: Array, step: float, *, shared: dict[str, Array], template: System
) -> tuple[Array, Array | None]:
    """States [N T D] with this substep, and the relative energy drift [N] if the system keeps its energy."""

    def one(numbers: dict[str, Array], x0: Array) -> tuple[Array, Array | None]:
        member = template.member(numbers | shared | {"substep": step})
        if isinstance(member, Hamiltonian) and member.integrated():
            states = solve(lambda y: _with_loss(member, y), jnp.append(x0, 0.0), t, step)
            return states[:, :-1], _drift(member, states)
        states = member.simulate(x0, t, root(0))
        lossless = jnp.pad(states, ((0, 0), (0, 1)))
        return states, _drift(member, lossless) if member.keeps_energy() else None

    return jax.vmap(one)(numbers, x0)


def _with_loss(member: Hamiltonian, y: Array) -> Array:
    """Velocity of a state [D + 1] that ends with the energy lost to friction so far."""
    velocity = member.velocity(y[:-1])
    dh_dp = velocity[: len(velocity) // 2]
    return jnp.append(velocity, member.friction * jnp.sum(dh_dp**2))


def _drift(member: Any, states: Array) -> Array:
    """Largest change of energy in states [T D + 1] that end with the loss so far, relative to the largest energy."""
    q, p = jnp.split(states[:, :-1], 2, axis=1)
    energy, rest = jax.vmap(member.energy)(q, p), jax.vmap(member.energy)(q, jnp.zeros_like(p))
    scale = jnp.maximum(jnp.abs(energy[0]), jnp.max(energy - rest))
    return jnp.max(jnp.abs(energy + states[:, -1] - energy[0])) / jnp.where(scale > 0, scale, 1.0)
