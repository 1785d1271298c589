"""The renderer against the rule written out pixel by pixel, and known counts of lit pixels."""

import math

import numpy as np
import pytest

from slvm_data import RECIPES, DoublePendulum, Pendulum, TwoBody, render, sample
from slvm_data.observe.render import soft


def by_hand(centres, radii, colors, half_width, size=32):
    """The rule for one frame, in plain Python, one pixel at a time."""
    frame = np.zeros((size, size, 3), np.uint8)
    for row in range(size):
        for column in range(size):
            see_through, value = 1.0, [0.0, 0.0, 0.0]
            for (x, y), radius, color in zip(centres, radii, colors, strict=True):
                u, v = (x + half_width) / (2 * half_width), (y + half_width) / (2 * half_width)
                distance = math.hypot(column / (size - 1) - u, row / (size - 1) - v)
                cover = 1 / (1 + math.exp(80 * (distance - radius / (2 * half_width))))
                value = [a + see_through * cover * b for a, b in zip(value, color, strict=True)]
                see_through *= 1 - cover
            total = [a + see_through * b for a, b in zip(value, (0.321, 0.349, 0.368), strict=True)]
            frame[row, column] = [math.floor(255 * a) for a in total]
    return frame


def test_a_frame_of_two_colors():
    q1, q2 = 0.4, -1.1
    population = DoublePendulum(m=0.5, l=(1.0, 0.8))
    frame = render(population, {}, [[q1, q2, 0, 0]], colors=[1, 0], palette=2)[0]
    first = (math.sin(q1), -math.cos(q1))
    second = (first[0] + 0.8 * math.sin(q2), first[1] - 0.8 * math.cos(q2))
    radius = math.sqrt(0.5 / math.pi)
    expected = by_hand([first, second], [radius] * 2, [(0, 1, 1), (1, 0, 0)], 1.8 + radius)
    np.testing.assert_array_equal(frame, expected)


def test_camera_shifts_and_widens():
    population, radius = TwoBody(m=(0.5, 1.5), half_width=2.0), [math.sqrt(m / math.pi) for m in (0.5, 1.5)]
    states = [[0.5, -0.2, -1.0, 0.9, 0, 0, 0, 0]]
    frame = render(population, {}, states, offset=(0.3, -0.4), jitter=0.4, size=16)[0]
    expected = by_hand([(0.8, -0.6), (-0.7, 0.5)], radius, [(1, 0, 0)] * 2, 2.8, 16)
    np.testing.assert_array_equal(frame, expected)
    bits = render(population, {}, states, offset=(0.3, -0.4), jitter=0.4, size=16, color="binary")[0]
    np.testing.assert_array_equal(bits, expected[..., 0] / 255 > 0.45)


def test_a_pendulum_at_rest_hangs_in_the_first_rows():
    frame = render(Pendulum(), {}, [[0.0, 0.0]], color="binary")[0]
    rows = np.flatnonzero(frame.any(axis=1))
    assert rows.max() < 12
    np.testing.assert_array_equal(frame, frame[:, ::-1])


def test_background_and_hues():
    frame = render(Pendulum(), {}, [[0.0, 0.0]])[0]
    assert tuple(frame[-1, 0]) == (81, 88, 93)
    expected = [[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1]]
    np.testing.assert_allclose(soft.hues(6), expected, atol=1e-12)
    np.testing.assert_array_equal(soft.hues(2), [[1, 0, 0], [0, 1, 1]])


LIT = {  # mean number of lit pixels in a frame, per channel, of the original scripts; and by how much it may differ
    "pendulum": ([78.2], 0.5),
    "pendulum3": ([51.7], 3),
    "mass_spring": ([84], 3),
    "mass_spring3": ([49], 3),
    "double_pendulum": ([28.8, 31.1, 32.5], 1.5),
    "double_pendulum3": ([41.5], 1.5),
    "two_body": ([18.4, 16.3, 17.4], 3),
    "two_body3": ([87], 2),
}


@pytest.mark.few(5)
@pytest.mark.parametrize("name", LIT)
def test_as_many_pixels_are_lit_as_in_the_originals(name):
    recipe, (expected, tolerance) = RECIPES[name], LIT[name]
    tasks = [sample(recipe, index=slice(0, 200), task=i)["image"] for i in range(len(recipe.tasks))]
    image = np.stack(tasks)
    counts = image.sum(axis=(-1, -2)).mean(axis=tuple(range(image.ndim - 3 if image.ndim == 6 else 3)))
    print(name, np.round(counts, 1))
    np.testing.assert_allclose(np.atleast_1d(counts), expected, atol=tolerance)
