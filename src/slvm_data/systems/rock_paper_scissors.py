"""Two populations play rock, paper, scissors: paper wins over rock, scissors over paper, rock over scissors.

ẋᵢ = xᵢ ((A y)ᵢ - x·A y), ẏⱼ = yⱼ (x·A y - (Aᵀ x)ⱼ), with A = [[0, -1, 1], [1, 0, -1], [-1, 1, 0]].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from slvm_data.systems.replicator import Replicator


@dataclass(frozen=True, kw_only=True)
class RockPaperScissors(Replicator):
    """State: shares of rock, paper and scissors, x1 to x3 in the first population, y1 to y3 in the second."""

    state: ClassVar = ("x1", "x2", "x3", "y1", "y2", "y3")
    wins: ClassVar = ((0, -1, 1), (1, 0, -1), (-1, 1, 0))
