"""Bodies to pixels: soft discs over a grey background, the style of the Hamiltonian benchmarks.

In unit coordinates (the canvas is [0, 1]²) disc i with centre uᵢ and radius ρᵢ covers a pixel at c by
Mᵢ = 1 / (1 + exp(80 (|c - uᵢ| - ρᵢ))). Disc 0 lies on top. Pixels sample the canvas at j / (W - 1), end points
included; row 0 is the *lowest* y. A binary pixel is set where the quantised value exceeds 0.45.

Source: A. Botev et al., "Which priors matter? Benchmarking models for learning latent dynamics", NeurIPS 2021
Datasets and Benchmarks, arXiv:2111.05458.
"""

from __future__ import annotations

import colorsys
from typing import Any

import numpy as np

from slvm_data.core.late import jnp
from slvm_data.core.types import Array

BACKGROUND = (0.321, 0.349, 0.368)  # RGB
GREY = 0.343  # of the background without colours: its luminance (ITU-R BT.601)
TEMPERATURE = 80.0  # per canvas width
LIT = 115  # least value of 0 … 255 above 0.45


def hues(palette: int) -> np.ndarray:
    """Fully saturated colours [palette 3], evenly spaced around the colour circle, from red."""
    return np.array([colorsys.hsv_to_rgb(i / palette, 1.0, 1.0) for i in range(palette)])


def levels(color: str) -> tuple[float, ...]:
    """The background of frames "rgb" or "grey" in each channel, 0 … 1."""
    return BACKGROUND if color == "rgb" else (GREY,)


def cover(centres: Array, radii: Array, size: int) -> Array:
    """Share of each pixel that each disc covers, M [B H W]; centres [B 2] and radii [B] in canvas widths."""
    along = jnp.linspace(0.0, 1.0, size)
    return cover_at(along, along, centres, radii)


def cover_at(columns: Array, rows: Array, centres: Array, radii: Array) -> Array:
    """The same, [B H W], of pixels in columns [W] and rows [H] that lie there, in canvas widths."""
    return cover_of((columns - centres[:, :1]) ** 2, (rows - centres[:, 1:]) ** 2, radii)


def cover_of(x: Array, y: Array, radii: Array) -> Array:
    """The same from squared distances of columns, x [B W], and rows, y [B H], in the precision of these."""
    distance = jnp.sqrt(y[:, :, None] + x[:, None, :])
    return 1 / (1 + jnp.exp(TEMPERATURE * (distance - radii.astype(x.dtype)[:, None, None])))


def blend(covers: Array, colors: Array, background: Any) -> Array:
    """Blend one channel [H W], disc 0 on top, from covers [B H W], colours [B] and the background."""
    value = background
    for i in reversed(range(covers.shape[0])):
        value = covers[i] * colors[i] + (1 - covers[i]) * value
    return jnp.asarray(value)


def shades(covers: Array, colors: Array | None, color: str) -> Array:
    """Shades, uint8 [C H W], of frames "rgb" or "grey", from covers [B H W] and RGB colours [B 3]; grey takes none."""
    shares = jnp.ones((len(covers), 1)) if colors is None else colors
    values = [blend(covers, shares[:, c], level) for c, level in enumerate(levels(color))]
    return jnp.floor(255 * jnp.stack(values)).astype(jnp.uint8)


def draw(centres: Array, radii: Array, colors: Array, size: int) -> Array:
    """One frame, uint8 [3 H W], from centres [B 2] and radii [B] in canvas widths and RGB colours [B 3]."""
    return shades(cover(centres, radii, size), colors, "rgb")


def draw_grey(centres: Array, radii: Array, size: int) -> Array:
    """One frame without colours, uint8 [H W]: white discs, at centres [B 2] with radii [B] in canvas widths."""
    return shades(cover(centres, radii, size), None, "grey")[0]


def binarise(frame: Array, palette: int, lit: int = LIT) -> Array:
    """Convert a frame [3 H W] to {0, 1} in uint8: [H W] if the palette has one hue, else [3 H W]."""
    bits = (frame >= lit).astype(jnp.uint8)
    return bits[0] if palette == 1 else bits
