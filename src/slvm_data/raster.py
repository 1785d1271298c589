"""Binary frames fast, equal pixel for pixel to those of `discs`.

A lone red disc is a comparison of distances: lit where |c - u| <= ρ + δ, with δ where its cover reaches the
threshold. Each row of pixels is then one run, found from two numbers and written as the bits of machine words.

Several discs overlap softly and need the covers themselves. They are computed in single precision, and a pixel
within `DOUBT` of the threshold, some ten times the error that this makes, is marked, to be settled in double precision.
"""

from __future__ import annotations

from math import log

import jax
import jax.numpy as jnp
import numpy as np

from slvm_data.discs import BACKGROUND, LIT, TEMPERATURE, binarise, blend, cover, draw
from slvm_data.types import Array

DOUBT = 2e-5  # of a channel's 0 … 1; errors of the covers in float32 stay below 3e-6
DOUBTFUL = 8  # the bit of a code that marks such a pixel
_WORD = 32  # pixels in a machine word

_NEEDED = (LIT / 255 - BACKGROUND[0]) / (1 - BACKGROUND[0])  # cover that lights a red pixel
_MARGIN = log(1 / _NEEDED - 1) / TEMPERATURE  # δ, in canvas widths


def lone_disc(centre: Array, radius: Array, size: int) -> Array:
    """One red disc, {0, 1} uint8 [H W], from its centre [2] and radius, a scalar, in canvas widths."""
    squares = (radius + _MARGIN) ** 2 - (jnp.linspace(0.0, 1.0, size) - centre[1]) ** 2
    half = jnp.sqrt(jnp.maximum(squares, 0.0))  # half the length of each row's run [H]
    first = jnp.clip(jnp.ceil((centre[0] - half) * (size - 1)), 0, size)
    end = jnp.clip(jnp.floor((centre[0] + half) * (size - 1)) + 1, 0, size)
    return _unpacked(jnp.where(squares < 0, end, first), end, size)


def _unpacked(first: Array, end: Array, size: int) -> Array:
    """Rows [H W] with ones in columns first … end - 1, by way of words: 32 pixels cost one subtraction."""
    starts = np.arange(0, size, _WORD)
    low, high = (jnp.clip(x[:, None] - starts, 0, _WORD).astype(jnp.uint64) for x in (first, end))
    words = ((jnp.uint64(1) << high) - (jnp.uint64(1) << low)).astype(jnp.uint32)  # [H words]
    octets = jax.lax.bitcast_convert_type(words, jnp.uint8)  # [H words 4], low pixels first
    pixels = (octets[..., None] >> jnp.arange(8, dtype=jnp.uint8)) & jnp.uint8(1)
    return pixels.reshape(size, -1)[:, :size]


def code(centres: Array, radii: Array, colors: Array, size: int, palette: int) -> Array:
    """Several discs, uint8 [H W]: bit c says whether channel c is lit, bit 3 (`DOUBTFUL`) that this is uncertain."""
    covers = cover(centres, radii, size, np.float32)
    shares, total = colors.astype(np.float32), jnp.zeros((size, size), jnp.uint8)
    for c in range(channels(palette)):
        value = blend(covers, shares[:, c], np.float32(BACKGROUND[c])) - np.float32(LIT / 255)
        total = total | ((value >= 0).astype(jnp.uint8) << c)
        total = total | ((jnp.abs(value) < DOUBT).astype(jnp.uint8) * DOUBTFUL)
    return total


def settled(centres: Array, radii: Array, colors: Array, size: int, palette: int) -> Array:
    """The same as `code`, uint8 [H W], by the reference and hence without doubt."""
    bits = binarise(draw(centres, radii, colors, size), palette).reshape(channels(palette), size, size)
    return jnp.sum(bits << jnp.arange(channels(palette), dtype=jnp.uint8)[:, None, None], axis=0, dtype=jnp.uint8)


def decode(codes: Array, palette: int) -> Array:
    """{0, 1} uint8 [… H W], or [… 3 H W] for colours, from codes [… H W] without doubt."""
    if channels(palette) == 1:
        return codes
    return jnp.stack([(codes >> c) & jnp.uint8(1) for c in range(3)], axis=-3)


def channels(palette: int) -> int:
    """Channels of a binary frame: one where every disc is red."""
    return 1 if palette == 1 else 3
