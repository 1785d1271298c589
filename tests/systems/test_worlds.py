"""Populations, glycolysis and pendulums from rest: SciPy's motion, what is constant, and where they start."""

import jax
import numpy as np
import pytest
from scipy import stats
from scipy.integrate import solve_ivp

from slvm_data import RECIPES, Glycolytic, LotkaVolterra, PendulumFromRest, simulate
from slvm_data.core.keys import exact

MEMBERS = 64


def lotka_volterra(c, y):
    return [c["alpha"] * y[0] - c["beta"] * y[0] * y[1], c["delta"] * y[0] * y[1] - c["gamma"] * y[1]]


def glycolytic(c, y):
    """The equations of Daniels and Nemenman, written out once more."""
    S1, S2, S3, S4, S5, S6, S7 = y
    inhibited = c["k1"] * S1 * S6 / (1 + (S6 / c["K1"]) ** c["q"])
    return [
        c["J0"] - inhibited,
        2 * inhibited - c["k2"] * S2 * (c["N"] - S5) - c["k6"] * S2 * S5,
        c["k2"] * S2 * (c["N"] - S5) - c["k3"] * S3 * (c["A"] - S6),
        c["k3"] * S3 * (c["A"] - S6) - c["k4"] * S4 * S5 - c["kappa"] * (S4 - S7),
        c["k2"] * S2 * (c["N"] - S5) - c["k4"] * S4 * S5 - c["k6"] * S2 * S5,
        -2 * inhibited + 2 * c["k3"] * S3 * (c["A"] - S6) - c["k5"] * S6,
        c["psi"] * c["kappa"] * (S4 - S7) - c["k"] * S7,
    ]


CASES = {"lotka_volterra_coda": (lotka_volterra, 1e-10), "glycolytic_coda": (glycolytic, 1e-8)}


@pytest.mark.parametrize("name", CASES)
def test_states_are_those_of_scipy(name):
    """In the corners of the grid and off it, at the times of the dataset."""
    law, tolerated = CASES[name]
    recipe = RECIPES[name]
    t, keys = recipe.times(), jax.random.split(jax.random.key(0), MEMBERS)
    for task in (0, 8, 9, 12):
        system = recipe.tasks[task]
        c = {key: system.low(key) for key in system.parameters()}
        with exact():
            starts = np.asarray(jax.vmap(system.start)(keys))
        D = starts.shape[1]

        def whole(_, y, c=c, D=D):
            return np.concatenate(law(c, y.reshape(D, -1)))

        solved = solve_ivp(whole, (0, t[-1]), starts.T.ravel(), "DOP853", t, rtol=1e-12, atol=1e-12)
        theirs = solved.y.reshape(D, MEMBERS, -1).transpose(1, 2, 0)
        ours = np.stack([simulate(system, c, x0, t) for x0 in starts])
        worst = np.abs(ours - theirs).max()
        print(f"{name} {task}: {worst:.1e}")
        assert worst < tolerated


def test_lotka_volterra_keeps_its_quantity():
    system, c = LotkaVolterra(alpha=0.6, beta=0.5, gamma=0.4, delta=0.7), {"alpha": 0.6, "beta": 0.5, "gamma": 0.4}
    c["delta"] = 0.7
    x, y = simulate(system, c, np.array([1.5, 1.2]), np.arange(400) * 0.25).T
    kept = 0.7 * x - 0.4 * np.log(x) + 0.5 * y - 0.6 * np.log(y)
    assert np.ptp(kept) < 1e-9 * kept[0]
    assert np.ptp(x) > 0.5


@pytest.mark.parametrize("system", [LotkaVolterra(), Glycolytic()], ids=lambda s: type(s).__name__)
def test_starts_are_uniform(system):
    ends = [(1, 2)] * 2 if isinstance(system, LotkaVolterra) else zip(system.lowest, system.highest, strict=True)
    with exact():
        starts = np.asarray(jax.vmap(system.start)(jax.random.split(jax.random.key(1), 5_000)))
    for column, (low, high) in zip(starts.T, ends, strict=True):
        assert stats.kstest(column, stats.uniform(low, high - low).cdf).pvalue > 1e-4


def test_a_pendulum_from_rest_starts_at_its_angles():
    with exact():
        starts = np.asarray(jax.vmap(PendulumFromRest().start)(jax.random.split(jax.random.key(2), 5_000)))
    assert stats.kstest(np.degrees(starts[:, 0]), stats.uniform(10, 160).cdf).pvalue > 1e-4
    assert not starts[:, 1].any()


def test_the_numbers_of_published_worlds():
    worlds = RECIPES["lotka_volterra_coda"]
    grid = [(s.alpha, s.gamma, s.beta, s.delta) for s in worlds.tasks]
    values, new = (0.5, 0.75, 1.0), (0.625, 1.125)
    assert grid[:9] == [(0.5, 0.5, b, d) for b in values for d in values]
    assert grid[9:] == [(0.5, 0.5, b, d) for b in new for d in new]
    assert (worlds.dt, worlds.steps, worlds.train, worlds.test, worlds.paired) == (0.5, 20, 4, 32, True)
    glycolytic_ = RECIPES["glycolytic_coda"]
    assert [(s.k1, s.K1) for s in glycolytic_.tasks[:9]] == [(k, K) for k in (100, 90, 80) for K in (1, 0.75, 0.5)]
    assert [(s.k1, s.K1) for s in glycolytic_.tasks[9:]] == [(k, K) for k in (85, 95) for K in (0.625, 0.875)]
    assert (glycolytic_.dt, glycolytic_.steps, glycolytic_.train, glycolytic_.test) == (0.05, 20, 32, 32)
    for recipe in (worlds, glycolytic_):
        assert (recipe.splits["adapt"].support, recipe.splits["adapt"].count) == (1, 33)
    pendulum = RECIPES["pendulum_sdvae"]
    assert (pendulum.steps, pendulum.dt) == (2000, 0.01)
    assert (pendulum.train, pendulum.val, pendulum.test) == (10_000, 1000, 1000)
    below, above = pendulum.of_split("ood").tasks[0].l.parts()
    assert below == pytest.approx((0.9, 1.0))
    assert above == pytest.approx((1.5, 1.6))


def test_a_start_that_is_not_seven_ranges_is_refused():
    with pytest.raises(ValueError, match=r"Glycolytic: lowest = .* has to be 7 numbers, and none above highest"):
        Glycolytic(lowest=(1.0, 2.0))
