"""The table of all arrays that a dataset may hold: axes, type, unit, role, and a sentence about their meaning.

All other modules look up arrays in this table: windows, files, loaders, manifest, card and documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

AXES = {
    "N": "sequence",  # or trajectory, in the files of uncut trajectories
    "T": "frame",  # of a sequence, or of a window
    "K": "context",  # windows before a query
    "D": "state_component",
    "A": "angle",  # its sine, then its cosine
    "L": "latent_component",
    "S": "channel",  # of a signal
    "E": "impact",
    "R": "partner",  # of a body, in an impact or in a graph
    "U": "input",
    "J": "drift",
    "X": "xy",
    "B": "body",
    "P": "component",  # of a parameter: one per body, or those of a vector
    "C": "colour",
    "Q": "quarter",  # of a frame
    "O": "object",  # of those that modifiers add
    "G": "place",  # column, row, and radius or side
    "H": "row",  # of pixels
    "W": "column",
    "1": "one",
}
"""Letters of the axes, and the names of the axes in Zarr, HDF5 and xarray; no array has the name of an axis."""


class Role(StrEnum):
    """The role of an array in training a model."""

    OBSERVATION = "observation"
    CONTEXT = "context"
    TRUTH = "truth"
    PARAMETER = "parameter"
    LABEL = "label"
    TIME = "time"
    EVENT = "event"
    MASK = "mask"
    CLEAN = "clean"
    CONTROL = "control"


@dataclass(frozen=True, kw_only=True)
class ArrayInfo:
    """Description of an array with this name. The first axis counts sequences: every array has one row for each."""

    name: str
    axes: str  # letters of `AXES`; one in brackets is left out if it has a single element
    dtype: str
    role: Role
    meaning: str  # in a sentence
    unit: str = ""  # empty if it has none, or if it depends on the system
    fill: float | None = None  # padding if a task has less of it than others; None: NaN, or -1 for integers
    query: str = ""  # its name in a window cut from a trajectory; empty if windows do not have it
    context: str = ""  # its name in the context windows; empty if they do not have it

    @property
    def per_frame(self) -> bool:
        """Whether it has one element for each frame; its last axes are then those of a frame."""
        return "T" in self.axes

    @property
    def frame_axis(self) -> int | None:
        """Number of axes before those of a picture; None if the array does not hold pictures."""
        return self.axes.split().index("H") - self.axes.count("(") if "H" in self.axes else None

    @property
    def filling(self) -> float:
        """Number for padding, if a task has less of the array than others."""
        if self.fill is not None:
            return self.fill
        return float("nan") if self.dtype.startswith("float") else -1

    def letters(self, ndim: int) -> tuple[str, ...]:
        """Letters of the axes of an array with `ndim` axes; those in brackets are left out if there are fewer axes."""
        every = self.axes.split()
        if ndim < len(every):
            every = [letter for letter in every if not letter.startswith("(")]
        return tuple(letter.strip("()") for letter in every)


def _row(
    name: str, axes: str, dtype: str, role: Role, meaning: str, unit: str = "", fill: float | None = None, **window: str
) -> ArrayInfo:
    return ArrayInfo(name=name, axes=axes, dtype=dtype, role=role, meaning=meaning, unit=unit, fill=fill, **window)


_EVERY = (
    _row(
        *("image", "N T (C) H W", "uint8", Role.OBSERVATION),
        "frame t shows state[t] (in a window: latents[t]); row 0 is y_min "
        '(plot with origin="lower", balls with "upper")',
        query="image",
        context="domain_image",
    ),
    _row(
        *("clean", "N T (C) H W", "uint8", Role.CLEAN),
        "frames without modifiers",
        query="clean",
    ),
    _row("clean_signal", "N T S", "float32", Role.CLEAN, "signal without modifiers", query="clean_signal"),
    _row(
        *("mask", "N T", "bool", Role.MASK),
        "true for frames that are there, false for missing ones",
        fill=0,
        query="mask",
    ),
    _row("domain_image", "N K T (C) H W", "uint8", Role.CONTEXT, "frames of the context windows"),
    _row(
        *("state", "N T D", "float32", Role.TRUTH),
        "positions first, then momenta or velocities; angles are not wrapped; frame 0 is the initial state",
        fill=0,
    ),
    _row("state_mask", "N D", "bool", Role.MASK, "true for numbers of the state, false for padding", fill=0),
    _row("label", "N 1", "int64", Role.LABEL, "number of the task"),
    _row("time", "N T", "float64", Role.TIME, "times of the frames", "s", query="time", context="domain_time"),
    _row(
        *("domain_time", "N K T", "float64", Role.CONTEXT),
        "times of the frames of the context windows, if they are irregular",
        "s",
    ),
    _row(
        *("control", "N T U", "float32", Role.CONTROL),
        "inputs of the system, held from frame t to frame t+1",
        fill=0,
        query="control",
        context="domain_control",
    ),
    _row("domain_control", "N K T U", "float32", Role.CONTEXT, "control in the context windows", fill=0),
    _row(
        *("drift_time", "N J", "float64", Role.TRUTH),
        "instants at which drifting parameters are first where they go, in the order of the recipe: at jumps, the jump"
        "; of a switch, its first ones, also beyond the last frame",
        "s",
    ),
    _row("drift_mode", "N J", "int64", Role.TRUTH, "regime that begins at each instant of a switch"),
    _row(
        *("queries", "N T S", "float32", Role.OBSERVATION),
        "signal of the window",
    ),
    _row(
        *("domains", "N K T S", "float32", Role.CONTEXT),
        "signal of the context windows, in order of time",
    ),
    _row(
        *("labels", "N T", "int64", Role.LABEL),
        "regime at each frame of the window, as in mode; label is the number of the task",
    ),
    _row("latents", "N T L", "float32", Role.TRUTH, "latents at each frame of the window, before emission and noise"),
    _row("path", "N", "int64", Role.LABEL, "number of the trajectory (not a file path)"),
    _row(
        *("signal", "N T S", "float32", Role.OBSERVATION),
        "emission of the latents, with noise",
        query="queries",
        context="domains",
    ),
    _row("latent", "N T L", "float32", Role.TRUTH, "latents, before emission and noise", query="latents"),
    _row(
        *("mode", "N T", "int64", Role.LABEL),
        "regime that moved frame t-1 to frame t; if it is a function of the state, or a parameter switches: the regime "
        "of frame t",
        query="labels",
    ),
    _row(
        *("dx_dt", "N T D", "float32", Role.TRUTH),
        "time derivative of the state, friction included",
        fill=0,
        query="dx_dt",
    ),
    _row(
        *("energy", "N T", "float64", Role.TRUTH),
        "Hamiltonian; for balls: energy per unit mass, potential energy 0 at the lowest point",
        query="energy",
    ),
    _row(
        *("angles", "N T A", "float32", Role.TRUTH),
        "sine and cosine of each angle in the state, sin q, cos q, or sin q1, cos q1, sin q2, cos q2",
        fill=0,
        query="angles",
    ),
    _row(
        *("intervention", "N T", "int64", Role.TRUTH),
        "number of the variable that an intervention set for the frame, as its place in state, from 0; -1 for none",
        query="intervention",
    ),
    _row(
        *("edges", "N B R", "float32", Role.TRUTH),
        "graph of what acts on what: weight of the spring between two bodies, or product of their charges; 0 for none",
    ),
    _row("event_time", "N E", "float64", Role.EVENT, "times of impacts, in order; 0 beyond the last impact", "s"),
    _row(
        *("event_wall", "N E", "int64", Role.EVENT),
        "0 left, 1 right, 2 top (y_min), 3 bottom, or the walls of a polygon in order; -1 beyond the last impact",
    ),
    _row(
        *("event_body", "N E R", "int64", Role.EVENT),
        "number of the ball, from 0, and of the other one that it meets, where event_wall is 4, or -1 at a wall",
    ),
    _row("event_before", "N E X", "float32", Role.EVENT, "velocity before the impact", "px/s"),
    _row("event_after", "N E X", "float32", Role.EVENT, "velocity after the impact", "px/s"),
    _row(
        *("event_other_before", "N E X", "float32", Role.EVENT),
        "velocity of the other ball before the impact; 0 at a wall",
    ),
    _row(
        *("event_other_after", "N E X", "float32", Role.EVENT),
        "velocity of the other ball after the impact; 0 at a wall",
    ),
    _row(
        *("noise_factor", "N T (Q)", "float32", Role.TRUTH),
        "share of the clean frame in the noisy one, of the whole frame or of each quarter",
        query="noise_factor",
    ),
    _row("light", "N T", "float32", Role.TRUTH, "brightness of the frame, by which it is multiplied", query="light"),
    _row("background", "N H W", "uint8", Role.TRUTH, "background behind the bodies, of the first frame if it moves"),
    _row(
        *("background_shift", "N T X", "int64", Role.TRUTH),
        "columns and rows by which the background is shifted; what leaves the frame comes in on the other side",
        "px",
        query="background_shift",
    ),
    _row("occluder", "N T", "int64", Role.TRUTH, "first column that the bar hides", "px", query="occluder"),
    _row("sector", "N", "float32", Role.TRUTH, "angle at which the first hidden wedge begins", "rad"),
    _row(
        *("distractors", "N T O G", "float32", Role.TRUTH),
        "column, row and radius of each distracting disc; pixel j is from j to j + 1",
        "px",
        query="distractors",
    ),
    _row("distractor_shade", "N O (C)", "uint8", Role.TRUTH, "brightness of each distracting disc"),
    _row("clutter", "N O G", "int64", Role.TRUTH, "first column, first row and side of each square", "px"),
    _row(
        *("camera_walk", "N T X", "int64", Role.TRUTH),
        "columns and rows by which the frame is shifted",
        "px",
        query="camera_walk",
    ),
    _row("offset", "N X", "float32", Role.TRUTH, "shift of the camera, x and y"),
    _row("color_index", "N B", "int64", Role.TRUTH, "hue of each body"),
)

TABLE: dict[str, ArrayInfo] = {row.name: row for row in _EVERY}
"""The arrays by name, in the order of files and pages; parameters, `param_<name>`, follow after them."""

PARAMETER = "param_"
DRIFT, GOAL = "drift_", "drift_to_"  # beginnings of the names of arrays about a parameter that drifts
EVENT = "event_"
EVENTS = tuple(row.name for row in _EVERY if row.role is Role.EVENT)
SERIES = ("signal", "state", "mode", "time", "label", "path")  # arrays of the files of uncut trajectories


def info(name: str) -> ArrayInfo:
    """Description of the array with this name; raises ValueError for a name that no dataset has."""
    if name in TABLE:
        return TABLE[name]
    if name.startswith((GOAL, DRIFT)):
        return _drifting(name)
    if not name.startswith(PARAMETER):
        raise ValueError(f"{name[:80]!r} is not among the arrays that a dataset may hold: {', '.join(TABLE)}, param_…")
    meaning = f"the parameter {name.removeprefix(PARAMETER)}, as drawn for the sequence"
    return _row(name, "N (P)", "float32", Role.PARAMETER, meaning)


def dimensions(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[str, ...]]:
    """Names of the axes of the arrays of a file, by their names and shapes.

    Equal names are equal lengths, as in xarray: `component` becomes `param_m_component` and so on if parameters have
    different numbers of them.
    """
    letters = {name: info(name).letters(len(shape)) for name, shape in shapes.items()}
    lengths: dict[str, set[int]] = {}
    for name, shape in shapes.items():
        for letter, length in zip(letters[name], shape, strict=True):
            lengths.setdefault(letter, set()).add(length)
    return {
        name: tuple(AXES[letter] if len(lengths[letter]) == 1 else f"{name}_{AXES[letter]}" for letter in own)
        for name, own in letters.items()
    }


def _drifting(name: str) -> ArrayInfo:
    """Description of an array about a parameter that drifts."""
    if name.startswith(GOAL):
        meaning = f"the value to which the parameter {name.removeprefix(GOAL)} goes; of a switch, in regimes 1, 2, …"
        return _row(name, "N (P)", "float32", Role.PARAMETER, meaning)
    own = name.removeprefix(DRIFT)
    meaning = f"the parameter {own} at each frame; param_{own} is its start, or regime 0"
    return _row(name, "N T (P)", "float64", Role.TRUTH, meaning, query=name)


def of_event(name: str) -> str:
    """What an array about impacts holds, as systems name it."""
    return name.removeprefix(EVENT)


def pictures(name: str) -> bool:
    """Whether an array holds pictures."""
    return info(name).frame_axis is not None
