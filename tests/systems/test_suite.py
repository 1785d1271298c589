"""The suite's sets in colour and those of Hamiltonian generative networks hold the numbers that were published."""

import dataclasses
from functools import cache

import numpy as np
import pytest
from scipy import stats

from slvm_data import RECIPES, Split, sample
from slvm_data.observe.modifiers import StateNoise

DRAWS = 5_000
COLORS = {  # parameters, radii, uniform in area, camera's shift, half width
    "mass_spring_colors": ({"m": (0.2, 1.0), "k": 2.0}, (0.1, 1.0), True, 0.4, 1.564190),
    "pendulum_colors": ({"m": (0.5, 1.5), "g": (3.0, 4.0), "l": (0.5, 1.0)}, (1.3, 2.3), True, 0.4, 1.690988),
    "double_pendulum_colors": ({"m": (0.4, 0.6), "g": (2.5, 4.0), "l": (0.75, 1.0)}, (1.0, 2.5), True, 0.4, 2.437019),
    "two_body_colors": ({"m": (0.5, 1.5), "g": (0.5, 1.5)}, (0.5, 1.5), None, 0, 5.0),
    "three_body": ({"m": 1.0, "g": 1.0}, (0.9, 1.2), None, 0, 2.75),
}
RUBBED = ("mass_spring_colors", "pendulum_colors", "double_pendulum_colors")
RED, YELLOW, GREEN = "#fe585d", "#feea5d", "#51ea5d"  # of 173, 0, 0 and so on, added to 81, 88, 93 of the background
HGN = {  # parameters, radii, uniform in area, colours, half width of the scene, and noise on the state
    "pendulum_hgn": ({"m": 0.5, "g": 3.0, "l": 1.0}, (1.3, 2.3), False, (YELLOW,), 2.0, 0.1),
    "mass_spring_hgn": ({"m": 0.5, "k": 2.0}, (0.1, 1.0), False, (YELLOW,), 2.0, 0.1),
    "two_body_hgn": ({"m": 1.0, "g": 1.0}, (0.5, 1.5), None, (RED, YELLOW), 3.0, 0.05),
    "three_body_hgn": ({"m": 1.0, "g": 1.0}, (0.9, 1.2), None, (RED, YELLOW, GREEN), 3.0, 0.2),
}
PARAMETERS = {name: row[0] for name, row in (COLORS | HGN).items()}
PARAMETERS |= {f"{name}_friction": PARAMETERS[name] | {"friction": 0.05} for name in RUBBED}


@cache
def drawn(name, count=DRAWS, steps=1):
    """Arrays of the first sequences, but for their frames, of which there are few and small ones."""
    recipe = RECIPES[name]
    view = dataclasses.replace(recipe.view, size=2)
    short = dataclasses.replace(recipe, view=view, steps=steps, splits={}, observe=(), record=("energy",))
    short = dataclasses.replace(short, record=short.recordable())
    return sample(short, index=slice(0, count))


def is_uniform(values, low, high):
    assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 1e-4


@pytest.mark.parametrize("name", COLORS)
def test_the_suites_sets_hold_the_table(name):
    parameters, radii, area, jitter, extent = COLORS[name]
    for own in [name, *[f"{name}_friction"] * (name in RUBBED)]:
        recipe, (system,) = RECIPES[own], RECIPES[own].tasks
        assert (recipe.train, recipe.test, recipe.steps, recipe.dt) == (50_000, 20_000, 60, 0.05)
        assert recipe.splits == {"long": Split(count=1_000, steps=255, paired="test")}
        view = recipe.view
        assert (view.color, view.palette, view.jitter, view.size, view.extent) == ("rgb", 6, jitter, 32, None)
        assert (recipe.source, recipe.observe) == ("arXiv:2111.05458", ())
        holds(system, parameters | {"friction": 0.05 if own != name else 0.0}, radii, area)
        assert system.extent() == pytest.approx(extent, abs=1e-6)
    assert name in RUBBED or f"{name}_friction" not in RECIPES


@pytest.mark.parametrize("name", HGN)
def test_the_sets_of_generative_networks_hold_the_table(name):
    parameters, radii, area, colors, extent, sigma = HGN[name]
    recipe, (system,) = RECIPES[name], RECIPES[name].tasks
    assert (recipe.train, recipe.test, recipe.steps, recipe.dt) == (50_000, 10_000, 34, 0.125)
    assert (recipe.observe, recipe.splits) == ((StateNoise(sigma=sigma),), {})
    view = recipe.view
    assert (view.color, view.palette, view.body_colors, view.jitter, view.size) == ("rgb", 1, colors, 0, 32)
    assert (recipe.view.extent or system.extent()) == extent
    assert (recipe.source, getattr(system, "orbit_noise", 0.1)) == ("arXiv:1909.13789", 0.1)
    holds(system, parameters | {"friction": 0.0}, radii, area)


def holds(system, parameters, radii, area):
    assert set(system.parameters()) == set(parameters)
    for key, value in parameters.items():
        low, high = value if isinstance(value, tuple) else (value, value)
        assert (system.low(key), system.high(key)) == (low, high), key
    assert (system.radii.low, system.radii.high) == radii
    assert getattr(system, "uniform_annulus", None) == area


@pytest.mark.few(3)
@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_have_their_law(name):
    arrays = drawn(name)
    for key, value in PARAMETERS[name].items():
        columns = arrays[f"param_{key}"].astype(float).reshape(DRAWS, -1).T
        for column in columns:
            if isinstance(value, tuple):
                is_uniform(column, *value)
            else:
                assert (column == np.float32(value)).all()
        if isinstance(value, tuple) and len(columns) > 1:
            assert abs(np.corrcoef(columns)[0, 1]) < 0.06  # each body for itself


@pytest.mark.parametrize("name", [name for name in PARAMETERS if "three" not in name and name != "two_body_hgn"])
def test_starts_have_their_law(name):
    """Those of bodies on a ring are in `test_three_body.py`."""
    x = drawn(name)["state"][:, 0].astype(float)
    _, (low, high), area, *_ = (COLORS | HGN)[name.removesuffix("_friction")]
    if area is None:  # one quarter of a square
        for column in x[:, :2].T:
            is_uniform(column, low, high)
        return
    if "mass_spring" in name:
        arrays = drawn(name)
        x[:, 1] /= np.sqrt(arrays["param_k"].astype(float) * arrays["param_m"])
    for q, p in x.reshape(DRAWS, 2, -1).transpose(2, 1, 0):
        r = np.hypot(q, p)
        is_uniform(r**2 if area else r, *((low**2, high**2) if area else (low, high)))
        is_uniform(np.arctan2(p, q), -np.pi, np.pi)


@pytest.mark.parametrize("name", PARAMETERS)
def test_camera_and_hues_have_their_law(name):
    arrays, view, system = drawn(name), RECIPES[name].view, RECIPES[name].tasks[0]
    reach = view.jitter * system.extent()
    for axis in arrays["offset"].astype(float).T:
        assert not axis.any() if reach == 0 else is_uniform(axis, -reach, reach) is None
    index = arrays["color_index"]
    if view.palette == 1:
        assert (index == np.arange(len(view.body_colors))).all()
        return
    for column in index.T:
        assert stats.chisquare(np.bincount(column, minlength=view.palette)).pvalue > 1e-4
    assert all(len(set(row)) == system.bodies_drawn for row in index.tolist())  # no hue twice


@pytest.mark.few(1)
@pytest.mark.parametrize("name", RUBBED)
def test_friction_takes_energy_from_the_same_starts(name):
    free, rubbed = drawn(name, 64, 255), drawn(f"{name}_friction", 64, 255)
    for key in ("param_m", "offset", "color_index"):
        np.testing.assert_array_equal(rubbed[key], free[key])
    np.testing.assert_array_equal(rubbed["state"][:, 0], free["state"][:, 0])
    energy = rubbed["energy"]
    assert np.diff(energy, axis=1).max() <= 1e-9
    assert (energy[:, 0] - energy[:, -1]).min() > 1e-3  # J
    assert (energy[:, 0] - energy[:, -1]).mean() > 0.1
    assert np.abs(free["energy"] - free["energy"][:, :1]).max() < 1e-7


@pytest.mark.few(3)
@pytest.mark.parametrize("name", [name for name in PARAMETERS if "body" not in name and "double" not in name])
def test_the_whole_disc_is_seen_in_its_hue(name):
    """As much of it in every frame, on the background of the suite."""
    recipe = dataclasses.replace(RECIPES[name], record=("color_index",), steps=20)
    arrays = sample(recipe, index=slice(0, 40))
    frames, background = arrays["image"].astype(float), np.array([81, 88, 93])[:, None, None]
    assert (np.median(frames, axis=(0, 1, 3, 4)) == background[:, 0, 0]).all()
    colored = np.abs(frames - background).sum(axis=(2, 3, 4))
    assert (np.ptp(colored, axis=1) < 0.12 * colored.mean(axis=1)).all()
    hue = {0: (1, 0, 0), 1: (1, 1, 0), 2: (0, 1, 0), 3: (0, 1, 1), 4: (0, 0, 1), 5: (1, 0, 1)}
    hue |= {0: (1, 1, 0)} if name in HGN else {}  # yellow
    for index, sequence in zip(arrays["color_index"][:, 0].tolist(), frames, strict=True):
        lit = sequence.max(axis=(0, 2, 3)) > 180
        assert tuple(lit.astype(int)) == hue[index]
