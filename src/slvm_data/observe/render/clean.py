"""Clean bodies on black: a pixel is as bright as the share of it that a body covers.

Pixel j spans [j, j + 1) of the scene's W pixels, so that a body inside the scene is inside the picture. If the middle
of a pixel is d pixels outside the edge of a body (negative: inside), the body covers M = ½ - d of it, clipped to
0 … 1. A binary pixel is set if half of it is covered, that is if its middle lies within the body.
"""

from __future__ import annotations

from typing import Any

from slvm_data.core.late import jnp
from slvm_data.core.types import Array
from slvm_data.observe.render.capsule import distance
from slvm_data.observe.render.soft import blended

LIT = 128  # least value of 0 … 255 for half a pixel, after rounding


def cover(places: Array, radii: Array, size: int, columns: Any = slice(None), rows: Any = slice(None)) -> Array:
    """Share of each pixel that each body covers, M [B H W]; places as in `capsule` and radii [B] in canvas widths.

    Of all pixels, or of those with these numbers of columns and rows.
    """
    along = jnp.arange(size) + 0.5  # in pixels, as all that follows
    away = distance(along[columns], along[rows], size * places)
    return jnp.clip(0.5 + size * radii[:, None, None] - away, 0.0, 1.0)


def levels(color: str) -> tuple[float, ...]:
    """The background of frames "rgb" or "grey" in each channel: black."""
    return (0.0,) * (3 if color == "rgb" else 1)


def shades(covers: Array, colors: Array | None, levels: tuple[float, ...]) -> list[Array]:
    """Shades, uint8 [H W] in each channel, from covers [B H W], RGB colours [B 3] and levels of the background."""
    return [jnp.round(255 * value).astype(jnp.uint8) for value in blended(covers, colors, levels)]
