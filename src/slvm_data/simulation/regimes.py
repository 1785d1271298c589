"""Counts of regimes, signals and windows while a switching dataset is made, for its certificate."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from slvm_data.observe.windowing import Windowing
from slvm_data.store.manifest import RegimeStatistics


class RegimeCounts:
    """Counts over the frames that belong to a split, and the frames that its windows show."""

    def __init__(self, count: int) -> None:
        self.transitions = np.zeros((count, count), int)
        self.frames, self.visits = np.zeros(count, int), np.zeros(count, int)
        self.sums: list[np.ndarray] = []  # [n 2*channels+1] of signal, its square, variance of noise
        self.shown: dict[str, dict[int, np.ndarray]] = {}  # by split and trajectory: whether a window shows a frame [T]

    def add(self, mode: np.ndarray, signal: np.ndarray | None, noise: np.ndarray | None) -> None:
        """Count trajectories with regimes [n T] and signal [n T channels]; `noise` is its standard deviation [n].

        Both are None for frames of a system without a signal of its own.
        """
        count, signal = len(self.frames), np.zeros((*mode.shape, 1)) if signal is None else signal.astype(np.float64)
        noise = np.zeros(len(mode)) if noise is None else noise
        if mode.min() < 0 or mode.max() >= count:
            raise ValueError(f"there are {count} regimes, but mode gave {mode.max()}: see `regimes`")
        pairs = np.bincount((count * mode[:, :-1] + mode[:, 1:]).ravel(), minlength=count**2).reshape(count, count)
        self.transitions += pairs
        self.frames += np.bincount(mode.ravel(), minlength=count)
        self.visits += np.bincount(mode[:, 0], minlength=count) + pairs.sum(axis=0) - pairs.diagonal()
        variance = noise.astype(np.float64)[:, None] ** 2 * mode.shape[1]
        self.sums.append(np.hstack([signal.sum(axis=1), (signal**2).sum(axis=1), variance]))

    def show(self, windows: Windowing, split: str, steps: int, trajectory: np.ndarray, frame: np.ndarray) -> None:
        """Note the windows of a split whose queries begin at these frames [n] of these trajectories [n].

        If each split has its own trajectories, only the numbers of the trajectories are noted.
        """
        shown = self.shown.setdefault(split, {})
        for number in np.unique(trajectory).tolist():
            every = shown.setdefault(number, np.zeros(1 if windows.separate else steps, bool))
            if windows.separate:
                every[0] = True
                continue
            for offset in windows.offsets():
                every[frame + offset] = True

    def statistics(self) -> RegimeStatistics:
        """The certificate's part on regimes and signals."""
        frames = max(1, self.frames.sum())
        *means, noise = np.cumsum(np.concatenate(self.sums), axis=0)[-1] / frames  # one by one, in any batches
        total, squares = np.split(np.array(means), 2)
        variance = np.mean(squares - total**2)
        pairs = zip(self.frames.tolist(), self.visits.tolist(), strict=True)
        return RegimeStatistics(
            occupancy=tuple((self.frames / frames).tolist()),
            mean_dwell_time=tuple(f / v if v else None for f, v in pairs),
            transition_counts=tuple(map(tuple, self.transitions.tolist())),
            signal_to_noise_db=float(10 * np.log10((variance - noise) / noise)) if 0 < noise < variance else None,
            leakage=self._leakage() if self.shown else None,
        )

    def state(self) -> dict[str, Any]:
        """The counts as plain JSON values, without the frames that windows show."""
        return {
            **{name: count.tolist() for name, count in self._counts().items()},
            "sums": [s.tolist() for s in self.sums],
        }

    def _counts(self) -> dict[str, np.ndarray]:
        return {"transitions": self.transitions, "frames": self.frames, "visits": self.visits}

    def join(self, state: dict[str, Any]) -> None:
        """Add the counts of another one, given by its `state()`."""
        for name, own in self._counts().items():
            found = np.array(state[name], int)
            if found.shape != own.shape:
                raise ValueError(f"{name} is {list(found.shape)}, not {list(own.shape)}")
            own += found
        self.sums += (np.array(sums, float) for sums in state["sums"])

    def _leakage(self) -> int:
        """Number of frames that windows of two splits show, contexts included; if splits are separate, trajectories."""
        pairs = combinations(self.shown.values(), 2)
        return sum(int((a[number] & b[number]).sum()) for a, b in pairs for number in a.keys() & b.keys())
