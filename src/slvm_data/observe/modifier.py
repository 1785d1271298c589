"""A modifier: what a sensor does to an observation, such as noise. The truth that is stored does not change.

A modifier is written for one sequence. It draws from its own stream of random numbers, which depends on the recipe's
seed, the task, the split, the index of the sequence and the modifier's name alone.
"""

from __future__ import annotations

import abc
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from slvm_data.core.draws import Draws
from slvm_data.core.kinds import Kind
from slvm_data.core.types import Arrays
from slvm_data.observe.view import COLORS

CLEAN = "clean"  # word of `--record` for the observations without modifiers
SHADES = tuple(color for color in COLORS if color != "binary")


@dataclass(frozen=True)
class Canvas:
    """What a modifier knows of the frames of a recipe, and of the other arrays of the sequence."""

    top: int  # the largest number of a frame: 1 if frames are binary, else 255; 1 for signals
    background: tuple[int, ...]  # of each channel; empty for signals
    arrays: Arrays  # of the sequence, as far as modifiers look at them; of a batch, with one more axis in front
    shared: np.ndarray  # key of draws that all sequences of a dataset share, uint32 [2]
    clean: np.ndarray | None = None  # frames without modifiers, as arrays are; None: those that are changed
    bodies: tuple[tuple[int, ...], ...] = ()  # RGB of the bodies; none: hues on the background of a style

    def of(self, i: int) -> Canvas:
        """What is known of one sequence of a batch."""
        if not self.arrays and self.clean is None:
            return self
        arrays = {name: array[i] for name, array in self.arrays.items()}
        return replace(self, arrays=arrays, clean=None if self.clean is None else self.clean[i])

    @property
    def backdrop(self) -> np.ndarray:
        """Number of the background in each channel, float32 [C 1 1]."""
        return np.array(self.background, np.float32)[:, None, None]


@dataclass(frozen=True, kw_only=True)
class Modifier(Kind, abc.ABC):
    """A change of the observation of a sequence."""

    family: ClassVar = "modifier"
    stage: ClassVar[str] = "frames"
    """What it changes: "frames", the "signal", "any" of the two that there is, or the "state" that is drawn."""
    colors: ClassVar[tuple[str, ...]] = COLORS
    """The colours of frames, of `view.COLORS`, that it can change."""
    recorded: ClassVar[tuple[str, ...]] = ()
    """Names of the arrays that it stores."""
    looks_at: ClassVar[tuple[str, ...]] = ()
    """Names of the arrays, beside the observation, that it looks at, where there are such."""

    @property
    def sides(self) -> tuple[str, ...]:
        """Where it changes pixels: "front", whatever these show, or "behind" the bodies, or both."""
        return ("front",)

    @abc.abstractmethod
    def apply(self, seen: np.ndarray, time: np.ndarray, draws: Draws, canvas: Canvas) -> tuple[np.ndarray, Arrays]:
        """Return the changed observation of one sequence, and what is to be stored of the change, by name.

        `seen` is uint8 [T C H W] for frames, or float32 [T S] for a signal, and may be changed in place; `time` [T] is
        in seconds.
        """

    def apply_all(
        self, seen: np.ndarray, time: np.ndarray, keys: np.ndarray, canvas: Canvas
    ) -> tuple[np.ndarray, Arrays]:
        """The same for a batch [N …] whose sequences have these `keys`, uint32 [N 2]; time [N T].

        A class whose `apply` takes less time than Python needs to call it may do all sequences at once.
        """
        draws, every, stored, in_place = Draws(keys[0]), [], [], True
        for i, key in enumerate(keys):
            own = seen[i]
            changed, found = self.apply(own, time[i], draws.restart(key), canvas.of(i))
            if (changed.shape, changed.dtype) != (own.shape, own.dtype):
                in_place = False
            elif changed is not own:
                own[...] = changed
            every.append(changed)
            stored.append(found)
        arrays = {name: np.stack([found[name] for found in stored]) for name in stored[0]}
        return seen if in_place else np.stack(every), arrays

    def hidden(self, keys: np.ndarray, steps: int) -> np.ndarray | None:
        """Frames [N T] of sequences with these `keys` of which nothing is seen afterwards, and which need not be drawn.

        None if it does not know.
        """

    def check(self, steps: int) -> None:
        """Raise ValueError if it cannot be applied to sequences of `steps` frames."""


def check_all(observe: Sequence[Modifier], steps: int, colors: Collection[str], signal: bool) -> None:
    """Raise ValueError for modifiers that do not fit the observation, or each other.

    `colors` are those of the frames, none where there are no frames; `signal` tells whether the systems have a signal.
    """
    for one in observe:
        signal = signal or "signal" in one.recorded
        _check_stage(one, colors, signal)
        one.check(steps)
    _check_order([one for one in observe if one.stage in ("frames", "any")])
    names = [name for one in observe for name in one.recorded if name != "mask"]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"observe has two modifiers that store {twice[0]}: leave one out")


def _check_stage(one: Modifier, colors: Collection[str], signal: bool) -> None:
    """Raise ValueError if there is nothing for a modifier to change, or frames of other colours than it needs."""
    if one.stage in ("frames", "state") and not colors:
        raise ValueError(f"{one} changes frames, and there are none: choose --observation pixels")
    if one.stage in ("signal", "any") and not (signal or (colors and one.stage == "any")):
        raise ValueError(f"{one} changes a signal, and there is none: put --observe 'emission(channels=10)' before it")
    if odd := [color for color in colors if color not in one.colors]:
        fit = " or ".join(f"--color {color}" for color in one.colors)
        raise ValueError(f"{one} is for frames that are {' or '.join(one.colors)}, not {odd[0]}: choose {fit}")


def _check_order(observe: Sequence[Modifier]) -> None:
    """Raise ValueError if something is to go behind the bodies after these were changed or hidden."""
    changed: Modifier | None = None
    for one in observe:
        if changed and "behind" in one.sides:
            raise ValueError(f"{one} goes behind the bodies: put it before {changed}, which changes them")
        changed = changed or (one if "front" in one.sides else None)


def reflected(place: np.ndarray, low: Any, high: Any) -> np.ndarray:
    """Places between two walls, of what moves evenly and turns back at each: a triangle wave."""
    span = np.maximum(high - low, 1e-12)
    return low + span - np.abs(np.mod(place - low, 2 * span) - span)


def between(draws: Draws, ends: Any, *shape: int) -> np.ndarray:
    """Numbers drawn from a range."""
    return draws.uniform(*shape, low=ends.low, high=ends.high)
