"""Two substances that react, u + 2v → 3v, are fed and drained, and diffuse, on a periodic grid.

u̇ = D_u ∇²u - u v² + f (1 - u) and v̇ = D_v ∇²v + u v² - (f + k) v.

∇² is (N + S + E + W) / 2 + (NE + NW + SE + SW) / 4 - 3 of the cell itself, over the square of the side of a cell.

P. Gray and S. K. Scott, "Autocatalytic reactions in the isothermal, continuous stirred tank reactor", Chemical
Engineering Science 39 (1984). J. E. Pearson, "Complex Patterns in a Simple System", Science 261 (1993).
"""

from __future__ import annotations

from dataclasses import dataclass

from slvm_data.core.fields import limited
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems.field import Field, around
from slvm_data.systems.parameters import Parameter, parameter

BLOCK = 10  # squares have a tenth of the cells along a side


@dataclass(frozen=True, kw_only=True)
class GrayScott(Field):
    """State: u, then v, in cells of 1 m. Bright is 1.

    At the start u is 0.95 and v 0.05, and in `squares` squares u is 0 and v is 1. They are anywhere, but not across the
    border, and may overlap. The grid is a part of the law: on one twice as fine, the field is another one by 0.02 to
    0.17 (root mean square, after 360 s).
    """

    f: Parameter = parameter(0.03, minimum=0.0, unit="1/s")
    k: Parameter = parameter(0.062, minimum=0.0, unit="1/s")
    D_u: Parameter = parameter(0.2097, minimum=0.0, unit="m²/s")
    D_v: Parameter = parameter(0.105, minimum=0.0, unit="m²/s")
    squares: int = limited(3, minimum=1, maximum=32)

    def start(self, key: Key) -> Array:
        """Draw the places of the squares."""
        block = max(1, self.cells // BLOCK)
        first = jax.random.randint(key, (self.squares, 2, 1), 0, self.cells - block)
        along = jnp.arange(self.cells)
        rows, columns = jnp.moveaxis((along >= first) & (along < first + block), 1, 0)
        inside = (rows[:, :, None] & columns[:, None, :]).any(axis=0)
        return jnp.stack([jnp.where(inside, 0.0, 0.95), jnp.where(inside, 1.0, 0.05)]).ravel()

    def velocity(self, x: Array) -> Array:
        """Time derivative [D] of the state [D]."""
        u, v = self.grid(x)
        eaten = u * v * v
        du = self.D_u * self._spread(u) - eaten + self.f * (1 - u)
        dv = self.D_v * self._spread(v) + eaten - (self.f + self.k) * v
        return jnp.stack([du, dv]).ravel()

    def _spread(self, quantity: Array) -> Array:
        """∇² [cells cells] of a quantity."""
        at = around(quantity, 1)
        straight = at(0, 1) + at(0, -1) + at(1, 0) + at(-1, 0)
        across = at(1, 1) + at(1, -1) + at(-1, 1) + at(-1, -1)
        return (straight / 2 + across / 4 - 3 * quantity) / self.cell**2

    def longest_step(self) -> float:
        """A share of the fastest time of decay; at four times this step, it would not be stable."""
        diffusion = 4 * max(self.high("D_u"), self.high("D_v")) / self.cell**2
        return 1.6 / (1 + diffusion + 2 * self.high("f") + self.high("k"))
