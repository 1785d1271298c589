"""How balls are drawn: clean discs, fast and by definition, and the debugging view."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slvm_data import RECIPES, BallBox, Pendulum, View, render, sample


def by_subpixels(centre, radius, size, fine=40):
    """How much of each pixel [H W] a disc covers, counted in a fine grid."""
    at = (np.arange(size * fine) + 0.5) / fine
    inside = (at[:, None] - centre[1]) ** 2 + (at[None] - centre[0]) ** 2 <= radius**2
    return inside.reshape(size, fine, size, fine).mean(axis=(1, 3))


@pytest.mark.parametrize("centre", [(16.0, 16.0), (3.0, 29.0), (10.25, 20.6), (27.9, 4.4)])
def test_a_clean_disc_covers_pixels_as_a_disc_does(centre):
    """Grey by area, within what the straight edge of the rule may miss of a curve; lit where the middle is inside."""
    state = [[*centre, 0.0, 0.0]]
    grey = render(BallBox(), {}, state)[0]
    assert (grey[..., :1] == grey).all()
    np.testing.assert_allclose(grey[..., 0] / 255, by_subpixels(centre, 3, 32), atol=0.13)
    assert grey[..., 0].sum() / 255 == pytest.approx(np.pi * 9, abs=0.6)
    rows, columns = np.nonzero(render(BallBox(), {}, state, binary=True)[0])
    row, column = np.mgrid[:32, :32] + 0.5
    inside = (row - centre[1]) ** 2 + (column - centre[0]) ** 2 <= 9
    assert set(zip(rows, columns, strict=True)) == set(zip(*np.nonzero(inside), strict=True))


def test_a_ball_is_wholly_in_the_picture():
    """In every frame, also at the walls: about π r² pixels are lit, and their middle is the centre."""
    arrays = sample(RECIPES["gravity"], index=slice(0, 500))
    image, state = arrays["image"].astype(float), arrays["state"]
    lit = image.sum(axis=(2, 3))
    assert 24 <= lit.min() < lit.max() <= 32
    middle = np.stack(
        [(image.sum(axis=2) @ (np.arange(32) + 0.5)) / lit, (image.sum(axis=3) @ (np.arange(32) + 0.5)) / lit]
    )
    assert np.abs(middle - state[..., :2].transpose(2, 0, 1)).max() < 0.3


@pytest.mark.parametrize("size", [7, 32, 50, 96])
def test_clean_discs_drawn_fast_are_those_of_the_definition(size):
    recipe = dataclasses.replace(RECIPES["bouncingball"], view=View(size=size), steps=20)
    arrays = sample(recipe, index=slice(0, 200))
    for state, image in zip(arrays["state"], arrays["image"], strict=True):
        np.testing.assert_array_equal(render(recipe.tasks[0], {}, state, size=size, binary=True), image)


@settings(deadline=None, max_examples=50)
@given(x=st.floats(3, 29), y=st.floats(3, 29), radius=st.floats(0.1, 3))
def test_bits_are_the_grey_at_half(x, y, radius):
    ball = BallBox(radius=radius)
    grey, bits = (render(ball, {}, [[x, y, 0.0, 0.0]], binary=b) for b in (False, True))
    np.testing.assert_array_equal(bits, grey[..., 0] >= 128)


def test_hues_of_a_clean_disc():
    frame = render(BallBox(), {}, [[16.0, 16.0, 0.0, 0.0]], palette=3, colors=[1])[0]
    assert frame[16, 16].tolist() == [0, 255, 0]
    assert frame[0, 0].tolist() == [0, 0, 0]


def test_the_debugging_view_is_stored_as_it_is_rendered():
    ball, view = BallBox(margin=2.0, motion="contact"), View(look="debug_draw")
    arrays = sample(dataclasses.replace(RECIPES["bouncingball"], tasks=(ball,), view=view), index=slice(0, 30))
    for state, image in zip(arrays["state"], arrays["image"], strict=True):
        np.testing.assert_array_equal(render(ball, {}, state, look="debug_draw", binary=True), image)
    lit = arrays["image"].sum(axis=(2, 3))
    assert 19 <= lit.min() < np.median(lit) == 25 < lit.max() <= 28


@pytest.mark.parametrize(
    ("population", "options"),
    [
        (Pendulum(), {}),
        (BallBox(radius=2.0), {}),
        (BallBox(side=40.0), {}),
        (BallBox(), {"size": 64}),
        (BallBox(), {"palette": 2}),
        (BallBox(), {"jitter": 0.4}),
    ],
    ids=str,
)
def test_the_debugging_view_shows_what_it_is_defined_for(population, options):
    with pytest.raises(
        ValueError, match=r"look = 'debug_draw' cannot show .* it is for a BallBox of radius 3 and a side"
    ):
        render(population, {}, [[16.0] * len(population.state)], look="debug_draw", **options)
