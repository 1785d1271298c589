"""Particles in a periodic box: U = Σ_{i<j} 4 (1/r¹² - 1/r⁶) S(r), with r to the nearest image, and ẍᵢ = -∂U/∂xᵢ.

S falls smoothly from 1 to 0 where r goes from 0.8 to 1 times half the side of the box, so that the energy is kept. The
source cuts off at half the side instead.

A. Botev et al., "Which Priors Matter? Benchmarking Models for Learning Latent Dynamics", NeurIPS 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any, ClassVar

import numpy as np

from slvm_data.core.fields import limited
from slvm_data.core.keys import stream
from slvm_data.core.late import jax, jnp
from slvm_data.core.sums import total
from slvm_data.core.types import Array, Key
from slvm_data.systems.parameters import Parameter, parameter
from slvm_data.systems.system import System

MOST = 64  # particles
SWITCH = 0.8  # share of the cut-off where S begins to fall
PERIODS, PERIOD = 40, 0.25  # s, of the preparation: velocities are drawn anew after each
STEP = 0.01  # s, of the preparation
SOFT = 0.8  # m, below which the force of the preparation grows no more
NEAREST = 0.5  # m, where U is 16,000 J


@dataclass(frozen=True, kw_only=True)
class LennardJones(System):
    """State: x1, y1, x2, … [m], not wrapped, and vx1, vy1, vx2, … [m/s].

    In units of the potential: a particle weighs 1 kg, two of them rest at 1.12 m with -1 J, and the temperature is in
    J, too. A start has places at random, which overlap; then, for 10 s, velocities are drawn anew 40 times, with the
    sum 0, while forces are soft. So it is one of equilibrium. A disc is drawn once, and cut off by the border, as in
    the source.
    """

    halves: ClassVar = ("Position", "Velocity")
    style: ClassVar = "clean"
    own_hues: ClassVar = True
    chaotic: ClassVar = True
    steady: ClassVar = ("temperature",)

    count: int = limited(16, minimum=2, maximum=MOST)
    temperature: Parameter = parameter(0.5, positive=True, unit="J")
    side: float = limited(4.5584, positive=True)  # m, of the box
    radius: float = limited(0.3, positive=True)  # m, of the discs

    def start(self, key: Key) -> Array:
        """Draw places and velocities in equilibrium."""
        x = self.side * (jax.random.uniform(stream(key, "position"), (2, self.count), dtype=float) - 0.5)
        v = jax.random.normal(stream(key, "velocity"), (PERIODS + 1, 2, self.count), dtype=float)
        v = jnp.sqrt(self.temperature) * (v - total(jnp.moveaxis(v, -1, 0))[..., None] / self.count)
        x = jax.lax.scan(lambda x, v: (self._prepared(x, v), None), x, v[1:])[0]
        return jnp.concatenate([_pairs(*x), _pairs(*v[0])])

    def _prepared(self, x: Array, v: Array) -> Array:
        """Places [2 N] after a period of the preparation, by the leapfrog method."""

        def step(_: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
            x, v = now
            v = v + STEP * jnp.stack(self._forces(x[0], x[1], SOFT))
            return x + STEP * v, v

        return jax.lax.fori_loop(0, round(PERIOD / STEP), step, (x, v))[0]

    def velocity(self, x: Array) -> Array:
        """Time derivative [4N] of the state [4N]."""
        x, v = jnp.split(x, 2)
        return jnp.concatenate([v, _pairs(*self._forces(x[0::2], x[1::2]))])

    def energy(self, q: Array, p: Array) -> Array:
        """Energy [J], a scalar, at positions q [2N] with velocities p [2N]."""
        *_, square = self._ways(q[0::2], q[1::2])
        return (total(p**2) + total(total(self._potential(square)))) / 2  # each pair is there twice

    def _ways(self, x: Array, y: Array) -> tuple[Array, Array, Array]:
        """The way from the nearest image of each particle to each other one [N N], along x and y, and its square.

        The square is beyond the cut-off for a particle and itself.
        """
        dx, dy = (self._nearest(own - own[:, None]) for own in (x, y))
        return dx, dy, dx**2 + dy**2 + self.side**2 * jnp.eye(self.count)

    def _forces(self, x: Array, y: Array, softest: float = 0.0) -> tuple[Array, Array]:
        """Both components [N] of the force on each particle, which grows no more below the distance `softest`."""
        dx, dy, square = self._ways(x, y)
        push = self._push(jnp.maximum(square, softest**2))
        push = jax.lax.optimization_barrier(push)  # otherwise it is computed for x and for y, in a third more time
        return total(push * dx), total(push * dy)

    def _potential(self, square: Array) -> Array:
        """U of pairs with these squared distances."""
        inverse = 1 / square**3
        return 4 * (inverse**2 - inverse) * _fading(self._share(square))

    def _push(self, square: Array) -> Array:
        """Force over distance, -2 dU/d(r²), of pairs with these squared distances."""
        share, inverse = self._share(square), 1 / square
        sixth = inverse**3
        return 8 * (
            3 * (2 * sixth - 1) * sixth * inverse * _fading(share)
            + (sixth - 1) * sixth * 630 * (share * (1 - share)) ** 4 / self._width
        )

    def _share(self, square: Array) -> Array:
        """How far squared distances are between the beginning of the fall of S and its end, from 0 to 1."""
        return jnp.clip(1 + (square - self.side**2 / 4) / self._width, 0.0, 1.0)

    @property
    def _width(self) -> float:
        """Squared distance [m²] in which S falls."""
        return (1 - SWITCH**2) * self.side**2 / 4

    def _nearest(self, way: Any) -> Any:
        """A component of the way to the nearest image."""
        return way - self.side * (way / self.side).round()

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """Equal discs, wrapped into the box."""
        return self._nearest(x[: 2 * self.count]).reshape(-1, 2), jnp.full(self.count, self.radius)

    def extent(self) -> float:
        """Half the side of the box."""
        return self.side / 2

    def longest_step(self) -> float:
        """A share of the time in which two particles that meet head-on turn back."""
        return 0.005 / max(1.0, sqrt(self.high("temperature")))

    def accept(self, x: Array, centres: Array, extent: Array | float) -> Array:  # noqa: ARG002 - the box has no border
        """Always."""
        return jnp.isfinite(x).all()

    def rejection(self) -> str:
        """Reason for a rejection."""
        return "is not finite"

    def keeps_energy(self) -> bool:
        """Always True: U is smooth."""
        return True

    def check_start(self, x0: np.ndarray, frame: float) -> None:  # noqa: ARG002 - steps follow from the temperature
        """Raise ValueError for two particles that are nearer to each other than `NEAREST`."""
        x = np.asarray(x0)[: 2 * self.count].reshape(-1, 2)
        apart = np.hypot(*np.moveaxis(self._nearest(x[:, None] - x), -1, 0))
        if (odd := np.triu(apart < NEAREST, 1)).any():
            i, j = np.argwhere(odd)[0]
            raise ValueError(f"particles {i + 1} and {j + 1} are {apart[i, j]:g} m apart: less than {NEAREST:g} m")

    def settle(self) -> None:
        """Give the state names for so many particles."""
        super().settle()
        count = self.count if type(self.count) is int and 0 < self.count <= MOST else 0
        names = tuple(f"{word}{k + 1}" for words in (("x", "y"), ("vx", "vy")) for k in range(count) for word in words)
        own = {"state": names, "units": (*("m",) * 2 * count, *("m/s",) * 2 * count), "bodies_drawn": count}
        for name, value in own.items():
            object.__setattr__(self, name, value)


def _fading(share: Array) -> Array:
    """S: from 1 to 0 with four continuous derivatives."""
    return 1 - share**5 * (126 - share * (420 - share * (540 - share * (315 - 70 * share))))


def _pairs(x: Array, y: Array) -> Array:
    """Both components of each particle, one after the other [2N]."""
    return jnp.stack([x, y], axis=1).ravel()
