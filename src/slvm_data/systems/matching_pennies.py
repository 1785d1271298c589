"""Two populations play matching pennies: the first wins if both show the same side, else the second.

ẋᵢ = xᵢ ((A y)ᵢ - x·A y), ẏⱼ = yⱼ (x·A y - (Aᵀ x)ⱼ), with A = [[1, -1], [-1, 1]].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from slvm_data.systems.replicator import Replicator


@dataclass(frozen=True, kw_only=True)
class MatchingPennies(Replicator):
    """State: shares of heads and tails, x1 and x2 in the first population, y1 and y2 in the second."""

    state: ClassVar = ("x1", "x2", "y1", "y2")
    wins: ClassVar = ((1, -1), (-1, 1))
