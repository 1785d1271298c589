"""From a recipe to arrays: the one module with a batch axis.

A batch has one fixed size and is padded at its end, so that everything compiles once, and only numbers differ
between tasks, so that they compile nothing anew. What is drawn is rounded to float32 before it is used, and a frame
shows the rounded state: what stands in the file is then exactly what was simulated and drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from slvm_data import discs, looks, originals, raster, views
from slvm_data.keys import exact, sequence_key, split_key, stream
from slvm_data.looks import Look
from slvm_data.recipe import Recipe
from slvm_data.systems.base import System, draw
from slvm_data.types import Array, Arrays, Key

BATCH = 256  # sequences, where their frames fit in `ROOM`
LEAST = 2  # a batch of one is compiled in another way, which can change the last bit
ROOM = 2**25  # bytes
DOUBTS = 64  # frames settled at a time; about as many are doubtful in a batch
FEW = 64  # sequences drawn at a time, so that what is in between fits the processor's cache
STEPS = 10_000  # of integration per frame, at most
EVENT = 48  # bytes of an impact
EVENTS = ("event_time", "event_wall", "event_before", "event_after")
ATTEMPTS = 100  # at one sequence, before the recipe is taken to be impossible


@dataclass(frozen=True)
class Plan:
    """What the compiled code for a task is made for; tasks that differ only in numbers share it."""

    template: System
    look: Look
    record: tuple[str, ...]
    original: bool
    impacts: int  # that a film can have, where they are recorded


class Inputs(NamedTuple):
    """The numbers that one split of one task is made from."""

    key: Key
    ranges: dict[str, tuple[Any, Any]]  # lowest and highest value, [] or [B] each
    substep: float  # s
    extent: float  # m, half the width of the scene; a body that leaves it has the sequence drawn anew
    jitter: float
    t: Any  # s [T], or [T + 1] where the original has one instant more


class Batch(NamedTuple):
    """Sequences ready for the store, the constants drawn for them, and how many candidates were rejected."""

    arrays: Arrays
    constants: Arrays
    rejected: int


def collect(recipe: Recipe, task: int, split: str, index: np.ndarray) -> Arrays:
    """The arrays of these sequences [n], however many; also beyond the size of the split."""
    inputs, size = prepare(recipe, task, split), batch_size(recipe)
    parts = [make(recipe, task, split, inputs, index[i : i + size]).arrays for i in range(0, len(index), size)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} | once(recipe, task)


def once(recipe: Recipe, task: int) -> Arrays:
    """The arrays that all sequences of a task have in common: their instants, except in an original, which has none."""
    return {} if recipe.original else {"time": recipe.time(task)}


def prepare(recipe: Recipe, task: int, split: str) -> Inputs:
    """What the sequences of a split have in common."""
    system, dt = recipe.tasks[task], recipe.dt_of(task)
    if not 0 < system.extent() < np.inf:
        raise ValueError(f"{system} has an extent of {system.extent()} m; it has to be above 0 and finite")
    with exact():
        return Inputs(
            key=split_key(recipe.seed, task, split),
            ranges={name: system.bounds(name) for name in system.domains()},
            substep=longest_step(system, dt),
            extent=system.extent(),
            jitter=recipe.view_of(task).jitter,
            t=np.arange(recipe.steps + recipe.original) * dt,
        )


def plan(recipe: Recipe, task: int) -> Plan:
    """What to compile for a task."""
    template, look = recipe.tasks[task].template(), recipe.look_of(task)
    return Plan(template, look, recipe.record, recipe.original, _most_impacts(recipe))


def _most_impacts(recipe: Recipe) -> int:
    """Room for the impacts of a film, where they are recorded; as much in every task, so that their arrays agree."""
    if "events" not in recipe.record:
        return 0
    return max(system.most_impacts(float(recipe.time(i)[-1])) for i, system in enumerate(recipe.tasks))


def longest_step(system: System, frame: float) -> float:
    """The population's own `substep` [s], else the one that its system finds, for frames this far apart [s].

    Raises ValueError where a frame would need more than `STEPS` of them: it might never end.
    """
    try:
        step = float(system.substep or system.longest_step())
    except ArithmeticError:  # constants so large or small that the estimate overflows
        step = 0.0
    if not step >= frame / STEPS:
        raise ValueError(
            f"{system} moves too fast: it needs more than {STEPS} steps (or impacts) in a frame of {frame:g} s; "
            "use constants closer to 1, or a shorter time between frames"
        )
    return step


def make(
    recipe: Recipe, task: int, split: str, inputs: Inputs, index: np.ndarray, frames: np.ndarray | None = None
) -> Batch:
    """The sequences with these indices [n], their frames in the buffer `frames`, which n must not exceed.

    Raises ValueError where a sequence is not finite, or where no attempt at it stays in the scene.
    """
    frames = frame_buffer(recipe, batch_size(recipe)) if frames is None else frames
    size = len(frames)
    padded = np.pad(index, (0, size - len(index)), mode="edge").astype(np.uint32)
    attempt = np.zeros(size, np.uint32)
    made_for = plan(recipe, task)
    with exact():
        scene = jax.tree.map(np.asarray, _trajectories(inputs, padded, attempt, plan=made_for))
        while not (good := _accepted(recipe, task, split, padded, attempt, scene)).all():
            attempt = attempt + ~good
            again = _trajectories(inputs, padded, attempt, plan=made_for)  # the same for those that are good
            scene = jax.tree.map(np.asarray, again)
        _draw_frames(made_for.look, recipe.view_of(task).binary, scene["discs"], frames)
    constants = scene["constants"]
    arrays = {"image": frames, "state": scene["state"], "label": np.full((size, 1), task, np.int64)}
    if not recipe.original:
        arrays |= {f"param_{name}": constants[name] for name in recipe.tasks[task].domains()}
    arrays |= {name: scene["recorded"][name] for name in recorded(recipe)}
    arrays, constants = ({name: a[: len(index)] for name, a in some.items()} for some in (arrays, constants))
    if recipe.original:
        arrays["image"] = originals.pixels(recipe.tasks[task], arrays["image"])
    return Batch(arrays, constants, int(attempt[: len(index)].sum()))


def recorded(recipe: Recipe) -> list[str]:
    """Names of the arrays that `record` asks for, in order."""
    return [array for name in recipe.record for array in (EVENTS if name == "events" else (name,))]


def _accepted(
    recipe: Recipe, task: int, split: str, index: np.ndarray, attempt: np.ndarray, scene: dict[str, Any]
) -> np.ndarray:
    """Which sequences of a batch are valid [N]; raises ValueError for one that never will be."""
    where = f"{recipe.name}: sequence {{}} of {split}, task {task},"
    if not scene["finite"].all():
        i = int(np.argmin(scene["finite"]))
        values = ", ".join(f"{name} = {value[i]}" for name, value in scene["constants"].items())
        raise ValueError(
            f"{where.format(index[i])} is not finite with {values}: change these constants or give a smaller substep"
        )
    good = scene["inside"]
    if (lost := attempt[~good] >= ATTEMPTS - 1).any():
        i = index[~good][np.argmax(lost)]
        raise ValueError(
            f"{where.format(i)} left the scene (a centre beyond ±{recipe.tasks[task].extent():g}) in each "
            f"of {ATTEMPTS} attempts: widen the scene or change the constants"
        )
    return good


@partial(jax.jit, static_argnames="plan")
def _trajectories(inputs: Inputs, index: Array, attempt: Array, *, plan: Plan) -> dict[str, Any]:
    """Everything but the pixels of the sequences with these indices and attempts, both [N]."""

    def one(index: Array, attempt: Array) -> dict[str, Any]:
        return _sequence(inputs, sequence_key(inputs.key, index, attempt), plan)

    return jax.vmap(one)(index, attempt)


def _sequence(inputs: Inputs, key: Key, plan: Plan) -> dict[str, Any]:
    constants = jax.tree.map(_rounded, draw(inputs.ranges, stream(key, "constants")))
    member = plan.template.member(constants | {"substep": inputs.substep})
    x0 = _rounded(member.start(stream(key, "start")))
    path = member.simulate(x0, inputs.t, stream(key, "process"))
    seen, states = originals.pairing(member, key, path) if plan.original else (path, path)  # [T D]
    centres, radii = jax.vmap(member.bodies)(_rounded(seen))  # [T B 2], [T B]
    offset = _rounded(_shift(inputs, key, plan))
    colors = views.color_index(stream(key, "colors"), plan.look.palette, member.bodies_drawn)
    shown = discs.place(centres + offset, radii, inputs.extent * (1 + inputs.jitter))
    inside = (jnp.abs(centres) <= inputs.extent).all()
    if plan.original and plan.look.kind == "debug_draw":
        inside = originals.keeps(plan.look, shown[0][:, 0])
    return {
        "state": states.astype(np.float32),
        "constants": {name: value.astype(np.float32) for name, value in constants.items()},
        "recorded": _recorded(member, states, inputs.t, offset, colors, plan),
        "discs": (*shown, jnp.asarray(looks.hues(plan.look))[colors]),
        "finite": jnp.isfinite(states.astype(np.float32)).all(),
        "inside": inside,
    }


def _shift(inputs: Inputs, key: Key, plan: Plan) -> Array:
    """The camera's shift [2]."""
    reach = inputs.jitter * inputs.extent
    if plan.original:
        return originals.shift(plan.template, key, reach, inputs.jitter)
    return views.shift(stream(key, "camera"), reach)


def _rounded(x: Array) -> Array:
    return x.astype(np.float32).astype(np.float64)


def _recorded(member: Any, states: Array, t: Array, offset: Array, colors: Array, plan: Plan) -> dict[str, Array]:
    """What `--record` asks for, by name; states [T D]."""
    found = {
        "dx_dt": lambda: {"dx_dt": jax.vmap(member.velocity)(states).astype(np.float32)},
        "energy": lambda: {"energy": jax.vmap(lambda x: member.energy(*jnp.split(x, 2)))(states)},
        "events": lambda: _events(member.impacts(states[0], t, plan.impacts)),
        "offset": lambda: {"offset": offset.astype(np.float32)},
        "color_index": lambda: {"color_index": colors.astype(np.int64)},
    }
    return {name: array for wanted in plan.record for name, array in found[wanted]().items()}


def _events(impacts: dict[str, Array]) -> dict[str, Array]:
    """Impacts as they are stored: instants in double precision, as those of the frames."""
    kinds = {"time": np.float64, "wall": np.int64, "before": np.float32, "after": np.float32}
    return {f"event_{name}": impacts[name].astype(kind) for name, kind in kinds.items()}


def batch_size(recipe: Recipe) -> int:
    """Sequences in a batch: fewer where they are long or large, so that memory stays bounded."""
    width = originals.CHANNELS * originals.ITEMSIZE if recipe.original else 1
    size = width * int(np.prod(_frames_shape(recipe))) + EVENT * _most_impacts(recipe)
    return int(np.clip(ROOM // size, LEAST, BATCH))


def frame_buffer(recipe: Recipe, size: int) -> np.ndarray:
    """Room for the frames of `size` sequences, uint8 [N T H W] or [N T 3 H W].

    Whoever makes many batches should use the same room again: the first touch of fresh memory costs more time than
    everything that is drawn into it.
    """
    return np.empty((size, *_frames_shape(recipe)), np.uint8)


def _frames_shape(recipe: Recipe) -> tuple[int, ...]:
    return (recipe.steps, *recipe.view_of(0).shape())


def _draw_frames(look: Look, binary: bool, scene: tuple[np.ndarray, ...], frames: np.ndarray) -> None:
    """Fill `frames` by the fastest road that gives the pixels of `looks.draw`."""
    if binary and look.palette == 1 and scene[0].shape[2] == 1 and look.kind in ("soft", "clean"):
        raster.unpack(np.asarray(_paint(*scene, look=look, how="lone")), frames)
        return
    few, doubtful = min(FEW, len(frames)), []
    for start in range(0, len(frames), few):
        at = [array[start : start + few] for array in scene]
        found = _draw_few(look, binary, at, frames[start : start + few])
        doubtful.append(found + np.array([start, 0]))
    _settle(look, scene, np.concatenate(doubtful), frames)


def _draw_few(look: Look, binary: bool, scene: list[np.ndarray], out: np.ndarray) -> np.ndarray:
    """Fill `out`; the frames (n, t) that remain in doubt, one in each row."""
    if binary and look.kind == "soft":
        raster.decode(codes := np.asarray(_paint(*scene, look=look, how="code")), out)
        return np.argwhere(codes.max(axis=(2, 3)) >= raster.DOUBTFUL)
    out[...] = _paint(*scene, look=look, how="binary" if binary else "draw")
    return np.empty((0, 2), int)


def _settle(look: Look, scene: tuple[np.ndarray, ...], doubtful: np.ndarray, frames: np.ndarray) -> None:
    """Draw the doubtful frames, (n, t) in each row, by the reference."""
    centres, radii, colors = scene
    for start in range(0, len(doubtful), DOUBTS):
        n, t = doubtful[start : start + DOUBTS].T
        i, j = (np.pad(x, (0, DOUBTS - len(x)), mode="edge") for x in (n, t))
        at = centres[i, j][:, None], radii[i, j][:, None], colors[i]
        frames[n, t] = np.asarray(_paint(*at, look=look, how="binary"))[: len(n), 0]


@partial(jax.jit, static_argnames=("look", "how"))
def _paint(centres: Array, radii: Array, colors: Array, *, look: Look, how: str) -> Array:
    """Frames or codes [N T …] from centres [N T B 2] and radii [N T B] in canvas widths and RGB colours [N B 3]."""

    def frame(centres: Array, radii: Array, colors: Array) -> Array:
        if how == "lone":
            return raster.lone_disc(centres[0], radii[0], look.size, look.kind)
        if how == "code":
            return raster.code(centres, radii, colors, look.size, look.palette)
        return looks.draw(look, centres, radii, colors, binary=how == "binary")

    return jax.vmap(jax.vmap(frame, in_axes=(0, 0, None)))(centres, radii, colors)
