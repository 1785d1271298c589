"""A field as it is: each quantity has a colour, and a pixel is the sum of these colours, as bright as they are there.

A pixel shows the cell in which its middle lies. With one hue it shows the first quantity alone. A binary pixel is set
above half of full brightness.
"""

from __future__ import annotations

import numpy as np

from slvm_data.core.late import jnp
from slvm_data.core.sums import total
from slvm_data.core.types import Array


def draw(shares: Array, colors: Array, size: int, palette: int, color: str) -> Array:
    """Draw one frame from the share of full brightness of each quantity [B cells cells] and RGB colours [B 3].

    Frames are as of `style.draw`.
    """
    cells = (2 * np.arange(size) + 1) * shares.shape[-1] // (2 * size)
    pixels = jnp.clip(shares, 0.0, 1.0)[:palette, cells[:, None], cells]
    mixed = color == "rgb" or palette > 1
    pixels = total(colors[:palette, :, None, None] * pixels[:, None]) if mixed else pixels[0]
    return jnp.round((1 if color == "binary" else 255) * jnp.clip(pixels, 0.0, 1.0)).astype(jnp.uint8)
