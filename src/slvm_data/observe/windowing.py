"""Short windows cut from long paths: queries, and before each of them windows of context.

Parts of one path go to training, validation and test, in the order of time, with a gap between them; or each split has
whole paths of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from slvm_data.core.types import SPLITS, Arrays

QUERY = {"signal": "queries", "mode": "labels", "latent": "latents"} | {n: n for n in ("image", "dx_dt", "energy")}
CONTEXT = {"signal": "domains", "image": "domain_image"}
ORDER = ("queries", "domains", "labels", "latents", "image", "domain_image", "dx_dt", "energy")
PER_FRAME = ("state", *QUERY)  # arrays of a path that have one row per frame


@dataclass(frozen=True, kw_only=True)
class Windows:
    """How windows lie on a path. All numbers are of frames, but `contexts` and `shares`."""

    length: int = 7
    stride: int = 1  # from one query to the next
    contexts: int = 3  # windows before each query
    spacing: int = 1  # from one context to the next; the last ends right before the query
    segment: int = 0  # no window crosses from one segment of the path to the next; 0: there is but one
    shares: tuple[float, float, float] = (0.8, 0.1, 0.1)  # of a path, for train, val and test
    gap: int = 100  # between these parts
    whole: bool = False  # each split has whole paths of its own, rather than a part of one
    series: bool = False  # keep the uncut paths too

    def __post_init__(self) -> None:
        least = {"length": 1, "stride": 1, "contexts": 0, "spacing": 1, "segment": 0, "gap": 0}
        for name, low in least.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < low:
                raise ValueError(f"windows: {name} = {value!r} has to be a whole number from {low} up")
        for name in ("whole", "series"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"windows: {name} = {getattr(self, name)!r} has to be True or False")
        object.__setattr__(self, "shares", tuple(np.atleast_1d(self.shares).tolist()))
        numbers = all(isinstance(share, int | float) and share >= 0 for share in self.shares)
        if len(self.shares) != len(SPLITS) or not numbers or not abs(sum(self.shares) - 1) <= 1e-9:
            raise ValueError(f"windows: shares = {self.shares} has to be three numbers from 0 up whose sum is 1")

    @property
    def lead(self) -> int:
        """Frames before a query that its contexts need."""
        return self.length + (self.contexts - 1) * self.spacing if self.contexts else 0

    def offsets(self) -> np.ndarray:
        """Frames that a window and its contexts show, once each, counted from the first of the query."""
        return np.unique(np.append(self.first_frames(), 0)[:, None] + np.arange(self.length))

    def first_frames(self) -> np.ndarray:
        """First frames of the contexts [contexts], counted from the first of the query."""
        return self.spacing * np.arange(self.contexts) - self.lead

    def part(self, split: str, steps: int) -> slice:
        """The frames of a path of so many steps that belong to a split."""
        if self.whole:
            return slice(0, steps)
        i = SPLITS.index(split)
        ends = [round(share * max(0, steps - 2 * self.gap)) for share in accumulate(self.shares, initial=0.0)]
        return slice(ends[i] + i * self.gap, ends[i + 1] + i * self.gap)

    def starts(self, split: str, steps: int) -> np.ndarray:
        """First frames [n] of the queries of a split on a path of so many steps, in order."""
        part, reach = self.part(split, steps), self.lead + self.length
        if not self.segment:
            return np.arange(part.start, min(part.stop, steps) - reach + 1, self.stride) + self.lead
        within = np.arange(0, self.segment - reach + 1, self.stride)
        first = (np.arange(0, steps, self.segment)[:, None] + within).ravel()
        return first[(first >= part.start) & (first + reach <= min(part.stop, steps))] + self.lead

    def apart(self, split: str, steps: int) -> int:
        """How many queries further there is one that shares no frame with the first, or that is of another path."""
        return min(-(-self.length // self.stride), max(1, len(self.starts(split, steps))))

    def paths(self, split: str, steps: int, count: int) -> int:
        """How many paths so many windows of a split are cut from."""
        return -(-count // max(1, len(self.starts(split, steps)))) if self.whole else min(count, 1)

    def shared_out(self, paths: int) -> dict[str, int]:
        """So many whole paths by the splits' shares, at least one each; raises ValueError where they are too few."""
        if paths < len(SPLITS):
            raise ValueError(f"paths = {paths} has to be at least {len(SPLITS)}: each split has paths of its own")
        found = [1 + int(share * (paths - len(SPLITS))) for share in self.shares]
        found[self.shares.index(max(self.shares))] += paths - sum(found)
        return dict(zip(SPLITS, found, strict=True))

    def number(self, split: str, path: np.ndarray | int) -> np.ndarray | int:
        """Numbers in the whole dataset of paths of a split: no two splits share one, unless they share the path."""
        return len(SPLITS) * path + SPLITS.index(split) if self.whole else path

    def places(self, split: str, steps: int, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Path [n] and first frame [n] of the queries with these indices [n]; raises ValueError beyond the last."""
        starts = self.starts(split, steps)
        if not len(starts) or (not self.whole and len(index) and index.max() >= len(starts)):
            raise ValueError(f"{split} has {len(starts)} windows on a path of {steps} steps: there is no more to cut")
        return index // len(starts), starts[index % len(starts)]

    def cut(self, paths: Arrays, row: np.ndarray, start: np.ndarray) -> Arrays:
        """Windows [n …] whose queries begin at these frames [n] of these rows [n] of `paths`, arrays [P T …]."""
        query = row[:, None], start[:, None] + np.arange(self.length)  # [n W]
        before = start[:, None] + self.first_frames()  # [n contexts]
        context = row[:, None, None], before[:, :, None] + np.arange(self.length)  # [n contexts W]
        found = {name: paths[array][query] for array, name in QUERY.items() if array in paths}
        found |= {name: paths[array][context] for array, name in CONTEXT.items() if array in paths}
        return {name: found[name] for name in ORDER if name in found}
