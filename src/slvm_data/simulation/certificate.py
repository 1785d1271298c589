"""The certificate of a dataset: its accuracy, measured on its own sequences."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np

from slvm_data.arrays import GOAL, PARAMETER
from slvm_data.core.compiled import compiled
from slvm_data.core.integrator import solve, steps_in
from slvm_data.core.json_tree import from_json, to_json
from slvm_data.core.keys import exact, of_data, root
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Arrays
from slvm_data.observe.modifiers import CLEAN
from slvm_data.recipe.recipe import Recipe
from slvm_data.simulation.batch import STATES, Batch, collect, longest_own_step, longest_step, shared_parameters
from slvm_data.simulation.member import stored_courses
from slvm_data.simulation.regimes import RegimeCounts
from slvm_data.store.manifest import Certificate, Coverage
from slvm_data.systems import driven
from slvm_data.systems.drift import Course, Drift, regimes_of
from slvm_data.systems.driven import Drive
from slvm_data.systems.hamiltonian import Hamiltonian
from slvm_data.systems.switching import Switching
from slvm_data.systems.system import System

SAMPLE = 64  # sequences
FRAMES = 10**6  # of the sample, at most, unless it is a single sequence
BINS = 10  # of the histogram of each parameter, over its range
FINER = 2  # factor on the number of substeps: at order 8 the remaining error is 256 times smaller
TOLERANCE = 1e-4  # beyond this error a dataset is called inaccurate; its states are stored to about 1e-7
NEARBY = 1e-12  # relative distance of two starts, above rounding: where chaos takes them apart, no finer step helps


S = TypeVar("S", bound=System)


class Tally:
    """Counts kept while a task is made: drawn parameters, rejected candidates, regimes."""

    def __init__(self, system: System, drift: tuple[Drift, ...] = ()) -> None:
        self.made = self.rejected = 0
        self.system = system
        self.ends = {name: _no_ends(system, name) for name in system.parameters()}
        self.regimes = RegimeCounts(count) if (count := regimes_of(system, drift)) else None
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
            self.ends[name] = _ends_with(self.ends[name], _ends_of(self.system, name, values))
        if self.regimes:
            self.regimes.add(batch.arrays["mode"], batch.signal, batch.parameters.get("observation_noise"))
        return batch.arrays

    def state(self) -> dict[str, Any]:
        """The counts as plain JSON values."""
        coverage = {name: to_json(seen) for name, seen in self.coverage.items()}
        ends = {name: seen.tolist() for name, seen in self.ends.items()}
        regimes = {"regimes": self.regimes.state()} if self.regimes else {}
        return {"made": self.made, "rejected": self.rejected, "coverage": coverage, "ends": ends, **regimes}

    def join(self, state: dict[str, Any]) -> None:
        """Add the counts of another tally, given by its `state()`."""
        made, rejected = (from_json(int, state[name], name) for name in ("made", "rejected"))
        if min(made, rejected) < 0:
            raise ValueError(f"{made} sequences were made and {rejected} rejected")
        self.made, self.rejected = self.made + made, self.rejected + rejected
        for name, seen in self.coverage.items():
            self.coverage[name] = _joined(seen, from_json(Coverage, state["coverage"][name], name))
            self.ends[name] = _ends_with(self.ends[name], np.array(state["ends"][name], float))
        if self.regimes:
            self.regimes.join(state["regimes"])

    def show_all(self, recipe: Recipe, split: str) -> None:
        """Note which frames the windows of a split show."""
        if self.regimes and recipe.windows:
            trajectory, frame = recipe.windows.places(split, recipe.steps, np.arange(recipe.count(split)))
            number = recipe.windows.number(split, trajectory)
            self.regimes.show(recipe.windows, split, recipe.steps, number, frame)


def _no_ends(system: System, name: str) -> np.ndarray:
    """Ends [components parts 2] of no values of a parameter: of each part of the range, the lowest and the highest."""
    components, parts = system.range_of(name)[0].size, len(system.ends_of(name)) // 2
    return np.tile([np.inf, -np.inf], (components, parts, 1))


def _ends_of(system: System, name: str, values: np.ndarray) -> np.ndarray:
    """Ends [components parts 2] of the values [n …] of a parameter."""
    found, columns = _no_ends(system, name), values.reshape(len(values), -1)
    _, _, *gap = (np.ravel(end) for end in system.ends_of(name))
    for component, column in enumerate(columns.T):
        upper = column > (gap[0][component] + gap[1][component]) / 2 if gap else np.zeros(len(column), bool)
        for part, own in enumerate((column[~upper], column[upper])[: found.shape[1]]):
            found[component, part] = own.min(initial=np.inf), own.max(initial=-np.inf)
    return found


def _ends_with(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Ends of two sets of values together."""
    if a.shape != b.shape:
        raise ValueError(f"ends are {list(b.shape)} instead of {list(a.shape)}")
    return np.stack([np.minimum(a[..., 0], b[..., 0]), np.maximum(a[..., 1], b[..., 1])], axis=-1)


def distances(own: Tally, trained: Iterable[Tally]) -> dict[str, float]:
    """How far the drawn parameters of a population are from those of the nearest trained one, by name.

    Distances are between values that were drawn, of vectors Euclidean; 0 where values lie between others. The nearest
    population is the one whose parameters are, relative to their sizes, least apart altogether. Empty if no population
    of the system was trained.
    """
    found = []
    for other in trained:
        if type(other.system) is type(own.system):
            apart = {name: _distance(ends, other.ends[name]) for name, ends in own.ends.items()}
            scale = {name: _size(ends) or _size(own.ends[name]) or 1.0 for name, ends in other.ends.items()}
            found.append((sum((apart[name] / scale[name]) ** 2 for name in apart), apart))
    return min(found, key=lambda pair: pair[0])[1] if found else {}


def _size(ends: np.ndarray) -> float:
    return float(np.abs(ends[np.isfinite(ends)]).max(initial=0.0))


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    """Distance of two sets of values with these ends [components parts 2]: of the nearest parts of each component."""
    between = np.maximum(one[:, :, None, 0] - other[:, None, :, 1], other[:, None, :, 0] - one[:, :, None, 1])
    return float(np.sqrt((np.maximum(between, 0.0).min(axis=(1, 2)) ** 2).sum()))


def _joined(a: Coverage, b: Coverage) -> Coverage:
    counts = tuple(x + y for x, y in zip(a.counts, b.counts, strict=True))
    return Coverage(a.low, a.high, min(a.least, b.least), max(a.most, b.most), counts)


def sampled(recipe: Recipe, split: str) -> int:
    """Number of trajectories of a split that errors are measured on."""
    most = _most(recipe.steps, max(len(system.state) for system in recipe.tasks))
    return min(most, recipe.trajectories(split))


def _most(frames: int, numbers: int) -> int:
    """The largest sample of trajectories of so many frames, with so many numbers in a state."""
    return max(1, min(SAMPLE, FRAMES // frames, STATES // numbers))


def measured(recipe: Recipe, task: int) -> list[str] | None:
    """The stored arrays that errors are measured on; None where they are not stored, but have to be made again."""
    if recipe.windows or recipe.original:
        return None
    driven = ["time"] if recipe.time or recipe.control or recipe.drift else []
    driven += ["control"] if recipe.control else []
    driven += ["drift_time", *(GOAL + one.of for one in recipe.drift)] if recipe.drift else []
    driven += ["mode", "drift_mode"] if any(one.regimes() for one in recipe.drift) else []
    return ["state", *driven, *(PARAMETER + name for name in recipe.tasks[task].parameters())]


def certify(recipe: Recipe, task: int, split: str, tally: Tally, first: Arrays | None = None) -> Certificate:
    """Certificate of one task: accuracy from its first sequences in a split, the rest from all of them.

    `recipe` is that of the split. `first` are the first `sampled` rows of the arrays that are `measured`, if at hand.

    A system with its own `simulate` has no step of integration, so there is no error to measure with a finer step. A
    motion that follows a formula, but could be integrated, is compared with an integration.
    """
    system, dt = recipe.tasks[task], recipe.interval(task)
    arrays = first or _first(recipe, task, split)
    substep = longest_step(recipe.reach(task), dt)
    fixed: dict[str, Any] = {"shared": shared_parameters(recipe, task), "template": system.template()}
    stepwise = system.integrated() and (bool(recipe.drift) or not fixed["template"].by_formula())
    steps = Steps(dt, substep, longest_own_step(system, substep, recipe.control or recipe.drift))
    run = partial(_trajectories, steps=steps, **fixed, drift=recipe.drift)
    every = _pieces(recipe, task, arrays)
    count, pieces = len(every.starts), _filled(every)
    with exact():
        again, drift = jax.tree.map(np.asarray, run(pieces, 1))
        finer = partial(_states, run, pieces) if system.integrated() else None
        error, horizon = _accuracy(again, finer) if finer else (None, None)
        if recipe.windows and drift is not None:  # measured on whole trajectories
            drift = np.asarray(run(_whole(recipe, task, arrays), 1)[1])
    return Certificate(
        task=task,
        sample=count,
        substeps=max(1, int(np.ceil(dt / substep - 1e-9))) if stepwise else None,
        error=error,
        horizon=horizon,
        energy_drift=None if drift is None else float(drift.max()),
        rejection_rate=tally.rejected / max(1, tally.rejected + tally.made),
        coverage=tally.coverage,
        regimes=tally.regimes.statistics() if tally.regimes else None,
    )


def certificates(
    recipe: Recipe,
    tallies: dict[tuple[str, int], Tally],
    first: Callable[[Recipe, int, str], Arrays | None] = lambda *_: None,
) -> list[Certificate]:
    """The certificate of each part of a dataset, as of `recipe.parts()`, from its tally.

    `first` returns, of a recipe of one split, a task and a split, what is at hand for `certify`.
    """
    trained = [tally for (name, _), tally in tallies.items() if not name]
    found = []
    for (name, task), split in recipe.parts().items():
        own, tally = recipe.of_split(split), tallies[name, task]
        entry = certify(own, task, split, tally, first(own, task, split))
        found.append(dataclasses.replace(entry, split=name, apart=distances(tally, trained)) if name else entry)
    return found


class Pieces(NamedTuple):
    """Pieces of trajectories that are simulated a second time."""

    numbers: dict[str, Any]  # parameters [n …], NumPy or JAX arrays, like the others
    starts: Any  # first states [n D]
    t: Any  # times [T], or [n T] if they are irregular
    control: Any  # [n T U], or None
    drawn: list[Course]  # of each drift, [n …]

    def rows(self, rows: np.ndarray) -> Pieces:
        """These of the pieces."""
        t = self.t[rows] if self.t.ndim == 2 else self.t
        control = None if self.control is None else self.control[rows]
        drawn = jax.tree.map(lambda array: array[rows], self.drawn)
        return Pieces({name: value[rows] for name, value in self.numbers.items()}, self.starts[rows], t, control, drawn)


class Steps(NamedTuple):
    """From what the steps of integration follow, in seconds."""

    frame: float  # the longest time between frames
    substep: float  # the step of the population
    longest: float  # the longest one that a member may have of its own

    def divided(self, member: S, x0: Array, times: Array | int) -> S:
        """The member with its own step, divided by `times`: with so many times as many steps in a frame."""
        own = member.member({"substep": self.substep}).paced(x0, self.longest)
        assert own.substep is not None
        return own.member({"substep": self.frame / (steps_in(jnp.asarray(self.frame), own.substep) * times)})


def _states(run: Callable[..., tuple[Array, Array | None]], pieces: Pieces, *, nearby: float = 0.0) -> np.ndarray:
    """States [N T D] with finer steps; `nearby` is how far each start is moved, relative to the largest of all."""
    starts = pieces.starts
    return np.asarray(run(pieces._replace(starts=starts + nearby * np.abs(starts).max(axis=0)), FINER)[0])


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


def _first(recipe: Recipe, task: int, split: str) -> Arrays:
    """The first trajectories of a task in a split, made once more."""
    plain = dataclasses.replace(recipe, original=False)  # else the program that made the dataset, compiled already
    if isinstance(recipe.tasks[task], Switching):  # frames and their modifiers are not needed
        record = tuple(name for name in recipe.record if name != CLEAN)
        plain = dataclasses.replace(plain, observation="signals", observe=(), record=record)
    return collect(plain, task, split, np.arange(sampled(recipe, split)))


def _whole(recipe: Recipe, task: int, arrays: Arrays) -> Pieces:
    """Trajectories as they are."""
    numbers = {name: arrays[PARAMETER + name].astype(np.float64) for name in recipe.tasks[task].parameters()}
    drawn = stored_courses(recipe.drift, numbers, arrays)
    t = arrays["time"] if recipe.time or recipe.control or recipe.drift else recipe.times(task)
    return Pieces(numbers, arrays["state"][:, 0].astype(np.float64), t, arrays.get("control"), drawn)


def _pieces(recipe: Recipe, task: int, arrays: Arrays) -> Pieces:
    """The pieces of a sample that are simulated a second time.

    A sequence is one piece. Long trajectories are cut into several pieces as long as a window with its contexts, since
    two computations of a chaotic motion, however exact, differ in the end.
    """
    whole, states = _whole(recipe, task, arrays), arrays["state"].astype(np.float64)
    if recipe.windows is None:
        return whole
    span, count = recipe.windows.lead + recipe.windows.length, len(states)
    places = np.linspace(0, states.shape[1] - span, max(1, SAMPLE // count)).astype(int)
    repeated = whole.rows(np.repeat(np.arange(count), len(places)))
    frames = places[:, None] + np.arange(span)
    t = whole.t[:span] if whole.t.ndim == 1 else whole.t[:, frames].reshape(-1, span)
    control = whole.control
    control = None if control is None else control[:, frames].reshape(-1, span, control.shape[-1])
    return repeated._replace(starts=states[:, places].reshape(-1, states.shape[2]), t=t, control=control)


def _filled(pieces: Pieces) -> Pieces:
    """As many pieces as a large sample has, the first ones again, so that one program serves datasets of every size."""
    count, numbers = pieces.starts.shape
    return pieces.rows(np.resize(np.arange(count), max(count, _most(pieces.t.shape[-1], numbers))))


@compiled("template", "drift")
def _trajectories(
    pieces: Pieces, finer: int, *, steps: Steps, shared: dict[str, Array], template: System, drift: tuple[Drift, ...]
) -> tuple[Array, Array | None]:
    """States [N T D] in `finer` times as many steps, and the relative drift [N] of an energy that is kept."""

    def one(own: Pieces) -> tuple[Array, Array | None]:
        x0, t = own.starts, own.t
        member = steps.divided(template.member(own.numbers | shared), x0, finer)
        if own.control is not None or drift:
            return _under(member, x0, t, Drive(own.control, drift, own.drawn))
        if isinstance(member, Hamiltonian) and member.integrated():
            assert member.substep is not None
            states = solve(lambda y: _with_loss(member, y), jnp.append(x0, 0.0), t, member.substep)
            if member.by_formula():  # which the finer steps judge
                found = member.simulate(x0, t, of_data(root(0)))
                states = states.at[:, :-1].set(jnp.where(finer == 1, found, states[:, :-1]))
            return states[:, :-1], _drift(member, states)
        states = member.simulate(x0, t, of_data(root(0)))
        if not member.keeps_energy():
            return states, None
        return states, _drift(member, jnp.concatenate([states, member.lost(x0, t)[:, None]], axis=1))

    return jax.vmap(one, in_axes=(Pieces(0, 0, 0 if pieces.t.ndim == 2 else None, 0, 0),))(pieces)  # pyright: ignore


def _under(member: System, x0: Array, t: Array, drive: Drive) -> tuple[Array, Array | None]:
    """States [T D] of a member under control and drift, and the relative error of its energy."""
    cut = driven.intervals(drive, t)
    held = () if drive.control is None else (drive.control[cut.frame],)
    if member.integrated():
        assert member.substep is not None
        begin = jnp.concatenate([x0, jnp.stack([t[0], 0.0, 0.0])])
        velocity = partial(_with_work, member, drive)
        every = solve(velocity, begin, cut.instants, member.substep, (cut.instants[:-1], *held))
    else:
        states = driven.in_parts(member, x0, of_data(root(0)), drive, cut.instants, held)
        every = jnp.concatenate([states, cut.instants[:, None], jnp.zeros((len(states), 2))], axis=1)
    kept = member.keeps_energy() and hasattr(member, "energy")
    return every[cut.place, :-3], _balance(member, drive, cut.instants, every, held) if kept else None


def _with_work(member: Any, drive: Drive, y: Array, since: Array, *u: Array) -> Array:
    """Velocity of a state [D + 3] that ends with the time, the energy lost to friction, and the work of drifts."""
    x, now = y[:-3], y[-3]
    own = drive.moved(member, now, since)
    velocity, loss, work = own.velocity(x), 0.0, 0.0
    if isinstance(member, Hamiltonian):
        loss = own.friction * jnp.sum(velocity[: len(x) // 2] ** 2)
    if drive.drift and hasattr(member, "energy"):
        work = jax.grad(lambda now: drive.moved(member, now, since).energy(*jnp.split(x, 2)))(now)
    return jnp.concatenate([velocity + sum(map(own.push, u)), jnp.stack([jnp.ones_like(now), loss, work])])


def _balance(member: Any, drive: Drive, instants: Array, every: Array, held: tuple[Array, ...]) -> Array:
    """Largest error of dH/dt = -γ|∂H/∂p|² + ∂H/∂p·u + ∂H/∂θ·θ̇, and of the steps of H at jumps of parameters.

    `every` [M+1 D+3] are states as of `_with_work`. Relative to the largest energy.
    """
    q, p = jnp.split(every[:, :-3], 2, axis=1)

    def energy(q: Array, p: Array, now: Array, since: Array) -> Array:
        return drive.moved(member, now, since).energy(q, p)

    after = jax.vmap(energy)(q, p, instants, instants)
    before = jax.vmap(energy)(q[1:], p[1:], instants[1:], instants[:-1])  # each jump is where an interval begins
    rest = jax.vmap(energy)(q, jnp.zeros_like(p), instants, instants)
    pushes = [jnp.sum(jax.vmap(member.push)(u)[:, q.shape[1] :] * jnp.diff(q, axis=0), axis=1) for u in held]
    gained = jnp.diff(every[:, -1] - every[:, -2]) + (after[1:] - before) + sum(pushes)
    scale = jnp.maximum(jnp.abs(after[0]), jnp.max(after - rest))
    return jnp.max(jnp.abs(after[1:] - after[0] - jnp.cumsum(gained)), initial=0.0) / jnp.where(scale > 0, scale, 1.0)


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
