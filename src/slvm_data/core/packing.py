"""Pictures of zeros and ones with 8 pixels per byte."""

from __future__ import annotations

from math import prod

import numpy as np


def pack_pictures(pictures: np.ndarray, axes: int) -> np.ndarray:
    """Pack pictures that have this number of axes before their own into [… bytes], their first pixel highest."""
    return np.packbits(pictures.reshape(*pictures.shape[:axes], prod(pictures.shape[axes:])), axis=-1)


def unpack_pictures(packed: np.ndarray, picture: tuple[int, ...]) -> np.ndarray:
    """Unpack pictures of this shape from [… bytes], with one byte per pixel."""
    return np.unpackbits(packed, axis=-1, count=prod(picture)).reshape(*packed.shape[:-1], *picture)


def packed_shape(shape: tuple[int, ...], axes: int) -> tuple[int, ...]:
    """The shape of packed pictures that have this shape, with this number of axes before their own."""
    return (*shape[:axes], -(-prod(shape[axes:]) // 8))
