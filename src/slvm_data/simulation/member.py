"""One member of a population: its states, frames, energies and impacts, to check a dataset independently."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from slvm_data.arrays import GOAL, PARAMETER
from slvm_data.core.arguments import checked
from slvm_data.core.compiled import compiled
from slvm_data.core.keys import exact, of_data, root, stream
from slvm_data.core.late import jax
from slvm_data.core.text import sentence
from slvm_data.core.types import Array, Arrays, Numbers
from slvm_data.observe.render.style import Style, draw, hues, placed, style_of
from slvm_data.observe.view import View
from slvm_data.recipe.mistakes import is_own
from slvm_data.simulation import trial
from slvm_data.simulation.batch import longest_own_step, longest_step, trajectory
from slvm_data.systems import driven
from slvm_data.systems.drift import Course, Drift, courses, widened
from slvm_data.systems.drift import check_all as check_drifts
from slvm_data.systems.driven import Drive
from slvm_data.systems.parameters import ends_of
from slvm_data.systems.system import System


@checked
def simulate(
    population: System,
    parameters: Numbers,
    x0: ArrayLike,
    t: ArrayLike,
    *,
    control: ArrayLike | None = None,
    drift: Sequence[Drift] = (),
) -> np.ndarray:
    """Simulate one member of a population; return its states [T D] float64 at the times `t` [T], from `x0` [D] at t[0].

    `parameters` holds the member's numbers by name (`{"m": 0.5, "l": 1.0}`, one per body if each has its own);
    parameters not given come from the population and must be plain numbers there. Units are those of the system. With
    the parameters, first state and times of a stored sequence, the result rounds to its stored states, bit for bit.
    If noise moves the state, or shared parameters are drawn, it is always the same trajectory of the population.
    `control` [T U] is held from each time to the next. `drift` moves parameters from the given values, as in a recipe,
    but with numbers in place of ranges (`slvm_data.simulation.member.drift_of`). For a stored sequence with these,
    `population` is `recipe.reach(task)`, which has the same steps of integration.

    Raises ValueError for an unknown or missing parameter, one out of bounds, a state of the wrong length or one
    that is impossible for the system, or times that do not increase. Method: `core.integrator`; `systems.flight`.
    """
    numbers = _numbers(population, parameters)
    x0, t = np.asarray(x0, np.float64), np.asarray(t, np.float64)
    if x0.shape != (len(population.state),):
        raise ValueError(f"x0 has the shape {x0.shape}; a state is {len(population.state)}: {population.state}")
    if not np.isfinite(x0).all():
        raise ValueError(f"x0 = {sentence(x0)} is not finite")
    if t.ndim != 1 or not len(t) or not np.isfinite(t).all() or (np.diff(t) <= 0).any():
        raise ValueError("t has to be one axis of finite, increasing instants")
    shared = _shared(population)
    trial.check(population, shared)
    member = population.member({name: _plain(value) for name, value in numbers.items()})
    frame = float(np.diff(t).max(initial=0.0))
    wide = widened(population, tuple(drift))
    wide.check_start(x0, frame)
    substep = min(longest_step(wide, frame), longest_step(member, frame))
    drive = _drive(population, numbers, t, control, drift)
    with exact():
        rules = {"template": population.template(), "drift": drive.drift}
        t = t - t[0] if drift else t  # drifts count from the first frame
        longest = longest_own_step(population, substep, drift or control is not None)
        arguments = numbers, shared, x0, t, substep, longest, drive.control, list(drive.courses)
        return np.asarray(trajectory(*arguments, **rules))


def _drive(
    population: System, numbers: Arrays, t: np.ndarray, control: ArrayLike | None, drift: Sequence[Drift]
) -> Drive:
    """What acts on a member; its drifts without their numbers, so that few programs are compiled."""
    if control is not None:
        control = np.asarray(control, np.float64)
        if not population.inputs:
            raise ValueError(f"{type(population).__name__} takes no control: leave it out")
        if control.shape != (shape := (len(t), len(population.inputs))) or not np.isfinite(control).all():
            raise ValueError(f"control has the shape {control.shape}; expected are finite numbers {list(shape)}")
    drift = tuple(drift)
    check_drifts(drift, population)
    if odd := [one for one in drift if not one.plain()]:
        raise ValueError(f"{odd[0]} is drawn for each sequence: give the numbers of this one")
    if population.in_steps() and (drift or control is not None):
        raise ValueError(f"{type(population).__name__} moves in steps: it takes no control and no drift")
    with exact():
        drawn = jax.tree.map(np.asarray, courses(drift, population, numbers, of_data(root(0)), t - t[0]))
    acting: Any = control
    return Drive(acting, tuple(type(one)(of=one.of) for one in drift), drawn)


def drift_of(drift: tuple[Drift, ...], sequence: Mapping[str, Any]) -> tuple[Drift, ...]:
    """The drifts of a recipe as they are in one of its sequences, given by its stored arrays: with plain numbers.

    `simulate` takes them.
    """
    numbers = {one.of: np.asarray(sequence[PARAMETER + one.of], float) for one in drift}
    time, found = np.asarray(sequence["time"], float), []
    for one, course in zip(drift, stored_courses(drift, numbers, sequence), strict=True):
        to = course.to.tolist()
        own = one.known(course, float(time[-1] - time[0]))
        found.append(dataclasses.replace(one, to=tuple(to) if isinstance(to, list) else to, **own))
    return tuple(found)


def stored_courses(drift: tuple[Drift, ...], numbers: Arrays, arrays: Mapping[str, Any]) -> list[Course]:
    """The course of each drift, in one sequence or several, from stored arrays and from parameters in frame 0."""
    found, first = [], 0
    for one in drift:
        times = np.asarray(arrays["drift_time"])[..., first : first + one.instants]
        found.append(one.stored(numbers[one.of], np.asarray(arrays[GOAL + one.of], float), times, arrays))
        first += one.instants
    return found


def _shared(population: System) -> Arrays:
    with exact():
        return population.shared_parameters(stream(of_data(root(0)), "parameters"))


@checked
def render(
    population: System,
    parameters: Numbers,
    states: ArrayLike,
    *,
    size: int = 32,
    offset: ArrayLike = (0.0, 0.0),
    jitter: float = 0.0,
    extent: float | None = None,
    colors: Sequence[int] | np.ndarray | None = None,
    palette: int = 1,
    style: str | None = None,
    color: str = "rgb",
    body_colors: Sequence[str] = (),
    background: str = "",
    drift: Mapping[str, ArrayLike] | None = None,
) -> np.ndarray:
    """Draw frames of one member at the states [T D]: uint8 [T H W 3], without modifiers.

    `color` may also be "grey", which gives [T H W], or "binary", which gives {0, 1} [T H W] or [T 3 H W].

    `parameters` as for `simulate`. `offset` is the camera's shift [m], `jitter` the share by which the canvas was
    enlarged for it (0.4 if the camera is random, 0 if it is fixed), `extent` half the width of the scene [m] if the
    view gives one (None: as wide as the population needs), `colors` one hue index per body [B] out of
    `palette` hues (None: hue 0 for all). Binary frames have one channel if `palette` is 1, else three. Row 0 is
    y_min. `style` is "soft", "clean", "bump", or "debug" for a ball in a physics engine; None is the system's own.
    `body_colors` and `background` are such as "#ff0000", and those of the view.
    With the stored values of a sequence, the result equals its stored frames. `drift` holds parameters that are other
    ones in each frame, [T …] each; `population` is then `recipe.reach(task)`, whose scene holds them all.

    Raises ValueError for wrong shapes, unknown parameters, colours outside the palette, a style that does not fit.
    Methods: `slvm_data.observe.render`.
    """
    own = {"body_colors": tuple(body_colors), "background": background}
    view = View(size=size, jitter=jitter, extent=extent, palette=palette, style=style, color=color, **own)
    drawn = style_of(population, view)
    colors = np.arange(population.bodies_drawn) % drawn.palette if body_colors else colors
    numbers = _numbers(population, parameters)
    states = np.asarray(states, np.float64)
    if states.ndim != 2 or states.shape[1] != len(population.state):
        raise ValueError(f"states has the shape {states.shape}; expected is [T {len(population.state)}]")
    if np.shape(offset) != (2,) or not np.isfinite(offset).all() or not np.isfinite(states).all():
        raise ValueError(f"offset = {sentence(offset)} has to be two finite numbers, and states have to be finite")
    if is_own(type(population)):
        trial.check(population, _shared(population))
    hue = hues(drawn)[_color_index(colors, population.bodies_drawn, drawn.palette)]
    camera = np.asarray(offset, np.float64), (extent or population.extent()) * (1 + jitter)
    with exact():
        fixed = {"template": population.template(), "style": drawn, "color": color}
        frames = np.asarray(_render(numbers, states, _moving(drift, states), *camera, hue, **fixed))
    return frames if color != "rgb" else np.ascontiguousarray(frames.transpose(0, 2, 3, 1))


def _color_index(colors: Sequence[int] | np.ndarray | None, bodies: int, palette: int) -> np.ndarray:
    index = np.zeros(bodies, int) if colors is None else np.asarray(colors)
    fits = index.shape == (bodies,) and index.dtype.kind in "iu"
    if not fits or (index < 0).any() or (index >= palette).any():
        raise ValueError(f"colors = {sentence(colors)} has to be {bodies} indices below palette = {palette}")
    return index


@compiled("template", "style", "color")
def _render(
    numbers: Numbers,
    states: Array,
    moving: dict[str, Array],
    offset: Array,
    half_width: float,
    colors: Array,
    *,
    template: System,
    style: Style,
    color: str,
) -> Array:
    member = template.member(numbers)

    def frame(own: tuple[Array, dict[str, Array]]) -> Array:
        x, moved = own
        centres, radii = member.member(moved).bodies(x)
        return draw(style, *placed(style, centres, radii, offset, half_width), colors, color)

    return jax.lax.map(frame, (states, moving))


def _moving(drift: Mapping[str, ArrayLike] | None, states: np.ndarray) -> Arrays:
    """Parameters [T …] in the frames of these states [T D]; raises ValueError for another number of frames."""
    moving = {name: np.asarray(value, np.float64) for name, value in (drift or {}).items()}
    for name, value in moving.items():
        if value.shape[:1] != states.shape[:1]:
            raise ValueError(f"drift: {name} has the shape {value.shape}; expected is a value for each state")
    return moving


@checked
def energies(
    population: System, parameters: Numbers, states: ArrayLike, drift: Mapping[str, ArrayLike] | None = None
) -> np.ndarray:
    """Energy [T] of one member of a population that has one, at the states [T D]; `parameters` as for `simulate`.

    `drift` holds parameters that are other ones in each frame, [T …] each.
    """
    numbers, states = _numbers(population, parameters), np.asarray(states, np.float64)
    with exact():
        return np.asarray(_energies(numbers, states, _moving(drift, states), template=population.template()))


@compiled("template")
def _energies(numbers: Numbers, states: Array, moving: dict[str, Array], *, template: Any) -> Array:
    member = template.member(numbers)

    def energy(own: tuple[Array, dict[str, Array]]) -> Array:
        return member.member(own[1]).energy(*jax.numpy.split(own[0], 2))

    return jax.lax.map(energy, (states, moving))


def impacts(
    population: System,
    parameters: Numbers,
    x0: ArrayLike,
    t: np.ndarray,
    *,
    control: ArrayLike | None = None,
    drift: Sequence[Drift] = (),
) -> Arrays:
    """The impacts of one member between t[0] and t[-1], from `x0` [D], as `systems.flight.impacts` gives them.

    `control` and `drift` as for `simulate`.
    """
    numbers, most = _numbers(population, parameters), population.most_impacts(float(t[-1] - t[0]))
    drive = _drive(population, numbers, t, control, drift)
    most = 2 * most + len(t) if drift or control is not None else most
    with exact():
        start = np.asarray(x0, np.float64)
        room = 1 << (most - 1).bit_length()  # few different ones, since each is compiled anew
        rules = {"template": population.template(), "drift": drive.drift, "most": room}
        found = _impacts(numbers, start, t, drive.control, list(drive.courses), **rules)
    return {name: np.asarray(value)[:most] for name, value in found.items()}


@compiled("template", "drift", "most")
def _impacts(
    numbers: Numbers,
    x0: Array,
    t: Array,
    control: Array | None,
    drawn: list[Course],
    *,
    template: System,
    drift: tuple[Drift, ...],
    most: int,
) -> dict[str, Array]:
    return driven.impacts(template.member(numbers), x0, t, most, Drive(control, drift, drawn))


def _numbers(population: System, parameters: Numbers) -> dict[str, np.ndarray]:
    """Every parameter of one member as a number [] or [B]; those not given are taken from the population."""
    kind, bounds = type(population).__name__, population.parameters()
    if unknown := [name for name in parameters if name not in bounds]:
        raise ValueError(f"{kind} has no parameter {unknown[0]!r}; it has {', '.join(bounds)}")
    numbers = {}
    for name, own in bounds.items():
        try:
            given = _plain(parameters[name]) if name in parameters else getattr(population, name)
            low, high = ends_of(given, own, population.bodies_drawn)
        except ValueError as error:
            raise ValueError(f"{kind}: {name} = {error}") from None
        if not np.array_equal(low, high):
            raise ValueError(f"{kind}: {name} is a range in this population, so give its value among the parameters")
        numbers[name] = np.asarray(low)
    return numbers


def _plain(value: Any) -> Any:
    """Convert a number to a Python number, and a vector to a tuple of them."""
    try:
        values = np.asarray(value, np.float64)
    except TypeError:
        raise ValueError(f"{value} is neither a number nor a vector of numbers") from None
    return values.item() if values.ndim == 0 else tuple(values.tolist())
