"""Populations, oscillators and games: the motion of SciPy on equations written here, and the laws of their starts."""

import dataclasses
import functools

import jax
import numpy as np
import pytest
from scipy import stats
from scipy.integrate import solve_ivp

from slvm_data import RECIPES, HenonHeiles, render, sample, simulate, uniform
from slvm_data.core.keys import exact
from slvm_data.observe.modifiers import Emission
from slvm_data.systems.system import draw

MEMBERS = 64
MANY = 5_000


def lotka_volterra(_, c, y):
    x, y = y
    return [c["alpha"] * x - c["beta"] * x * y, c["delta"] * x * y - c["gamma"] * y]


def sine(_, c, y):
    return [y[1], -4 * np.pi**2 * c["f"] ** 2 * y[0]]


def driven_pendulum(t, c, y):
    """With time itself where the state has a phase."""
    q, v, _ = y
    rate = -(c["omega0"] ** 2) * np.sin(q) - c["alpha"] * v + c["f0"] * np.cos(c["omega_f"] * t)
    return [v, rate, c["omega_f"]]


def van_der_pol(_, c, y):
    return [y[1], c["mu"] * y[1] - c["mu"] * y[0] ** 2 * y[1] - y[0]]


def fitzhugh_nagumo(_, c, y):
    return [y[0] - y[0] ** 3 / 3 - y[1] + c["current"], (y[0] + c["a"] - c["b"] * y[1]) / c["tau"]]


def henon_heiles(_, c, y):
    x, y, px, py = y
    return [px, py, -x - 2 * c["coupling"] * x * y, -y - c["coupling"] * (x**2 - y**2)]


def replicator(_, c, y, payoff):
    """Two populations [n N] each, with the payoffs of the first [n n] and of the second."""
    first, second = np.split(y, 2)
    mine, other = c["stake"] * (np.array(payoff) @ second), c["stake"] * (-np.array(payoff).T @ first)
    return [*first * (mine - (first * mine).sum(0)), *second * (other - (second * other).sum(0))]


matching_pennies = functools.partial(replicator, payoff=[[1, -1], [-1, 1]])
rock_paper_scissors = functools.partial(replicator, payoff=[[0, -1, 1], [1, 0, -1], [-1, 1, 0]])

LAWS = {
    "lotka_volterra_monode": lotka_volterra,
    "sine_monode": sine,
    "lotka_volterra_sdvae": lotka_volterra,
    "driven_pendulum_geps": driven_pendulum,
    "van_der_pol": van_der_pol,
    "fitzhugh_nagumo": fitzhugh_nagumo,
    "henon_heiles": henon_heiles,
    "matching_pennies": matching_pennies,
    "rock_paper_scissors": rock_paper_scissors,
}
TOLERATED = 1e-8  # of the largest number of the trajectory


@functools.cache
def members(name, task, count):
    """Parameters [N …] and starts [N D] of a population."""
    system = RECIPES[name].tasks[task]
    keys = jax.random.split(jax.random.key(3), count)
    ranges = {key: system.ends_of(key) for key in system.parameters()}
    with exact():

        def one(key):
            own, start = jax.random.split(key)
            share = dict(zip(ranges, jax.random.uniform(own, (len(ranges),), dtype=float), strict=True))
            c = draw(ranges, share)
            return c, system.member(c).start(start)

        return jax.tree.map(np.asarray, jax.vmap(one)(keys))


def theirs(law, c, x0, t):
    """States [N T D] by SciPy."""
    N, D = x0.shape
    solved = solve_ivp(
        lambda s, y: np.concatenate(law(s, c, y.reshape(D, N))),
        *((t[0], t[-1]), x0.T.ravel(), "DOP853", t),
        rtol=1e-12,
        atol=1e-12,
    )
    return solved.y.reshape(D, N, -1).transpose(1, 2, 0)


@pytest.mark.parametrize("name", LAWS)
def test_states_are_those_of_scipy(name):
    """In every task, of the longest sequences; of chaotic ones to those of training, as SciPy's own errors grow."""
    recipe = RECIPES[name]
    splits = ["train"] if recipe.tasks[0].chaotic else recipe.split_names()
    steps = max(recipe.of_split(split).steps for split in splits)
    t = np.arange(steps) * recipe.dt_of(0)
    each = MEMBERS // len(recipe.tasks)
    for task, system in enumerate(recipe.tasks):
        c, x0 = members(name, task, each)
        solved = theirs(LAWS[name], c, x0, t)
        own = [simulate(system, {key: c[key][i] for key in c}, x0[i], t) for i in range(each)]
        worst = np.abs(np.stack(own) - solved).max() / np.abs(solved).max()
        print(f"{name} {task}: {worst:.1e}")
        assert worst < TOLERATED


BETWEEN = {  # parameters, then numbers at the start, that are uniform
    "lotka_volterra_monode": (
        {"alpha": (1, 3.5), "gamma": (1, 3.5), "beta": (0.5, 0.6), "delta": (0.2, 0.3)},
        {0: (1, 5), 1: (1, 5)},
    ),
    "sine_monode": ({"A": (1, 4), "f": (0.5, 1)}, {}),
    "lotka_volterra_sdvae": (
        {"alpha": (1.95, 2.05), "beta": (0.95, 1.05), "gamma": (3.95, 4.05), "delta": (0.95, 1.05)},
        {},
    ),
    "driven_pendulum_geps": ({}, {0: (0, 0.25), 1: (0, 1)}),
    "van_der_pol": ({"mu": (0.2, 2)}, {0: (-2, 2), 1: (-2, 2)}),
    "fitzhugh_nagumo": ({"current": (0, 1)}, {0: (-2, 2), 1: (-0.5, 1.5)}),
    "matching_pennies": ({}, {0: (0, 1), 2: (0, 1)}),
}


@pytest.mark.parametrize("name", BETWEEN)
def test_parameters_and_starts_are_uniform(name):
    c, x0 = members(name, 0, MANY)
    parameters, numbers = BETWEEN[name]
    drawn = [(c[key], ends) for key, ends in parameters.items()] + [(x0[:, i], ends) for i, ends in numbers.items()]
    for values, (low, high) in drawn:
        assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 1e-4


def test_a_sine_starts_at_any_phase():
    """A uniform phase, with the velocity that belongs to it; and later it is the sine of its amplitude."""
    c, x0 = members("sine_monode", 0, MANY)
    omega = 2 * np.pi * c["f"]
    phase = np.arctan2(x0[:, 0], x0[:, 1] / omega)
    assert stats.kstest(phase, stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 1e-4
    np.testing.assert_allclose(np.hypot(x0[:, 0], x0[:, 1] / omega), c["A"], rtol=1e-12)


def energy(x, y, px, py):
    """That of Hénon and Heiles, with λ = 1."""
    return (px**2 + py**2 + x**2 + y**2) / 2 + x**2 * y - y**3 / 3


def test_stars_start_at_their_energies_and_keep_them():
    _, x0 = members("henon_heiles", 0, MANY)
    at_first = energy(*x0.T)
    for values, (low, high) in (
        (at_first, (1 / 12, 0.16)),
        (x0[:, 0] ** 2 + x0[:, 1] ** 2, (0, 0.09)),
        (np.arctan2(x0[:, 3], x0[:, 2]), (-np.pi, np.pi)),
    ):
        assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 1e-4
    high = at_first.argmax()
    states = simulate(RECIPES["henon_heiles"].tasks[0], {"coupling": 1.0}, x0[high], np.arange(2_000) * 0.5)
    assert np.abs(energy(*states.T) - at_first[high]).max() < 1e-11
    assert np.ptp(states[:, 0]) > 0.5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"energies": uniform(0.1, 0.2)}, r"energies = 0.1..0.2 has to lie between 0.054, .* and 0.1667, where"),
        ({"radii": uniform(0.0, 0.4)}, r"has to lie between 0.1013, the potential energy at the largest of radii"),
    ],
)
def test_stars_that_could_not_stay_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        HenonHeiles(**change)


def test_three_strategies_start_uniformly_on_the_simplex():
    """Each share alone, and two of them with each other and between populations."""
    _, x0 = members("rock_paper_scissors", 0, MANY)
    for own in (x0[:, :3], x0[:, 3:]):
        np.testing.assert_allclose(own.sum(axis=1), 1, rtol=1e-15)
        for share in own.T:
            assert stats.kstest(share, stats.beta(1, 2).cdf).pvalue > 1e-4
        assert stats.kstest(own[:, 0] / (own[:, 0] + own[:, 1]), "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(x0[:, 0], x0[:, 3])[0, 1]) < 0.06


@pytest.mark.parametrize("name", ["matching_pennies", "rock_paper_scissors"])
def test_games_keep_the_product_of_all_shares(name):
    """And the sum of each population, for longer than any sequence of the dataset."""
    _, x0 = members(name, 0, MEMBERS)
    states = simulate(RECIPES[name].tasks[0], {"stake": 1.0}, x0[0], np.arange(1_000) * 0.1)
    kept = np.log(states).sum(axis=1)
    assert np.ptp(kept) < 1e-9
    for own in np.split(states, 2, axis=1):
        np.testing.assert_allclose(own.sum(axis=1), 1, atol=1e-12)
        assert np.ptp(own[:, 0]) > 0.1


TILES = {"matching_pennies": [0, 16, 32], "rock_paper_scissors": [0, 11, 21, 32]}


@pytest.mark.parametrize(("name", "edges"), TILES.items())
def test_tiles_show_how_often_strategies_meet(name, edges):
    """Rows are strategies of the first population, columns those of the second, in three equal channels."""
    recipe = RECIPES[f"{name}_tiles"]
    (system,) = recipe.tasks
    _, x0 = members(name, 0, MEMBERS)
    frames = render(system, {"stake": 1.0}, x0[:4], color="rgb")
    assert frames.shape[1:] == (32, 32, 3)
    assert recipe.view_of(0).shape() == (3, 32, 32)
    for frame, x in zip(frames, x0[:4], strict=True):
        brightness = np.round(255 * np.multiply.outer(*np.split(x, 2)))
        assert len(np.unique(brightness)) > 2
        wide = np.repeat(np.repeat(brightness, np.diff(edges), axis=0), np.diff(edges), axis=1)
        np.testing.assert_array_equal(frame, np.repeat(wide[:, :, None], 3, axis=2))


def test_predators_and_prey_of_sdvae_have_one_start():
    assert (members("lotka_volterra_sdvae", 0, MANY)[1] == [5.0, 3.0]).all()


NUMBERS = {  # train, val, test, frames, time between them, frames of the split "long"
    "lotka_volterra_monode": (600, 100, 100, 100, 0.1, 300),
    "sine_monode": (300, 50, 50, 50, 0.1, 150),
    "lotka_volterra_sdvae": (10_000, 1_000, 1_000, 1_000, 0.01, None),
    "driven_pendulum_geps": (8, 0, 32, 50, 0.5, 100),
    "matching_pennies": (50_000, 5_000, 20_000, 60, 0.1, 255),
    "rock_paper_scissors": (50_000, 5_000, 20_000, 60, 0.1, 255),
    "matching_pennies_tiles": (50_000, 5_000, 20_000, 60, 0.1, 255),
    "rock_paper_scissors_tiles": (50_000, 5_000, 20_000, 60, 0.1, 255),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_the_sizes_of_published_sets(name):
    recipe = RECIPES[name]
    long = recipe.of_split("long").steps if "long" in recipe.splits else None
    assert (recipe.train, recipe.val, recipe.test, recipe.steps, recipe.dt_of(0), long) == NUMBERS[name]


def test_the_shells_of_sdvae():
    recipe = RECIPES["lotka_volterra_sdvae"]
    for split, inner, outer in (("near", 0.0, 0.01), ("far", 0.01, 0.02)):
        (system,) = recipe.of_split(split).tasks
        for name, mean in (("alpha", 2), ("beta", 1), ("gamma", 4), ("delta", 1)):
            below, above = getattr(system, name).parts()
            assert below == pytest.approx((mean - 0.05 - outer, mean - 0.05 - inner))
            assert above == pytest.approx((mean + 0.05 + inner, mean + 0.05 + outer))


def test_the_worlds_of_geps():
    """Two that are damped, two that are driven, and four that are both."""
    recipe = RECIPES["driven_pendulum_geps"]
    found = [(s.omega0, s.alpha, s.omega_f, s.f0) for s in recipe.tasks]
    assert found[:4] == [(0.5, 0.2, 0, 0), (0.5, 0.5, 0, 0), (0.7, 0, 0.75, 0.2), (0.5, 0, 1, 0.1)]
    assert found[4:] == [(1, 0.5, 0.3, 0.2), (0.75, 0.5, 0.7, 0.1), (1, 0.1, 1, 0.15), (0.5, 0.1, 0.5, 0.05)]
    assert (recipe.tasks_of("train"), recipe.tasks_of("adapt")) == ((0, 1, 2, 3), (4, 5, 6, 7))
    assert (recipe.splits["adapt"].support, recipe.splits["adapt"].count) == (1, 33)


def test_the_signal_of_a_sine_is_its_first_number():
    recipe = dataclasses.replace(RECIPES["sine_monode"], observe=(Emission(kind="state", first=1),))
    arrays = sample(recipe, "test", slice(0, 3))
    np.testing.assert_array_equal(arrays["signal"], arrays["state"][..., :1])
    with pytest.raises(ValueError, match="emission: first = 3 is more than the 2 numbers that there are"):
        dataclasses.replace(recipe, observe=(Emission(kind="state", first=3),))
