"""Mean correlation coefficient: whether each latent follows one true component, up to order, sign and scale."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.stats import rankdata

from slvm_data.metrics.arrays import array

KINDS = ("pearson", "spearman")


def correlations(latent: np.ndarray, state: np.ndarray, kind: str = "pearson") -> np.ndarray:
    """Absolute correlation [K D] of each latent [M K] with each component [M D]; 0 for one that does not vary."""
    if kind not in KINDS:
        raise ValueError(f"kind = {kind!r} is unknown; there are {', '.join(KINDS)}")
    x, y = (rankdata(values, axis=0) if kind == "spearman" else values.astype(np.float64) for values in (latent, state))
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    size = np.sqrt((x**2).sum(axis=0))[:, None] * np.sqrt((y**2).sum(axis=0))
    return np.abs(x.T @ y) / np.where(size > 0, size, np.inf)


def mcc(latent: Any, state: Any, *, fit_latent: Any = None, fit_state: Any = None, kind: str = "pearson") -> float:
    """Mean correlation [0, 1] (1 best) of the components [N T D] with the latents [N T K] that are assigned to them.

    Each latent is assigned to one component at most, so that the sum of correlations is largest, on `fit_latent` and
    `fit_state`, or on the same numbers if there are none. A component without a latent counts as 0, and a latent too
    many does no harm. It does not see what is no monotonic function, such as an angle that turns; use a probe there.
    Source: A. Hyvärinen and H. Morioka, "Unsupervised feature extraction by time-contrastive learning", NIPS 2016.
    """
    own = _flat("latent", latent), _flat("state", state)
    fit = own if fit_latent is None else (_flat("latent of the fit", fit_latent), _flat("state of the fit", fit_state))
    rows, columns = linear_sum_assignment(-correlations(*fit, kind=kind))
    return float(correlations(*own, kind=kind)[rows, columns].sum() / own[1].shape[1])


def _flat(name: str, value: Any) -> np.ndarray:
    return array(name, value, "N T D").reshape(-1, np.shape(value)[-1])
