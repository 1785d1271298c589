"""Prey x and predators y: ẋ = α x - β x y, ẏ = δ x y - γ y. V = δ x - γ ln x + β y - α ln y is constant.

A. J. Lotka, Elements of Physical Biology (1925); V. Volterra, "Fluctuations in the Abundance of a Species considered
Mathematically", Nature 118 (1926).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt
from typing import ClassVar

from slvm_data.core.fields import limited
from slvm_data.core.late import jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems.cuboid import cuboid
from slvm_data.systems.parameters import Parameter, Uniform, parameter
from slvm_data.systems.system import System


@dataclass(frozen=True, kw_only=True)
class LotkaVolterra(System):
    """State: x, y, both above 0 and without units. The disc is at (x, y), in a scene from 0 to twice `half_width`."""

    state: ClassVar = ("x", "y")
    style: ClassVar = "clean"

    alpha: Parameter = parameter(0.5, minimum=0.0)
    beta: Parameter = parameter(0.5, minimum=0.0)
    gamma: Parameter = parameter(0.5, minimum=0.0)
    delta: Parameter = parameter(0.5, minimum=0.0)
    prey: Uniform = limited(Uniform(1.0, 2.0), positive=True)  # at the start
    predators: Uniform = limited(Uniform(1.0, 2.0), positive=True)  # at the start
    half_width: float = limited(1.75, positive=True)
    radius: float = limited(0.2, positive=True)  # of the disc

    def start(self, key: Key) -> Array:
        """Draw both numbers uniformly."""
        return cuboid(key, self.prey, self.predators)

    def velocity(self, x: Array) -> Array:
        """Time derivative [2] of the state [2]."""
        prey, predators = x
        met = prey * predators
        return jnp.stack([self.alpha * prey - self.beta * met, self.delta * met - self.gamma * predators])

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """A disc at (x, y)."""
        return (x - self.half_width)[None], jnp.array([self.radius])

    def extent(self) -> float:
        """Half the width of the scene: `half_width`."""
        return self.half_width

    def accept(self, x: Array, centres: Array, extent: Array | float) -> Array:  # noqa: ARG002
        """Always: numbers may grow beyond the scene."""
        return jnp.isfinite(x).all()

    def longest_step(self) -> float:
        """A fraction of the time in which the numbers change at their largest.

        With a = δ x and b = β y, the sum of a - γ - γ ln(a/γ) and b - α - α ln(b/α) is constant; as each is at least
        0, a sum V bounds a and b: a < γ + √(2 V γ) + V. Both are convex, hence largest at ends of the ranges.
        """
        pairs = (("delta", "prey", "gamma"), ("beta", "predators", "alpha"))
        constant = sum(self._largest(*names) for names in pairs)
        rates = [self.high(growth) for *_, growth in pairs]
        return 0.7 / max(sum(rate + sqrt(2 * constant * rate) + constant for rate in rates), 1e-9)

    def _largest(self, met: str, first: str, growth: str) -> float:
        """The largest a - γ - γ ln(a/γ) of the population at the start, for one of its numbers."""
        own = getattr(self, first)
        shares = [max(self.low(met) * own.low, 1e-9), max(self.high(met) * own.high, 1e-9)]
        rates = [max(self.low(growth), 1e-9), max(self.high(growth), 1e-9)]
        return max(a - rate - rate * log(a / rate) for a in shares for rate in rates)
