"""Bumps on black: the brightness of a pixel whose middle is d from the centre of a disc of radius r is exp(-(d / r)⁸).

Pixel j spans [j, j + 1), as in `clean`. Source: I. Sutskever, G. Hinton, G. Taylor, "The recurrent temporal restricted
Boltzmann machine", NeurIPS 2008. There, the brightness of balls is added up and cut at 1; here, as in other styles, one
lies on the other.
"""

from __future__ import annotations

from math import log
from typing import Any

from slvm_data.core.late import jnp
from slvm_data.core.types import Array
from slvm_data.observe.render.capsule import distance

POWER = 8


def cover(places: Array, radii: Array, size: int, columns: Any = slice(None), rows: Any = slice(None)) -> Array:
    """Brightness of each pixel for each body, M [B H W]; places as in `capsule` and radii [B] in canvas widths.

    Of all pixels, or of those with these numbers of columns and rows.
    """
    along = (jnp.arange(size) + 0.5) / size
    square = (distance(along[columns], along[rows], places) / radii[:, None, None]) ** 2
    return jnp.exp(-(square**2) * square**2)


def fade(bodies: int) -> float:
    """Distance, in radii, beyond which so many bodies together are too faint to be seen: 255 M B is below 1/2."""
    return log(2 * 255 * bodies / 0.99) ** (1 / POWER)
