"""What a sensor does to an observation: noise, missing frames, occlusion. The truth that is stored does not change.

A modifier is written for one sequence. It draws from its own stream of random numbers, which depends on the recipe's
seed, the task, the split, the index of the sequence and the modifier's name alone.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np

from slvm_data.core.draws import Draws
from slvm_data.core.fields import limited
from slvm_data.core.kinds import Kind
from slvm_data.core.types import Arrays

CLEAN = "clean"  # word of `--record` for the observations without modifiers


@dataclass(frozen=True)
class Canvas:
    """What a modifier knows of the frames of a recipe, and of the other arrays of the sequence."""

    top: int  # the largest number of a frame: 1 if frames are binary, else 255
    background: tuple[int, ...]  # of each channel
    arrays: Arrays  # of the sequence as they are stored, without modifiers [T …]
    shared: np.ndarray  # key of draws that all sequences of a dataset share, uint32 [2]


@dataclass(frozen=True, kw_only=True)
class Modifier(Kind, abc.ABC):
    """A change of the observation of a sequence."""

    family: ClassVar = "modifier"
    stage: ClassVar[str] = "frames"
    """What it changes: "frames", the "signal", or the "state" that is drawn."""
    shades: ClassVar[bool] = False
    """Whether it makes shades, which binary frames do not have."""
    recorded: ClassVar[tuple[str, ...]] = ()
    """Names of the arrays that it stores."""

    @abc.abstractmethod
    def apply(self, seen: np.ndarray, time: np.ndarray, draws: Draws, canvas: Canvas) -> tuple[np.ndarray, Arrays]:
        """Return the changed observation of one sequence, and what is to be stored of the change, by name.

        `seen` is uint8 [T C H W] for frames, or float32 [T S] for a signal, and may be changed in place; `time` [T] is
        in seconds.
        """

    def check(self, steps: int) -> None:
        """Raise ValueError if it cannot be applied to sequences of `steps` frames."""


@dataclass(frozen=True, kw_only=True)
class Missing(Modifier):
    """Frames are missing independently, each with probability `p`; the first `keep` are always there.

    A missing frame has the brightness `fill`, a share of the largest number. Source: M. Schirmer et al., "Modeling
    irregular time series with continuous recurrent units", ICML 2022.
    """

    recorded: ClassVar = ("mask",)

    p: float = limited(0.5, minimum=0, maximum=1)
    keep: int = limited(5, minimum=0)  # frames
    fill: float = limited(0.0, minimum=0, maximum=1)

    def apply(self, seen: np.ndarray, time: np.ndarray, draws: Draws, canvas: Canvas) -> tuple[np.ndarray, Arrays]:
        """Fill the missing frames; `mask` is true for the others."""
        mask = draws.uniform(len(time)) >= self.p
        mask[: self.keep] = True
        seen[~mask] = round(self.fill * canvas.top)
        return seen, {"mask": mask}

    def check(self, steps: int) -> None:
        """Raise ValueError if no frame is left."""
        if self.p == 1 and not self.keep:
            raise ValueError(f"{self} leaves no frame: choose p below 1, or keep above 0")


@dataclass(frozen=True, kw_only=True)
class PixelNoise(Modifier):
    """Gaussian noise on every pixel, with standard deviation `sigma` of full scale; rounded and clipped."""

    shades: ClassVar = True

    sigma: float = limited(0.1, minimum=0, maximum=1)

    def apply(self, seen: np.ndarray, time: np.ndarray, draws: Draws, canvas: Canvas) -> tuple[np.ndarray, Arrays]:
        """Add noise to the frames."""
        noise = normal_table(self.sigma * canvas.top)[draws.shorts(seen.size)].reshape(seen.shape)
        return np.clip(seen + noise, 0, canvas.top).astype(np.uint8), {}


@cache
def normal_table(deviation: float) -> np.ndarray:
    """Gaussian numbers of this deviation, rounded, int16 [65536]: one for each value of 16 uniform bits.

    A quarter of the time that drawing them takes; the probability of each number is right to 2^-17.
    """
    from scipy.special import ndtri  # here, as it takes 0.1 s, and most commands draw nothing

    return np.round(deviation * ndtri((np.arange(2**16) + 0.5) / 2**16)).astype(np.int16)


@dataclass(frozen=True, kw_only=True)
class StateNoise(Modifier):
    """Gaussian noise with standard deviation `sigma` on every number of the states that are drawn, not on those stored.

    Source: P. Toth et al., "Hamiltonian generative networks", ICLR 2020.
    """

    stage: ClassVar = "state"

    sigma: float = limited(0.1, minimum=0)

    def apply(self, seen: np.ndarray, time: np.ndarray, draws: Draws, canvas: Canvas) -> tuple[np.ndarray, Arrays]:
        """Nothing is left to do: the states are changed where they are drawn."""
        return seen, {}


def check_all(observe: Sequence[Any], steps: int, binary: bool) -> None:
    """Raise ValueError for what is no modifier, or does not fit the frames or the other modifiers."""
    for one in observe:
        if not isinstance(one, Modifier):
            raise ValueError(f"observe = {one!r} has to be a modifier, such as Missing(p=0.5)")
        if one.shades and binary:
            raise ValueError(f"{one} makes shades, and frames are binary: choose --color grey or --color rgb")
        one.check(steps)
    names = [name for one in observe for name in one.recorded if name != "mask"]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"observe has two modifiers that store {twice[0]}: leave one out")
