"""Valid prediction time: for how many frames a forecast can be used, one number for each sequence [N].

Three definitions are in use, under one name elsewhere, so that numbers of different papers cannot be compared.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from slvm_data.metrics.arrays import compared
from slvm_data.metrics.pixels import mean_square, mse


def first_beyond(error: np.ndarray, threshold: np.ndarray | float) -> np.ndarray:
    """Number of frames [N] before the first whose error [N T] is above the threshold; T if none is."""
    beyond = error > threshold
    return np.where(beyond.any(axis=1), beyond.argmax(axis=1), error.shape[1])


def vpt(forecast: Any, truth: Any, threshold: float = 0.5) -> np.ndarray:
    """Frames [N] before the first whose MSE is above `threshold` times the variance of the sequence, 0 to T (best).

    The variance is that of the truth about the mean frame of its sequence, so that neither brightness nor resting
    pixels count, and a forecast of the mean frame gets a relative error of 1 on average. A sequence that does not move
    has no variance: any error ends it.
    """

    def frames(found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        variance = mean_square(wanted - wanted.mean(axis=1, keepdims=True)).mean(axis=1)
        return first_beyond(mean_square(found - wanted), threshold * variance[:, None])

    return compared(frames, forecast, truth)


def vpt_relative_first(forecast: Any, truth: Any, threshold: float = 0.025) -> np.ndarray:
    """Frames [N] before the first whose MSE is above `threshold` times its mean squared brightness, 0 to T (best).

    A brighter background makes it longer, so that binary and grey frames cannot be compared. An empty frame of the
    truth ends it unless the forecast is empty too. Source: A. Botev et al., "Which priors matter?", NeurIPS 2021
    Datasets and Benchmarks (there, over the frames after the 64th).
    """

    def frames(found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        return first_beyond(mean_square(found - wanted), threshold * mean_square(wanted))

    return compared(frames, forecast, truth)


def vpt_absolute_last(forecast: Any, truth: Any, threshold: float = 0.01) -> np.ndarray:
    """Frames [N] up to the last whose MSE is below `threshold`, 0 to T (best): as torch-neural-ssm codes it.

    A forecast that fails and returns gets full marks; use `vpt` instead. Divided by T it is the published number.
    """
    below = mse(forecast, truth) < threshold
    return np.where(below.any(axis=1), below.shape[1] - below[:, ::-1].argmax(axis=1), 0)
