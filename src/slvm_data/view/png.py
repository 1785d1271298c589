"""Write frames as a PNG with exactly their pixels."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

WIDEST = 4096  # px, of a sheet


def sheet(frames: np.ndarray) -> tuple[np.ndarray, int]:
    """Frames [T H W …] side by side in rows, [R C …], about as high as wide; and the number of them in a row."""
    T, H, W = frames.shape[:3]
    columns = int(np.clip(WIDEST // W, 1, np.ceil(np.sqrt(T))))
    rows = -(-T // columns)
    empty = np.zeros((rows * columns - T, *frames.shape[1:]), frames.dtype)
    cells = np.concatenate([frames, empty]).reshape(rows, columns, *frames.shape[1:])
    return cells.swapaxes(1, 2).reshape(rows * H, columns * W, *frames.shape[3:]), columns


def encode(image: np.ndarray) -> bytes:
    """Encode a picture: uint8 [H W] grey, uint8 [H W 3] colour, or bool [H W], stored with one bit per pixel."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", compress_level=9)
    return file.getvalue()
