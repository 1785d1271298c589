"""How far a mean over sequences would move with other sequences."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

RESAMPLES = 2000
FEW = 2**22  # numbers in memory at a time


class Interval(NamedTuple):
    """A mean, and the ends of its interval."""

    mean: float
    low: float
    high: float


def interval(values: Any, level: float = 0.95, seed: int = 0) -> Interval:
    """Mean of the values of sequences [N], and its percentile interval from 2,000 resamples; NaN values are left out.

    Source: B. Efron and R. Tibshirani, "An Introduction to the Bootstrap", 1993.
    """
    values = np.asarray(values, np.float64)
    values = values[~np.isnan(values)]
    if not len(values):
        return Interval(float("nan"), float("nan"), float("nan"))
    rng, step = np.random.default_rng(seed), max(1, FEW // len(values))
    parts = (min(step, RESAMPLES - start) for start in range(0, RESAMPLES, step))
    means = np.concatenate([values[rng.integers(0, len(values), (n, len(values)))].mean(axis=1) for n in parts])
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(values.mean()), float(low), float(high))
