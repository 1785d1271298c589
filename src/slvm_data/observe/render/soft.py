"""Bodies to pixels: soft bodies over a grey background, the style of the Hamiltonian benchmarks.

In unit coordinates (the canvas is [0, 1]²) disc i with centre uᵢ and radius ρᵢ covers a pixel at c by
Mᵢ = 1 / (1 + exp(80 (|c - uᵢ| - ρᵢ))); of a rod, uᵢ is its point nearest to c. Body 0 lies on top. Pixels sample the
canvas at j / (W - 1), end points included; row 0 is the *lowest* y. A binary pixel is set where the quantised value
exceeds 0.45.

Source: A. Botev et al., "Which priors matter? Benchmarking models for learning latent dynamics", NeurIPS 2021
Datasets and Benchmarks, arXiv:2111.05458.
"""

from __future__ import annotations

import colorsys
from typing import Any

import numpy as np

from slvm_data.core.late import jnp
from slvm_data.core.types import Array
from slvm_data.observe.render.capsule import distance

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


def cover(places: Array, radii: Array, size: int, columns: Any = slice(None), rows: Any = slice(None)) -> Array:
    """Share of each pixel that each body covers, M [B H W]; places as in `capsule` and radii [B] in canvas widths.

    Of all pixels, or of those with these numbers of columns and rows.
    """
    along = jnp.linspace(0.0, 1.0, size)
    return cover_at(along[columns], along[rows], places, radii)


def cover_at(columns: Array, rows: Array, places: Array, radii: Array) -> Array:
    """The same, [B H W], of pixels in columns [W] and rows [H] that lie there, in canvas widths."""
    return _cover(distance(columns, rows, places), radii)


def odds_of(x: Array, y: Array, radii: Array) -> Array:
    """Odds [B H W] that a pixel is not covered by a disc, (1 - M) / M, from squared distances in x [B W] and y [B H].

    In the precision of these, and at most e²⁰.
    """
    beyond = jnp.sqrt(y[:, :, None] + x[:, None, :]) - radii.astype(x.dtype)[:, None, None]
    return jnp.exp(jnp.minimum(TEMPERATURE * beyond, 20.0))


def _cover(distance: Array, radii: Array) -> Array:
    return 1 / (1 + jnp.exp(TEMPERATURE * (distance - radii[:, None, None])))


def blend(covers: Array, colors: Array, background: Any) -> Array:
    """Blend one channel [H W], disc 0 on top, from covers [B H W], colours [B] and the background."""
    value = background
    for i in reversed(range(covers.shape[0])):
        value = covers[i] * colors[i] + (1 - covers[i]) * value
    return jnp.asarray(value)


def shades(covers: Array, colors: Array | None, levels: tuple[float, ...]) -> list[Array]:
    """Shades, uint8 [H W] in each channel, from covers [B H W], RGB colours [B 3] and levels of the background."""
    return [jnp.floor(255 * value).astype(jnp.uint8) for value in blended(covers, colors, levels)]


def blended(covers: Array, colors: Array | None, levels: tuple[float, ...]) -> list[Array]:
    """Blend all channels, [H W] each, from the background's level in each; without colours [B 3], bodies are white."""
    shares = jnp.ones((len(covers), len(levels))) if colors is None else colors
    return [blend(covers, shares[:, c], level) for c, level in enumerate(levels)]


def binarise(channels: list[Array], palette: int, lit: int = LIT) -> list[Array]:
    """Convert the channels of a frame to {0, 1} in uint8: the first one if the palette has one hue, else all three."""
    return [(channel >= lit).astype(jnp.uint8) for channel in channels[: 1 if palette == 1 else 3]]
