"""How far a mean over sequences would move with other sequences."""

from __future__ import annotations

from collections.abc import Iterator
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
    low, high = ends(resampled(values[:, None], seed=seed)[:, 0], level)
    return Interval(float(values.mean()), float(low), float(high))


def resampled(terms: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """Means [R P] of the numbers of sequences [N P], drawn again R times; NaN is left out, and alone gives NaN.

    Each column has the same draws, so that differences of two columns have their interval too.
    """
    there = ~np.isnan(terms)
    whole = bool(there.all())
    numbers = terms if whole else np.where(there, terms, 0.0)
    parts = []
    for counts in _draws(len(terms), resamples, seed):
        shares = counts.sum(axis=1, keepdims=True) if whole else counts @ there
        with np.errstate(invalid="ignore"):  # where no number is there
            parts.append(counts @ numbers / shares)
    return np.concatenate(parts)


def _draws(count: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """How often each of `count` sequences is drawn [r count], for some resamples at a time."""
    rng, step = np.random.default_rng(seed), max(1, FEW // count)
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        drawn = rng.integers(0, count, (rows, count)) + count * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count).astype(np.float64)


def ends(values: np.ndarray, level: float = 0.95) -> np.ndarray:
    """Ends [2 …] of the central interval of values [R …] of resamples."""
    return np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=0)
