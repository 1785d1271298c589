"""Calibration of forecasts that are samples [S N …] of a distribution, against the truth [N …]."""

from __future__ import annotations

from typing import Any

import numpy as np


def _samples(samples: Any, truth: Any) -> tuple[np.ndarray, np.ndarray]:
    drawn, wanted = np.asarray(samples, np.float64), np.asarray(truth, np.float64)
    if drawn.shape[1:] != wanted.shape or len(drawn) < 2:
        raise ValueError(f"samples have the shape {list(drawn.shape)}, and have to be [S {list(wanted.shape)}], S >= 2")
    if not (np.isfinite(drawn).all() and np.isfinite(wanted).all()):
        raise ValueError("samples and truth have to be finite")
    return drawn, wanted


def crps(samples: Any, truth: Any) -> np.ndarray:
    """Continuous ranked probability score [N …], in units of the truth, 0 best: E|X - y| - E|X - X'| / 2.

    The estimate of the second mean is fair: it has no bias from the number of samples. A forecast without spread gets
    its absolute error. Source: T. Gneiting and A. Raftery, JASA 102, 2007.
    """
    drawn, wanted = _samples(samples, truth)
    S, ordered = len(drawn), np.sort(drawn, axis=0)
    weights = (2 * np.arange(1, S + 1) - S - 1) / (S * (S - 1))  # of E|X - X'| / 2, by order
    return np.abs(drawn - wanted).mean(axis=0) - np.tensordot(weights, ordered, axes=1)


def coverage(samples: Any, truth: Any, level: float = 0.9) -> float:
    """Share of truths within the central interval of this level; `level` itself is best.

    A forecast without spread gets the share of truths that it hits exactly.
    """
    drawn, wanted = _samples(samples, truth)
    if not 0 < level < 1:
        raise ValueError(f"level = {level:g} has to lie between 0 and 1")
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return float(((low <= wanted) & (wanted <= high)).mean())
