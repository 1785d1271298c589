"""An explicit Runge–Kutta method of order 8 with fixed steps, for smooth motion ẋ = f(x).

Steps are fixed, so that the bits of a trajectory never depend on its neighbours in a batch. The coefficients are those
of Dormand and Prince, 12 stages: E. Hairer, S. P. Nørsett, G. Wanner, "Solving Ordinary Differential Equations I",
2nd ed., Springer 1993, section II.5. They are copied from SciPy, since every process would take 0.3 s to import it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from slvm_data.core.late import core, jax, jnp
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
GROUP = 64  # sequences that move side by side where each has steps of its own


class Motion(NamedTuple):
    """What a trajectory follows from; of many, an array that is not the same for all has an axis [N] at its end."""

    x0: Any  # [D]
    t: Any  # [T]
    substep: Any  # [], s
    held: tuple[Any, ...]  # [T-1 …] each
    constants: list[Any]  # of the velocity, such as parameters


def solve(
    velocity: Callable[..., Array], x0: Array, t: Array, substep: Array | float, held: tuple[Array, ...] = ()
) -> Array:
    """Integrate; return states [T D] at the times `t` [T], from `x0` [D] at t[0], in steps of at most `substep` [s].

    `held` are arrays [T-1 …]: `velocity` gets an element of each after the state, the same during an interval of `t`.

    Under `jax.vmap` the axis of sequences is the last one in all that follows, so that a processor takes the same
    number of several sequences at once; and sequences of about as many steps move together.
    """
    now = (jax.ShapeDtypeStruct(array.shape[1:], array.dtype) for array in held)
    program = jax.make_jaxpr(velocity)(x0, *now)
    call = partial(_call, program.jaxpr)

    @jax.custom_batching.custom_vmap
    def one(own: Motion) -> Array:
        return _states(call, own)

    @one.def_vmap
    def many(size: int, batched: list[Any], own: Motion) -> tuple[Array, bool]:
        last = jax.tree.map(lambda many, array: jnp.moveaxis(array, 0, -1) if many else array, batched[0], own)
        axes = jax.tree.map(lambda many: -1 if many else None, batched[0])
        every = jax.vmap(call, in_axes=(axes.constants, -1, axes.held), out_axes=-1)
        x0 = jnp.broadcast_to(last.x0.reshape(len(last.x0), -1), (len(last.x0), size))
        return jnp.moveaxis(_sorted(every, last._replace(x0=x0), batched[0]._replace(x0=True)), -1, 0), True

    return one(Motion(x0, t, jnp.asarray(substep, float), held, program.consts))


def _call(program: Any, constants: list[Array], x: Array, now: tuple[Array, ...]) -> Array:
    """The velocity, from its program and the arrays that it takes from elsewhere."""
    return core.jaxpr_as_fun(core.ClosedJaxpr(program, constants))(x, *now)[0]


def _sorted(velocity: Callable[..., Array], own: Motion, batched: Motion) -> Array:
    """States [T D N] of many sequences, in groups of about as many steps if they may differ in that."""
    if not (batched.t or batched.substep):
        return _states(velocity, own)
    size, intervals = own.x0.shape[-1], jnp.diff(own.t, axis=0)
    each = steps_in(intervals if batched.t else intervals[:, None], own.substep)
    steps = jnp.broadcast_to(each.sum(axis=0), (size,))
    order, groups = jnp.argsort(steps), -(-size // GROUP)
    filled = jnp.resize(order, (groups, -(-size // groups)))

    def part(group: Array) -> Array:
        some = jax.tree.map(lambda many, array: array[..., group] if many else array, batched, own)
        return _states(velocity, some)

    states = jnp.moveaxis(jax.lax.map(part, filled), 0, -2)  # [T D groups …]
    return states.reshape(*states.shape[:2], -1)[..., jnp.argsort(order)]


def _states(velocity: Callable[..., Array], own: Motion) -> Array:
    """States [T D] of one sequence, or [T D N] of many."""

    def frame(x: Array, now: tuple[Array, tuple[Array, ...]]) -> tuple[Array, Array]:
        interval, constant = now
        n = steps_in(interval, own.substep)
        h = interval / n

        def further(i: Array, x: Array) -> Array:
            later = step(lambda x: velocity(own.constants, x, constant), x, h)
            return jnp.where(i < n, later, x) if n.ndim else later

        x = jax.lax.fori_loop(0, n.max(), further, x)
        return x, x

    return jnp.concatenate([own.x0[None], jax.lax.scan(frame, own.x0, (jnp.diff(own.t, axis=0), own.held))[1]])


def steps_in(interval: Array, substep: Array | float) -> Array:
    """Number of steps in intervals [s] of any shape."""
    return jnp.maximum(1, jnp.ceil(interval / substep - 1e-9)).astype(int)  # 0.1000…01 s need no extra step


def step(velocity: Callable[[Array], Array], x: Array, h: Array) -> Array:
    """Return the state [D] one step `h` [s] later."""
    weights = jnp.asarray(_table())

    def stage(i: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
        slopes, here = now
        slopes = jax.lax.dynamic_update_index_in_dim(slopes, velocity(here), i, 0)
        return slopes, x + h * _weighted(weights[i + 1], slopes)

    # A loop, though its sums have terms of weight 0: written out, it takes three times as long to compile.
    return jax.lax.fori_loop(0, len(STAGES), stage, (jnp.zeros((len(STAGES), *x.shape)), x))[1]


def _weighted(weights: Array, slopes: Array) -> Array:
    # Written out rather than as a dot product, whose sums a library may order by the size of the batch.
    first, *others = (weights[i] * slopes[i] for i in range(len(STAGES)))
    return sum(others, first)


@cache
def _table() -> np.ndarray:
    """The weights of the slopes in each stage, and in the result [13 12]."""
    table = np.zeros((len(STAGES) + 1, len(STAGES)))
    for own, row in zip(table, (*STAGES, LAST), strict=True):
        own[list(row)] = list(row.values())
    return table
