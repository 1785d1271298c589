"""Charges in a box that attract or repel each other: ẍᵢ = Σⱼ g cᵢ cⱼ (xᵢ - xⱼ) / |xᵢ - xⱼ|³, up to a largest force.

In steps, as in the source: v → v + h ẍ, x → x + h v, and what is beyond a wall is reflected. Charges of opposite sign
pass each other so closely that neither this nor any other step gives the motion itself: the steps are the law here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from slvm_data.core.fields import limited
from slvm_data.core.integrator import steps_in
from slvm_data.core.late import jax, jnp
from slvm_data.core.sums import squared, total
from slvm_data.core.types import Array, Key
from slvm_data.systems.network import BODIES, PAIRS, Network, matrix, motion_energy
from slvm_data.systems.parameters import Parameter, parameter, uniform

Vector = tuple[Array, ...]
"""A number for each body. Written out, as arrays [B 2] of them take twice as long."""


@dataclass(frozen=True, kw_only=True)
class ChargeNetwork(Network):
    """State: as of `Network`; v is the velocity of the last step. `g` is the force between two charges of 1 at 1 m.

    An edge is the product of two charges: 1 between bodies that repel each other, and -1 between those that attract
    each other. Steps last `substep`, 0.001 s unless it is given, or a little less, so that a frame is a whole number
    of them. `strongest` is the most that either component of the force on a body can be.
    """

    chaotic: ClassVar = True
    steady: ClassVar = ("charge",)

    g: Parameter = parameter(1.0, minimum=0.0, unit="N m²")
    charge: Parameter = parameter(uniform(-1.0, 1.0, (-1.0, 1.0)), per_body=True)
    spread: float = limited(1.0, positive=True)  # m
    strongest: float = limited(100.0, positive=True)  # N

    def edges(self) -> Array:
        """The products [B B] of charges."""
        return matrix(jnp.stack([self.charge[i] * self.charge[j] for i, j in PAIRS]))

    def velocity(self, x: Array) -> Array:
        """Time derivative [4B] of the state [4B] between impacts."""
        places = x[: 2 * BODIES].reshape(-1, 2)
        forces = self._forces(tuple(places[:, 0]), tuple(places[:, 1]))
        return jnp.concatenate([x[2 * BODIES :], _pairs(*forces)])

    def energy(self, q: Array, p: Array) -> Array:
        """Energy [J], a scalar, at positions q [2B] with velocities p [2B]; steps do not keep it."""
        q = q.reshape(-1, 2)
        pairs = [self.charge[i] * self.charge[j] / jnp.sqrt(squared(q[i] - q[j])) for i, j in PAIRS]
        return motion_energy(p) + self.g * total(pairs)

    def simulate(self, x0: Array, t: Array, key: Key) -> Array:  # noqa: ARG002 - there is no noise
        """Simulate the bodies; return their states [T 4B] at the times `t` [T], from `x0` [4B] at t[0]."""
        substep = self.substep
        assert substep is not None

        def frame(state: tuple[Vector, ...], interval: Array) -> tuple[tuple[Vector, ...], Array]:
            steps = steps_in(interval, substep)
            h = interval / steps
            state = jax.lax.fori_loop(0, steps, lambda _, now: self._step(now, h), state)
            return state, jnp.concatenate([_pairs(*state[:2]), _pairs(*state[2:])])

        first = tuple(tuple(half[:, axis]) for half in x0.reshape(2, BODIES, 2) for axis in range(2))
        return jnp.concatenate([x0[None], jax.lax.scan(frame, first, jnp.diff(t))[1]])

    def _step(self, state: tuple[Vector, ...], h: Array) -> tuple[Vector, ...]:
        """Places x, y and velocities along x, y one step later."""
        x, y, vx, vy = state
        fx, fy = self._forces(x, y)
        x, vx = zip(*(self._moved(*own, h) for own in zip(x, vx, fx, strict=True)), strict=True)
        y, vy = zip(*(self._moved(*own, h) for own in zip(y, vy, fy, strict=True)), strict=True)
        return x, y, vx, vy

    def _moved(self, x: Array, v: Array, force: Array, h: Array) -> tuple[Array, Array]:
        """A coordinate and its velocity after a step."""
        v = v + h * force
        x = x + h * v
        side = jnp.sign(x)
        beyond = jnp.abs(x) > self.half_width
        return jnp.where(beyond, 2 * side * self.half_width - x, x), jnp.where(beyond, -side * jnp.abs(v), v)

    def _forces(self, x: Vector, y: Vector) -> tuple[Vector, Vector]:
        """Both components of the force on each body."""
        fx, fy = [jnp.zeros_like(x[0])] * BODIES, [jnp.zeros_like(x[0])] * BODIES
        for i, j in PAIRS:
            dx, dy = x[i] - x[j], y[i] - y[j]
            square = squared((dx, dy))
            push = self.g * self.charge[i] * self.charge[j] / (square * jnp.sqrt(square))
            fx[i], fx[j] = fx[i] + push * dx, fx[j] - push * dx
            fy[i], fy[j] = fy[i] + push * dy, fy[j] - push * dy
        return tuple(map(self._capped, fx)), tuple(map(self._capped, fy))

    def _capped(self, force: Array) -> Array:
        return jnp.clip(force, -self.strongest, self.strongest)

    def longest_step(self) -> float:
        """The step of the source."""
        return 0.001

    def check_start(self, x0: np.ndarray, frame: float) -> None:
        """Raise ValueError for a body beyond a wall, or at the place of another one."""
        super().check_start(x0, frame)
        x = x0[: 2 * BODIES].reshape(-1, 2)
        for i, j in PAIRS:
            if (x[i] == x[j]).all():
                raise ValueError(f"bodies {i + 1} and {j + 1} are at the same place, where their force has no end")


def _pairs(x: Vector, y: Vector) -> Array:
    """Both components of each body, one after the other [2B]."""
    return jnp.stack([component for body in zip(x, y, strict=True) for component in body])
