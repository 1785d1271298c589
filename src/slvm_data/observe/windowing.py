"""Short windows cut from long trajectories: queries, each with windows of context before it.

Train, val and test are parts of one trajectory, in the order of time, with a gap between them; or each split has
trajectories of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import accumulate

import numpy as np

from slvm_data.arrays import TABLE, info
from slvm_data.core.fields import check, limited, option
from slvm_data.core.types import SPLITS, Arrays

LONGEST = 10**8  # frames of a window or between windows, and contexts, at most: as many as a trajectory has


@dataclass(frozen=True, kw_only=True)
class Windowing:
    """Positions of windows on a trajectory. All numbers are in frames, except `contexts` and `shares`."""

    length: int = option(7, "Frames per window.", name="window", minimum=1, maximum=LONGEST)
    stride: int = option(1, "Frames from one query to the next.", minimum=1, maximum=LONGEST)
    contexts: int = option(3, "Context windows before each query.", minimum=0, maximum=LONGEST)
    spacing: int = option(
        1, "Frames from the start of one context to the start of the next.", minimum=1, maximum=LONGEST
    )
    """The last context ends right before the query."""
    segment: int = limited(
        0, minimum=0, maximum=LONGEST
    )  # length of segments that no window crosses; 0: the trajectory is one segment
    shares: tuple[float, float, float] = (0.8, 0.1, 0.1)  # of a trajectory, for train, val and test
    gap: int = option(100, "Frames between the splits, if they share a trajectory.", minimum=0, maximum=LONGEST)
    separate: bool = False  # whether each split has trajectories of its own, instead of a part of one
    series: bool = option(False, "Keep the uncut trajectories too, in files of their own.")

    def __post_init__(self) -> None:
        for field in fields(self):
            check(self, field.name, "windows: ")
        if len(self.shares) != len(SPLITS) or min(self.shares) < 0 or not abs(sum(self.shares) - 1) <= 1e-9:
            raise ValueError(f"windows: shares = {self.shares} has to be three numbers from 0 up whose sum is 1")

    @property
    def lead(self) -> int:
        """Number of frames before a query that its contexts need."""
        return self.length + (self.contexts - 1) * self.spacing if self.contexts else 0

    def offsets(self) -> np.ndarray:
        """Frames of a window and its contexts, each once, relative to the first frame of the query."""
        return np.unique(np.append(self.first_frames(), 0)[:, None] + np.arange(self.length))

    def first_frames(self) -> np.ndarray:
        """First frames of the contexts [contexts], relative to the first frame of the query."""
        return self.spacing * np.arange(self.contexts) - self.lead

    def part(self, split: str, steps: int) -> slice:
        """The frames that belong to a split, on a trajectory of `steps` frames."""
        if self.separate:
            return slice(0, steps)
        i = SPLITS.index(split)
        ends = [round(share * max(0, steps - 2 * self.gap)) for share in accumulate(self.shares, initial=0.0)]
        return slice(ends[i] + i * self.gap, ends[i + 1] + i * self.gap)

    def starts(self, split: str, steps: int) -> np.ndarray:
        """First frames [n] of the queries of a split, in order, on a trajectory of `steps` frames."""
        part, reach = self.part(split, steps), self.lead + self.length
        if not self.segment:
            return np.arange(part.start, min(part.stop, steps) - reach + 1, self.stride) + self.lead
        within = np.arange(0, self.segment - reach + 1, self.stride)
        first = (np.arange(0, steps, self.segment)[:, None] + within).ravel()
        return first[(first >= part.start) & (first + reach <= min(part.stop, steps))] + self.lead

    def disjoint(self, split: str, steps: int) -> int:
        """Number of queries from one to the next that shares no frame with it, or is on another trajectory."""
        return min(-(-self.length // self.stride), max(1, len(self.starts(split, steps))))

    def trajectories(self, split: str, steps: int, count: int) -> int:
        """Number of trajectories from which `count` windows of a split are cut."""
        return -(-count // max(1, len(self.starts(split, steps)))) if self.separate else min(count, 1)

    def shared_out(self, trajectories: int) -> dict[str, int]:
        """Divide trajectories among the splits by shares, at least one each; raises ValueError if there are too few."""
        if trajectories < len(SPLITS):
            raise ValueError(f"trajectories = {trajectories} has to be at least {len(SPLITS)}, one for each split")
        found = [1 + int(share * (trajectories - len(SPLITS))) for share in self.shares]
        found[self.shares.index(max(self.shares))] += trajectories - sum(found)
        return dict(zip(SPLITS, found, strict=True))

    def number(self, split: str, trajectory: np.ndarray) -> np.ndarray:
        """Numbers in the whole dataset of trajectories [n] of a split; if `separate`, splits have none in common."""
        return len(SPLITS) * trajectory + SPLITS.index(split) if self.separate else trajectory

    def places(self, split: str, steps: int, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Trajectory [n] and first frame [n] of these queries [n]; raises ValueError beyond the last query."""
        starts = self.starts(split, steps)
        if not len(starts) or (not self.separate and len(index) and index.max() >= len(starts)):
            raise ValueError(f"{split} has {len(starts)} windows on a trajectory of {steps} steps: there is no more")
        return index // len(starts), starts[index % len(starts)]

    def cut(self, trajectories: Arrays, row: np.ndarray, start: np.ndarray) -> Arrays:
        """Cut windows [n …] from `trajectories` [N T …]; queries begin at frames `start` [n] of the rows `row` [n]."""
        query = row[:, None], start[:, None] + np.arange(self.length)  # [n W]
        before = start[:, None] + self.first_frames()  # [n contexts]
        context = row[:, None, None], before[:, :, None] + np.arange(self.length)  # [n contexts W]
        rows = [(info(name), array) for name, array in trajectories.items()]
        found = {row.query: array[query] for row, array in rows if row.query}
        found |= {row.context: array[context] for row, array in rows if row.context}
        return {name: found[name] for name in (*TABLE, *found) if name in found}  # each at its first place
