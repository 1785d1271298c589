"""Quantities on a periodic square grid, which react with each other in each cell and diffuse from cell to cell."""

from __future__ import annotations

import abc
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from slvm_data.core.fields import limited
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array
from slvm_data.systems.system import System

CELLS = 256  # along a side, at most


@dataclass(frozen=True, kw_only=True)
class Field(System, abc.ABC):
    """State: u in all cells, row by row from y_min, then v, without units; u3_1 is in row 3 and column 1.

    A frame shows the field itself in 8 bits: each quantity has the colour of a body, as bright as it is high between
    the ends of `shown`, and colours add up. With one hue, u is shown alone. A pixel shows the cell in which
    its middle lies. `state` keeps the field in single precision, which has more than 16 bits.
    """

    style: ClassVar = "field"
    own_hues: ClassVar = True
    bodies_drawn: ClassVar = 2
    shown: ClassVar[tuple[float, float]] = (0.0, 1.0)
    """Values of a quantity that are dark and as bright as can be."""

    cells: int = limited(32, minimum=8, maximum=CELLS)  # along a side
    side: float = limited(32.0, positive=True)  # m, of the square

    @property
    def cell(self) -> float:
        """Side of a cell [m]."""
        return self.side / self.cells

    def grid(self, x: Array) -> Array:
        """The quantities [2 cells cells] of a state [D]: rows along y, columns along x."""
        return x.reshape(2, self.cells, self.cells)

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """The share of full brightness of each quantity in each cell [B cells cells], and no radii."""
        dark, bright = self.shown
        return (self.grid(x) - dark) / (bright - dark), jnp.zeros(self.bodies_drawn)

    def extent(self) -> float:
        """Half the side of the square."""
        return self.side / 2

    def accept(self, x: Array, centres: Array, extent: Array | float) -> Array:  # noqa: ARG002 - a field stays
        """Always."""
        return jnp.isfinite(x).all()

    def rejection(self) -> str:
        """Reason for a rejection."""
        return "is not finite"

    def settle(self) -> None:
        """Give the state names for so many cells: quantity, row, column."""
        super().settle()
        cells = self.cells if type(self.cells) is int and self.cells <= CELLS else 0
        object.__setattr__(self, "state", _names(cells))


@cache
def _names(cells: int) -> tuple[str, ...]:
    """Names of the state, which takes milliseconds, and each copy of a system asks for."""
    along = range(1, 1 + cells)
    return tuple(f"{name}{row}_{column}" for name in ("u", "v") for row in along for column in along)


def around(quantity: Array, reach: int) -> Callable[[int, int], Array]:
    """A function that gives a quantity [n n] as it is so many rows and columns further, up to `reach`, periodically."""
    n = len(quantity)
    wide = jax.lax.optimization_barrier(jnp.pad(quantity, reach, mode="wrap"))  # else each pixel asks where it lies
    return lambda row, column: wide[reach + row :, reach + column :][:n, :n]
