"""Starts and parameters have the distributions that the recipes state."""

import dataclasses
from functools import cache

import numpy as np
import pytest
from scipy.stats import kstest, norm, truncnorm

from slvm_data import RECIPES, BallBox, Balls, DoublePendulum, MassSpring, Pendulum, TwoBody, sample
from slvm_data.systems.system import System

DRAWS = 2000
SIGNIFICANT = 1e-4  # some hundred tests with fixed seeds


@cache
def first_frames(recipe, task):
    every = dataclasses.replace(recipe, record=recipe.recordable())  # as in other tests: it is compiled once
    parts = [sample(every, index=slice(i, i + 500), task=task) for i in range(0, DRAWS, 500)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0] if name != "image"}


def is_uniform(values, low, high):
    assert kstest(values, "uniform", (low, high - low)).pvalue > SIGNIFICANT
    assert values.min() >= np.float32(low)
    assert values.max() <= np.float32(high)


def is_from_annulus(a, b, system):
    low, high = system.radii.low, system.radii.high
    r = np.hypot(a, b)
    if system.uniform_annulus:
        is_uniform((r**2 - low**2) / (high**2 - low**2), -1e-6, 1 + 1e-6)
    else:
        is_uniform(r, low - 1e-6, high + 1e-6)
    is_uniform(np.arctan2(b, a), -np.pi, np.pi)


def is_thrown(x, system):
    """From a clipped normal, with uniform speed and angle."""
    is_uniform(np.hypot(x[:, 2], x[:, 3]), 5 - 1e-6, 10 + 1e-6)
    is_uniform(np.degrees(np.arctan2(x[:, 3], x[:, 2])) % 360, system.angle.low - 1e-5, system.angle.high + 1e-5)
    low, high = system.margin + 4, 28 - system.margin
    for axis in x[:, :2].T:
        assert (axis.min(), axis.max()) == (low, high)
        for end in (low, high):  # the mass of a normal beyond, within five standard errors
            p = norm.cdf(low, 16, 8)
            assert abs((axis == end).mean() - p) < 5 * np.sqrt(p * (1 - p) / DRAWS)
        inner = axis[(axis > low) & (axis < high)]
        assert kstest(inner, truncnorm((low - 16) / 8, (high - 16) / 8, 16, 8).cdf).pvalue > SIGNIFICANT
    assert abs(np.corrcoef(x[:, :2].T)[0, 1]) < 0.1


@pytest.mark.few(4)
def test_parameters(task):
    recipe, number = task
    arrays, system = first_frames(recipe, number), recipe.tasks[number]
    for name in system.parameters():
        values, (low, high) = arrays[f"param_{name}"].astype(float), system.range_of(name)
        for column, one_low, one_high in zip(
            values.reshape(DRAWS, -1).T, np.atleast_1d(low), np.atleast_1d(high), strict=True
        ):
            if one_low == one_high:
                np.testing.assert_array_equal(column, np.float32(one_low))
            else:
                is_uniform(column, one_low, one_high)
        if values.ndim == 2 and np.ptp(values, axis=0).all():
            assert abs(np.corrcoef(values.T)[0, 1]) < 0.1  # each body for itself


def test_start(task):
    recipe, number = task
    arrays, system = first_frames(recipe, number), recipe.tasks[number]
    x = arrays["state"][:, 0].astype(float)
    if isinstance(system, Pendulum):
        is_from_annulus(x[:, 0], x[:, 1], system)
    elif isinstance(system, MassSpring):
        root = np.sqrt(arrays["param_k"].astype(float) * arrays["param_m"])
        is_from_annulus(x[:, 0], x[:, 1] / root, system)
    elif isinstance(system, DoublePendulum):
        is_from_annulus(x[:, 0], x[:, 2], system)
        is_from_annulus(x[:, 1], x[:, 3], system)
        assert abs(np.corrcoef(np.hypot(x[:, 0], x[:, 2]), np.hypot(x[:, 1], x[:, 3]))[0, 1]) < 0.1
    elif isinstance(system, BallBox):
        is_thrown(x, system)
    elif isinstance(system, Balls):
        assert x.shape == (DRAWS, 12)  # tests/simulation/test_ball_sets.py looks at their starts
    else:
        assert isinstance(system, TwoBody)
        is_uniform(x[:, 0], 0.5, 1.5)
        is_uniform(x[:, 1], 0.5, 1.5)
        np.testing.assert_array_equal(x[:, 2:4], -x[:, :2])
        rho = np.hypot(x[:, 0], x[:, 1])
        np.testing.assert_allclose(x[:, 4], x[:, 1] / (2 * rho**1.5), rtol=1e-6)
        np.testing.assert_allclose(x[:, 5], -x[:, 0] / (2 * rho**1.5), rtol=1e-6)
        np.testing.assert_array_equal(x[:, 6:], -x[:, 4:6])


def test_camera_and_colors(task):
    recipe, number = task
    arrays, system = first_frames(recipe, number), recipe.tasks[number]
    view = recipe.view_of(number)
    reach = view.jitter * system.extent()
    if reach:
        for axis in arrays["offset"].astype(float).T:
            is_uniform(axis, -reach, reach)
        assert abs(np.corrcoef(arrays["offset"].T)[0, 1]) < 0.1  # each axis for itself
    else:
        assert not arrays["offset"].any()
    index = arrays["color_index"]
    if view.palette == 1:
        assert not index.any()
    else:
        np.testing.assert_array_equal(index.sum(axis=1), 1)  # one of each
        assert abs(index[:, 0].mean() - 0.5) < 0.03


TABLE = {  # parameters, radii, uniform in area, jitter, palette, half width: the values that the literature uses
    "pendulum": ([{"m": 0.5, "g": 3.0, "l": 1.0}], (1.3, 2.3), False, 0, 1, [1.398942]),
    "pendulum3": ([{"m": (0.5, 1), "g": g, "l": (0.5, 1)} for g in (2, 3, 4)], (1.3, 2.3), True, 0.4, 1, [1.56419] * 3),
    "mass_spring": ([{"m": (0.4, 1), "k": 2.0}], (0.1, 1), False, 0, 1, [1.564190]),
    "mass_spring3": ([{"m": (0.4, 1), "k": k} for k in (1, 2, 3)], (0.1, 1), False, 0.4, 1, [1.564190] * 3),
    "double_pendulum": ([{"m": (0.4, 0.6), "g": 3, "l": (0.75, 1)}], (1.3, 2.3), False, 0, 2, [2.437019]),
    "double_pendulum3": (
        [{"m": (5, 8), "g": g, "l": (2.5, 3)} for g in (2, 3, 4)], (1.5, 2.5), True, 0.4, 1, [7.595769] * 3
    ),
    "two_body": ([{"m": (0.5, 1.5), "g": 1}], (0.5, 1.5), None, 0, 2, [5.0]),
    "two_body3": ([{"m": 1, "g": g} for g in (1, 2, 3)], (0.5, 1.5), None, 0, 1, [2.75] * 3),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_recipes_hold_the_table(name):
    parameters, radii, area, jitter, palette, extents = TABLE[name]
    recipe = RECIPES[name]
    counts = (10_000, 3_000, 3_000) if len(parameters) == 1 else (3_000, 1_000, 1_000)
    assert (recipe.train, recipe.val, recipe.test) == counts
    assert (recipe.steps, recipe.dt, recipe.seed, recipe.view.size) == (30, 0.1, 0, 32)
    assert (recipe.view.jitter, recipe.view.palette, recipe.view.binary) == (jitter, palette, True)
    for system, expected, extent in zip(recipe.tasks, parameters, extents, strict=True):
        for key, value in (expected | {"friction": 0}).items():
            low, high = value if isinstance(value, tuple) else (value, value)
            assert (system.low(key), system.high(key)) == (low, high)
        assert (system.radii.low, system.radii.high) == radii
        assert getattr(system, "uniform_annulus", None) == area
        assert system.extent() == pytest.approx(extent, abs=1e-6)


BALLS = {  # margin, gravities, angles: the values that the literature uses
    "bouncingball": (2, [(0, 0)], (0, 360), (10_000, 1_000, 1_000)),
    "gravity": (0, [(0, 2.5)], (45, 135), (10_000, 2_000, 2_000)),
    "gravity3": (0, [(2.5, 0), (-1.767767, 1.767767), (-0.956709, -2.309699)], (45, 135), (3_000, 1_000, 1_000)),
    "gravity6": (
        0,
        [(2.5, 0), (0.956709, 2.309699), (-1.767767, 1.767767), (-2.309699, -0.956709), (-0.956709, -2.309699),
         (1.767767, -1.767767)],
        (45, 135),
        (3_000, 1_000, 1_000),
    ),
    "mixed_physics_iclr2023": (0, [(2.5, 0), (0, 2.5), (-2.5, 0), (0, -2.5)], (0, 360), (3_000, 1_000, 1_000)),
    "mixed_physics_iclr2025": (
        0, [(2.5, 0), (-1.767767, 1.767767), (-0.956709, -2.309699)], (45, 135), (3_000, 1_000, 1_000)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BALLS)
def test_ball_recipes_hold_the_table(name):
    margin, gravities, angles, counts = BALLS[name]
    recipe = RECIPES[name]
    balls = [system for system in recipe.tasks if isinstance(system, BallBox)]
    assert (recipe.train, recipe.val, recipe.test) == counts
    np.testing.assert_allclose([ball.g for ball in balls], gravities, atol=5e-7)
    for i, ball in enumerate(balls):
        assert (ball.margin, ball.radius, ball.side, ball.spread) == (margin, 3, 32, 8)
        assert (ball.motion, ball.restitution) == ("exact", 1)
        assert (ball.speed.low, ball.speed.high, ball.angle.low, ball.angle.high) == (5, 10, *angles)
        assert (recipe.steps, recipe.dt_of(i), recipe.view_of(i).jitter) == (30, 0.25, 0)


def test_gravity16_has_sixteen_gravities():
    angles = np.degrees([np.arctan2(*system.g[::-1]) for system in RECIPES["gravity16"].tasks])
    np.testing.assert_allclose(angles % 360, 22.5 * np.arange(16), atol=1e-9)
    np.testing.assert_allclose([np.hypot(*system.g) for system in RECIPES["gravity16"].tasks], 2.5, atol=1e-12)


def test_mixed_sets_are_made_of_the_others():
    parts = {
        "mixed_physics_iclr2025": ("gravity3", "pendulum3", "mass_spring3", "two_body3"),
        "mixed_physics_iclr2025_readme": ("gravity3", "pendulum3", "double_pendulum3", "two_body3"),
    }
    for name, others in parts.items():
        recipe = RECIPES[name]
        have = [(recipe.tasks[i], recipe.dt_of(i), recipe.view_of(i)) for i in range(12)]
        assert have == [
            (RECIPES[o].tasks[i], RECIPES[o].dt_of(i), RECIPES[o].view_of(i)) for o in others for i in range(3)
        ]


def test_frictions_of_the_older_mixed_set():
    recipe = RECIPES["mixed_physics_iclr2023"]
    for i, system in enumerate(recipe.tasks[4:]):
        kind, extra = ((Pendulum, {"g": 3, "l": (0.5, 1)}), (MassSpring, {"k": 2}))[i // 4]
        assert isinstance(system, kind)
        for name, value in ({"m": 0.5, "friction": (0, 0.05, 0.1, 0.15)[i % 4]} | extra).items():
            low, high = value if isinstance(value, tuple) else (value, value)
            assert (system.low(name), system.high(name)) == (low, high)
        assert (system.radii.low, system.radii.high) == ((1.3, 2.3), (0.1, 1.0))[i // 4]
        assert system.uniform_annulus
        assert system.extent() == pytest.approx(1.398942, abs=1e-6)
        assert (recipe.dt_of(4 + i), recipe.view_of(4 + i).jitter) == (0.1, 0.4)


class Nothing(System):
    """A class that forgets what it must bring."""


def test_an_incomplete_system_cannot_be_made():
    with pytest.raises(TypeError, match="abstract"):
        Nothing()
