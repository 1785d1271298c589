"""Capsules: all points within a radius of the line between two ends. A disc is a capsule whose ends meet.

The places of bodies are the centres of discs, [B 2], or both ends of capsules, [B 2 2], with x before y.
"""

from __future__ import annotations

from slvm_data.core.late import jnp
from slvm_data.core.types import Array


def distance(columns: Array, rows: Array, places: Array) -> Array:
    """Distance [B H W] of the pixels in columns [W] and rows [H] from the centre of each disc, or the line of each rod.

    Columns and rows are alike for all bodies; all numbers have the same unit.
    """
    first = places if places.ndim == 2 else places[:, 0]
    x, y = columns - first[:, :1], rows - first[:, 1:]  # [B W], [B H]
    if places.ndim == 2:
        return jnp.sqrt(y[:, :, None] ** 2 + x[:, None, :] ** 2)
    (dx, dy), (x, y) = (places[:, 1] - first).T[:, :, None, None], (x[:, None, :], y[:, :, None])
    square = dx**2 + dy**2
    share = jnp.clip((x * dx + y * dy) / jnp.where(square > 0, square, 1.0), 0.0, 1.0)  # of the way to the other end
    return jnp.sqrt((y - share * dy) ** 2 + (x - share * dx) ** 2)


def middles(places: Array) -> Array:
    """Middle of each body [B 2]."""
    return places if places.ndim == 2 else (places[:, 0] + places[:, 1]) / 2


def run(place: Array, radius: Array, rows: Array) -> tuple[Array, Array, Array]:
    """Left and right end [H] of the run that a body [2] or [2 2] covers in each row [H], and whether it covers any.

    A body is convex, so there is one run. Each of its ends lies on the round about one end of a rod, or on its long
    side, a line parallel to it at the distance of the radius.
    """
    if place.ndim == 1:
        square = radius**2 - (rows - place[1]) ** 2
        half = jnp.sqrt(jnp.maximum(square, 0.0))
        return place[0] - half, place[0] + half, square >= 0
    (x, y), (dx, dy) = place[0], place[1] - place[0]
    length, level = jnp.hypot(dx, dy), dy == 0
    scale = radius / jnp.where(length > 0, length, 1.0)
    found = []
    for side in (-1.0, 1.0):  # left and right
        up = -side * dx * jnp.where(dy < 0, -1.0, 1.0) * scale  # of the long side above the rod
        share = (rows - y - up) / jnp.where(level, 1.0, dy)  # where on the rod the long side crosses the row
        share = jnp.where(level, (side * dx > 0) * 1.0, share)
        near = jnp.clip(share, 0.0, 1.0)
        square = radius**2 - (rows - y - near * dy) ** 2
        own_round = x + near * dx + side * jnp.sqrt(jnp.maximum(square, 0.0))
        long_side = x + share * dx + side * abs(dy) * scale
        found.append(jnp.where(level | (share < 0) | (share > 1), own_round, long_side))
    return found[0], found[1], square >= 0
