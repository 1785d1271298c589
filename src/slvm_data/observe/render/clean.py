"""Clean discs on black: a pixel is as bright as the share of it that a disc covers.

Pixel j spans [j, j + 1) of the scene's W pixels, so that a disc inside the scene is inside the picture. If the middle
of a pixel is d pixels outside the edge of the disc (negative: inside), the disc covers M = ½ - d of it, clipped to
0 … 1. A binary pixel is set if half of it is covered, that is if its middle lies within the disc.
"""

from __future__ import annotations

from slvm_data.core.late import jnp
from slvm_data.core.types import Array
from slvm_data.observe.render.soft import blend

LIT = 128  # least value of 0 … 255 for half a pixel, after rounding


def cover(centres: Array, radii: Array, size: int) -> Array:
    """Share of each pixel that each disc covers, M [B H W]; centres [B 2] and radii [B] in canvas widths."""
    away = jnp.arange(size) + 0.5 - size * centres[:, :, None]  # [B 2 W], in pixels
    distance = jnp.sqrt(away[:, 1, :, None] ** 2 + away[:, 0, None, :] ** 2)
    return jnp.clip(0.5 + size * radii[:, None, None] - distance, 0.0, 1.0)


def draw_grey(centres: Array, radii: Array, size: int) -> Array:
    """One frame without colours, uint8 [H W]: white discs, at centres [B 2] with radii [B] in canvas widths."""
    value = blend(cover(centres, radii, size), jnp.ones(len(radii)), jnp.zeros((size, size)))
    return jnp.round(255 * value).astype(jnp.uint8)


def draw(centres: Array, radii: Array, colors: Array, size: int) -> Array:
    """One frame, uint8 [3 H W], from centres [B 2] and radii [B] in canvas widths and RGB colours [B 3]."""
    covers = cover(centres, radii, size)
    channels = [blend(covers, colors[:, c], jnp.zeros((size, size))) for c in range(3)]
    return jnp.round(255 * jnp.stack(channels)).astype(jnp.uint8)
