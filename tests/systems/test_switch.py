"""A parameter that switches: its law in time, its instants, and the motion between them against SciPy."""

import dataclasses
from itertools import pairwise

import jax
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.stats import chisquare, kstest

from slvm_data import RECIPES, BallBox, Lorenz, Pendulum, sample, simulate, uniform
from slvm_data.core.keys import exact, of_data, root, stream
from slvm_data.simulation.member import drift_of
from slvm_data.systems.drift import Jump, courses
from slvm_data.systems.switch import Switch

RECIPE, VALUES = RECIPES["switching_pendulum"], np.array([3.0, 1.0, 9.0])  # m/s², of the three regimes


@pytest.fixture(scope="module")
def found():
    return sample(RECIPE, index=slice(0, 512))


def test_regimes_follow_a_chain_in_continuous_time(found):
    """Exponential waits, each other regime as often, and the transition matrix exp(Q Δ) from frame to frame."""
    times, order = found["drift_time"], np.concatenate([found["mode"][:, :1], found["drift_mode"]], axis=1)
    assert kstest(np.diff(times, axis=1, prepend=0).ravel(), "expon", (0, 2.0)).pvalue > 1e-3
    assert chisquare(np.bincount(order[:, 0])).pvalue > 1e-3
    turns = np.zeros((3, 3), int)
    np.add.at(turns, (order[:, :-1].ravel(), order[:, 1:].ravel()), 1)
    assert not turns.diagonal().any()
    assert chisquare(turns[~np.eye(3, dtype=bool)]).pvalue > 1e-3
    seen, kept = np.zeros((3, 3), int), 1 / 3 + 2 / 3 * np.exp(-0.5 * 0.1 * 1.5)
    np.add.at(seen, (found["mode"][:, :-1].ravel(), found["mode"][:, 1:].ravel()), 1)
    expected = np.where(np.eye(3), kept, (1 - kept) / 2)
    for row, chances in zip(seen, expected, strict=True):
        assert chisquare(row, row.sum() * chances).pvalue > 1e-3


def test_every_frame_has_the_regime_of_its_instant(found):
    after = (found["drift_time"][:, None] <= found["time"][..., None]).sum(axis=-1)  # switches until each frame
    order = np.concatenate([found["mode"][:, :1], found["drift_mode"]], axis=1)
    np.testing.assert_array_equal(found["mode"], np.take_along_axis(order, after, axis=1))
    np.testing.assert_array_equal(found["drift_g"], VALUES[found["mode"]])
    assert (found["drift_to_g"] == VALUES[1:]).all()


def by_scipy(row):
    """States of a pendulum of 0.5 kg and 1 m at the frames, solved from each frame or instant to the next."""
    cuts = np.unique(np.concatenate([row["time"], row["drift_time"][row["drift_time"] < row["time"][-1]]]))
    regimes, x = np.concatenate([row["mode"][:1], row["drift_mode"]]), row["state"][0].astype(float)
    states = [x]
    for a, b in pairwise(cuts):
        g = VALUES[regimes[np.searchsorted(row["drift_time"], a, side="right")]]
        how = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-12}
        x = solve_ivp(lambda _, y, g=g: [y[1] / 0.5, -0.5 * g * np.sin(y[0])], (a, b), x, **how).y[:, -1]
        states.append(x)
    return np.array(states)[np.searchsorted(cuts, row["time"])]


def test_motion_is_that_of_the_stored_regimes(found):
    """Bit for bit by `simulate`, and by SciPy to 1e-8."""
    for i in (0, 1):
        row = {name: array[i] for name, array in found.items()}
        own = {name: row[f"param_{name}"] for name in ("friction", "m", "g", "l")}
        population, drift = RECIPE.reach(0), drift_of(RECIPE.drift, row)
        states = simulate(population, own, row["state"][0], row["time"], drift=drift)
        np.testing.assert_array_equal(states.astype(np.float32), row["state"])
        error = np.abs(states - by_scipy(row)).max()
        print(f"switching pendulum: largest error over {row['time'][-1]:g} s {error:.1e}")
        assert error < 1e-8


def test_motion_begins_anew_at_the_instant():
    t, start = np.array([0.0, 0.37, 1.0]), [1.0, 0.5]
    once = Switch(of="g", to=9.0, times=(0.37,), order=(0, 1))
    whole = simulate(Pendulum(), {}, start, t, drift=(once,))
    before = simulate(Pendulum(), {}, start, t[:2])
    after = simulate(Pendulum(g=9.0, substep=Pendulum(g=9.0).longest_step()), {}, whole[1], t[1:])
    np.testing.assert_allclose(whole, [*before, after[1]], atol=1e-9)


def test_values_may_be_drawn():
    rules = (Switch(of="g", to=(uniform(1.0, 2.0), 9.0)),)
    with exact():
        keys, t = jax.random.split(stream(of_data(root(5)), "drift"), 1_000), np.arange(100) * 0.1
        drawn = jax.jit(jax.vmap(lambda key: courses(rules, Pendulum(), {"g": 3.0}, key, t)[0].to))(keys)
    low, high = np.asarray(drawn).T
    assert kstest(low - 1, "uniform").pvalue > 1e-3
    assert (high == 9).all()


@pytest.mark.parametrize(
    ("system", "drift", "message"),
    [
        (Pendulum(), (Switch(of="g"),), "say where g goes"),
        (Pendulum(), (Switch(of="g", to=-1.0),), "g = -1.0 has to be at least 0"),
        (Pendulum(), (Switch(of="g", to=1.0, rate=5.0),), "most = 24 is too few for 49.5 switches on average: give"),
        (Pendulum(), (Switch(of="g", to=1.0), Switch(of="l", to=2.0)), "another parameter switches"),
        (Pendulum(), (Switch(of="g", to=1.0), Jump(of="g", to=2.0)), "another drift of g"),
        (BallBox(), (Switch(of="g", to=1.0),), "BallBox: g is several numbers"),
        (Lorenz(normalised=False), (Switch(of="rho", to=24.0),), "Lorenz has regimes of its own"),
    ],
)
def test_what_cannot_switch_is_refused(system, drift, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(RECIPE, tasks=(system,), drift=drift)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": (0, 3), "times": (1.0,)}, "order = .* regimes from 0 to 2"),
        ({"order": (0, 1, 2), "times": (1.0,)}, "one regime more than there are times"),
        ({"order": (0, 1, 2), "times": (2.0, 1.0)}, "in order"),
    ],
)
def test_instants_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Switch(of="g", to=(1.0, 9.0), **options)
