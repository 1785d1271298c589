"""What passes by of regimes, signals and windows while a switching dataset is made, for its certificate."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from slvm_data.types import Arrays
from slvm_data.windows import Windows


class Regimes:
    """Counts over the frames that belong to a split, and the frames that its windows show."""

    def __init__(self, count: int) -> None:
        self.transitions = np.zeros((count, count), int)
        self.frames, self.visits = np.zeros(count, int), np.zeros(count, int)
        self.total: Any = 0.0  # of the signal, per channel
        self.squares: Any = 0.0
        self.noise: Any = 0.0  # sum of its variance over frames
        self.shown: dict[str, dict[int, np.ndarray]] = {}  # by split and path: whether a window shows a frame [T]

    def add(self, films: Arrays, noise: np.ndarray) -> None:
        """Count films with `mode` [P T] and `signal` [P T channels], seen with noise of this deviation [P]."""
        if films["mode"].min() < 0 or films["mode"].max() >= len(self.frames):
            raise ValueError(
                f"there are {len(self.frames)} regimes, but mode gave {films['mode'].max()}: see `regimes`"
            )
        mode, signal, count = films["mode"], films["signal"].astype(np.float64), len(self.frames)
        pairs = np.bincount((count * mode[:, :-1] + mode[:, 1:]).ravel(), minlength=count**2).reshape(count, count)
        self.transitions += pairs
        self.frames += np.bincount(mode.ravel(), minlength=count)
        self.visits += np.bincount(mode[:, 0], minlength=count) + pairs.sum(axis=0) - pairs.diagonal()
        self.total = _onwards(self.total, signal.sum(axis=1))
        self.squares = _onwards(self.squares, (signal**2).sum(axis=1))
        self.noise = _onwards(self.noise, noise.astype(np.float64) ** 2 * mode.shape[1])

    def show(self, windows: Windows, split: str, steps: int, path: np.ndarray, frame: np.ndarray) -> None:
        """Note the windows of a split whose queries begin at these frames [n] of these paths [n].

        Of whole paths, which no other split should have, it is enough to know which.
        """
        shown = self.shown.setdefault(split, {})
        for number in np.unique(path).tolist():
            every = shown.setdefault(number, np.zeros(1 if windows.whole else steps, bool))
            if windows.whole:
                every[0] = True
                continue
            for offset in windows.offsets():
                every[frame + offset] = True

    def summary(self) -> dict[str, Any]:
        """What the certificate says of regimes and signals."""
        frames = max(1, self.frames.sum())
        variance = np.mean(self.squares / frames - (self.total / frames) ** 2)
        noise = self.noise / frames
        return {
            "occupancy": (self.frames / frames).tolist(),
            "dwell": [f / v if v else None for f, v in zip(self.frames.tolist(), self.visits.tolist(), strict=True)],
            "transitions": self.transitions.tolist(),
            "signal_to_noise_db": float(10 * np.log10((variance - noise) / noise)) if 0 < noise < variance else None,
        }

    def leakage(self) -> int:
        """Number of frames that windows of two splits show, contexts included (of whole paths, number of paths)."""
        pairs = combinations(self.shown.values(), 2)
        return sum(int((a[path] & b[path]).sum()) for a, b in pairs for path in a.keys() & b.keys())


def _onwards(total: Any, rows: np.ndarray) -> np.ndarray:
    """The total and one row after the other: so that the sum does not depend on how they came in batches."""
    return np.cumsum(np.concatenate([np.broadcast_to(total, rows[:1].shape), rows]), axis=0)[-1]
