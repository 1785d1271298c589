"""Requests to `simulate` and `render` that cannot be met, and members that no file has."""

import numpy as np
import pytest

from slvm_data import DoublePendulum, Pendulum, View, render, simulate, uniform

WIDE = Pendulum(m=uniform(0.5, 1.0))
T = np.arange(3) * 0.1


@pytest.mark.parametrize(
    ("population", "parameters", "x0", "t", "message"),
    [
        (WIDE, {}, [0, 1], T, "m is a range in this population"),
        (WIDE, {"m": 0.5, "k": 1}, [0, 1], T, "has no parameter 'k'; it has friction, m, g, l"),
        (WIDE, {"m": -0.5}, [0, 1], T, r"Pendulum: m = -0\.5 has to be above 0"),
        (WIDE, {"m": np.nan}, [0, 1], T, "not finite"),
        (WIDE, {"m": [0.5, 0.5]}, [0, 1], T, "one value expected"),
        (DoublePendulum(), {"m": [1.0, 2.0, 3.0]}, [0] * 4, T, "one value or 2 expected"),
        (WIDE, {"m": 0.5}, [0, 1, 2], T, r"x0 has the shape \(3,\)"),
        (WIDE, {"m": 0.5}, [0, 1], [0.0, 0.1, 0.1], "increasing"),
        (WIDE, {"m": 0.5}, [0, 1], [], "increasing"),
        (WIDE, {"m": 0.5}, [0, np.nan], T, "x0 = .* is not finite"),
        (WIDE, {"m": 0.5}, [0, 1], [[0.0]], "one axis"),
    ],
)
def test_simulate_refuses(population, parameters, x0, t, message):
    with pytest.raises(ValueError, match=message):
        simulate(population, parameters, x0, t)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"colors": [2], "palette": 2}, "below palette = 2"),
        ({"colors": [0, 1], "palette": 2}, "has to be 1 indices"),
        ({"colors": [0.0], "palette": 2}, "has to be 1 indices"),
        ({"offset": [(0, 0), (0.5, 0.5)]}, "two finite numbers"),
        ({"style": "photo"}, "style = 'photo' is unknown; there are soft, clean, bump, debug"),
        ({"size": 0}, "size = 0 has to lie between"),
        ({"jitter": -0.1}, "jitter = -0.1"),
        ({"palette": 0}, "palette = 0"),
    ],
)
def test_render_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        render(Pendulum(), {}, [[0.0, 0.0]], **options)


def test_render_wants_states_of_the_system():
    with pytest.raises(ValueError, match=r"states has the shape \(2,\); expected is \[T 2\]"):
        render(Pendulum(), {}, [0.0, 0.0])


def test_a_member_outside_the_population_is_simulated_as_accurately():
    fast = {"m": 0.05, "l": 0.3}
    a = simulate(Pendulum(), fast, [1.0, 2.0], T)
    b = simulate(Pendulum(m=0.05, l=0.3), {}, [1.0, 2.0], T)
    np.testing.assert_array_equal(a, b)


def test_one_frame_is_its_start():
    np.testing.assert_array_equal(simulate(Pendulum(), {}, [0.3, 0.4], [5.0]), [[0.3, 0.4]])


def test_views_are_compared_by_value():
    assert View() == View(size=32)
