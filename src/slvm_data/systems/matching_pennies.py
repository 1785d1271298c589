"""Two populations play matching pennies: the first wins if both show the same side, else the second.

ẋᵢ = xᵢ ((A y)ᵢ - x·A y), ẏⱼ = yⱼ (x·A y - (Aᵀ x)ⱼ), with A = [[1, -1], [-1, 1]].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from slvm_data.core.late import jnp
from slvm_data.core.types import Array
from slvm_data.systems.replicator import Replicator


@dataclass(frozen=True, kw_only=True)
class MatchingPennies(Replicator):
    """State: shares of heads and tails, x1 and x2 in the first population, y1 and y2 in the second.

    The disc is at (x1, y1), in a square whose middle is the equilibrium.
    """

    state: ClassVar = ("x1", "x2", "y1", "y2")
    wins: ClassVar = ((1, -1), (-1, 1))

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """A disc at the shares of heads."""
        return (2 * jnp.stack([x[0], x[2]]) - 1)[None], jnp.array([self.radius])
