"""Rules for the times of frames: their definitions, over ten thousand sequences."""

import dataclasses
from collections import Counter
from itertools import combinations

import jax
import numpy as np
import pytest
from scipy import stats

from slvm_data import RECIPES, Recipe, Rslds
from slvm_data.core.keys import exact, of_data, root, stream
from slvm_data.systems.timing import Grid, Jittered, Poisson, Regular, Thinned, TimeRule

N, T, DT = 10_000, 6, 0.1
RULES = (Grid(), Grid(of=46, gap=1.0), Thinned(share=0.4), Thinned(), Poisson(), Poisson(rate=4.0), Jittered(share=0.9))
SURE = 1e-4  # probability by chance, below which a test fails


def drawn(rule, steps=T):
    """Times [N T] of ten thousand sequences."""
    with exact():
        keys = jax.random.split(stream(of_data(root(7)), "time"), N)
        return np.asarray(jax.jit(jax.vmap(lambda key: rule.times(key, np.arange(steps) * DT)))(keys))


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_times_increase_from_zero_and_stay_in_the_span(rule):
    time = drawn(rule)
    assert time.shape == (N, T)
    assert time.dtype == np.float64
    assert (time[:, 0] == 0).all()
    assert (np.diff(time) > 0).all()
    assert time.max() <= rule.span(T, DT) * (1 + 1e-12)
    assert time.max() > 0.9 * rule.span(T, DT)
    assert TimeRule.parse(str(rule)) == rule


@pytest.mark.parametrize(("of", "gap"), [(0, 0.25), (0, 0.5), (46, 0.25), (200, 0.9)])
def test_a_grid_keeps_its_points_and_the_least_gap(of, gap):
    time, points = drawn(Grid(of=of, gap=gap)), of or 100 * T
    places = time * (points - 1) / ((T - 1) * DT)
    np.testing.assert_allclose(places, np.round(places), atol=1e-9)
    assert np.diff(time).min() >= gap * DT * (1 - 1e-9)
    assert np.diff(time).min() < gap * DT + 2 * (T - 1) * DT / (points - 1)  # and no larger one


def test_every_choice_of_a_grid_is_equally_likely():
    """Of three frames on nine points, the first one and any two others that are at least two apart."""
    places = np.round(drawn(Grid(of=9, gap=0.5), 3) / (2 * DT / 8)).astype(int)
    allowed = [(0, a, b) for a, b in combinations(range(9), 2) if a >= 2 and b - a >= 2]
    found = Counter(map(tuple, places.tolist()))
    assert set(found) == set(allowed)
    assert stats.chisquare([found[choice] for choice in allowed]).pvalue > SURE


def test_thinning_keeps_the_first_point_and_any_of_the_others():
    """Of ten points three are left out."""
    places = np.round(drawn(Thinned(share=0.3), 7) / DT).astype(int)
    assert places.max() == 9
    kept = np.array([(places == k).any(axis=1).sum() for k in range(10)])
    assert kept[0] == N
    expected, deviation = N * 6 / 9, np.sqrt(N * 6 / 9 * 3 / 9)
    assert (np.abs(kept[1:] - expected) < 5 * deviation).all()
    np.testing.assert_allclose(drawn(Thinned(share=0.3), 7), places * DT, atol=1e-12)


def test_poisson_times_are_uniform_in_the_span_and_counts_binomial():
    time = drawn(Poisson(rate=4.0)) / ((T - 1) / 4.0)
    assert stats.kstest(time[:, 1:].ravel(), "uniform").pvalue > SURE
    counts = np.bincount((time[:, 1:] < 0.3).sum(axis=1), minlength=T)
    chances = stats.binom(T - 1, 0.3).pmf(np.arange(T)) * N
    assert stats.chisquare(counts, chances).pvalue > SURE
    gaps = np.diff(time)[:, 0]  # of the first of T - 1 uniform numbers
    assert stats.kstest(gaps, stats.beta(1, T - 1).cdf).pvalue > SURE


def test_jitter_is_uniform_about_regular_times():
    moved = (drawn(Jittered(share=0.6)) / DT - np.arange(T))[:, 1:] / 0.6 + 0.5
    assert moved.min() >= -1e-12
    assert moved.max() <= 1 + 1e-12
    assert stats.kstest(moved[:, 3], "uniform").pvalue > SURE
    assert abs(np.corrcoef(moved[:, 3], moved[:, 4])[0, 1]) < 5 / np.sqrt(N)


def test_regular_is_another_word_for_dt():
    pendulum = RECIPES["pendulum"]
    assert dataclasses.replace(pendulum, time=Regular(dt=0.05)) == dataclasses.replace(pendulum, dt=0.05)


def test_one_frame_is_at_zero():
    for rule in RULES:
        assert drawn(rule, 1).tolist() == [[0.0]] * N


def test_what_does_not_fit_is_refused():
    pendulum = RECIPES["pendulum"]
    with pytest.raises(ValueError, match=r"30 frames do not fit on 20 points: give a larger of or a smaller gap"):
        dataclasses.replace(pendulum, time=Grid(of=20))
    with pytest.raises(ValueError, match=r"time = 0.1 has to be a rule of time, such as "):
        dataclasses.replace(pendulum, time=0.1)
    for recipe in (RECIPES["three_mode"], RECIPES["nascar"]):
        with pytest.raises(ValueError, match=r"moves in steps, one for each frame of equal length: leave jittered out"):
            dataclasses.replace(recipe, time=Jittered())
    assert isinstance(RECIPES["nascar"].tasks[0], Rslds)
    with pytest.raises(ValueError, match="BallBox moves in steps"):
        Recipe(name="x", tasks=(dataclasses.replace(RECIPES["gravity"].tasks[0], motion="contact"),), time=Jittered())
