"""Draw frames fast, equal to those of `soft` and `clean` unless an edge meets the middle of a pixel to 1e-15.

In a binary frame a single disc needs only a comparison of distances: a pixel is lit if |c - u| <= ρ + δ, where δ is the
distance from the edge at which its cover reaches the threshold (0 for a clean disc). In each row the lit pixels are
then one run, found from two numbers and written as the bits of machine words.

Several discs overlap softly and need the covers themselves. These are computed in single precision; a pixel closer to
the threshold than `DOUBT`, about ten times the rounding error, is marked and computed again in double precision.

Discs change only what is about them: a patch about each is computed, with all of them, and the rest is background.
"""

from __future__ import annotations

from math import log

import numpy as np

from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array
from slvm_data.observe.render.soft import (
    BACKGROUND,
    LIT,
    TEMPERATURE,
    binarise,
    blend,
    cover_at,
    cover_of,
    levels,
    shades,
)

DOUBT = 1e-5  # of a channel's 0 … 1
DOUBTFUL = 8  # the bit of a code that marks such a pixel
_WORD = 32  # pixels in a machine word

_BITS = np.arange(2**16, dtype="<u2")[:, None].view(np.uint8)
_PIXELS = np.unpackbits(_BITS, axis=1, bitorder="little").view(np.complex128)[:, 0]  # 16 bytes for each 16 bits

_NEEDED = (LIT / 255 - BACKGROUND[0]) / (1 - BACKGROUND[0])  # cover that lights a red pixel
_PATCH = 2, 16  # heights and widths of patches are multiples of so many pixels: few, since each is compiled
_MARGIN = log(1 / _NEEDED - 1) / TEMPERATURE  # δ, in canvas widths


def lone_disc(centre: Array, radius: Array, size: int, style: str = "soft", *, first_high: bool = False) -> Array:
    """Draw one disc from its centre [2] and radius, a scalar, in canvas widths: uint32 [H words].

    The first pixel is the lowest bit, for `unpack`; or the highest, for `pack`.
    """
    margin, pitch, first = (_MARGIN, size - 1, 0.0) if style == "soft" else (0.0, size, 0.5)
    rows = (jnp.arange(size) + first) / pitch  # where the pixels lie; columns likewise
    squares = (radius + margin) ** 2 - (rows - centre[1]) ** 2
    half = jnp.sqrt(jnp.maximum(squares, 0.0))  # half the length of each row's run [H]
    end = jnp.clip(jnp.floor((centre[0] + half) * pitch - first) + 1, 0, size)
    begin = jnp.where(squares < 0, end, jnp.clip(jnp.ceil((centre[0] - half) * pitch - first), 0, size))
    starts = np.arange(0, size, _WORD)
    low, high = (jnp.clip(x[:, None] - starts, 0, _WORD).astype(jnp.uint64) for x in (begin, end))
    if first_high:
        low, high = _WORD - high, _WORD - low
    return ((jnp.uint64(1) << high) - (jnp.uint64(1) << low)).astype(jnp.uint32)  # pixel j is bit j, or 31 - j


def unpack(words: np.ndarray, out: np.ndarray) -> None:
    """Write {0, 1} to `out` uint8 [… H W], contiguous, from the bits of words [… H words]."""
    data = words.astype("<u4", copy=False).view(np.uint8)
    if out.shape[-1] == 8 * data.shape[-1]:  # mode="raise" would check every index first
        np.take(_PIXELS, data.view("<u2"), out=out.view(np.complex128), mode="clip")
    else:
        out[...] = np.unpackbits(data, axis=-1, bitorder="little")[..., : out.shape[-1]]


def pack(words: np.ndarray, size: int, out: np.ndarray) -> None:
    """Write 8 pixels per byte to `out` uint8 [… bytes], the first in the highest bit, from words [… H words]."""
    data = words.astype(">u4").view(np.uint8)
    if size % 8 == 0:
        out[...] = data[..., : size // 8].reshape(out.shape)
    else:  # rows do not end with a byte
        out[...] = np.packbits(np.unpackbits(data, axis=-1)[..., :size].reshape(*out.shape[:-1], -1), axis=-1)


def squares(centres: Array, size: int) -> Array:
    """Squared distances of each column and row from the centre of each disc, float32 [B 2 size], for `code`.

    As a program of its own, or XLA would compute them in double precision for every pixel.
    """
    return ((jnp.linspace(0.0, 1.0, size) - centres[:, :, None]) ** 2).astype(np.float32)


def code(squares: Array, radii: Array, colors: Array, palette: int) -> Array:
    """Draw several discs, uint8 [H W]: bit c says if channel c is lit, bit 3 (`DOUBTFUL`) that this is uncertain."""
    covers = cover_of(squares[:, 0], squares[:, 1], radii)
    shares, total = colors.astype(np.float32), jnp.zeros(covers.shape[1:], jnp.uint8)
    for c in range(channels(palette)):
        value = blend(covers, shares[:, c], np.float32(BACKGROUND[c])) - np.float32(LIT / 255)
        total = total | ((value >= 0).astype(jnp.uint8) << c)
        total = total | ((jnp.abs(value) < DOUBT).astype(jnp.uint8) * DOUBTFUL)
    return total


def lit(pixel: Array, centres: Array, radii: Array, colors: Array, palette: int) -> Array:
    """The reference for one pixel at (x, y), in canvas widths: {0, 1} in each channel [C]."""
    covers = cover_at(pixel[:1], pixel[1:], centres, radii)
    return binarise(shades(covers, colors, "rgb"), palette).reshape(-1)


def patches(
    centres: Array, radii: Array, colors: Array, size: int, how: str, shape: tuple[int, int]
) -> tuple[Array, Array]:
    """The parts of a frame of colours ("rgb") or shades ("grey") that each of several discs changes, for `place`.

    Return uint8 [B C height width], and their first rows and columns [B 2]. `shape` is that of `patch_shape`.
    """
    length = np.array(shape[::-1])  # columns and rows
    least = jnp.ceil(centres * (size - 1) - length / 2).astype(jnp.int64)  # what is left out is half a length away
    first = jnp.clip(least, 0, size - length)
    along = jnp.linspace(0.0, 1.0, size)
    columns, rows = (along[first[:, i, None] + jnp.arange(length[i])] for i in range(2))
    own = None if how == "grey" else colors

    def part(columns: Array, rows: Array) -> Array:
        return shades(cover_at(columns, rows, centres, radii), own, how)

    return jax.vmap(part)(columns, rows), first[:, ::-1]


def patch_shape(radius: float, bodies: int, size: int, how: str) -> tuple[int, int] | None:
    """Height and width of patches that hold discs of this radius, in pixels; None if they are no less than the frame.

    Beyond a patch all discs together are too faint to change a shade of the background.
    """
    changes = []  # covers that do
    for level in levels(how):
        shade = 255 * level % 1  # what is above the shade that is stored
        changes += [(1 - shade) / (255 * (1 - level)), shade / (255 * level)]
    faint = 0.99 * min(changes) / bodies
    pixels = 2 * (radius + log(1 / faint - 1) / TEMPERATURE) * (size - 1)
    height, width = (step * int(-(-pixels // step)) for step in _PATCH)
    return (height, width) if bodies * height * width < size**2 and width <= size else None


def place(
    parts: np.ndarray, first: np.ndarray, out: np.ndarray, background: tuple[int, ...], at: np.ndarray | None = None
) -> None:
    """Write frames to `out` uint8 [N T H W] or [N T C H W], contiguous: background, and patches where they begin.

    `parts` are patches [… B C height width], `first` [… B 2] the first row and column of each, for all frames, or the
    first ones for those with the numbers `at` [n], counted over sequences and time.
    """
    (n, t, *_, height, columns), (bodies, count, own, width) = out.shape, parts.shape[-4:]
    every, frames = out.reshape(n * t, count, height, columns), np.arange(n * t) if at is None else at
    parts, first = (
        array.reshape(-1, bodies, *array.shape[-k:])[: len(frames)] for array, k in ((parts, 3), (first, 1))
    )
    for c, level in enumerate(background):
        every[slice(None) if at is None else at, c] = level
    channel = frames[:, None, None, None] * count + np.arange(count)[:, None]  # [n 1 C 1]
    start = (channel * height + first[..., None, :1] + np.arange(own)) * columns + first[..., None, 1:]
    rows = np.dtype(f"V{width}")  # a row of a patch, at any byte of the frames
    places = np.lib.stride_tricks.as_strided(out.reshape(-1)[:width].view(rows), (out.size - width + 1,), (1,))
    places[start] = parts.view(rows)[..., 0]


def decode(codes: np.ndarray, out: np.ndarray) -> None:
    """Write {0, 1} to `out` uint8 [… H W], or [… 3 H W] for colours, from codes [… H W]."""
    if out.ndim == codes.ndim:
        out[...] = codes
        return
    for c in range(3):  # by comparison, since NumPy shifts bytes one by one
        np.not_equal(codes & np.uint8(1 << c), 0, out=out[..., c, :, :].view(np.bool_))


def channels(palette: int) -> int:
    """Number of channels of a binary frame: one if every disc is red, else three."""
    return 1 if palette == 1 else 3
