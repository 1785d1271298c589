"""Wasserstein distance of lit pixels: how far light has to be moved to turn a frame into another."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment, linprog
from scipy.sparse import eye as identity
from scipy.sparse import kron, vstack
from scipy.spatial.distance import cdist

from slvm_data.metrics.arrays import compared


def wasserstein(forecast: Any, truth: Any, threshold: float = 0.5) -> np.ndarray:
    """Mean distance [N T] in pixels by which light has to be moved, 0 (best) to the frame's diagonal.

    Pixels above `threshold`, in any colour, share the light of their frame equally; the transport is optimal, and
    exact. An empty forecast of a body gets the diagonal, and so does a forecast of an empty frame; two empty frames
    get 0. Source: A. F. Ansari et al., "Neural continuous-discrete state space models", ICML 2023.
    """

    def distances(found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        lit = [frames.max(axis=2) > threshold for frames in (found, wanted)]
        return np.array([[distance(*frames) for frames in zip(*rows, strict=True)] for rows in zip(*lit, strict=True)])

    return compared(distances, forecast, truth)


def distance(found: np.ndarray, wanted: np.ndarray) -> float:
    """Wasserstein distance of the true pixels of two frames [H W]."""
    there, place = np.argwhere(found), np.argwhere(wanted)
    if not len(there) or not len(place):
        return 0.0 if len(there) == len(place) else float(np.hypot(*wanted.shape))
    cost = cdist(there, place)
    if len(there) == len(place):  # then each pixel goes to one other
        return float(cost[linear_sum_assignment(cost)].mean())
    return _transported(cost)


def _transported(cost: np.ndarray) -> float:
    """Least mean cost of moving equal shares of n places to equal shares of m places, from costs [n m]."""
    n, m = cost.shape
    leaves, arrives = kron(identity(n), np.ones((1, m))), kron(np.ones((1, n)), identity(m))
    shares = np.concatenate([np.full(n, 1 / n), np.full(m, 1 / m)])
    return float(linprog(cost.ravel(), A_eq=vstack([leaves, arrives]), b_eq=shares, method="highs").fun)
