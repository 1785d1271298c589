"""The discrete contact rule of a physics engine for games: a ball bounces where it is found to overlap a wall.

Per step: move, look for walls nearer than the radius, add gravity, then let impulses turn an approach into an equally
fast departure; part of the overlap is taken back by the next move. A ball can run into a wall by one step, and through
it. Source: E. Catto, "Iterative Dynamics with Temporal Coherence", GDC 2005, as the Chipmunk engine applies it.
"""

from __future__ import annotations

from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array

SLOP = 0.1  # overlap that is never corrected
KEPT = 0.9**60  # share of the remaining overlap that is left after a unit of time
ITERATIONS = 10  # over all walls, so that the impulses of two walls agree


def nearest(p: Array, low: float, high: float) -> Array:
    """The point of each wall that is nearest to `p` [2]: left, right, top, bottom [4 2]."""
    x, y = jnp.clip(p, low, high)
    a, b = jnp.full_like(x, low), jnp.full_like(x, high)
    return jnp.stack([jnp.stack(point) for point in ((a, y), (b, y), (x, a), (x, b))])


def touched(p: Array, low: float, high: float, radius: float) -> tuple[Array, Array, Array]:
    """Which walls a ball at `p` [2] touches [4], how deep it is in each [4], and the normals [4 2] out of the walls."""
    away = p - nearest(p, low, high)
    distance = jnp.sqrt(away[:, 0] ** 2 + away[:, 1] ** 2)
    return distance <= radius, radius - distance, away / jnp.where(distance > 0, distance, 1.0)[:, None]


def trajectory(x0: Array, t: Array, g: Array, walls: tuple[float, float], radius: float, restitution: float) -> Array:
    """States [T 4], positions then velocities, at the times `t` [T], one step for each, from `x0` [4] at t[0]."""

    def frame(carry: tuple[Array, Array], dt: Array) -> tuple[tuple[Array, Array], Array]:
        (x, y, *v), pushed = carry
        v = jnp.stack(v)
        p = jnp.stack([x, y]) + dt * v + pushed
        contact, depth, normal = touched(p, *walls, radius)
        approach = [restitution * _dot(v, n) for n in normal]
        push = (1 - KEPT**dt) * jnp.maximum(depth - SLOP, 0.0)
        v = _impulses(v + dt * g, contact, normal, [-u for u in approach])
        pushed = _impulses(jnp.zeros(2), contact, normal, list(push))
        state = jnp.concatenate([p, v])
        return (state, pushed), state

    return jnp.concatenate([x0[None], jax.lax.scan(frame, (x0, jnp.zeros(2)), jnp.diff(t))[1]])


def _impulses(v: Array, contact: Array, normal: Array, wanted: list[Array]) -> Array:
    """Velocity [2] after the smallest pushes by touched walls that make it at least `wanted` along each normal."""

    def sweep(_: int, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        v, pushes = carry
        for i, target in enumerate(wanted):
            new = jnp.where(contact[i], jnp.maximum(0.0, pushes[i] + target - _dot(v, normal[i])), 0.0)
            v, pushes = v + (new - pushes[i]) * normal[i], pushes.at[i].set(new)
        return v, pushes

    return jax.lax.fori_loop(0, ITERATIONS, sweep, (v, jnp.zeros(4)))[0]


def _dot(a: Array, b: Array) -> Array:
    return a[0] * b[0] + a[1] * b[1]
