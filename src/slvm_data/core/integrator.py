"""An explicit Runge–Kutta method of order 8 with fixed steps, for smooth motion ẋ = f(x).

Steps are fixed, so that the bits of a trajectory never depend on its neighbours in a batch. The coefficients are those
of Dormand and Prince, 12 stages: E. Hairer, S. P. Nørsett, G. Wanner, "Solving Ordinary Differential Equations I",
2nd ed., Springer 1993, section II.5. They are copied from SciPy, since every process would take 0.3 s to import it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array

ORDER = 8
STAGES = (  # for each stage, the weights of the slopes of those before it that it uses
    {},
    {0: 0.05260015195876773},
    {0: 0.0197250569845379, 1: 0.0591751709536137},
    {0: 0.02958758547680685, 2: 0.08876275643042054},
    {0: 0.2413651341592667, 2: -0.8845494793282861, 3: 0.924834003261792},
    {0: 0.037037037037037035, 3: 0.17082860872947386, 4: 0.12546768756682242},
    {0: 0.037109375, 3: 0.17025221101954405, 4: 0.06021653898045596, 5: -0.017578125},
    {
        0: 0.03709200011850479,
        3: 0.17038392571223998,
        4: 0.10726203044637328,
        5: -0.015319437748624402,
        6: 0.008273789163814023,
    },
    {
        0: 0.6241109587160757,
        3: -3.3608926294469414,
        4: -0.868219346841726,
        5: 27.59209969944671,
        6: 20.154067550477894,
        7: -43.48988418106996,
    },
    {
        0: 0.47766253643826434,
        3: -2.4881146199716677,
        4: -0.590290826836843,
        5: 21.230051448181193,
        6: 15.279233632882423,
        7: -33.28821096898486,
        8: -0.020331201708508627,
    },
    {
        0: -0.9371424300859873,
        3: 5.186372428844064,
        4: 1.0914373489967295,
        5: -8.149787010746927,
        6: -18.52006565999696,
        7: 22.739487099350505,
        8: 2.4936055526796523,
        9: -3.0467644718982196,
    },
    {
        0: 2.273310147516538,
        3: -10.53449546673725,
        4: -2.0008720582248625,
        5: -17.9589318631188,
        6: 27.94888452941996,
        7: -2.8589982771350235,
        8: -8.87285693353063,
        9: 12.360567175794303,
        10: 0.6433927460157636,
    },
)
LAST = {
    0: 0.054293734116568765,
    5: 4.450312892752409,
    6: 1.8915178993145003,
    7: -5.801203960010585,
    8: 0.3111643669578199,
    9: -0.1521609496625161,
    10: 0.20136540080403034,
    11: 0.04471061572777259,
}  # of the slopes in the result


def step(velocity: Callable[[Array], Array], x: Array, h: Array) -> Array:
    """Return the state [D] one step `h` [s] later."""
    slopes: list[Array] = []
    for row in STAGES:
        slopes.append(velocity(x + h * _weighted(row, slopes) if slopes else x))
    return x + h * _weighted(LAST, slopes)


def _weighted(row: Mapping[int, float], slopes: list[Array]) -> Array:
    # Written out rather than as a dot product: BLAS may order its sums by the size of the batch.
    first, *others = (weight * slopes[i] for i, weight in row.items())
    return sum(others, first)


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
