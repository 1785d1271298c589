"""Regimes of a segmentation against the true ones, whatever numbers the model gives them."""

from __future__ import annotations

from math import prod
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


def tables(forecast: Any, truth: Any, aligned: bool = False) -> np.ndarray:
    """Number of frames [N K K'] of each sequence in each true regime and each predicted one.

    With `aligned`, the predicted ones are the true ones in the same order, and one more for all others.
    """
    found, wanted = _pair(forecast, truth)
    true, rows = np.unique(wanted, return_inverse=True)
    names, columns = np.unique(found, return_inverse=True)
    if aligned:
        names = np.append(true, -1)
        place = np.searchsorted(true, found).clip(max=len(true) - 1)
        columns = np.where(true[place] == found, place, len(true))
    cells = (np.arange(len(wanted))[:, None], rows.reshape(wanted.shape), columns.reshape(wanted.shape))
    shape = (len(wanted), len(true), len(names))
    return np.bincount(np.ravel_multi_index(cells, shape).ravel(), minlength=prod(shape)).reshape(shape)


def assigned(forecast: Any, truth: Any) -> np.ndarray:
    """Predicted regimes [N T] under the numbers of the true ones that most of their frames agree with, over all frames.

    The assignment is one to one. Predicted regimes beyond the number of true ones belong to none: -1.
    """
    found, wanted = _pair(forecast, truth)
    true, names, table = np.unique(wanted), np.unique(found), contingency(found, wanted)
    first = [np.argmax(found == name) for name in names]
    order = np.lexsort((first, *table[::-1]))  # where several assignments are best, names do not decide
    rows, columns = linear_sum_assignment(-table[:, order])
    numbers = np.full(len(names), -1, np.int64)
    numbers[order[columns]] = true[rows]
    return numbers[np.unique(found, return_inverse=True)[1].reshape(found.shape)]


def accuracy(forecast: Any, truth: Any) -> np.ndarray:
    """Share of frames [N] of each sequence in the right regime, after one assignment for all, 0 to 1 (best).

    One regime for all frames gets the share of the most frequent one.
    """
    return (assigned(forecast, truth) == _pair(forecast, truth)[1]).mean(axis=1)


def f1(forecast: Any, truth: Any) -> float:
    """F1 score of the regimes, each weighted by its number of frames, after the assignment, 0 to 1 (best)."""
    return f1_of(tables(assigned(forecast, truth), truth, aligned=True).sum(axis=0))


def f1_of(table: np.ndarray) -> float:
    """F1 score, as `f1`, from the frames [K …] in each true regime and each assigned one, in the same order."""
    true, found = table.sum(axis=1), table.sum(axis=0)[: len(table)]
    scores = 2 * np.diagonal(table) / np.maximum(true + found, 1e-300)
    return float(np.average(scores, weights=true))


def nmi(forecast: Any, truth: Any) -> float:
    """Mutual information of predicted and true regimes over the mean of their entropies, 0 to 1 (best).

    Two segmentations of one regime each are equal, and get 1.
    """
    return nmi_of(contingency(*_pair(forecast, truth)))


def nmi_of(table: np.ndarray) -> float:
    """Mutual information, as `nmi`, from the frames [K K'] in each true regime and each predicted one."""
    shares = table / table.sum()
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    some = shares > 0
    information = (shares[some] * np.log(shares[some] / np.outer(rows, columns)[some])).sum()
    entropy = (_entropy(rows) + _entropy(columns)) / 2
    return float(information / entropy) if entropy > 0 else 1.0


def _entropy(shares: np.ndarray) -> float:
    return float(-(shares[shares > 0] * np.log(shares[shares > 0])).sum())


def ari(forecast: Any, truth: Any) -> float:
    """Adjusted Rand index: agreement of pairs of frames beyond chance, 0 on average for a random guess, 1 best.

    Source: L. Hubert and P. Arabie, "Comparing partitions", Journal of Classification 2, 1985.
    """
    return ari_of(contingency(*_pair(forecast, truth)))


def ari_of(table: np.ndarray) -> float:
    """Adjusted Rand index, as `ari`, from the frames [K K'] in each true regime and each predicted one."""

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
    return dict(zip(SWITCHES, switch_values(switch_counts(forecast, truth, window).sum(axis=0)), strict=True))


SWITCHES = ("frames", "missed", "spurious")


def switch_counts(forecast: Any, truth: Any, window: int = 10) -> np.ndarray:
    """For each sequence [N 4]: sum of the distances of pairs, their number, true switches, predicted ones."""
    found, wanted = (np.diff(z, axis=1) != 0 for z in _pair(forecast, truth))
    near = [_paired(np.flatnonzero(f), np.flatnonzero(w), window) for f, w in zip(found, wanted, strict=True)]
    pairs = np.array([[own.sum(), len(own)] for own in near], np.float64)
    return np.column_stack([pairs, wanted.sum(axis=1), found.sum(axis=1)])


def switch_values(counts: np.ndarray) -> np.ndarray:
    """The numbers of `switch_error` [3], from the sums [4] of `switch_counts`, or their means."""
    distance, pairs, wanted, found = counts
    return np.array(
        [
            distance / pairs if pairs else float("nan"),
            (wanted - pairs) / wanted if wanted else 0.0,
            (found - pairs) / found if found else 0.0,
        ]
    )


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
