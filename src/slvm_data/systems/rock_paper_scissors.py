"""Two populations play rock, paper, scissors: paper wins over rock, scissors over paper, rock over scissors.

ẋᵢ = xᵢ ((A y)ᵢ - x·A y), ẏⱼ = yⱼ (x·A y - (Aᵀ x)ⱼ), with A = [[0, -1, 1], [1, 0, -1], [-1, 1, 0]].
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin
from typing import ClassVar

from slvm_data.core.late import jnp
from slvm_data.core.types import Array
from slvm_data.systems.replicator import Replicator

CORNERS = tuple((cos(angle), sin(angle)) for angle in (pi / 2, 7 * pi / 6, 11 * pi / 6))


@dataclass(frozen=True, kw_only=True)
class RockPaperScissors(Replicator):
    """State: shares of rock, paper and scissors, x1 to x3 in the first population, y1 to y3 in the second.

    Two discs, that of the second population half as wide, are in a triangle whose corners are these strategies.
    """

    state: ClassVar = ("x1", "x2", "x3", "y1", "y2", "y3")
    bodies_drawn: ClassVar[int] = 2
    wins: ClassVar = ((0, -1, 1), (1, 0, -1), (-1, 1, 0))

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """A disc for each population, at the mean of the corners with its shares as weights."""
        return jnp.stack([_place(x[:3]), _place(x[3:])]), jnp.array([self.radius, self.radius / 2])


def _place(shares: Array) -> Array:
    rock, paper, scissors = (share * jnp.array(corner) for share, corner in zip(shares, CORNERS, strict=True))
    return rock + paper + scissors
