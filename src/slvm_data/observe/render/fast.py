"""Draw frames fast, equal to those of `soft` and `clean` unless an edge meets the middle of a pixel to 1e-15.

In a binary frame a single disc needs only a comparison of distances: a pixel is lit if |c - u| <= ρ + δ, where δ is the
distance from the edge at which its cover reaches the threshold (0 for a clean disc). In each row the lit pixels are
then one run, found from two numbers and written as the bits of machine words.

Several discs overlap softly and need the covers themselves. These are computed in single precision; a pixel closer to
the threshold than `DOUBT`, about ten times the rounding error, is marked and drawn again in double precision. Likewise
a shade of grey that is closer to the next whole number than `doubt_of_shade`.
"""

from __future__ import annotations

from math import log

import numpy as np

from slvm_data.core.late import jnp
from slvm_data.core.types import Array
from slvm_data.observe.render.soft import BACKGROUND, GREY, LIT, TEMPERATURE, blend, cover

DOUBT = 1e-5  # of a channel's 0 … 1
DOUBTFUL = 8  # the bit of a code that marks such a pixel
DOUBTFUL_SHADE = 0  # marks such a pixel; the background is brighter
DEPTH = 30.0  # exp(-30) is 900 times the rounding error of 1 in double precision
_WORD = 32  # pixels in a machine word

_BITS = np.arange(2**16, dtype="<u2")[:, None].view(np.uint8)
_PIXELS = np.unpackbits(_BITS, axis=1, bitorder="little").view(np.complex128)[:, 0]  # 16 bytes for each 16 bits

_NEEDED = (LIT / 255 - BACKGROUND[0]) / (1 - BACKGROUND[0])  # cover that lights a red pixel
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


def code(centres: Array, radii: Array, colors: Array, size: int, palette: int) -> Array:
    """Draw several discs, uint8 [H W]: bit c says if channel c is lit, bit 3 (`DOUBTFUL`) that this is uncertain."""
    covers = cover(centres, radii, size, np.float32)
    shares, total = colors.astype(np.float32), jnp.zeros((size, size), jnp.uint8)
    for c in range(channels(palette)):
        value = blend(covers, shares[:, c], np.float32(BACKGROUND[c])) - np.float32(LIT / 255)
        total = total | ((value >= 0).astype(jnp.uint8) << c)
        total = total | ((jnp.abs(value) < DOUBT).astype(jnp.uint8) * DOUBTFUL)
    return total


def doubt_of_shade(radii: Array) -> Array:
    """Five times the rounding error of a shade 0 … 255 in single precision, about; it grows with the distances."""
    return 3e-4 + 1.2e-3 * jnp.max(radii)


def shades(centres: Array, radii: Array, size: int) -> Array:
    """Draw several discs without colours, uint8 [H W]; `DOUBTFUL_SHADE` marks pixels whose shade is uncertain.

    Inside discs the value comes so close to 255 that single precision cannot tell it from it. In double precision it
    stays below, so that the pixel is 254, unless discs are so large that exp(-depth) could vanish beside 1.
    """
    covers = cover(centres, radii, size, np.float32)
    value = 255 * blend(covers, jnp.ones(len(radii), np.float32), np.float32(GREY))
    shallow = TEMPERATURE * jnp.sum(radii) + log(2) * len(radii) < DEPTH
    inside = shallow & (value > 254.5)
    doubtful = (jnp.abs(value - jnp.round(value)) < doubt_of_shade(radii)) & ~inside
    shade = jnp.where(inside, 254.0, jnp.floor(value))
    return jnp.where(doubtful, DOUBTFUL_SHADE, shade).astype(jnp.uint8)


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
