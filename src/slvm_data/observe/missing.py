"""Missing frames: each for itself, or several in a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from slvm_data.core.draws import Draws, uniform_of_each
from slvm_data.core.fields import limited
from slvm_data.core.types import Arrays
from slvm_data.observe.modifier import Canvas, Modifier


@dataclass(frozen=True, kw_only=True)
class Missing(Modifier):
    """Frames are missing independently, each with probability `p`; the first `keep` are always there.

    A missing frame has the brightness `fill`, a share of the largest number; a missing number of a signal is `fill`.
    Source: M. Schirmer et al., "Modeling irregular time series with continuous recurrent units", ICML 2022.
    """

    stage: ClassVar = "any"
    recorded: ClassVar = ("mask",)

    p: float = limited(0.5, minimum=0, maximum=1)
    keep: int = limited(5, minimum=0)  # frames
    fill: float = limited(0.0, minimum=0, maximum=1)

    def apply(self, seen: np.ndarray, time: np.ndarray, draws: Draws, canvas: Canvas) -> tuple[np.ndarray, Arrays]:
        """Fill the missing frames; `mask` is true for the others."""
        mask = self._mask(draws.uniform(len(time)))
        return _filled(seen, mask, self.fill * canvas.top), {"mask": mask}

    def apply_all(
        self, seen: np.ndarray, time: np.ndarray, keys: np.ndarray, canvas: Canvas
    ) -> tuple[np.ndarray, Arrays]:
        """The same for a batch, all sequences at once."""
        mask = self._mask(uniform_of_each(keys, time.shape[1]))
        return _filled(seen, mask, self.fill * canvas.top), {"mask": mask}

    def hidden(self, keys: np.ndarray, steps: int) -> np.ndarray:
        """The missing frames [N T]."""
        return ~self._mask(uniform_of_each(keys, steps))

    def _mask(self, drawn: np.ndarray) -> np.ndarray:
        """Which frames [… T] are there: those whose number that was drawn is at least p, and the first ones."""
        mask = drawn >= self.p
        mask[..., : self.keep] = True
        return mask

    def check(self, steps: int) -> None:
        """Raise ValueError if no frame is left."""
        if self.p == 1 and not self.keep:
            raise ValueError(f"{self} leaves no frame: choose p below 1, or keep above 0")


@dataclass(frozen=True, kw_only=True)
class MissingBlock(Modifier):
    """Of each sequence, `count` blocks of `length` frames in a row are missing; the first `keep` frames never are.

    Blocks may touch, but share no frame; all their places are equally likely. `fill` is as for `missing`.
    """

    stage: ClassVar = "any"
    recorded: ClassVar = ("mask",)

    length: int = limited(5, minimum=1)  # frames
    count: int = limited(1, minimum=1)
    keep: int = limited(0, minimum=0)  # frames
    fill: float = limited(0.0, minimum=0, maximum=1)

    def apply(self, seen: np.ndarray, time: np.ndarray, draws: Draws, canvas: Canvas) -> tuple[np.ndarray, Arrays]:
        """Fill the missing frames; `mask` is true for the others."""
        places = len(time) - self.keep - self.count * (self.length - 1)  # as if each block were one frame
        chosen = np.sort(np.argsort(draws.uniform(places), kind="stable")[: self.count])
        first = self.keep + chosen + (self.length - 1) * np.arange(self.count)
        mask = np.ones(len(time), bool)
        mask[first[:, None] + np.arange(self.length)] = False
        return _filled(seen, mask, self.fill * canvas.top), {"mask": mask}

    def check(self, steps: int) -> None:
        """Raise ValueError if no frame is left."""
        if self.count * self.length >= steps or self.count * self.length + self.keep > steps:
            raise ValueError(f"{self} leaves no frame of {steps} steps: choose fewer or shorter blocks")


def _filled(seen: np.ndarray, mask: np.ndarray, fill: float) -> np.ndarray:
    """An observation [… T …], in its own memory, whose missing frames are `fill`, rounded if it has whole numbers."""
    seen[~mask] = round(fill) if seen.dtype.kind == "u" else fill
    return seen
