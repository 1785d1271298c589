"""The sets of balls: where sequences start, and how their parameters are drawn, against the laws of their sources."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from slvm_data import RECIPES, View, sample
from slvm_data.simulation.batch import collect

N = 5_000
LEAST = 1e-3  # of a p-value: one set in a thousand would fail by chance, and the seed is fixed


def drawn(name, split="train", count=N):
    """First states [N D] and parameters of the first sequences, without frames."""
    recipe = dataclasses.replace(RECIPES[name], steps=1, time=None, view=View(size=2), splits={}, train=N)
    if split != "train":
        full = RECIPES[name].of_split(split)
        recipe = dataclasses.replace(recipe, tasks=full.tasks)
    arrays = collect(recipe, 0, "train", np.arange(count))
    return arrays["state"][:, 0].astype(float), {k[6:]: v.astype(float) for k, v in arrays.items() if k[:6] == "param_"}


def is_uniform(x, low, high, least=LEAST):
    assert x.min() >= low - 1e-6
    assert x.max() <= high + 1e-6
    p = stats.kstest(x, stats.uniform(low, high - low).cdf).pvalue
    assert p > least, p


def by_rejection(count, low, high, radius, seed=0):
    """Places [N B 2] of balls that do not overlap: all drawn at once, again and again."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(low, high, (12 * count, 3, 2))
    apart = [np.hypot(*(x[:, i] - x[:, j]).T) >= 2 * radius for i, j in ((0, 1), (0, 2), (1, 2))]
    x = x[np.all(apart, axis=0)]
    assert len(x) >= count
    return x


@pytest.mark.parametrize("name", ["balls3_sutskever", "balls3_msvi"])
def test_three_balls_start_where_the_source_lets_them(name):
    """Places in 2 … 10 that are in the box, without an overlap; velocities of any direction, of norm 0.5 together."""
    state, parameters = drawn(name)
    assert (parameters["radius"] == np.float32(1.2)).all()
    assert not parameters["friction"].any()
    x, v = state[:, :6].reshape(-1, 3, 2), state[:, 6:].reshape(-1, 3, 2)
    expected = by_rejection(N, 2.0, 8.8, 1.2)
    for k in range(3):
        for axis in (0, 1):
            assert stats.ks_2samp(x[:, k, axis], expected[:, 0, axis]).pvalue > LEAST
    apart = [np.hypot(*(own[:, 0] - own[:, 1]).T) for own in (x, expected)]
    assert stats.ks_2samp(*apart).pvalue > LEAST
    np.testing.assert_allclose(np.sqrt((v**2).sum((1, 2))), 0.5, rtol=1e-6)
    is_uniform(np.arctan2(v[:, 0, 1], v[:, 0, 0]), -np.pi, np.pi)
    first = (v[:, 0] ** 2).sum(1) / 0.25  # a share of the sum of squares of six normal numbers
    assert stats.kstest(first, stats.beta(1, 2).cdf).pvalue > LEAST


def test_the_ball_that_friction_slows():
    state, parameters = drawn("ball_monode")
    is_uniform(parameters["friction"], 0, 0.02)
    for axis in (0, 1):
        is_uniform(state[:, axis], 2, 8)
    np.testing.assert_allclose(np.hypot(*state[:, 2:].T), 1, rtol=1e-6)
    is_uniform(np.arctan2(state[:, 3], state[:, 2]), -np.pi, np.pi)


@pytest.mark.parametrize(
    ("name", "deviation", "speeds"), [("kvae_box", 10, (10, 15)), ("kvae_box_gravity", 8, (5, 10))]
)
def test_balls_of_the_kalman_autoencoder(name, deviation, speeds):
    state, parameters = drawn(name)
    assert np.unique(parameters["g"], axis=0).tolist() == [[0, 5 * (name != "kvae_box")]]  # y points down
    rng = np.random.default_rng(1)
    expected = np.clip(16 + deviation * rng.normal(size=4 * N), 6, 26)
    for axis in (0, 1):
        assert stats.ks_2samp(state[:, axis], expected).pvalue > LEAST
    is_uniform(np.hypot(*state[:, 2:].T), *speeds)
    is_uniform(np.arctan2(state[:, 3], state[:, 2]), -np.pi, np.pi)
    recipe = RECIPES[name]
    assert (recipe.steps, recipe.of_split("long").steps, recipe.dt, recipe.train) == (20, 100, 0.2, 5_000)


OUTSIDE = {"small": ((0.3, 0.6), (0.0, 0.8)), "large": ((1.5, 2.0), (4.5, 6.0)), "train": ((0.7, 1.4), (1.0, 4.0))}


@pytest.mark.parametrize("name", ["phyworld_uniform", "phyworld_parabola"])
@pytest.mark.parametrize("split", ["train", "small_r", "small_v", "small_rv", "large_r", "large_v", "large_rv"])
def test_a_ball_that_passes(name, split):
    """Sizes and speeds of the level; the ball is seen for 24 frames if it can; heights as the source has them."""
    state, parameters = drawn(name, split)
    word, _, which = split.partition("_")
    is_uniform(r := parameters["radius"][:, 0], *OUTSIDE[word if "r" in which else "train"][0])
    is_uniform(v := parameters["v"][:, 0], *OUTSIDE[word if "v" in which else "train"][1])
    assert (parameters["g"] == [0, -2.5 * (name == "phyworld_parabola")]).all()
    np.testing.assert_array_equal(state[:, 2:], np.stack([v, np.zeros(N)], axis=1))
    low, high = (8.5 - r, 9.5 - r) if name == "phyworld_parabola" else (0.5 + r, 9.5 - r)
    is_uniform((state[:, 1] - low) / (high - low), 0, 1)
    room = 10 - 2 * r - 2.4 * v
    x = state[:, 0] - r
    fits = room > 1e-3
    if fits.sum() > 50:
        is_uniform((x / np.where(fits, room, 1))[fits], 0, 1, LEAST)
    if (~fits).sum() > 50:  # the product of two uniform numbers
        share = x[~fits & (room < 0)] / 0.5
        assert stats.kstest(share, lambda s: s - s * np.log(np.maximum(s, 1e-300))).pvalue > LEAST


PAIRS = {"small": ((0.3, 0.4), (0.0, 0.8)), "large": ((1.7, 2.0), (4.5, 6.0)), "train": ((0.5, 1.5), (1.0, 4.0))}
LEVELS = [f"{word}_{level}" for word in ("small", "large") for level in ("r1", "v1", "r1_r2", "v1_v2", "r1_v1", "all")]


@pytest.mark.parametrize("split", ["train", *LEVELS])
def test_two_balls_that_meet(split):
    """Sizes and speeds of the level; eight frames before the impact and after it, if the scene is wide enough."""
    state, parameters = drawn("phyworld_collision", split)
    word, _, which = split.partition("_")
    for name, kind in (("radius", 0), ("v", 1)):
        for k in (0, 1):
            outside = which == "all" or f"{name[0]}{k + 1}" in which
            is_uniform(parameters[name][:, k], *PAIRS[word if outside else "train"][kind])
    (x1, y1, x2, y2), (u1, w1, u2, w2), r, v = (*np.split(state.T, 2), parameters["radius"], parameters["v"])
    np.testing.assert_array_equal(np.stack([y1, u1, u2]), np.stack([y2, v[:, 0], -v[:, 1]]))
    assert not w1.any()
    assert not w2.any()
    assert (x1 >= r[:, 0] - 1e-5).all()
    assert (x2 <= 10 - r[:, 1] + 1e-5).all()
    is_uniform((y1 - 0.5 - r.max(1)) / (9 - 2 * r.max(1)), 0, 1)
    touching, closing = r.sum(1), v.sum(1)
    meeting = (x2 - x1 - touching) / np.where(closing > 0, closing, 1)
    most = 10 - 2 * touching
    wide = most >= 2.4 * closing
    assert (meeting <= 2.4 + 1e-4).all()
    assert (meeting[most >= 0.8 * closing] >= 0.8 - 1e-4).all()
    if wide.sum() > 50:
        is_uniform(meeting[wide & (closing > 0.1)], 0.8, 2.4)


def test_the_balls_of_phyworld_meet_once():
    arrays = sample(RECIPES["phyworld_collision"], index=slice(0, 8))
    assert arrays["image"].shape == (8, 32, 3, 256, 256)
    for i in range(8):  # red and blue on white, at the start
        columns, rows = (256 * arrays["state"][i, 0, :4].reshape(2, 2).T / 10).astype(int)
        assert arrays["image"][i, 0, :, rows, columns].tolist() == [[255, 0, 0], [0, 0, 255]]
    assert (np.median(arrays["image"], axis=(0, 1, 3, 4)) == 255).all()
    speeds = arrays["state"][:, :, [4, 6]]
    mass = arrays["param_radius"] ** 2
    momentum = (speeds * mass[:, None]).sum(-1)
    np.testing.assert_allclose(momentum, momentum[:, :1] + 0 * momentum, atol=1e-5)
    assert (np.abs(np.diff(speeds, axis=1)).max(axis=2) > 0).sum(axis=1).tolist() == [1] * 8
    assert (np.abs(speeds[:, 7] - speeds[:, 0]) == 0).all()


def test_irregular_times_are_points_of_the_grid():
    arrays = sample(RECIPES["balls3_msvi"], index=slice(0, 20))
    time = arrays["time"]
    assert time.shape == (20, 51)
    assert not time[:, 0].any()
    assert (np.diff(time, axis=1) > 0.0999).all()
    assert time.max() <= 20 + 1e-9
    np.testing.assert_allclose(time * 10, np.round(time * 10), atol=1e-9)
