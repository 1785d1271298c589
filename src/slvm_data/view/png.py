"""Write frames as a PNG with exactly their pixels. Specification: W3C, Portable Network Graphics, third edition."""

from __future__ import annotations

import struct
import zlib

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, COLOR = 0, 2  # types of pixels
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
    height, width = image.shape[:2]
    bits, kind = (1 if image.dtype == bool else 8), (COLOR if image.ndim == 3 else GREY)
    lines = np.packbits(image, axis=1) if bits == 1 else image.reshape(height, -1)
    data = np.pad(lines, ((0, 0), (1, 0))).tobytes()  # each line begins with its filter, which is none
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(data, 9)) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
