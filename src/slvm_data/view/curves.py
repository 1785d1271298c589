"""The numbers of a sequence, frame by frame, that no other part of a page or figure shows: control, drift, truths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from slvm_data import arrays
from slvm_data.core.types import Arrays
from slvm_data.run.description import units_of
from slvm_data.systems.system import System

DRIFT = "drift_"
INSTANTS = "drift_time"
SHOWN = ("time", "state", "energy", "mask", "labels", "mode", "latents", "queries", "signal")  # elsewhere
AXES = {"D": "state", "L": "latents", "U": "inputs"}  # names of the numbers along an axis, among those of the system
PLANE = ("x", "y")

MOST, FEW = 64, 8  # numbers along an axis that all have a curve, and curves where there are more


@dataclass(frozen=True)
class Curves:
    """Numbers over time that share a plot, with the name and unit of each."""

    title: str
    names: tuple[str, ...]
    units: tuple[str, ...]
    numbers: np.ndarray  # [T k]
    held: bool = False  # whether a number holds until the next frame
    drives: bool = False  # whether it drives the motion: control, or a parameter that drifts

    @property
    def unit(self) -> str:
        """The unit of all numbers; of several, each once."""
        return ", ".join(dict.fromkeys(filter(None, self.units)))


def few(count: int) -> slice:
    """The numbers along an axis that have a curve: all, or of very many, as of a field, a few at equal distances."""
    return slice(None) if count <= MOST else slice(count // FEW // 2, None, count // FEW)


def further(system: System, row: Arrays) -> list[Curves]:
    """The curves of one sequence, from its arrays without the first axis: control, drift, then everything else."""
    shown = {*SHOWN, *(["latent"] if np.array_equal(row.get("latent", ()), row.get("state", ())) else [])}
    found = [name for name, array in row.items() if name not in shown and _is_curve(name, array)]
    return [_curves(system, name, row[name]) for name in sorted(found, key=_rank)]


def instants(row: Arrays) -> list[float]:
    """The instants [s] of the drifts of a sequence: of a jump, when it is; of a ramp, when it ends."""
    times = np.ravel(row.get(INSTANTS, np.zeros(0)))
    return times[np.isfinite(times) & (times > 0)].tolist()


def _is_curve(name: str, array: np.ndarray) -> bool:
    """Whether an array has a number, or a few, for each frame."""
    letters = arrays.info(name).letters(array.ndim + 1)  # the first is that of sequences
    return letters[1:2] == ("T",) and array.ndim <= 2 and array.dtype.kind in "biuf"


def _rank(name: str) -> int:
    return 0 if name == "control" else 1 if name.startswith(DRIFT) else 2


def _curves(system: System, name: str, array: np.ndarray) -> Curves:
    drifting = name.removeprefix(DRIFT) if name.startswith(DRIFT) else ""
    title = "Control" if name == "control" else f"Drift of {drifting}" if drifting else name
    numbers = array.reshape(len(array), -1)
    names = _names(system, name, numbers.shape[1], drifting) if array.ndim > 1 else (drifting or name,)
    units, own = _units(system, name, drifting, len(names)), few(len(names))
    return Curves(title, names[own], units[own], numbers[:, own], name == "control", _rank(name) < 2)


def _names(system: System, name: str, count: int, word: str) -> tuple[str, ...]:
    """Names of the numbers along the last axis of an array: those of the system, x and y, or `word` with a number."""
    letter = arrays.info(name).letters(3)[-1]
    turning = [f"{wave} {system.state[place]}" for place in system.angular() for wave in ("sin", "cos")]
    own: Any = {"X": PLANE, "A": turning}.get(letter) or getattr(system, AXES.get(letter, ""), ())
    if len(own) != count:
        return tuple(f"{word} {i + 1}".strip() for i in range(count))
    return tuple(f"d{one}/dt" if name == "dx_dt" else one for one in own)


def _units(system: System, name: str, drifting: str, count: int) -> tuple[str, ...]:
    """The unit of each number: that of the array, or those that the system names, one for each."""
    bounds = system.parameters().get(drifting)
    of_system = units_of(system) | {"control": ", ".join(getattr(system, "input_units", ()))}
    unit = bounds.unit if bounds else arrays.info(name).unit or of_system.get(name, "")
    each = tuple(unit.split(", "))
    return each if len(each) == count else (unit,) * count
