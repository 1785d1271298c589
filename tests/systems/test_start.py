"""Starts and constants have the distributions that the recipes state."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import kstest

from slvm_data import RECIPES, DoublePendulum, MassSpring, Pendulum, TwoBody, sample
from slvm_data.systems.base import System

DRAWS = 5000
SIGNIFICANT = 1e-4  # some hundred tests with fixed seeds


def first_frames(recipe, task):
    short = dataclasses.replace(recipe, steps=1, view=dataclasses.replace(recipe.view, size=2))
    return sample(dataclasses.replace(short, record=("offset", "color_index")), index=slice(0, DRAWS), task=task)


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


def test_constants(task):
    recipe, number = task
    arrays, system = first_frames(recipe, number), recipe.tasks[number]
    for name in system.domains():
        values, (low, high) = arrays[f"param_{name}"].astype(float), system.bounds(name)
        for column, one_low, one_high in zip(
            values.reshape(DRAWS, -1).T, np.atleast_1d(low), np.atleast_1d(high), strict=True
        ):
            if one_low == one_high:
                np.testing.assert_array_equal(column, np.float32(one_low))
            else:
                is_uniform(column, one_low, one_high)
        if values.ndim == 2 and np.ptp(values) > 0:
            assert abs(np.corrcoef(values.T)[0, 1]) < 0.06  # each body for itself


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
        assert abs(np.corrcoef(np.hypot(x[:, 0], x[:, 2]), np.hypot(x[:, 1], x[:, 3]))[0, 1]) < 0.06
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
    reach = recipe.view.jitter * system.extent()
    if reach:
        for axis in arrays["offset"].astype(float).T:
            is_uniform(axis, -reach, reach)
        assert abs(np.corrcoef(arrays["offset"].T)[0, 1]) < 0.06  # each axis for itself
    else:
        assert not arrays["offset"].any()
    index = arrays["color_index"]
    if recipe.view.palette == 1:
        assert not index.any()
    else:
        np.testing.assert_array_equal(index.sum(axis=1), 1)  # one of each
        assert abs(index[:, 0].mean() - 0.5) < 0.03


TABLE = {  # constants, radii, uniform in area, jitter, palette, half width: the values that the literature uses
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
    constants, radii, area, jitter, palette, extents = TABLE[name]
    recipe = RECIPES[name]
    counts = (10_000, 3_000, 3_000) if len(constants) == 1 else (3_000, 1_000, 1_000)
    assert (recipe.train, recipe.val, recipe.test) == counts
    assert (recipe.steps, recipe.dt, recipe.seed, recipe.view.size) == (30, 0.1, 0, 32)
    assert (recipe.view.jitter, recipe.view.palette, recipe.view.binary) == (jitter, palette, True)
    for system, expected, extent in zip(recipe.tasks, constants, extents, strict=True):
        for key, value in (expected | {"friction": 0}).items():
            low, high = value if isinstance(value, tuple) else (value, value)
            assert (system.low(key), system.high(key)) == (low, high)
        assert (system.radii.low, system.radii.high) == radii
        assert getattr(system, "uniform_annulus", None) == area
        assert system.extent() == pytest.approx(extent, abs=1e-6)


class Nothing(System):
    """A class that forgets what it must bring."""


def test_an_incomplete_system_cannot_be_made():
    with pytest.raises(TypeError, match="abstract"):
        Nothing()
