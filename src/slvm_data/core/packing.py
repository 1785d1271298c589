"""Pictures of zeros and ones with 8 pixels per byte."""

from __future__ import annotations

from math import prod

import numpy as np


def pack_pictures(pictures: np.ndarray, axes: int) -> np.ndarray:
    """Pack pictures that have this number of axes before their own into [… bytes], their first pixel highest."""
    return np.packbits(pictures.reshape(*pictures.shape[:axes], prod(pictures.shape[axes:])), axis=-1)
