"""Two substances that oscillate in every point, and diffuse, on a periodic grid.

With A = u² + v²: u̇ = (1 - A) u + β A v + d ∇²u and v̇ = (1 - A) v - β A u + d ∇²v.

∇² is by differences of order 6 along both axes.

N. Kopell and L. N. Howard, "Plane Wave Solutions to Reaction-Diffusion Equations", Studies in Applied Mathematics 52
(1973).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from slvm_data.core.fields import limited
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems.field import CELLS, Field, around
from slvm_data.systems.parameters import Parameter, parameter

WEIGHTS = (-49 / 18, 3 / 2, -3 / 20, 1 / 90)  # of a cell, and of those 1, 2 and 3 cells away, in the second derivative
LARGEST = 544 / 45  # size of ∇² with these weights on cells of 1 m, where neighbours have opposite signs


@dataclass(frozen=True, kw_only=True)
class LambdaOmega(Field):
    """State: u, then v. Bright is 1, dark -1.

    The start is a spiral with one arm about the middle: with the distance r [m] from it and the angle θ there,
    u + iv = tanh(r) exp(i (θ - r + φ)), with a phase φ drawn uniformly. To turn (u, v) by an angle gives another
    solution, so that sequences with different φ differ by this turn alone.
    """

    shown: ClassVar = (-1.0, 1.0)

    cells: int = limited(128, minimum=8, maximum=CELLS)
    side: float = limited(20.0, positive=True)  # m, of the square
    d: Parameter = parameter(0.1, minimum=0.0, unit="m²/s")
    beta: Parameter = parameter(1.0, unit="1/s")

    def start(self, key: Key) -> Array:
        """Draw the phase of the spiral."""
        along = self.cell * np.arange(self.cells) - self.side / 2
        r, angle = np.hypot(along, along[:, None]), np.arctan2(along[:, None], along)
        phase = angle - r + jax.random.uniform(key, (), dtype=float, maxval=2 * np.pi)
        return (jnp.asarray(np.tanh(r)) * jnp.stack([jnp.cos(phase), jnp.sin(phase)])).ravel()

    def velocity(self, x: Array) -> Array:
        """Time derivative [D] of the state [D]."""
        u, v = self.grid(x)
        A = u * u + v * v
        du = (1 - A) * u + self.beta * A * v + self.d * self._spread(u)
        dv = (1 - A) * v - self.beta * A * u + self.d * self._spread(v)
        return jnp.stack([du, dv]).ravel()

    def _spread(self, quantity: Array) -> Array:
        """∇² [cells cells] of a quantity."""
        at = around(quantity, len(WEIGHTS) - 1)
        found = 2 * WEIGHTS[0] * quantity
        for k, weight in enumerate(WEIGHTS[1:], 1):
            found = found + weight * (at(0, k) + at(0, -k) + at(k, 0) + at(-k, 0))
        return found / self.cell**2

    def longest_step(self) -> float:
        """A share of the longest step that is stable, 6.4 over the rate of decay, or of the time of the reaction.

        The reaction has a rate of decay of 2 per second where A is 1.
        """
        reaction = 2 + abs(self.low("beta")) + abs(self.high("beta"))
        return min(4 / (LARGEST * self.high("d") / self.cell**2 + reaction), 0.5 / reaction)
