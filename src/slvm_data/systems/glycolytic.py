"""A model of yeast glycolysis that oscillates: seven concentrations S1 to S7 [mM], time in minutes.

With v1 = k1 S1 S6 / (1 + (S6/K1)^q), v2 = k2 S2 (N - S5), v3 = k3 S3 (A - S6), v4 = k4 S4 S5, v6 = k6 S2 S5,
v7 = κ (S4 - S7):

Ṡ1 = J0 - v1, Ṡ2 = 2 v1 - v2 - v6, Ṡ3 = v2 - v3, Ṡ4 = v3 - v4 - v7, Ṡ5 = v2 - v4 - v6, Ṡ6 = 2 v3 - 2 v1 - k5 S6,
Ṡ7 = ψ v7 - k S7.

B. C. Daniels and I. Nemenman, "Efficient Inference of Parsimonious Phenomenological Models of Cellular Dynamics Using
S-Systems and Alternating Regression", PLOS ONE 10 (2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from slvm_data.core.fields import limited
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems.parameters import Parameter, parameter
from slvm_data.systems.system import System


@dataclass(frozen=True, kw_only=True)
class Glycolytic(System):
    """State: S1 … S7 [mM]. The disc is at (S1, S6), in a scene from 0 to twice `half_width`. Times are in minutes."""

    state: ClassVar = tuple(f"S{i}" for i in range(1, 8))
    units: ClassVar = ("mM",) * 7
    style: ClassVar = "clean"

    k1: Parameter = parameter(100.0, minimum=0.0, unit="1/(mM min)")
    K1: Parameter = parameter(0.52, positive=True, unit="mM")
    J0: Parameter = parameter(2.5, minimum=0.0, unit="mM/min")
    k2: Parameter = parameter(6.0, minimum=0.0, unit="1/(mM min)")
    k3: Parameter = parameter(16.0, minimum=0.0, unit="1/(mM min)")
    k4: Parameter = parameter(100.0, minimum=0.0, unit="1/(mM min)")
    k5: Parameter = parameter(1.28, minimum=0.0, unit="1/min")
    k6: Parameter = parameter(12.0, minimum=0.0, unit="1/(mM min)")
    k: Parameter = parameter(1.8, minimum=0.0, unit="1/min")
    kappa: Parameter = parameter(13.0, minimum=0.0, unit="1/min")
    q: Parameter = parameter(4.0, positive=True)
    N: Parameter = parameter(1.0, positive=True, unit="mM")
    A: Parameter = parameter(4.0, positive=True, unit="mM")
    psi: Parameter = parameter(0.1, minimum=0.0)
    lowest: tuple[float, ...] = (0.15, 0.19, 0.04, 0.10, 0.08, 0.14, 0.05)  # mM, at the start
    highest: tuple[float, ...] = (1.60, 2.16, 0.20, 0.35, 0.30, 2.67, 0.10)  # mM, at the start
    half_width: float = limited(2.0, positive=True)
    radius: float = limited(0.2, positive=True)  # of the disc

    def __post_init__(self) -> None:
        super().__post_init__()
        ends = self.lowest, self.highest
        if {len(end) for end in ends} != {len(self.state)} or any(a > b for a, b in zip(*ends, strict=True)):
            raise ValueError(f"Glycolytic: lowest = {ends[0]} has to be 7 numbers, and none above highest = {ends[1]}")

    def start(self, key: Key) -> Array:
        """Draw each concentration uniformly between `lowest` and `highest`."""
        low, high = jnp.asarray(self.lowest), jnp.asarray(self.highest)
        return low + (high - low) * jax.random.uniform(key, (7,), dtype=float)

    def velocity(self, x: Array) -> Array:
        """Time derivative [7] of the state [7]."""
        s1, s2, s3, s4, s5, s6, s7 = x
        v1 = self.k1 * s1 * s6 / (1 + (jnp.abs(s6) / self.K1) ** self.q)
        v2, v3 = self.k2 * s2 * (self.N - s5), self.k3 * s3 * (self.A - s6)
        v4, v6, v7 = self.k4 * s4 * s5, self.k6 * s2 * s5, self.kappa * (s4 - s7)
        flows = (self.J0 - v1, 2 * v1 - v2 - v6, v2 - v3, v3 - v4 - v7, v2 - v4 - v6, 2 * v3 - 2 * v1 - self.k5 * s6)
        return jnp.stack([*flows, self.psi * v7 - self.k * s7])

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """A disc at (S1, S6)."""
        return (jnp.stack([x[0], x[5]]) - self.half_width)[None], jnp.array([self.radius])

    def extent(self) -> float:
        """Half the width of the scene: `half_width`."""
        return self.half_width

    def accept(self, x: Array, centres: Array, extent: Array | float) -> Array:  # noqa: ARG002
        """Always: concentrations may grow beyond the scene."""
        return jnp.isfinite(x).all()

    def longest_step(self) -> float:
        """A fraction of the fastest reaction's time, at the concentrations of the start."""
        s = self.highest
        rates = (self.high("k1") * (s[0] + s[5]), self.high("k4") * (s[3] + s[4]), self.high("k3") * self.high("A"))
        return 1.0 / max(sum(rates), 1e-9)
