"""Errors of frames, one number for each sequence and frame [N T]. Frames are [N T H W] or [N T C H W], 0 to 1."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from slvm_data.metrics.arrays import compared

K1, K2, SIGMA, RADIUS = 0.01, 0.03, 1.5, 5  # constants and window [px] of SSIM


def mse(forecast: Any, truth: Any) -> np.ndarray:
    """Mean squared error [N T] of the pixels of each frame, 0 (best) to 1.

    An empty forecast gets the mean square of the truth, a constant c the mean of (c - x)².
    """
    return compared(lambda found, wanted: mean_square(found - wanted), forecast, truth)


def mean_square(difference: np.ndarray) -> np.ndarray:
    """Mean square [N T] of numbers [N T …]."""
    return np.square(difference).mean(axis=tuple(range(2, difference.ndim)), dtype=np.float64)


def psnr(forecast: Any, truth: Any) -> np.ndarray:
    """Peak signal-to-noise ratio [N T] in dB, 0 to infinity (best, for an exact frame): -10 log₁₀ MSE."""
    with np.errstate(divide="ignore"):
        return -10 * np.log10(mse(forecast, truth))


def ssim(forecast: Any, truth: Any) -> np.ndarray:
    """Structural similarity [N T] of frames, -1 to 1 (best), in a Gaussian window of 11 x 11 pixels, σ = 1.5.

    Near a border, the frame is mirrored. An empty frame gets about 0 where there is a body, and 1 elsewhere. Source:
    Z. Wang et al., "Image quality assessment", IEEE Trans. Image Processing 13, 2004.
    """
    return compared(_ssim, forecast, truth)


def _ssim(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    def local(values: np.ndarray) -> np.ndarray:
        return gaussian_filter(values, (0, 0, 0, SIGMA, SIGMA), radius=(0, 0, 0, RADIUS, RADIUS))

    mx, my = local(x), local(y)
    vx, vy, both = local(x * x) - mx * mx, local(y * y) - my * my, local(x * y) - mx * my
    index = (2 * mx * my + K1**2) * (2 * both + K2**2) / ((mx * mx + my * my + K1**2) * (vx + vy + K2**2))
    return index.mean(axis=(2, 3, 4), dtype=np.float64)


def iou(forecast: Any, truth: Any, threshold: float = 0.5) -> np.ndarray:
    """Intersection over union [N T] of the pixels above `threshold`, 0 to 1 (best).

    Two frames without such a pixel are equal, and get 1; an empty forecast of a body gets 0.
    """

    def share(found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        found, wanted = found > threshold, wanted > threshold
        union = (found | wanted).sum(axis=(2, 3, 4))
        return np.where(union, (found & wanted).sum(axis=(2, 3, 4)) / np.maximum(union, 1), 1.0)

    return compared(share, forecast, truth)
