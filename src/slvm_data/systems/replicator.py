"""Two populations that play a zero-sum game: ẋᵢ = xᵢ ((A y)ᵢ - x·A y), ẏⱼ = yⱼ (x·A y - (Aᵀ x)ⱼ).

The shares x and y of the strategies in each population have the sum 1. What wins more than the mean becomes more
frequent. In the games here Σ ln xᵢ + Σ ln yⱼ is constant.

J. Hofbauer and K. Sigmund, "Evolutionary Games and Population Dynamics", Cambridge University Press 1998, chapter 10.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from slvm_data.core.keys import stream
from slvm_data.core.late import jax, jnp
from slvm_data.core.sums import total
from slvm_data.core.types import Array, Key
from slvm_data.systems.parameters import Parameter, parameter
from slvm_data.systems.system import System


@dataclass(frozen=True, kw_only=True)
class Replicator(System):
    """State: the shares of the strategies, of the first population, then of the second.

    A frame shows tiles: how often strategy i of the first population, in row i, meets j of the second, in column j.
    """

    halves: ClassVar = ("First population", "Second population")
    style: ClassVar = "field"
    own_hues: ClassVar = True
    wins: ClassVar[tuple[tuple[int, ...], ...]]
    """Who gains when strategy i of the first population meets j of the second: 1 the first, -1 the second, 0 none."""

    stake: Parameter = parameter(1.0, positive=True)  # how much the winner gains

    def start(self, key: Key) -> Array:
        """Draw both populations uniformly on the simplex: as the gaps between sorted uniform numbers."""
        return jnp.concatenate([self._shares(stream(key, name)) for name in ("first", "second")])

    def _shares(self, key: Key) -> Array:
        cuts = jnp.sort(jax.random.uniform(key, (len(self.wins) - 1,), dtype=float))
        return jnp.diff(jnp.concatenate([jnp.zeros(1), cuts, jnp.ones(1)]))

    def velocity(self, x: Array) -> Array:
        """Time derivative [D] of the state [D]."""
        first, second = jnp.split(x, 2)
        gains = self.stake * _products(self.wins, second)
        losses = self.stake * _products(zip(*self.wins, strict=True), first)
        mean = total(first * gains)
        return jnp.concatenate([first * (gains - mean), second * (mean - losses)])

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """The share of all meetings [1 n n] of each pair of strategies, and no radius."""
        first, second = jnp.split(x, 2)
        return (first[:, None] * second)[None], jnp.zeros(1)

    def extent(self) -> float:
        """Half the side of the square of tiles."""
        return 1.0

    def longest_step(self) -> float:
        """A fraction of the shortest time in which a share changes."""
        return 0.25 / self.high("stake")


def _products(rows: Iterable[tuple[int, ...]], shares: Array) -> Array:
    """A matrix, given by its rows, times a vector."""
    return jnp.stack([total([a * b for a, b in zip(row, shares, strict=True)]) for row in rows])
