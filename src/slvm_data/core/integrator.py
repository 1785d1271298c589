"""An explicit Runge–Kutta method of order 8 with fixed steps, for smooth motion ẋ = f(x).

Steps are fixed, so that the bits of a trajectory never depend on its neighbours in a batch. The coefficients are those
of Dormand and Prince, 12 stages, as in SciPy: E. Hairer, S. P. Nørsett, G. Wanner, "Solving Ordinary
Differential Equations I", 2nd ed., Springer 1993, section II.5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array

ORDER = 8


@cache
def weights() -> tuple[list[list[float]], list[float]]:
    """For each stage, the weights of the slopes of the stages before it; and those of all slopes in the result."""
    from scipy.integrate import DOP853  # here, as it takes 0.3 s, and most commands integrate nothing

    return [row[:i].tolist() for i, row in enumerate(DOP853.A)], DOP853.B.tolist()


def step(velocity: Callable[[Array], Array], x: Array, h: Array) -> Array:
    """Return the state [D] one step `h` [s] later."""
    stages, last = weights()
    slopes: list[Array] = []
    for row in stages:
        slopes.append(velocity(x + h * _weighted(row, slopes) if slopes else x))
    return x + h * _weighted(last, slopes)


def _weighted(row: Sequence[float], slopes: list[Array]) -> Array:
    # Written out rather than as a dot product: BLAS may order its sums by the size of the batch.
    terms = [w * k for w, k in zip(row, slopes, strict=True) if w]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def solve(
    velocity: Callable[..., Array], x0: Array, t: Array, substep: Array | float, held: tuple[Array, ...] = ()
) -> Array:
    """Integrate; return states [T D] at the times `t` [T], from `x0` [D] at t[0], in steps of at most `substep` [s].

    `held` are arrays [T-1 …]: `velocity` gets an element of each after the state, the same during an interval of `t`.
    """
    traced = jax.jit(velocity)  # once, not for each stage: the same bits, sooner

    def frame(x: Array, own: tuple[Array, tuple[Array, ...]]) -> tuple[Array, Array]:
        interval, constant = own

        def slope(x: Array) -> Array:
            return traced(x, *constant)

        n = jnp.maximum(1, jnp.ceil(interval / substep - 1e-9)).astype(int)  # 0.1000…01 s need no extra step
        h = interval / n
        x = jax.lax.fori_loop(0, n, lambda _, x: step(slope, x, h), x)
        return x, x

    return jnp.concatenate([x0[None], jax.lax.scan(frame, x0, (jnp.diff(t), held))[1]])
