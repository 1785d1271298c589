"""From a recipe to arrays: the one module with a batch axis.

A batch has one fixed size and is padded at its end, so that everything compiles once, and only numbers differ
between tasks, so that they compile nothing anew. What is drawn is rounded to float32 before it is used, and a frame
shows the rounded state: what stands in the file is then exactly what was simulated and drawn.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from slvm_data import discs, raster, views
from slvm_data.keys import exact, sequence_key, split_key, stream
from slvm_data.recipe import Recipe
from slvm_data.systems.base import System, draw
from slvm_data.types import Array, Arrays, Key

BATCH = 256  # sequences, where their frames fit in `ROOM`
LEAST = 2  # a batch of one is compiled in another way, which can change the last bit
ROOM = 2**25  # bytes
DOUBTS = 64  # frames settled at a time; about as many are doubtful in a batch
FEW = 64  # sequences drawn at a time, so that what is in between fits the processor's cache
STEPS = 10_000  # of integration per frame, at most
ATTEMPTS = 100  # at one sequence, before the recipe is taken to be impossible


class Inputs(NamedTuple):
    """The numbers that one split of one task is made from."""

    key: Key
    ranges: dict[str, tuple[Any, Any]]  # lowest and highest value, [] or [B] each
    substep: float  # s
    extent: float  # m, half the width of the scene; a body that leaves it has the sequence drawn anew
    jitter: float
    t: Any  # s [T]


class Batch(NamedTuple):
    """Sequences ready for the store, and how many candidates were rejected on the way."""

    arrays: Arrays
    rejected: int


def collect(recipe: Recipe, task: int, split: str, index: np.ndarray) -> Arrays:
    """The arrays of these sequences [n], however many; also beyond the size of the split."""
    inputs, size = prepare(recipe, task, split), batch_size(recipe)
    parts = [make(recipe, task, split, inputs, index[i : i + size]).arrays for i in range(0, len(index), size)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} | {"time": inputs.t}


def prepare(recipe: Recipe, task: int, split: str) -> Inputs:
    """What the sequences of a split have in common."""
    system = recipe.tasks[task]
    if not 0 < system.extent() < np.inf:
        raise ValueError(f"{system} has an extent of {system.extent()} m; it has to be above 0 and finite")
    with exact():
        return Inputs(
            key=split_key(recipe.seed, task, split),
            ranges={name: system.bounds(name) for name in system.domains()},
            substep=longest_step(system, recipe.dt),
            extent=system.extent(),
            jitter=recipe.view.jitter,
            t=recipe.time(),
        )


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
            f"{system} moves too fast: it needs more than {STEPS} steps of integration in a frame of {frame:g} s; "
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
    with exact():
        move = partial(_trajectories, inputs, template=recipe.tasks[task].template(), record=recipe.record)
        move = partial(move, palette=recipe.view.palette)
        scene = jax.tree.map(np.asarray, move(padded, attempt))
        while not (good := _accepted(recipe, task, split, padded, attempt, scene)).all():
            attempt = attempt + ~good
            again = move(padded, attempt)  # an attempt made again gives the same, so that all may be repeated
            scene = jax.tree.map(np.asarray, again)
        label = np.full((size, 1), task, np.int64)
        _draw_frames(recipe.view, scene["discs"], frames)
        names = [*(f"param_{name}" for name in recipe.tasks[task].domains()), *recipe.record]
        arrays = {"image": frames, "state": scene["state"], "label": label, **{n: scene["stored"][n] for n in names}}
    return Batch({name: a[: len(index)] for name, a in arrays.items()}, int(attempt[: len(index)].sum()))


def _accepted(
    recipe: Recipe, task: int, split: str, index: np.ndarray, attempt: np.ndarray, scene: dict[str, Any]
) -> np.ndarray:
    """Which sequences of a batch are valid [N]; raises ValueError for one that never will be."""
    where = f"{recipe.name}: sequence {{}} of {split}, task {task},"
    if not scene["finite"].all():
        i = int(np.argmin(scene["finite"]))
        drawn = {k.removeprefix("param_"): v[i] for k, v in scene["stored"].items() if k.startswith("param_")}
        values = ", ".join(f"{name} = {value}" for name, value in drawn.items())
        raise ValueError(
            f"{where.format(index[i])} is not finite with {values}: change these constants or give a smaller substep"
        )
    good = scene["inside"]
    if (lost := attempt[~good] >= ATTEMPTS - 1).any():
        i = index[~good][np.argmax(lost)]
        raise ValueError(
            f"{where.format(i)} left the scene (a centre beyond ±{recipe.tasks[task].extent():g} m) in each of "
            f"{ATTEMPTS} attempts: widen the scene or change the constants"
        )
    return good


@partial(jax.jit, static_argnames=("template", "palette", "record"))
def _trajectories(
    inputs: Inputs, index: Array, attempt: Array, *, template: System, palette: int, record: tuple[str, ...]
) -> dict[str, Any]:
    """Everything but the pixels of the sequences with these indices and attempts, both [N]."""

    def one(index: Array, attempt: Array) -> dict[str, Any]:
        return _sequence(inputs, sequence_key(inputs.key, index, attempt), template, palette, record)

    return jax.vmap(one)(index, attempt)


def _sequence(inputs: Inputs, key: Key, template: System, palette: int, record: tuple[str, ...]) -> dict[str, Any]:
    constants = jax.tree.map(_rounded, draw(inputs.ranges, stream(key, "constants")))
    member = template.member(constants | {"substep": inputs.substep})
    x0 = _rounded(member.start(stream(key, "start")))
    states = member.simulate(x0, inputs.t, stream(key, "process"))
    centres, radii = jax.vmap(member.bodies)(_rounded(states))  # [T B 2], [T B]
    offset = _rounded(views.shift(stream(key, "camera"), inputs.jitter * inputs.extent))
    colors = views.color_index(stream(key, "colors"), palette, template.bodies_drawn)
    shown = discs.place(centres + offset, radii, inputs.extent * (1 + inputs.jitter))
    return {
        "state": states.astype(np.float32),
        "stored": {
            **{f"param_{name}": value.astype(np.float32) for name, value in constants.items()},
            **_recorded(member, states, offset, colors, record),
        },
        "discs": (*shown, jnp.asarray(discs.hues(palette))[colors]),
        "finite": jnp.isfinite(states.astype(np.float32)).all(),
        "inside": (jnp.abs(centres) <= inputs.extent).all(),
    }


def _rounded(x: Array) -> Array:
    return x.astype(np.float32).astype(np.float64)


def _recorded(member: System, states: Array, offset: Array, colors: Array, record: tuple[str, ...]) -> dict[str, Array]:
    """What `--record` asks for, by name; states [T D]."""
    found = {
        "dx_dt": lambda: jax.vmap(member.velocity)(states).astype(np.float32),
        "energy": lambda: energies(member, states),
        "offset": lambda: offset.astype(np.float32),
        "color_index": lambda: colors.astype(np.int64),
    }
    return {name: found[name]() for name in record}


def energies(member: Any, states: Array) -> Array:
    """The Hamiltonian of one member [T] along its states [T D]."""
    return jax.vmap(lambda x: member.energy(*jnp.split(x, 2)))(states)


def batch_size(recipe: Recipe) -> int:
    """Sequences in a batch: fewer where they are long or large, so that memory stays bounded."""
    return int(np.clip(ROOM // int(np.prod(_frames_shape(recipe))), LEAST, BATCH))


def frame_buffer(recipe: Recipe, size: int) -> np.ndarray:
    """Room for the frames of `size` sequences, uint8 [N T H W] or [N T 3 H W].

    Whoever makes many batches should use the same room again: the first touch of fresh memory costs more time than
    everything that is drawn into it.
    """
    return np.empty((size, *_frames_shape(recipe)), np.uint8)


def _frames_shape(recipe: Recipe) -> tuple[int, ...]:
    view = recipe.view
    channels = raster.channels(view.palette) if view.binary else 3
    return (recipe.steps, *(channels,) * (channels > 1), view.size, view.size)


def _draw_frames(view: views.View, scene: tuple[np.ndarray, ...], frames: np.ndarray) -> None:
    """Fill `frames` by the fastest road that gives the pixels of `discs.draw`, a few sequences at a time."""
    few, doubtful = min(FEW, len(frames)), []
    for start in range(0, len(frames), few):
        at = [array[start : start + few] for array in scene]
        found = _draw_few(view, at, frames[start : start + few])
        doubtful.append(found + np.array([start, 0]))
    _settle(view, scene, np.concatenate(doubtful), frames)


def _draw_few(view: views.View, scene: list[np.ndarray], out: np.ndarray) -> np.ndarray:
    """Fill `out`; the frames (n, t) that remain in doubt, one in each row."""
    paint = partial(_paint, *scene, size=view.size, palette=view.palette)
    if not view.binary:
        out[...] = paint(how="draw")
    elif view.palette == 1 and scene[0].shape[2] == 1:
        raster.unpack(np.asarray(paint(how="lone")), out)
    else:
        raster.decode(codes := np.asarray(paint(how="code")), out)
        return np.argwhere(codes.max(axis=(2, 3)) >= raster.DOUBTFUL)
    return np.empty((0, 2), int)


def _settle(view: views.View, scene: tuple[np.ndarray, ...], doubtful: np.ndarray, frames: np.ndarray) -> None:
    """Draw the doubtful frames, (n, t) in each row, by the reference."""
    centres, radii, colors = scene
    for start in range(0, len(doubtful), DOUBTS):
        n, t = doubtful[start : start + DOUBTS].T
        i, j = (np.pad(x, (0, DOUBTS - len(x)), mode="edge") for x in (n, t))
        at = centres[i, j][:, None], radii[i, j][:, None], colors[i]
        frames[n, t] = np.asarray(_paint(*at, size=view.size, palette=view.palette, how="binary"))[: len(n), 0]


@partial(jax.jit, static_argnames=("size", "palette", "how"))
def _paint(centres: Array, radii: Array, colors: Array, *, size: int, palette: int, how: str) -> Array:
    """Frames or codes [N T …] from centres [N T B 2] and radii [N T B] in canvas widths and RGB colours [N B 3]."""

    def frame(centres: Array, radii: Array, colors: Array) -> Array:
        if how == "lone":
            return raster.lone_disc(centres[0], radii[0], size)
        if how == "code":
            return raster.code(centres, radii, colors, size, palette)
        pixels = discs.draw(centres, radii, colors, size)
        return discs.binarise(pixels, palette) if how == "binary" else pixels

    return jax.vmap(jax.vmap(frame, in_axes=(0, 0, None)))(centres, radii, colors)
