"""Regimes of a segmentation against the true ones, whatever numbers the model gives them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from slvm_data.metrics.arrays import array, check_same


def contingency(found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Number of frames [K K'] in each true regime (rows) and each predicted one."""
    _, rows = np.unique(wanted, return_inverse=True)
    _, columns = np.unique(found, return_inverse=True)
    table = np.zeros((rows.max() + 1, columns.max() + 1), np.int64)
    np.add.at(table, (rows.ravel(), columns.ravel()), 1)
    return table


def assigned(forecast: Any, truth: Any) -> np.ndarray:
    """Predicted regimes [N T] under the numbers of the true ones that most of their frames agree with, over all frames.

    The assignment is one to one. Predicted regimes beyond the number of true ones belong to none: -1.
    """
    found, wanted = _pair(forecast, truth)
    true, names, table = np.unique(wanted), np.unique(found), contingency(found, wanted)
    first = [np.argmax(found == name) for name in names]
    order = np.lexsort((first, *table[::-1]))  # where several assignments are best, names do not decide
    names, (rows, columns) = names[order], linear_sum_assignment(-table[:, order])
    number = dict(zip(names[columns].tolist(), true[rows].tolist(), strict=True))
    return np.vectorize(lambda z: number.get(z, -1), otypes=[np.int64])(found)


def accuracy(forecast: Any, truth: Any) -> np.ndarray:
    """Share of frames [N] of each sequence in the right regime, after one assignment for all, 0 to 1 (best).

    One regime for all frames gets the share of the most frequent one.
    """
    return (assigned(forecast, truth) == _pair(forecast, truth)[1]).mean(axis=1)


def f1(forecast: Any, truth: Any) -> float:
    """F1 score of the regimes, each weighted by its number of frames, after the assignment, 0 to 1 (best)."""
    found, wanted = assigned(forecast, truth), _pair(forecast, truth)[1]
    true, counts = np.unique(wanted, return_counts=True)
    scores = [2 * ((found == k) & (wanted == k)).sum() / ((found == k).sum() + (wanted == k).sum()) for k in true]
    return float(np.average(scores, weights=counts))


def nmi(forecast: Any, truth: Any) -> float:
    """Mutual information of predicted and true regimes over the mean of their entropies, 0 to 1 (best).

    Two segmentations of one regime each are equal, and get 1.
    """
    joint = contingency(*_pair(forecast, truth))
    shares = joint / joint.sum()
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    some = shares > 0
    information = (shares[some] * np.log((shares / np.outer(rows, columns))[some])).sum()
    entropy = (_entropy(rows) + _entropy(columns)) / 2
    return float(information / entropy) if entropy > 0 else 1.0


def _entropy(shares: np.ndarray) -> float:
    return float(-(shares[shares > 0] * np.log(shares[shares > 0])).sum())


def ari(forecast: Any, truth: Any) -> float:
    """Adjusted Rand index: agreement of pairs of frames beyond chance, 0 on average for a random guess, 1 best.

    Source: L. Hubert and P. Arabie, "Comparing partitions", Journal of Classification 2, 1985.
    """
    table = contingency(*_pair(forecast, truth))

    def pairs(counts: np.ndarray) -> float:
        return float((counts * (counts - 1.0) / 2).sum())

    both, rows, columns = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    chance = rows * columns / max(pairs(np.array([table.sum()])), 1.0)
    most = (rows + columns) / 2
    return (both - chance) / (most - chance) if most != chance else 1.0


def switch_error(forecast: Any, truth: Any, window: int = 10) -> dict[str, float]:
    """Errors of the instants at which the regime changes: `frames` (mean distance, 0 best), `missed` and `spurious`.

    Within a sequence, true and predicted switches are paired one to one so that the sum of their distances is least,
    over pairs at most `window` frames apart. `missed` is the share of true switches, `spurious` that of predicted ones,
    that stay alone (0 best). `frames` is NaN where there is no pair. It does not use the numbers of the regimes.
    """
    found, wanted = (np.diff(z, axis=1) != 0 for z in _pair(forecast, truth))
    distances, missed, spurious = [], 0, 0
    for f, w in zip(found, wanted, strict=True):
        near = _paired(np.flatnonzero(f), np.flatnonzero(w), window)
        distances.append(near)
        missed, spurious = missed + w.sum() - len(near), spurious + f.sum() - len(near)
    every = np.concatenate(distances)
    return {
        "frames": float(every.mean()) if len(every) else float("nan"),
        "missed": float(missed / max(1, wanted.sum())),
        "spurious": float(spurious / max(1, found.sum())),
    }


def _paired(found: np.ndarray, wanted: np.ndarray, window: int) -> np.ndarray:
    """Distances of the pairs of instants [n] and [m] that are at most `window` apart."""
    distance = np.abs(found[:, None] - wanted).astype(float)
    cost = np.where(distance <= window, distance, 1e6)
    rows, columns = linear_sum_assignment(cost)
    return distance[rows, columns][cost[rows, columns] < 1e6]


def _pair(forecast: Any, truth: Any) -> tuple[np.ndarray, np.ndarray]:
    found, wanted = array("regime of the forecast", forecast, "N T"), array("regime of the truth", truth, "N T")
    check_same("regime", found, wanted)
    return found, wanted
