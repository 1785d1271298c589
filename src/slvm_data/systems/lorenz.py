"""The Lorenz system, whose regime is the lobe: ẋ = σ (y - x), ẏ = x (ρ - z) - y, ż = x y - β z.

E. N. Lorenz, "Deterministic Nonperiodic Flow", Journal of the Atmospheric Sciences 20 (1963).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from slvm_data.core.fields import limited
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems.parameters import Parameter, parameter
from slvm_data.systems.switching import Switching


@dataclass(frozen=True, kw_only=True)
class Lorenz(Switching):
    """State: x, y, z. The regime is 1 if x > 0, else 0. The disc shows x and z."""

    chaotic: ClassVar = True
    state: ClassVar = ("x", "y", "z")

    sigma: Parameter = parameter(10.0, minimum=0.0)
    rho: Parameter = parameter(28.0, minimum=0.0)
    beta: Parameter = parameter(2.667, minimum=0.0)
    observation_noise: Parameter = parameter(0.001, minimum=0.0)  # share of the deviation of each channel
    normalised: bool = True
    half_width: float = 31.0
    first: tuple[float, ...] = (0.0, 1.0, 1.05)  # mean of the first state
    spread: float = limited(1.0, minimum=0)  # standard deviation of the first state

    def start(self, key: Key) -> Array:
        """Draw a normal position with mean `first`."""
        return jnp.asarray(self.first) + self.spread * jax.random.normal(key, (3,), dtype=float)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.first) != len(self.state):
            raise ValueError(f"Lorenz: first = {self.first} has to be {len(self.state)} numbers")

    def velocity(self, x: Array) -> Array:
        """Time derivative [3] of the state [3]: Lorenz's equations."""
        x, y, z = x
        return jnp.stack([self.sigma * (y - x), x * (self.rho - z) - y, x * y - self.beta * z])

    def mode(self, x: Array, key: Key) -> Array:  # noqa: ARG002 - nothing is left to chance
        """Regimes [T]: the lobe."""
        return (x[:, 0] > 0).astype(int)

    def regimes(self) -> int:
        """Number of regimes: two lobes."""
        return 2

    def place(self, x: Array) -> Array:
        """Position of the disc [2]: x, and z relative to the middle of its range."""
        return jnp.stack([x[0], x[2] - 25.0])
