"""Turn a recipe into arrays, one batch of sequences at a time: `frames` draws, `observation` applies the modifiers.

All batches have one size, the last one padded, so that everything compiles once; tasks that differ only in numbers
share the compiled code. Drawn numbers are rounded to float32 before they are used, and a frame
shows the rounded state: the numbers in the file are then exactly those that were simulated and drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from slvm_data import arrays as table
from slvm_data.core.compiled import compiled
from slvm_data.core.keys import exact, of_data, root, sequence_keys, split_key, stream, streams
from slvm_data.core.late import jax, jnp
from slvm_data.core.packing import packed_shape
from slvm_data.core.types import SPLITS, Array, Arrays, Key
from slvm_data.observe import camera
from slvm_data.observe.modifiers import CLEAN, StateNoise
from slvm_data.observe.render.style import Style, hues, placed
from slvm_data.recipe import original
from slvm_data.recipe.mistakes import is_own, named
from slvm_data.recipe.recipe import Recipe
from slvm_data.simulation import observation, trial
from slvm_data.simulation.frames import draw_frames, draw_some, paint
from slvm_data.systems import driven
from slvm_data.systems.control import Control
from slvm_data.systems.drift import Course, Drift, courses
from slvm_data.systems.driven import Drive
from slvm_data.systems.switching import Switching
from slvm_data.systems.system import System, draw, shares
from slvm_data.systems.timing import TimeRule

BATCH = 512  # sequences, if their frames fit in `MEMORY`
LEAST = 2  # a batch of one is compiled in another way, which can change the last bit
MEMORY = 2**25  # bytes
STATES = 2**14  # numbers of the states of a batch: an integration has 12 times as many, which fit in the cache
STEPS = 10_000  # of integration per frame, at most
EVENT = 48  # bytes of an impact
NUMBERS = 256  # bytes of numbers in a frame, about; long trajectories are fastest a few at a time
CHANNEL = 32  # bytes of a channel of a signal, and of the numbers it is made from
BLOCKS = 1024, 8192  # sequences whose random keys are made at a time: the first ones, and others
ATTEMPTS = 100  # at one sequence, then the recipe is taken to be impossible

Keys = dict[str, Key]  # of the random streams
Shape = tuple[int, ...]

_blocks = Lock()  # so that a block that two threads need is made once


class Draws(NamedTuple):
    """What a sequence is drawn with; of several ones, arrays have an axis more."""

    shares: dict[str, Any]  # of each parameter, [] or [B]: where in its range it lies
    keys: dict[str, Any]  # of each random stream that is needed, uint32 [2]


@dataclass(frozen=True)
class Program:
    """Everything that compiled code depends on; tasks that differ only in numbers share it."""

    template: System
    style: Style
    record: tuple[str, ...]
    original: bool
    impacts: int  # largest number of impacts of a sequence, if they are recorded
    state_noise: bool = False  # whether the states that are drawn have some
    clean: bool = False  # whether the states without this noise are drawn, too
    time: TimeRule | None = None
    control: Control | None = None
    drift: tuple[Drift, ...] = ()


class Inputs(NamedTuple):
    """The numbers that one split of one task is made from."""

    key: np.ndarray  # uint32 [2]
    ranges: dict[str, tuple[Any, ...]]  # lowest and highest value, and ends of a gap if there is one, [] or [B] each
    shared: dict[str, Any]  # arrays that all sequences of the task share
    scale: tuple[Any, Any]  # mean and deviation by which signals are normalised, [] or [channels] each
    substep: float  # s, step of the integrator that suits every member
    longest: float  # s, the longest step that a member may have of its own
    extent: float  # m, half the width of the scene of the population, which a sequence may not leave
    scene: float  # m, half the width of what frames show, without the margin for the camera's shift
    jitter: float
    state_noise: float  # standard deviation, on the states that are drawn
    t: Any  # s [T], or [T + 1] for an original recipe


class Batch(NamedTuple):
    """Sequences ready for the store, the parameters drawn for them, and how many candidates were rejected."""

    arrays: Arrays
    parameters: Arrays
    rejected: int
    signal: np.ndarray | None = None  # of a switching system, before modifiers


class Scene(NamedTuple):
    """Everything except the pixels of the sequences of a batch [N]."""

    states: Any  # [N T D], a JAX or NumPy array, like the others
    parameters: dict[str, Any]
    switching: dict[str, Any]  # latents, regimes and signal of a switching system
    recorded: dict[str, Any]
    driving: dict[str, Any]  # irregular times, control, and drifting parameters
    discs: tuple[Any, ...]  # as `frames.Scene`
    clean: tuple[Any, ...]  # likewise, without noise on the states; empty if that is not asked for
    finite: Any
    accepted: Any


def collect(recipe: Recipe, task: int, split: str, index: np.ndarray, inputs: Inputs | None = None) -> Arrays:
    """Make any number of trajectories [n] of a split, also beyond its size, and return their arrays."""
    recipe = recipe.of_split(split)
    inputs, size = inputs or prepare(recipe, task, split), batch_size(recipe)
    parts = [make(recipe, task, split, inputs, index[i : i + size]).arrays for i in range(0, len(index), size)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def blank(recipe: Recipe, task: int, split: str, index: np.ndarray) -> Arrays:
    """The arrays of trajectories [n] as `collect` returns them, but of zeros: nothing is compiled or simulated."""
    recipe = recipe.of_split(split)
    program_, numbers = program(recipe, task), np.zeros(batch_size(recipe), np.uint32)
    with exact():
        inputs = _unscaled(recipe, task, split)
        draws = _draws(inputs, numbers, numbers, program_)
        shapes = _scenes.shape(inputs, draws, program=program_)
    scene = jax.tree.map(lambda own: np.zeros(own.shape, own.dtype), shapes)
    n = len(index)
    keys = np.zeros((n, len(recipe.observe), 2), np.uint32)
    first = jax.tree.map(lambda own: own[:n], scene)
    frames = np.zeros_like(frame_buffer(recipe, n))
    return _arrays(recipe, task, split, first, frames, frames if first.clean else None, keys)


def prepare(recipe: Recipe, task: int, split: str) -> Inputs:
    """Return the numbers that all trajectories of a split share."""
    inputs = _unscaled(recipe.of_split(split), task, split)
    system = recipe.tasks[task]
    if not (isinstance(system, Switching) and system.normalised):
        return inputs
    return inputs._replace(scale=_scale(recipe, task, system.template()))


def _scale(recipe: Recipe, task: int, template: Switching) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation [channels] of the signal without noise, over the training part of the first trajectory.

    Only the first counts, so that the number of trajectories does not change the scale.
    """
    inputs = _unscaled(recipe, task, "train")
    first = collect(recipe, task, "train", np.arange(1), inputs)
    with exact():
        drawn = {name: first[table.PARAMETER + name][0].astype(float) for name in template.parameters()}
        member = template.member(drawn | inputs.shared)
        signal = np.asarray(member.emission(first["latent"][0].astype(float), first["mode"][0]))
    deviation = signal.std(axis=0)
    return signal.mean(axis=0), np.where(deviation > 0, deviation, 1.0)


def shared_parameters(recipe: Recipe, task: int) -> Arrays:
    """The arrays that all sequences of a task share, drawn or given."""
    with exact():
        key = streams(split_key(recipe.seed, 0, "all"), ["parameters"])["parameters"]  # the same draws for all tasks
        with named(type(recipe.tasks[task]), "shared_parameters"):
            drawn = recipe.tasks[task].shared_parameters(of_data(key))
        return {name: np.asarray(value) for name, value in drawn.items()}


def check_systems(recipe: Recipe) -> None:
    """Raise ValueError if a system of the user's own does not do what a system has to (`simulation.trial`)."""
    for task, system in enumerate(recipe.tasks):
        if is_own(type(system)):
            trial.check(system, shared_parameters(recipe, task))


def _unscaled(recipe: Recipe, task: int, split: str) -> Inputs:
    system, reach = recipe.tasks[task], recipe.reach(task)
    extent, shared = trial.number(reach, "extent"), shared_parameters(recipe, task)
    if not 0 < extent < np.inf:
        raise ValueError(f"{system} has an extent of {extent} m; it has to be above 0 and finite")
    trial.check(system, shared)
    channels = (system.channels,) if isinstance(system, Switching) else ()
    substep = longest_step(reach, recipe.interval(task))
    own = recipe.windows is None or recipe.windows.separate  # otherwise all splits are parts of one trajectory, "path"
    with exact():
        return Inputs(
            key=split_key(recipe.seed, 0 if recipe.paired else task, recipe.draws_of(split) if own else "path"),
            ranges={name: system.ends_of(name) for name in system.parameters()},
            shared=shared,
            scale=(np.zeros(channels), np.ones(channels)),  # as large as later, so that nothing is compiled twice
            substep=substep,
            longest=longest_own_step(system, substep, recipe.control or recipe.drift),
            extent=extent,
            scene=recipe.view_of(task).extent or extent,
            jitter=recipe.view_of(task).jitter,
            state_noise=_state_noise(recipe),
            t=np.arange(recipe.steps + recipe.original) * recipe.dt_of(task),
        )


def program(recipe: Recipe, task: int) -> Program:
    """The program to compile for a task."""
    template, style = recipe.tasks[task].template(), recipe.style_of(task)
    record = tuple(name for name in recipe.record if name != CLEAN)
    noisy = _state_noise(recipe) > 0
    rules = recipe.time, recipe.control, recipe.drift
    clean = noisy and CLEAN in recipe.record
    return Program(template, style, record, recipe.original, _most_impacts(recipe), noisy, clean, *rules)


def _state_noise(recipe: Recipe) -> float:
    """Standard deviation of the noise on the states that are drawn: of all such modifiers together."""
    return sum(one.sigma**2 for one in recipe.observe if isinstance(one, StateNoise)) ** 0.5


def programs(recipe: Recipe) -> int:
    """Number of different programs that a round over all splits and tasks needs."""
    every = {split: recipe.of_split(split) for split in recipe.split_names()}
    return len({program(own, task) for split, own in every.items() for task in own.tasks_of(split)})


def _most_impacts(recipe: Recipe) -> int:
    """Largest number of impacts of a sequence, over all tasks, so that arrays agree; 0 if they are not recorded."""
    if "events" not in recipe.record:
        return 0
    driven = recipe.control or recipe.drift  # where no bound is sure: as many again, and one in each frame
    tasks = recipe.tasks_of(recipe.split_names()[0])
    most = max(recipe.reach(task).most_impacts(recipe.duration(task)) for task in tasks)
    return 2 * most + recipe.steps if driven else most


def longest_step(system: System, frame: float) -> float:
    """Longest step of the integrator [s] for this time between frames [s]: `substep`, or the system's own estimate.

    Raises ValueError if a frame needs more than `STEPS` steps, since the simulation might never end.
    """
    try:
        step = float(system.substep or trial.number(system, "longest_step"))
    except (ArithmeticError, ValueError) as error:  # parameters so large or small that the estimate overflows
        if not isinstance(error.__cause__ or error, ArithmeticError):
            raise
        step = 0.0
    if not step >= frame / STEPS:
        raise ValueError(
            f"{system} moves too fast: it needs more than {STEPS} steps (or impacts) in a frame of {frame:g} s; "
            "use parameters closer to 1, or a shorter time between frames"
        )
    return step


def longest_own_step(population: System, substep: float, driven: object) -> float:
    """The longest step [s] that a member may have of its own, beside the population's `substep`.

    It has none of its own if the population's was given, or if it is `driven`: by a control, or a drift.
    """
    return substep if driven or population.substep else np.inf


def make(
    recipe: Recipe,
    task: int,
    split: str,
    inputs: Inputs,
    index: np.ndarray,
    frames: np.ndarray | None = None,
    *,
    on_device: bool = False,
) -> Batch:
    """Make the trajectories with these indices [n], with frames in the buffer `frames`, which needs at least n rows.

    With `on_device`, the frames are a JAX array on JAX's device, drawn by the reference; not for an original recipe.
    Raises ValueError if a sequence is not finite, or if no attempt at it is accepted.
    """
    recipe = recipe.of_split(split)
    frames = frame_buffer(recipe, batch_size(recipe)) if frames is None else frames
    size, n = len(frames), len(index)
    padded = np.pad(index, (0, size - n), mode="edge").astype(np.uint32)
    with exact():
        scene, attempts = _accepted(recipe, task, split, inputs, padded)
        keys = observation.keys(recipe, inputs.key, padded, attempts)
        clean = _drawn(recipe, task, scene.clean, np.empty_like(frames), on_device)[:n] if scene.clean else None
        hidden = observation.hidden(recipe, keys)
        image = _drawn(recipe, task, scene.discs, frames, on_device, hidden)
    scene = jax.tree.map(lambda own: own[:n], scene)
    every = _arrays(recipe, task, split, scene, image[:n], clean, keys[:n])
    signal = scene.switching.get("signal")
    if signal is not None and recipe.windows:
        signal = signal[:, recipe.windows.part(split, recipe.steps)]
    return Batch(every, scene.parameters, int(attempts[:n].sum()), signal)


def _drawn(
    recipe: Recipe,
    task: int,
    discs: tuple[Any, ...],
    frames: np.ndarray,
    on_device: bool,
    hidden: np.ndarray | None = None,
) -> Any:
    """The frames of a batch, in the buffer `frames`, or in JAX's memory, except those that are `hidden` [N T]."""
    style, color = recipe.style_of(task), recipe.view_of(task).color
    if recipe.has_frames() and on_device:
        image = paint(*discs, style=style, how=color)
        return np.array(image) if recipe.observe else image  # modifiers are carried out by the processor
    if recipe.has_frames() and hidden is not None and color != "binary":  # binary frames take less time than to choose
        draw_some(style, color, discs, ~hidden, frames)
    elif recipe.has_frames():
        draw_frames(style, color, discs, frames)
    return frames


def _arrays(recipe: Recipe, task: int, split: str, scene: Scene, image: Any, clean: Any, keys: np.ndarray) -> Arrays:
    """The arrays of a batch by the names under which they are stored, from its scene and its frames.

    `clean` are those without noise on the states, or None; `keys` [N M 2] are those of the modifiers.
    """
    size = len(scene.states)
    every = {"image": image} if recipe.has_frames() else {}
    every |= {CLEAN: clean} if recipe.has_frames() and clean is not None else {}
    every |= {"state": scene.states, "label": np.full((size, 1), task, np.int64), **scene.switching}
    if not recipe.original:
        every["time"] = np.tile(recipe.times(task), (size, 1))
        every |= {table.PARAMETER + name: scene.parameters[name] for name in recipe.tasks[task].parameters()}
        every |= scene.driving
    every |= {name: scene.recorded[name] for name in recorded(recipe)}
    if recipe.original:
        every["image"] = original.pixels(recipe.tasks[task], every["image"])
    every = observation.observe(recipe, task, keys, every)
    if recipe.windows:
        part = recipe.windows.part(split, recipe.steps)
        every = {name: array[:, part] if table.info(name).per_frame else array for name, array in every.items()}
    return every


def recorded(recipe: Recipe) -> list[str]:
    """Names of the arrays that `record` asks for, in order."""
    names = [name for name in recipe.record if name != CLEAN]
    events = [name for name in table.EVENTS if all(table.of_event(name) in one.events for one in recipe.tasks)]
    return [array for name in names for array in (events if name == "events" else (name,))]


def _accepted(recipe: Recipe, task: int, split: str, inputs: Inputs, index: np.ndarray) -> tuple[Scene, np.ndarray]:
    """Draw the sequences of a batch until all are accepted; return them, and the rejected attempts of each [N]."""
    attempt, own = np.zeros(len(index), np.uint32), program(recipe, task)
    while True:
        scene = jax.tree.map(np.asarray, _scenes(inputs, _draws(inputs, index, attempt, own), program=own))
        _check_finite(recipe, task, split, index, scene, scene.accepted)
        if scene.accepted.all():
            return scene, attempt
        if (lost := ~scene.accepted & (attempt >= ATTEMPTS - 1)).any():
            _check_finite(recipe, task, split, index, scene, lost)
            raise ValueError(
                f"{_named(recipe, task, split, index[np.argmax(lost)])} {recipe.tasks[task].rejection()} "
                f"in each of {ATTEMPTS} attempts: widen that or change the parameters"
            )
        attempt = attempt + ~scene.accepted  # accepted sequences stay the same in the next round


def _check_finite(recipe: Recipe, task: int, split: str, index: np.ndarray, scene: Scene, chosen: np.ndarray) -> None:
    """Raise ValueError if one of the chosen [N] sequences is not finite.

    One that goes to infinity out of the scene is rejected like others that leave it, and is not chosen.
    """
    if (odd := chosen & ~scene.finite).any():
        i = int(np.argmax(odd))
        values = ", ".join(f"{name} = {value[i]}" for name, value in scene.parameters.items())
        raise ValueError(
            f"{_named(recipe, task, split, index[i])} is not finite with {values}: "
            "change these parameters or give a smaller substep"
        )


def _named(recipe: Recipe, task: int, split: str, index: int) -> str:
    return f"{recipe.name}: sequence {index} of {split}, task {task},"


def _draws(inputs: Inputs, index: np.ndarray, attempt: np.ndarray, program: Program) -> Draws:
    """What the sequences with these indices [N] and attempts [N] are drawn with."""
    names = tuple(name for name, needed in _streams(program).items() if needed)
    shapes = tuple((name, np.shape(low)) for name, (low, *_) in inputs.ranges.items())
    size = BLOCKS[int(index.max() >= BLOCKS[0])]
    block = int(index[0]) // size
    if attempt.any() or (index // size != block).any():
        return _drawn_with(inputs.key, index, attempt, names, shapes)
    with _blocks:
        every = _block(tuple(inputs.key.tolist()), block, size, names, shapes)
    return jax.tree.map(lambda own: own[index % size], every)


def _drawn_with(
    key: np.ndarray, index: np.ndarray, attempt: np.ndarray, names: Sequence[str], shapes: Iterable[tuple[str, Shape]]
) -> Draws:
    own = streams(sequence_keys(key, index, attempt), names)
    return Draws(shares(dict(shapes), own.pop("constants")), own)


@lru_cache(8)
def _block(
    key: tuple[int, int], block: int, size: int, names: tuple[str, ...], shapes: tuple[tuple[str, Shape], ...]
) -> Draws:
    """What the first attempts at a block of so many sequences are drawn with.

    At so many at a time, since NumPy asks for Python's lock after each operation, which other threads hold for long.
    """
    index = np.arange(block * size, (block + 1) * size, dtype=np.uint64).astype(np.uint32)
    return _drawn_with(np.array(key, np.uint32), index, np.zeros_like(index), names, shapes)


def _streams(program: Program) -> dict[str, Any]:
    """The random streams, and whether a program needs them. Their names are part of the data: others draw otherwise."""
    switching = isinstance(program.template, Switching)
    return {
        "constants": True,
        "start": True,
        "time": program.time,
        "control": program.control,
        "drift": program.drift,
        "process": switching or not program.template.integrated(),
        "observe state_noise": program.state_noise,
        "camera": True,
        "colors": program.style.palette > 1 and not program.style.body_colors,
        "observation": switching,
        "window": program.original,
        "right": program.original,
    }


@compiled("program")
def _scenes(inputs: Inputs, draws: Draws, *, program: Program) -> Scene:
    """Everything except the pixels of the sequences with these draws [N]."""
    return jax.vmap(lambda own: _scene(inputs, own, program))(draws)


def _scene(inputs: Inputs, draws: Draws, program: Program) -> Scene:
    unused: dict[str, Any] = dict.fromkeys(_streams(program))
    keys: Keys = unused | {name: of_data(key) for name, key in draws.keys.items()}
    parameters = jax.tree.map(_rounded, draw(inputs.ranges, draws.shares))
    member = program.template.member(parameters | inputs.shared | {"substep": inputs.substep})
    x0 = _rounded(member.start(keys["start"]))
    member = member.paced(x0, inputs.longest)
    t = program.time.times(keys["time"], inputs.t) if program.time else inputs.t
    drive = _drive(program, parameters, keys, t)
    every = driven.simulate(member, x0, t, keys["process"], drive)
    seen, states = original.pairing(member, keys["window"], every) if program.original else (every, every)  # [T D]
    look = _each_frame(member, drive, t)
    centres, radii = look(lambda own, x: own.bodies(x), _rounded(seen))  # [T B 2], [T B]
    accepted = member.accept(states, centres, inputs.extent)
    still = (centres, radii)
    if program.state_noise:  # which does not change which sequences are accepted
        noise = inputs.state_noise * jax.random.normal(keys["observe state_noise"], seen.shape, dtype=float)
        centres, radii = look(lambda own, x: own.bodies(x), _rounded(seen + noise))
    offset = _rounded(_shift(inputs, keys, program))
    drawn = not (member.own_hues or program.style.body_colors)
    colors = camera.color_index(keys["colors"], program.style.palette, member.bodies_drawn, drawn)
    half_width, color = inputs.scene * (1 + inputs.jitter), jnp.asarray(hues(program.style))[colors]
    discs = placed(program.style, centres, radii, offset, half_width)
    switching = _switching(member, states, inputs.scale, keys, drive, t)
    if program.original and program.style.name == "debug":
        accepted = original.accept(program.style, discs[0][:, 0])
    recorded = _recorded(member, states, t, offset, colors, keys, program, drive)
    room = jnp.isfinite(recorded.get("event_time", 0.0)).all()  # for every impact: see `flight.impacts_in_parts`
    return Scene(
        states=states.astype(np.float32),
        parameters={name: value.astype(np.float32) for name, value in parameters.items()},
        switching=switching,
        recorded=recorded,
        driving=_driving(program, drive, t),
        discs=(*discs, color),
        clean=(*placed(program.style, *still, offset, half_width), color) if program.clean else (),
        finite=jnp.isfinite(states.astype(np.float32)).all() & jnp.isfinite(switching.get("signal", 0.0)).all() & room,
        accepted=accepted,
    )


def _drive(program: Program, parameters: dict[str, Array], keys: Keys, t: Array) -> Drive:
    """What acts on a member, drawn for one sequence with frames at `t` [T]."""
    control, inputs = program.control, len(program.template.inputs)
    u = _rounded(control.values(keys["control"], t, inputs)) if control else None
    drawn = courses(program.drift, program.template, parameters, keys["drift"], t)
    return Drive(u, program.drift, drawn)


def _driving(program: Program, drive: Drive, t: Array) -> dict[str, Array]:
    """What is stored of irregular times, control and drift."""
    found: dict[str, Array] = {"time": t} if program.time else {}
    if drive.control is not None:
        found["control"] = drive.control.astype(np.float32)
    for one, course in zip(drive.drift, drive.courses, strict=True):
        found[table.DRIFT + one.of] = jax.vmap(lambda now, one=one, course=course: one.value(course, now, now))(t)
        found[table.GOAL + one.of] = course.to.astype(np.float32)
        found |= one.regimes_along(course, t)
    if drive.courses:
        found["drift_time"] = jnp.concatenate([jnp.ravel(course.arrival) for course in drive.courses])
    return found


def _each_frame(member: System, drive: Drive, t: Array) -> Callable[..., Any]:
    """A function that calls another one for each frame, with the member as it is then and its part of arrays."""

    def look(function: Callable[..., Any], *arrays: Array) -> Any:
        if not drive.drift:
            return jax.vmap(partial(function, member))(*arrays)
        return jax.vmap(lambda now, *own: function(drive.moved(member, now, now), *own))(t, *arrays)

    return look


def _switching(
    member: System, states: Array, scale: tuple[Array, Array], keys: Keys, drive: Drive, t: Array
) -> dict[str, Array]:
    """Latents [T L], regimes [T] and signal [T channels] of a switching system in these states [T D]."""
    if not isinstance(member, Switching):
        return {}
    mode = jnp.asarray(_mode(member, states, keys["process"], drive, t))
    if mode.shape != states.shape[:1] or mode.dtype.kind not in "iu":
        raise ValueError(
            f"{type(member).__name__}.mode has to return a whole number for each of the T states in x [T D]; "
            f"for {states.shape[0]} states it gave {mode.dtype} {list(mode.shape)}"
        )
    if drive.drift:
        look = _each_frame(member, drive, t)
        latent = _rounded(look(lambda own, x: own.latent(x), states))
        clean = look(lambda own, x, z: own.emission(x[None], z[None])[0], latent, mode)
    else:
        latent = _rounded(member.latent(states))
        clean = member.emission(latent, mode)
    clean = (clean - scale[0]) / scale[1]
    noise = jax.random.normal(keys["observation"], clean.shape, dtype=float)
    signal = clean + member.observation_noise * noise
    return {
        "mode": mode.astype(np.int64),
        "latent": latent.astype(np.float32),
        "signal": signal.astype(np.float32),
    }


def _mode(member: Switching, states: Array, key: Key, drive: Drive, t: Array) -> Array:
    """Regimes [T] of states [T D]; where parameters drift they are a function of the state alone."""
    if not drive.drift:
        return member.mode(states, key)
    return _each_frame(member, drive, t)(lambda own, x: own.mode(x[None], key)[0], states)


@compiled("template", "drift")
def trajectory(
    numbers: dict[str, Any],
    shared: dict[str, Any],
    x0: Array,
    t: Array,
    substep: float,
    longest: float,
    control: Array | None,
    drawn: list[Course],
    *,
    template: System,
    drift: tuple[Drift, ...],
) -> Array:
    """States [T D] of one member, computed as in a batch; otherwise the last bit could differ, and chaos amplify it."""

    def one(numbers: dict[str, Any], x0: Array, control: Array | None, drawn: list[Course]) -> Array:
        member = template.member(numbers | shared | {"substep": substep}).paced(x0, longest)
        return driven.simulate(member, x0, t, stream(of_data(root(0)), "process"), Drive(control, drift, drawn))

    return jax.vmap(one)(*jax.tree.map(lambda x: jnp.stack([x] * LEAST), (numbers, x0, control, drawn)))[0]


def _shift(inputs: Inputs, keys: Keys, program: Program) -> Array:
    """The camera's shift [2]."""
    reach = inputs.jitter * inputs.scene
    if program.original:
        return original.shift(program.template, keys, reach, inputs.jitter)
    return camera.shift(keys["camera"], reach)


def _rounded(x: Array) -> Array:
    return x.astype(np.float32).astype(np.float64)


def _recorded(
    member: Any, states: Array, t: Array, offset: Array, colors: Array, keys: Keys, program: Program, drive: Drive
) -> dict[str, Array]:
    """The arrays that `--record` asks for, by name; states [T D]."""
    look = _each_frame(member, drive, t)
    found = {
        "dx_dt": lambda: {"dx_dt": _slopes(look, states, drive).astype(np.float32)},
        "energy": lambda: {"energy": look(lambda own, x: own.energy(*jnp.split(x, 2)), states)},
        "angles": lambda: {"angles": _turned(states[:, np.array(member.angular())]).astype(np.float32)},
        "events": lambda: _events(driven.impacts(member, states[0], t, program.impacts, drive)),
        "intervention": lambda: {"intervention": member.interventions(keys["process"], len(t)).astype(np.int64)},
        "edges": lambda: {"edges": member.edges().astype(np.float32)},
        "offset": lambda: {"offset": offset.astype(np.float32)},
        "color_index": lambda: {"color_index": colors.astype(np.int64)},
    }
    return {name: array for wanted in program.record for name, array in found[wanted]().items()}


def _slopes(look: Callable[..., Any], states: Array, drive: Drive) -> Array:
    """Time derivative [T D] of the states [T D], under the control of each frame."""
    if drive.control is None:
        return look(lambda own, x: own.velocity(x), states)
    return look(lambda own, x, u: own.velocity(x) + own.push(u), states, drive.control)


def _turned(angles: Array) -> Array:
    """Sine and cosine of each of these angles [T n], one after the other [T 2n]."""
    return jnp.stack([jnp.sin(angles), jnp.cos(angles)], axis=-1).reshape(len(angles), -1)


def _events(impacts: dict[str, Array]) -> dict[str, Array]:
    """Impacts by the names under which they are stored; times are in double precision, like those of the frames."""
    names = {name: table.of_event(name) for name in table.EVENTS}
    return {name: impacts[own].astype(table.info(name).dtype) for name, own in names.items() if own in impacts}


def batch_size(recipe: Recipe) -> int:
    """Number of sequences in a batch of the recipe of a split: fewer if they are long or large, or their states are.

    A few are padded to a batch. Trajectories of windows are long: their batches are no larger than the largest split.
    """
    width = original.CHANNELS * original.ITEMSIZE if recipe.original else 1
    channels = max(map(recipe.channels_of, recipe.tasks))
    numbers = (NUMBERS + CHANNEL * channels) * recipe.steps
    size = width * int(np.prod(_frames_shape(recipe))) + EVENT * _most_impacts(recipe) + numbers
    wanted = min(BATCH, max(map(recipe.trajectories, SPLITS))) if recipe.windows else BATCH
    largest = max(len(system.state) for system in recipe.tasks)
    return int(np.clip(min(MEMORY // size, STATES // largest), LEAST, max(LEAST, wanted)))


def frame_buffer(recipe: Recipe, size: int, packed: bool = False) -> np.ndarray:
    """Memory for the frames of `size` sequences, uint8 [N T H W] or [N T 3 H W]; `packed`, [N T bytes].

    Code that makes many batches should reuse this memory: the first access to new memory takes longer than drawing
    everything.
    """
    shape = (size, *_frames_shape(recipe))
    return np.empty(packed_shape(shape, 2) if packed and recipe.has_frames() else shape, np.uint8)


def _frames_shape(recipe: Recipe) -> tuple[int, ...]:
    return (recipe.steps, *recipe.view_of(0).shape()) if recipe.has_frames() else (0,)
