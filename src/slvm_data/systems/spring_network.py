"""Springs between some pairs of bodies in a box: ẍᵢ = k Σⱼ wᵢⱼ (xⱼ - xᵢ), and vᵢ → -vᵢ across a wall.

Between impacts the equation is linear, so x(t) = Σₙ cₙ tⁿ, where cₙ₊₂ (n + 1) (n + 2) is the right side for cₙ. The
source takes first-order steps of 0.001 s instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar, NamedTuple

from slvm_data.core.late import jax, jnp
from slvm_data.core.sums import squared, total
from slvm_data.core.types import Array, Key
from slvm_data.systems.network import BODIES, PAIRS, Network, matrix, motion_energy
from slvm_data.systems.parameters import Parameter, parameter, uniform

ORDER = 10  # of the polynomial in time
TURN = 0.1  # rad, of the fastest oscillation in a step: what higher orders would add is below 1e-14 of it
REACHED = 1e-13  # m from a wall
LEAST = 1e-9  # m/s², where bounds of accelerations begin


class Leg(NamedTuple):
    """A flight to the next impact, or for a whole step: its end [B 2], velocities after it [B 2], and duration [s]."""

    x: Array
    v: Array
    seconds: Array


@dataclass(frozen=True, kw_only=True)
class SpringNetwork(Network):
    """State: as of `Network`. The springs have no length at rest; `link` are their weights w, of the pairs 1-2 … 4-5.

    A weight is the number of an edge, too: 0 where there is no spring. Impacts are at their exact instants.
    """

    steady: ClassVar = ("link",)

    k: Parameter = parameter(0.1, minimum=0.0, unit="N/m")
    link: Parameter = parameter((uniform(0.0, 1.0, (0.0, 1.0)),) * len(PAIRS), minimum=0.0, length=len(PAIRS))

    def edges(self) -> Array:
        """The weights [B B] of the springs."""
        return matrix(jnp.asarray(self.link))

    def velocity(self, x: Array) -> Array:
        """Time derivative [4B] of the state [4B] between impacts."""
        places, v = x[: 2 * BODIES].reshape(-1, 2), x[2 * BODIES :]
        return jnp.concatenate([v, _pull(self.k * self.edges(), places).ravel()])

    def energy(self, q: Array, p: Array) -> Array:
        """Energy [J], a scalar, at positions q [2B] with velocities p [2B]."""
        q = q.reshape(-1, 2)
        springs = [self.link[k] * squared(q[i] - q[j]) for k, (i, j) in enumerate(PAIRS)]
        return motion_energy(p) + self.k * total(springs) / 2

    def simulate(self, x0: Array, t: Array, key: Key) -> Array:  # noqa: ARG002 - there is no noise
        """Simulate the bodies; return their states [T 4B] at the times `t` [T], from `x0` [4B] at t[0]."""
        k = self.k * self.edges()

        def on(carry: Leg) -> Leg:
            leg = self._leg(k, carry.x, carry.v, carry.seconds)
            return leg._replace(seconds=carry.seconds - leg.seconds)

        def frame(state: Array, interval: Array) -> tuple[Array, Array]:
            x, v = state.reshape(2, BODIES, 2)
            x, v, _ = jax.lax.while_loop(lambda carry: carry.seconds > 0, on, Leg(x, v, interval))
            state = jnp.concatenate([x.ravel(), v.ravel()])
            return state, state

        return jnp.concatenate([x0[None], jax.lax.scan(frame, x0, jnp.diff(t))[1]])

    def _leg(self, k: Array, x: Array, v: Array, left: Array) -> Leg:
        """Fly to the next impact, for one step, or for the time that is `left`."""
        assert self.substep is not None
        most = jnp.minimum(left, self.substep)
        path = _path(k, x, v)
        seconds = _free(path, most, self.half_width)
        x, v = _at(path, seconds), _at(_slope(path), seconds)
        hit = (self.half_width - jnp.abs(x) <= REACHED) & (x * v > 0)
        return Leg(jnp.clip(x, -self.half_width, self.half_width), jnp.where(hit, -v, v), seconds)

    def longest_step(self) -> float:
        """Time [s] in which the fastest oscillation, √(B k) for springs between all bodies, turns by `TURN`.

        And no more than from wall to wall, which limits the impacts in a frame.
        """
        fastest = sqrt(BODIES * self.high("k") * self.high("link"))
        return min(2 * self.half_width / self.speed, TURN / max(fastest, 1e-9))

    def keeps_energy(self) -> bool:
        """Always True: walls reflect, and springs lose nothing."""
        return True


def _pull(k: Array, x: Array) -> Array:
    """Σⱼ kᵢⱼ (xⱼ - xᵢ) [B 2], in the same order for all."""
    return total([k[:, j, None] * (x[j] - x) for j in range(BODIES)])


def _path(k: Array, x: Array, v: Array) -> list[Array]:
    """The coefficients [B 2] of the flight in powers of time, from x, v."""
    path = [x, v]
    for n in range(ORDER - 1):
        path.append(_pull(k, path[n]) / ((n + 1) * (n + 2)))
    return path


def _slope(path: list[Array]) -> list[Array]:
    """The coefficients of the derivative."""
    return [n * c for n, c in enumerate(path)][1:]


def _at(path: list[Array], t: Array) -> Array:
    """The value [B 2] of a polynomial at the time `t`."""
    found = path[-1]
    for c in path[-2::-1]:
        found = found * t + c
    return found


def _free(path: list[Array], most: Array, half_width: float) -> Array:
    """Time [s] until the first coordinate reaches a wall, if that is before `most`.

    No acceleration is above the bound a, so that no coordinate reaches its wall before a body that accelerates towards
    it by a all the time. This is repeated from there, and comes as close as Newton's method does.
    """
    a = LEAST + _at([jnp.abs(c) for c in _slope(_slope(path))], most)[..., None]

    def ahead(x: Array, v: Array) -> Array:
        """Time for which no wall is reached from here; 0 where one is."""
        gap, speed = jnp.stack([half_width - x, half_width + x], -1), jnp.stack([v, -v], -1)
        hit = ((gap <= REACHED) & (speed > 0)).any()
        gap = jnp.maximum(gap, REACHED)
        root = jnp.sqrt(speed**2 + 2 * a * gap)
        return jnp.where(hit, 0.0, jnp.where(speed > 0, 2 * gap / (speed + root), (root - speed) / a).min())

    def on(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        t = carry[0] + carry[1]
        return t, ahead(_at(path, t), _at(_slope(path), t))

    begin = jnp.zeros_like(most), ahead(path[0], path[1])
    t, left = jax.lax.while_loop(lambda carry: (carry[1] > 0) & (carry[0] + carry[1] < most), on, begin)
    return jnp.where(left > 0, most, t)
