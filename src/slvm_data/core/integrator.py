"""An explicit Runge–Kutta method of order 8 with fixed steps, for smooth motion ẋ = f(x).

Steps are fixed, so that the bits of a trajectory never depend on its neighbours in a batch. The coefficients are those
of Dormand and Prince, 12 stages, as in SciPy: E. Hairer, S. P. Nørsett, G. Wanner, "Solving Ordinary
Differential Equations I", 2nd ed., Springer 1993, section II.5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from scipy.integrate import DOP853

from slvm_data.core.types import Array

ORDER = 8
A = [row[:i].tolist() for i, row in enumerate(DOP853.A)]  # row i weighs the slopes of the stages before stage i
B = DOP853.B.tolist()


def step(velocity: Callable[[Array], Array], x: Array, h: Array) -> Array:
    """Return the state [D] one step `h` [s] later."""
    slopes: list[Array] = []
    for row in A:
        slopes.append(velocity(x + h * _weighted(row, slopes) if slopes else x))
    return x + h * _weighted(B, slopes)


def _weighted(weights: Sequence[float], slopes: list[Array]) -> Array:
    # Written out rather than as a dot product: BLAS may order its sums by the size of the batch.
    terms = [w * k for w, k in zip(weights, slopes, strict=True) if w]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def solve(velocity: Callable[[Array], Array], x0: Array, t: Array, substep: Array | float) -> Array:
    """Integrate; return states [T D] at the times `t` [T], from `x0` [D] at t[0], in steps of at most `substep` [s]."""

    def frame(x: Array, interval: Array) -> tuple[Array, Array]:
        n = jnp.maximum(1, jnp.ceil(interval / substep - 1e-9)).astype(int)  # 0.1000…01 s need no extra step
        h = interval / n
        x = jax.lax.fori_loop(0, n, lambda _, x: step(velocity, x, h), x)
        return x, x

    return jnp.concatenate([x0[None], jax.lax.scan(frame, x0, jnp.diff(t))[1]])
