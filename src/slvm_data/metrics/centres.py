"""Distances of body centres in frames, for each colour, and how long they stay small."""

from __future__ import annotations

from typing import Any

import numpy as np

from slvm_data.metrics.arrays import pictures
from slvm_data.metrics.horizon import first_beyond


def centres(frames: Any, threshold: float = 0.5) -> np.ndarray:
    """Centre [N T C 2] (row, column) in pixels of what is above `threshold` in each colour; NaN where nothing is."""
    lit = pictures(frames, frames)[0] > threshold
    count = lit.sum(axis=(3, 4))
    rows, columns = np.arange(lit.shape[3]), np.arange(lit.shape[4])
    sums = np.stack([lit.sum(axis=4) @ rows, lit.sum(axis=3) @ columns], axis=-1)
    return np.where(count[..., None], sums / np.maximum(count, 1)[..., None], np.nan)


def centre_distance(forecast: Any, truth: Any, threshold: float = 0.5) -> np.ndarray:
    """Distance [N T C] in pixels of the body of each colour from where it is, 0 (best) to the frame's diagonal.

    A frame of the forecast without that colour is a miss, and gets the diagonal; where the truth does not show the
    colour, there is no distance: NaN. Bodies of one colour have one centre.
    """
    found, wanted = pictures(forecast, truth)
    there, place = centres(found, threshold), centres(wanted, threshold)
    distance = np.sqrt(((there - place) ** 2).sum(axis=-1))
    missed = np.isnan(there[..., 0]) & ~np.isnan(place[..., 0])
    return np.where(missed, np.hypot(*wanted.shape[3:]), distance)


def vpd(forecast: Any, truth: Any, threshold: float = 10.0) -> np.ndarray:
    """Frames [N] before the first in which a body is more than `threshold` pixels from where it is, 0 to T (best).

    A missing body counts as such a frame. Source of the name and the 10 pixels: torch-neural-ssm.
    """
    distance = np.nan_to_num(centre_distance(forecast, truth)).max(axis=2)
    return first_beyond(distance, threshold)
