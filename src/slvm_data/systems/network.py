"""Five bodies in a box that act on each other, or not: which pairs do is a graph, the truth that a model is to find.

T. Kipf et al., "Neural Relational Inference for Interacting Systems", ICML 2018.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np

from slvm_data.core.fields import limited
from slvm_data.core.keys import stream
from slvm_data.core.late import jax, jnp
from slvm_data.core.sums import squared, total
from slvm_data.core.types import Array, Key
from slvm_data.systems.system import System

BODIES = 5
PAIRS = tuple(combinations(range(BODIES), 2))
"""The pairs of bodies, in the order 1-2, 1-3, …, 4-5."""


@dataclass(frozen=True, kw_only=True)
class Network(System, abc.ABC):
    """State: x1, y1, x2, … [m], then vx1, vy1, vx2, … [m/s], of bodies that weigh 1 kg each.

    Walls at ± `half_width` on both axes reflect the centres of bodies, which is where they are drawn as discs.
    """

    state: ClassVar = tuple(f"{a}{k + 1}" for half in (("x", "y"), ("vx", "vy")) for k in range(BODIES) for a in half)
    units: ClassVar = (*("m",) * 2 * BODIES, *("m/s",) * 2 * BODIES)
    halves: ClassVar = ("Position", "Velocity")
    bodies_drawn: ClassVar = BODIES
    style: ClassVar = "clean"
    own_hues: ClassVar = True

    half_width: float = limited(5.0, positive=True)  # m, of the box
    spread: float = limited(0.5, positive=True)  # m, standard deviation of each coordinate at the start
    speed: float = limited(0.5, positive=True)  # m/s, of each body at the start
    radius: float = limited(0.4, positive=True)  # m, of the discs

    @abc.abstractmethod
    def edges(self) -> Array:
        """The graph [B B]: 0 where two bodies do not act on each other, and on the diagonal."""

    def start(self, key: Key) -> Array:
        """Draw normal places, reflected into the box, and velocities of any direction."""
        places = self.spread * jax.random.normal(stream(key, "position"), (BODIES, 2), dtype=float)
        v = jax.random.normal(stream(key, "velocity"), (BODIES, 2), dtype=float)
        v = self.speed * v / jnp.sqrt(v[:, :1] ** 2 + v[:, 1:] ** 2)
        return jnp.concatenate([_folded(places, self.half_width).ravel(), v.ravel()])

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """The bodies as equal discs."""
        return x[: 2 * BODIES].reshape(-1, 2), jnp.full(BODIES, self.radius)

    def extent(self) -> float:
        """Half the width of the box."""
        return self.half_width

    def recordable(self) -> tuple[str, ...]:
        """As for all systems, and the graph."""
        return (*super().recordable(), "edges")

    def check_start(self, x0: np.ndarray, frame: float) -> None:  # noqa: ARG002 - steps are short enough for any start
        """Raise ValueError for a body beyond a wall."""
        slack = 1e-6 * self.half_width  # of a position that was stored as float32
        if (odd := np.abs(x0[: 2 * BODIES]) > self.half_width + slack).any():
            k = int(np.argmax(odd))
            raise ValueError(f"{self.state[k]} = {x0[k]:g} lies beyond a wall: it has to be in ±{self.half_width:g}")


def matrix(values: Array) -> Array:
    """The symmetric matrix [B B] with these values of pairs [P], and 0 on the diagonal."""
    place = {pair: k for k, pair in enumerate(PAIRS)}
    zero = jnp.zeros_like(values[0])
    rows = [[values[place[min(i, j), max(i, j)]] if i != j else zero for j in range(BODIES)] for i in range(BODIES)]
    return jnp.stack([jnp.stack(row) for row in rows])


def motion_energy(p: Array) -> Array:
    """Energy of motion [J] at velocities p [2B]."""
    return total([squared(v) for v in p.reshape(-1, 2)]) / 2


def _folded(x: Array, half_width: float) -> Array:
    """Coordinates, reflected by walls at ± `half_width` however far beyond they are."""
    beyond = jnp.mod(x + half_width, 4 * half_width)
    return jnp.minimum(beyond, 4 * half_width - beyond) - half_width
