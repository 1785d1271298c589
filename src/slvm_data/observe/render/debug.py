"""A ball as the debugging view of a 2D physics engine draws it: body, line for its angle, black walls, contacts.

Coordinates are whole pixels, row = y, column = x, rounded half to even. The body has radius 3 and is not symmetric. The
line goes from its centre to the right, since a ball without friction never turns. The walls are black on black and hide
what is behind them. Each wall that is touched gets a line from 2 pixels behind it to 1 pixel before the centre.
"""

from __future__ import annotations

import numpy as np

from slvm_data.core.late import jnp
from slvm_data.core.types import Array
from slvm_data.systems.contact import touched

RADIUS = 3  # px
BODY = ((-1, 0), (-2, 1), (-3, 2), (-3, 2), (-2, 1), (-1, 0))  # first and last column of each row, from row -3
COLORS = np.array([0x000000, 0xFFFFFF, 0x2C3E50, 0xE74C3C])  # of background, body, line and contact
_NOTHING, _WHITE, _LINE, _CONTACT = range(4)


def draw(centre: Array, size: int, margin: float) -> Array:
    """Draw one frame, as indices into `COLORS`, uint8 [H W], of a ball at `centre` [2] in pixels.

    The walls stand `margin` pixels from the border.
    """
    return contacts(walls(line(body(centre, size), centre), margin), centre, margin)


def color(codes: Array) -> Array:
    """Convert indices into `COLORS` [H W] to colours, uint8 [3 H W]."""
    rgb = [(COLORS >> shift & 0xFF).astype(np.uint8) for shift in (16, 8, 0)]
    return jnp.stack([jnp.asarray(channel)[codes] for channel in rgb])


def grey(codes: Array) -> Array:
    """Convert indices into `COLORS` [H W] to shades, uint8 [H W]: their luminance (ITU-R BT.601)."""
    shades = sum(share * (COLORS >> shift & 0xFF) for share, shift in ((0.299, 16), (0.587, 8), (0.114, 0)))
    return jnp.asarray(np.round(shades).astype(np.uint8))[codes]


def body(centre: Array, size: int) -> Array:
    """Draw the ball on black, as indices into `COLORS`, uint8 [H W]."""
    row, column = _pixels(size)
    x, y = jnp.round(centre)
    codes = jnp.full((size, size), _NOTHING, jnp.uint8)
    for offset, (first, last) in zip(range(-RADIUS, RADIUS), BODY, strict=True):
        codes = jnp.where((row - y == offset) & (column - x >= first) & (column - x <= last), _WHITE, codes)
    return codes


def line(codes: Array, centre: Array) -> Array:
    """Add the line from the centre to the right."""
    row, column = _pixels(len(codes))
    x, y = jnp.round(centre)
    return jnp.where((row == y) & (column >= x) & (column <= jnp.round(centre[0] + RADIUS)), _LINE, codes)


def walls(codes: Array, margin: float) -> Array:
    """Add the walls, in black."""
    size = len(codes)
    low, high = np.round(margin), np.round(size - margin)
    row, column = _pixels(size)
    rows, columns = ((k >= low) & (k <= high) for k in (row, column))
    return jnp.where(((row == low) | (row == high)) & columns | ((column == low) | (column == high)) & rows, 0, codes)


def contacts(codes: Array, centre: Array, margin: float) -> Array:
    """Add a line through every wall that the ball touches."""
    size = len(codes)
    contact, depth, normal = touched(centre, margin, size - margin, RADIUS)
    points = centre - normal * (RADIUS - depth)[:, None]  # of the walls
    for i in range(4):
        spike = _segment(jnp.round(points[i] - 2 * normal[i]), jnp.round(centre - normal[i]), size)
        codes = jnp.where(contact[i] & spike, _CONTACT, codes)
    return codes


def _pixels(size: int) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(size)[:, None], np.arange(size)[None, :]  # rows [H 1], columns [1 W]


def _segment(start: Array, end: Array, size: int) -> Array:
    """Pixels [H W] of a line between two pixels [2], one pixel wide: one for each step along its longer axis."""
    row, column = _pixels(size)
    (x, y), (dx, dy) = start, end - start
    steep = jnp.abs(dy) > jnp.abs(dx)
    length = jnp.maximum(jnp.maximum(jnp.abs(dx), jnp.abs(dy)), 1)
    step = jnp.where(steep, (row - y) * jnp.sign(dy), (column - x) * jnp.sign(dx))
    on = jnp.where(steep, column == jnp.round(x + dx * step / length), row == jnp.round(y + dy * step / length))
    return on & (step >= 0) & (step <= length)
