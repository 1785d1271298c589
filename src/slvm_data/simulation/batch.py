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

from slvm_data.core.keys import exact, sequence_key, split_key, stream
from slvm_data.core.types import SPLITS, Array, Arrays, Key
from slvm_data.observe import view as views
from slvm_data.observe.render import fast as raster
from slvm_data.observe.render import soft as discs
from slvm_data.observe.render import style as looks
from slvm_data.observe.render.style import Look
from slvm_data.observe.windowing import PER_FRAME
from slvm_data.recipe import original as originals
from slvm_data.recipe.recipe import Recipe
from slvm_data.systems.switching import Switching
from slvm_data.systems.system import System, draw

BATCH = 256  # sequences, where their frames fit in `ROOM`
LEAST = 2  # a batch of one is compiled in another way, which can change the last bit
ROOM = 2**25  # bytes
DOUBTS = 64  # frames settled at a time; about as many are doubtful in a batch
FEW = 64  # sequences drawn at a time, so that what is in between fits the processor's cache
STEPS = 10_000  # of integration per frame, at most
EVENT = 48  # bytes of an impact
NUMBERS = 256  # bytes of numbers in a frame, about; long paths are fastest a few at a time
CHANNEL = 32  # bytes of a channel of a signal, and what it is made from
EVENTS = ("event_time", "event_wall", "event_before", "event_after")
ATTEMPTS = 100  # at one sequence, before the recipe is taken to be impossible


@dataclass(frozen=True)
class Plan:
    """What the compiled code for a task is made for; tasks that differ only in numbers share it."""

    template: System
    look: Look
    pixels: bool  # whether there are frames
    record: tuple[str, ...]
    original: bool
    impacts: int  # that a film can have, where they are recorded


class Inputs(NamedTuple):
    """The numbers that one split of one task is made from."""

    key: Key
    ranges: dict[str, tuple[Any, Any]]  # lowest and highest value, [] or [B] each
    parameters: dict[str, Any]  # arrays that all sequences of the task share
    scale: tuple[Any, Any]  # mean and deviation by which signals are normalised, [] or [channels] each
    substep: float  # s
    extent: float  # m, half the width of the scene; a body that leaves it has the sequence drawn anew
    jitter: float
    t: Any  # s [T], or [T + 1] where the original has one instant more


class Batch(NamedTuple):
    """Sequences ready for the store, the constants drawn for them, and how many candidates were rejected."""

    arrays: Arrays
    constants: Arrays
    rejected: int


def collect(recipe: Recipe, task: int, split: str, index: np.ndarray, inputs: Inputs | None = None) -> Arrays:
    """The arrays of these films [n], however many; also beyond the size of the split."""
    inputs, size = inputs or prepare(recipe, task, split), batch_size(recipe)
    parts = [make(recipe, task, split, inputs, index[i : i + size]).arrays for i in range(0, len(index), size)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def prepare(recipe: Recipe, task: int, split: str) -> Inputs:
    """What the films of a split have in common."""
    inputs = _unscaled(recipe, task, split)
    system = recipe.tasks[task]
    if not (isinstance(system, Switching) and system.normalised):
        return inputs
    return inputs._replace(scale=_scale(recipe, task, system.template()))


def _scale(recipe: Recipe, task: int, template: Switching) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation [channels] of the signal without noise, over the training part of the first path.

    Of the first alone, so that more of them change nothing.
    """
    inputs = _unscaled(recipe, task, "train")
    first = collect(recipe, task, "train", np.arange(1), inputs)
    with exact():
        drawn = {name: first[f"param_{name}"][0].astype(float) for name in template.domains()}
        member = template.member(drawn | inputs.parameters)
        signal = np.asarray(member.emission(first["latent"][0].astype(float), first["mode"][0]))
    deviation = signal.std(axis=0)
    return signal.mean(axis=0), np.where(deviation > 0, deviation, 1.0)


def parameters(recipe: Recipe, task: int) -> Arrays:
    """The arrays that all sequences of a task share, drawn or given."""
    with exact():
        key = stream(split_key(recipe.seed, 0, "all"), "parameters")  # alike in all tasks, which differ as asked for
        drawn = recipe.tasks[task].parameters(key)
        return {name: np.asarray(value) for name, value in drawn.items()}


def _unscaled(recipe: Recipe, task: int, split: str) -> Inputs:
    system, dt = recipe.tasks[task], recipe.dt_of(task)
    if not 0 < system.extent() < np.inf:
        raise ValueError(f"{system} has an extent of {system.extent()} m; it has to be above 0 and finite")
    with exact():
        return Inputs(
            key=split_key(recipe.seed, task, split if recipe.windows is None or recipe.windows.whole else "path"),
            ranges={name: system.bounds(name) for name in system.domains()},
            parameters=parameters(recipe, task),
            scale=(0.0, 1.0),
            substep=longest_step(system, dt),
            extent=system.extent(),
            jitter=recipe.view_of(task).jitter,
            t=np.arange(recipe.steps + recipe.original) * dt,
        )


def plan(recipe: Recipe, task: int) -> Plan:
    """What to compile for a task."""
    template, look = recipe.tasks[task].template(), recipe.look_of(task)
    return Plan(
        template, look, recipe.view_of(task).kind == "pixels", recipe.record, recipe.original, _most_impacts(recipe)
    )


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
    recipe: Recipe,
    task: int,
    split: str,
    inputs: Inputs,
    index: np.ndarray,
    frames: np.ndarray | None = None,
    *,
    stay: bool = False,
) -> Batch:
    """The sequences with these indices [n], their frames in the buffer `frames`, which n must not exceed.

    With `stay`, the frames stay on JAX's device and are a JAX array, drawn by the reference; not of an original.
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
        binary = recipe.view_of(task).binary
        image: Any = frames
        if made_for.pixels and stay:
            image = _paint(*scene["discs"], look=made_for.look, how="binary" if binary else "draw")
        elif made_for.pixels:
            _draw_frames(made_for.look, binary, scene["discs"], frames)
    constants = scene["constants"]
    arrays = {"image": image} if made_for.pixels else {}
    arrays |= {"state": scene["state"], "label": np.full((size, 1), task, np.int64), **scene["switching"]}
    if not recipe.original:
        arrays |= {f"param_{name}": constants[name] for name in recipe.tasks[task].domains()}
    arrays |= {name: scene["recorded"][name] for name in recorded(recipe)}
    arrays, constants = ({name: a[: len(index)] for name, a in some.items()} for some in (arrays, constants))
    if recipe.original:
        arrays["image"] = originals.pixels(recipe.tasks[task], arrays["image"])
    if recipe.windows:
        part = recipe.windows.part(split, recipe.steps)
        arrays |= {name: arrays[name][:, part] for name in PER_FRAME if name in arrays}
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
            f"{where.format(i)} {recipe.tasks[task].rule()} in each of {ATTEMPTS} attempts: "
            "widen that or change the constants"
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
    member = plan.template.member(constants | inputs.parameters | {"substep": inputs.substep})
    x0 = _rounded(member.start(stream(key, "start")))
    path = member.simulate(x0, inputs.t, stream(key, "process"))
    seen, states = originals.pairing(member, key, path) if plan.original else (path, path)  # [T D]
    centres, radii = jax.vmap(member.bodies)(_rounded(seen))  # [T B 2], [T B]
    offset = _rounded(_shift(inputs, key, plan))
    colors = views.color_index(stream(key, "colors"), plan.look.palette, member.bodies_drawn)
    shown = discs.place(centres + offset, radii, inputs.extent * (1 + inputs.jitter))
    switching = _switching(member, states, inputs.scale, key)
    finite = jnp.isfinite(states.astype(np.float32)).all() & jnp.isfinite(switching.get("signal", 0.0)).all()
    inside = member.stays(states, centres, inputs.extent)
    if plan.original and plan.look.kind == "debug_draw":
        inside = originals.keeps(plan.look, shown[0][:, 0])
    return {
        "state": states.astype(np.float32),
        "constants": {name: value.astype(np.float32) for name, value in constants.items()},
        "switching": switching,
        "recorded": _recorded(member, states, inputs.t, offset, colors, plan),
        "discs": (*shown, jnp.asarray(looks.hues(plan.look))[colors]),
        "finite": finite,
        "inside": inside,
    }


def _switching(member: System, states: Array, scale: tuple[Array, Array], key: Key) -> dict[str, Array]:
    """What a switching system has beside its states [T D]: latents [T d], regimes [T] and signal [T channels]."""
    if not isinstance(member, Switching):
        return {}
    mode = jnp.asarray(member.mode(states, stream(key, "process")))
    if mode.shape != states.shape[:1] or mode.dtype.kind not in "iu":
        raise ValueError(
            f"{type(member).__name__}.mode has to return a whole number for each of the T states in x [T D]; "
            f"for {states.shape[0]} states it gave {mode.dtype} {list(mode.shape)}"
        )
    latent = _rounded(member.latent(states))
    clean = (member.emission(latent, mode) - scale[0]) / scale[1]
    noise = jax.random.normal(stream(key, "observation"), clean.shape, dtype=float)
    signal = clean + member.observation_noise * noise
    return {
        "mode": mode.astype(np.int64),
        "latent": latent.astype(np.float32),
        "signal": signal.astype(np.float32),
    }


@partial(jax.jit, static_argnames="template")
def trajectory(
    numbers: dict[str, Any], parameters: dict[str, Any], x0: Array, t: Array, substep: float, *, template: System
) -> Array:
    """States [T D] of one member, computed as in a batch: else the last bit could differ, and chaos make it large."""

    def one(numbers: dict[str, Any], x0: Array) -> Array:
        member = template.member(numbers | parameters | {"substep": substep})
        return member.simulate(x0, t, stream(jax.random.key(0, impl="threefry2x32"), "process"))

    return jax.vmap(one)(*jax.tree.map(lambda x: jnp.stack([x] * LEAST), (numbers, x0)))[0]


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
    """Films in a batch: fewer where they are long or large, so that memory stays bounded, or where there are few."""
    width = originals.CHANNELS * originals.ITEMSIZE if recipe.original else 1
    channels = max(system.channels if isinstance(system, Switching) else 0 for system in recipe.tasks)
    numbers = (NUMBERS + CHANNEL * channels) * recipe.steps
    size = width * int(np.prod(_frames_shape(recipe))) + EVENT * _most_impacts(recipe) + numbers
    most = max(map(recipe.paths, SPLITS)) if recipe.windows else BATCH
    return int(np.clip(ROOM // size, LEAST, max(LEAST, min(BATCH, most))))


def frame_buffer(recipe: Recipe, size: int) -> np.ndarray:
    """Room for the frames of `size` sequences, uint8 [N T H W] or [N T 3 H W].

    Whoever makes many batches should use the same room again: the first touch of fresh memory costs more time than
    everything that is drawn into it.
    """
    return np.empty((size, *_frames_shape(recipe)), np.uint8)


def _frames_shape(recipe: Recipe) -> tuple[int, ...]:
    view = recipe.view_of(0)
    return (recipe.steps, *view.shape()) if view.kind == "pixels" else (0,)


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
