"""Pendulums drawn as rods: their law of motion, the random torque, and the numbers of their datasets."""

import dataclasses
from math import pi

import jax
import numpy as np
import pytest
from scipy import stats
from scipy.integrate import solve_ivp

from slvm_data import RECIPES, RodPendulum, ShakenPendulum, render, sample, simulate, uniform
from slvm_data.core.keys import exact, of_data, root, stream
from slvm_data.observe.modifiers import CorrelatedNoise, Missing
from slvm_data.systems.timing import Grid, Thinned

MEMBERS = 64
SETS = {  # g, l, friction, lever, length and half width in pixels, angle, spin, frames, seconds, size, counts
    "pendulum_cru": (9.81, 1, 0.1, 3, 55 * 24 / 128, 4 * 24 / 128, (0, 2 * pi), 0, 50, 0.05, 24, (2_000, 1_000)),
    "pendulum_cru_regression": (9.81, 1, 0.1, 3, 10.3125, 0.75, (0, 2 * pi), 0, 50, 0.01, 24, (2_000, 1_000)),
    "pendulum_msvi": (9.81, 1, 0, 1, 14, 1.5, (0, 2 * pi), pi / 2, 51, 0.06, 32, (400, 50)),
    "pendulum_goku": (10, (1, 2), 0, 1, 14 / 1.1, 1.4 / 1.1, (-pi / 6, pi / 6), 1, 50, 0.05, 28, (450, 50)),
    "pendulum_hnn": (10, 1, 0, 1.5, 14 / 1.1, 1.4 / 1.1, (-pi / 6, pi / 6), 1, 103, 0.05, 28, (200, 50)),
    "pendulum_nsv": (9.81, 0.5, 0, 1.5, 32 / 0.525, 1.6 / 0.525, (0, 2 * pi), 10, 60, 1 / 60, 128, (960, 120)),
}


@pytest.mark.parametrize("name", SETS)
def test_the_sets_hold_the_table(name):
    g, l, friction, lever, length, half, angle, spin, steps, dt, size, counts = SETS[name]
    recipe, (system,) = RECIPES[name], RECIPES[name].tasks
    ranges = {"g": g, "l": l, "friction": friction}
    for parameter, ends in ranges.items():
        assert (system.low(parameter), system.high(parameter)) == (ends if isinstance(ends, tuple) else (ends, ends))
    pixels = size / 2 / (recipe.view.extent or system.extent())
    assert (system.shown or system.l) * pixels == pytest.approx(length)
    assert (system.width / 2 * pixels, system.lever) == pytest.approx((half, lever))
    assert (recipe.steps, recipe.dt, recipe.view.size, (recipe.train, recipe.test)) == (steps, dt, size, counts)
    short = dataclasses.replace(
        recipe, view=dataclasses.replace(recipe.view, size=2), steps=1, time=None, splits={}, observe=()
    )
    arrays = sample(short, index=slice(0, 5_000))
    laws = [*zip(arrays["state"][:, 0].T, (angle, (-spin, spin)), strict=True)]
    laws += [(arrays[f"param_{key}"], ends) for key, ends in ranges.items() if isinstance(ends, tuple)]
    for values, (low, high) in laws:
        if high == low:
            assert (values == low).all()
        else:
            assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 1e-4


def test_protocols():
    names = [name for name in SETS if "cru" in name]
    assert [RECIPES[name].time for name in names] == [Thinned(share=0.5)] * 2
    assert [RECIPES[name].observe for name in names] == [(Missing(p=0.5, keep=5),), (CorrelatedNoise(r=0.2),)]
    assert (RECIPES["pendulum_msvi"].time, RECIPES["pendulum_goku"].splits["long"].paired) == (Grid(), "test")


@pytest.mark.parametrize(("lever", "friction", "shake"), [(1.0, 0.0, 0.0), (1.5, 0.7, 0.0), (3.0, 0.1, 0.4)])
def test_states_are_those_of_scipy(lever, friction, shake):
    """The random torque is one number for each interval, the same for all members here."""
    rng, t = np.random.default_rng(0), np.linspace(0, 3, 7)
    g, l, start = rng.uniform(1, 10, MEMBERS), rng.uniform(0.5, 2, MEMBERS), rng.uniform(-3, 3, (2, MEMBERS))
    kind, own = (ShakenPendulum, {"shake": shake}) if shake else (RodPendulum, {})
    ranges = {"g": uniform(1, 10), "l": uniform(0.5, 2), "spin": uniform(-9, 9), "friction": friction}
    population, torque = kind(**ranges, lever=lever, **own), np.zeros(6)
    if shake:
        with exact():
            drawn = jax.random.normal(stream(of_data(root(0)), "process"), (6,), float)
        torque = shake * np.asarray(drawn) / np.sqrt(0.5)
    theirs = [start]
    for k, more in enumerate(torque):

        def law(_, y, more=more):
            angle, spin = y.reshape(2, MEMBERS)
            return np.concatenate([spin, -lever * g / l * np.sin(angle) - friction * spin + more])

        y = solve_ivp(law, t[k : k + 2], theirs[-1].ravel(), "DOP853", rtol=1e-12, atol=1e-12).y[:, -1]
        theirs.append(y.reshape(2, MEMBERS))
    ours = [simulate(population, {"g": g[i], "l": l[i]}, start[:, i], t) for i in range(MEMBERS)]
    worst = np.abs(np.array(ours) - np.array(theirs).transpose(2, 0, 1)).max()
    print(f"lever {lever}, friction {friction}, shake {shake}: {worst:.1e}")
    assert worst < 1e-8


def test_a_random_torque_changes_the_velocity_as_white_noise_does():
    """Without gravity the change is normal, and of a variance that grows with time; so is the change of the angle."""
    recipe = dataclasses.replace(
        RECIPES["pendulum_cru"], tasks=(ShakenPendulum(g=0.0, shake=0.4),), observation="pixels", observe=(), steps=20
    )
    recipe = dataclasses.replace(recipe, view=dataclasses.replace(recipe.view, size=2))
    own = sample(recipe, index=slice(0, 2_000))
    change, seconds = np.diff(own["state"], axis=1), np.diff(own["time"], axis=1)
    assert len(np.unique(seconds.round(6))) > 3
    assert stats.kstest((change[..., 1] / (0.4 * np.sqrt(seconds))).ravel(), "norm").pvalue > 1e-4
    mean = (own["state"][:, 1:, 1] + own["state"][:, :-1, 1]) / 2
    np.testing.assert_allclose(change[..., 0], mean * seconds, atol=1e-5)


def test_a_rod_hangs_from_the_middle():
    frame = render(RodPendulum(width=0.2), {}, [[0.0, 0.0]], color="grey", size=33)[0]
    lit = np.argwhere(frame > 127)
    assert (lit[:, 0].max(), frame[:, 16].argmax()) == (17, 0)  # row 0 is the lowest; 1.5 px above the middle
    np.testing.assert_array_equal(frame, frame[:, ::-1])
    sideways = render(RodPendulum(width=0.2), {}, [[pi / 2, 0.0]], color="grey", size=33)[0]
    np.testing.assert_array_equal(sideways[:, ::-1].T, frame)


def test_a_sequence_follows_from_what_is_stored():
    """Bit for bit, states and frames, at irregular times."""
    recipe = RECIPES["pendulum_msvi"]
    own = sample(recipe, index=slice(0, 3))
    for i in range(3):
        parameters = {name: own[f"param_{name}"][i] for name in ("g", "l", "friction")}
        states = simulate(recipe.tasks[0], parameters, own["state"][i, 0], own["time"][i])
        np.testing.assert_array_equal(states.astype(np.float32), own["state"][i])
        frames = render(
            recipe.tasks[0], parameters, own["state"][i], color="grey", extent=recipe.view.extent, size=recipe.view.size
        )
        np.testing.assert_array_equal(frames, own["image"][i])
