"""A convex polygon: its walls, the room that they leave to a disc, and how often a disc can meet them."""

from __future__ import annotations

from itertools import combinations
from math import ceil, pi
from typing import Any, NamedTuple

import numpy as np


class Polygon(NamedTuple):
    """The corners [W 2] of a polygon, in order, and its walls: wall k is from corner k to the next one."""

    corners: np.ndarray
    normals: np.ndarray  # [W 2], of length 1, inwards
    offsets: np.ndarray  # [W]; a point x is normals @ x - offsets away from the walls

    def apart(self, x: Any) -> Any:
        """Distance [W] of a point [2] from the line of each wall, negative behind it."""
        return self.normals[:, 0] * x[0] + self.normals[:, 1] * x[1] - self.offsets

    def inner(self, radius: float) -> np.ndarray:
        """Corners [W 2] of the room of the centre of a disc that touches two walls there."""
        pairs = zip(np.roll(self.normals, 1, axis=0), self.normals, strict=True)
        shifted = zip(np.roll(self.offsets, 1), self.offsets, strict=True)
        return np.array(
            [np.linalg.solve(np.stack(pair), np.add(own, radius)) for pair, own in zip(pairs, shifted, strict=True)]
        )

    def holds(self, radius: float) -> bool:
        """Whether a disc of this radius fits in, and can touch every wall."""
        sides = np.diff(self.inner(radius), axis=0, append=self.inner(radius)[:1])
        own = np.diff(self.corners, axis=0, append=self.corners[:1])
        return bool(((sides * own).sum(axis=1) > 0).all())

    def room(self, radius: float) -> float:
        """Length of a path on which a disc meets no more walls than the two of a corner.

        It is the least distance of two walls that are no neighbours, for its centre; in a triangle, twice the radius
        of the largest circle.
        """
        inner, W = self.inner(radius), len(self.corners)
        if W == 3:
            sides = np.linalg.norm(np.roll(inner, -1, axis=0) - inner, axis=1)
            return 2 * abs(_turn(*inner)) / float(sides.sum())
        apart = [(i, j) for i, j in combinations(range(W), 2) if j - i not in (1, W - 1)]
        return min(_distance(inner[[i, (i + 1) % W]], inner[[j, (j + 1) % W]]) for i, j in apart)

    def turns(self) -> int:
        """Largest number of impacts in one corner, which its angle α limits to π / α, rounded up."""
        sides = np.diff(self.corners, axis=0, append=self.corners[:1])
        angles = [pi - abs(_angle(a, b)) for a, b in zip(np.roll(sides, 1, axis=0), sides, strict=True)]
        return ceil(pi / min(angles) - 1e-9)


def polygon(corners: Any) -> Polygon:
    """The polygon with these corners [W 2]; raises ValueError if they are not those of a convex one, in order."""
    try:
        points = np.asarray(corners, float)
    except (TypeError, ValueError):
        points = np.zeros((0, 2))
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3 or not np.isfinite(points).all():
        raise ValueError(f"corners = {corners} has to be three or more points, such as (0, 0), (30, 0), (15, 30)")
    sides = np.roll(points, -1, axis=0) - points
    turns = np.array([_angle(a, b) for a, b in zip(np.roll(sides, 1, axis=0), sides, strict=True)])
    way = np.sign(turns[0])
    if (turns * way <= 0).any() or not np.isclose(np.abs(turns).sum(), 2 * pi):
        raise ValueError(f"corners = {corners} has to be those of a convex polygon, one after the other")
    normals = way * np.stack([-sides[:, 1], sides[:, 0]], axis=1) / np.linalg.norm(sides, axis=1, keepdims=True)
    return Polygon(points, normals, (normals * points).sum(axis=1))


def _angle(a: np.ndarray, b: np.ndarray) -> float:
    """Angle [rad] by which the direction b is turned from a, anticlockwise."""
    return float(np.arctan2(a[0] * b[1] - a[1] * b[0], a @ b))


def _turn(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
    """Twice the area of a triangle, positive if its corners are in anticlockwise order."""
    return float((b - a)[0] * (c - a)[1] - (b - a)[1] * (c - a)[0])


def _distance(first: np.ndarray, second: np.ndarray) -> float:
    """Distance of two segments [2 2] that do not cross."""
    pairs = [(point, second) for point in first] + [(point, first) for point in second]
    return min(_from_segment(*pair) for pair in pairs)


def _from_segment(point: np.ndarray, segment: np.ndarray) -> float:
    along = segment[1] - segment[0]
    share = np.clip((point - segment[0]) @ along / (along @ along), 0, 1)
    return float(np.linalg.norm(point - segment[0] - share * along))
