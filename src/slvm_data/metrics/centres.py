"""Distances of body centres in frames, for each colour, and how long they stay small."""

from __future__ import annotations

from typing import Any

import numpy as np

from slvm_data.metrics.arrays import compared
from slvm_data.metrics.horizon import first_beyond


def centres(frames: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """Centre [N T C 2] (row, column) in pixels of what is above `threshold` in each colour; NaN where nothing is.

    Frames are [N T C H W].
    """
    lit = frames > threshold
    rows, columns = lit.sum(axis=4, dtype=np.float32), lit.sum(axis=3, dtype=np.float32)
    count = rows.sum(axis=3)
    sums = [own @ np.arange(own.shape[3], dtype=np.float32) for own in (rows, columns)]  # exact: whole numbers
    places = np.stack(sums, axis=-1).astype(np.float64) / np.maximum(count, 1)[..., None]
    return np.where(count[..., None], places, np.nan)


def centre_distance(forecast: Any, truth: Any, threshold: float = 0.5) -> np.ndarray:
    """Distance [N T C] in pixels of the body of each colour from where it is, 0 (best) to the frame's diagonal.

    A frame of the forecast without that colour is a miss, and gets the diagonal; where the truth does not show the
    colour, there is no distance: NaN. Bodies of one colour have one centre.
    """

    def distance(found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        there, place = centres(found, threshold), centres(wanted, threshold)
        missed = np.isnan(there[..., 0]) & ~np.isnan(place[..., 0])
        return np.where(missed, np.hypot(*wanted.shape[3:]), np.linalg.norm(there - place, axis=-1))

    return compared(distance, forecast, truth)


def vpd(forecast: Any, truth: Any, threshold: float = 10.0) -> np.ndarray:
    """Frames [N] before the first in which a body is more than `threshold` pixels from where it is, 0 to T (best).

    A missing body counts as such a frame. Source of the name and the 10 pixels: torch-neural-ssm.
    """
    return first_beyond(np.nan_to_num(centre_distance(forecast, truth)).max(axis=2), threshold)
