"""The camera of a sequence: its shift, the hue of each body, and the projection to the canvas."""

from __future__ import annotations

from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key


def shift(key: Key, reach: Array | float) -> Array:
    """The camera's shift [2], each axis uniform within ± `reach` [m]."""
    return jax.random.uniform(key, (2,), dtype=float, minval=-reach, maxval=reach)


def color_index(key: Key, palette: int, bodies: int, drawn: bool = True) -> Array:
    """One hue of the palette per body [B]: all different, `drawn` or in order; all 0 if the palette has one hue."""
    if palette == 1 or not drawn:
        return jnp.arange(bodies) % palette
    return jnp.argsort(jax.random.uniform(key, (palette,), dtype=float))[:bodies]


def project(centres: Array, radii: Array, half_width: Array | float) -> tuple[Array, Array]:
    """Places [B 2] or [B 2 2] and radii [B] in canvas widths, from metres about the centre of a canvas."""
    return (centres + half_width) / (2 * half_width), radii / (2 * half_width)
