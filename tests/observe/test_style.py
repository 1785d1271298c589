"""The styles: clean discs, fast and by definition, a physics engine's debugging view, and who may have which."""

import dataclasses
from functools import partial
from typing import ClassVar

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slvm_data import (
    RECIPES,
    BallBox,
    BouncingBall1D,
    DoublePendulum,
    Hamiltonian,
    Pendulum,
    Recipe,
    System,
    TwoBody,
    View,
    render,
    sample,
    simulate,
)
from slvm_data.core.keys import exact
from slvm_data.datasets import NAMES
from slvm_data.observe.modifier import Canvas
from slvm_data.observe.render.style import COVERS, Style, draw, hues
from slvm_data.observe.scenery import body_cover
from slvm_data.systems.field import Field
from slvm_data.systems.replicator import Replicator


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
    rows, columns = np.nonzero(render(BallBox(), {}, state, color="binary")[0])
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


@pytest.mark.parametrize("size", [32, 50])
def test_clean_discs_drawn_fast_are_those_of_the_definition(size):
    recipe = dataclasses.replace(RECIPES["bouncingball"], view=View(size=size))
    arrays = sample(recipe, index=slice(0, 200))
    for state, image in zip(arrays["state"], arrays["image"], strict=True):
        np.testing.assert_array_equal(render(recipe.tasks[0], {}, state, size=size, color="binary"), image)


@partial(jax.jit, static_argnames="color")
def clean(centre, radius, color):
    """A ball drawn as `render` does, for numbers that compile nothing anew."""
    return draw(Style("clean", 32, 1), centre[None] / 32, radius[None] / 32, np.ones((1, 3)), color)


@settings(max_examples=100)
@given(x=st.floats(3, 29), y=st.floats(3, 29), radius=st.floats(0.1, 3))
def test_bits_are_the_grey_at_half(x, y, radius):
    with exact():
        grey, bits = (np.asarray(clean(np.array([x, y]), np.array(radius), c)) for c in ("grey", "binary"))
    np.testing.assert_array_equal(bits, grey >= 128)
    if radius > 0.8:  # holds the middle of a pixel wherever it is
        assert bits.any()


def test_hues_of_a_clean_disc():
    frame = render(BallBox(), {}, [[16.0, 16.0, 0.0, 0.0]], palette=3, colors=[1])[0]
    assert frame[16, 16].tolist() == [0, 255, 0]
    assert frame[0, 0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("style", ["soft", "clean", "bump"])
def test_colors_that_are_given_are_stored_as_they_are(style):
    """And what lies behind the bodies sees how much of a pixel these cover."""
    bodies, ground = ((255, 0, 7), (17, 93, 234)), (215, 255, 0)
    own, middles, radii = Style(style, 32, 2, 0.0, bodies, ground), np.array([[0.25, 0.25], [0.7, 0.75]]), [0.2, 0.15]
    with exact():
        frame = np.asarray(draw(own, middles, np.array(radii), hues(own), "rgb"))
        covers = np.asarray(COVERS[style](middles, np.array(radii), 32))
    assert [tuple(frame[:, i, j].tolist()) for i, j in ((8, 8), (24, 22), (31, 0))] == [*bodies, ground]
    canvas = Canvas(255, ground, {}, np.zeros(2), bodies=bodies)
    np.testing.assert_allclose(body_cover(frame[None].astype(np.float32), canvas)[0, 0], covers.max(axis=0), atol=0.01)


@pytest.mark.parametrize(
    ("view", "message"),
    [
        ({"body_colors": ("red",)}, "'red' is not a colour: write # and six digits"),
        ({"background": "#FFFFFF"}, "'#FFFFFF' is not a colour"),
        ({"background": "#ffffff", "color": "grey"}, "#ffffff is a colour, which grey frames do not have"),
        ({"body_colors": ("#ff0000",), "palette": 3}, "palette = 3 are hues, and bodies have colours of their own"),
        ({"body_colors": ("#ff0000", "#00ff00", "#0000ff")}, "has to be one colour, or 2 of them"),
        ({"background": "#ff0000"}, "background = #ff0000 is the colour of a body"),
        ({"background": "#ff0000", "style": "debug"}, "style = 'debug' cannot show"),
    ],
)
def test_colors_that_cannot_be(view, message):
    with pytest.raises(ValueError, match=message):
        Recipe(name="x", tasks=(TwoBody(),), view=View(**({"color": "rgb"} | view)))


def test_the_debug_style_is_stored_as_it_is_rendered():
    ball, view = BallBox(margin=2.0, motion="contact"), View(style="debug")
    arrays = sample(dataclasses.replace(RECIPES["bouncingball"], tasks=(ball,), view=view), index=slice(0, 30))
    for state, image in zip(arrays["state"], arrays["image"], strict=True):
        np.testing.assert_array_equal(render(ball, {}, state, style="debug", color="binary"), image)
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
def test_the_debug_style_shows_what_it_is_defined_for(population, options):
    with pytest.raises(
        ValueError, match=r"style = 'debug' cannot show .* it is for a ball of radius 3 in a box whose side is as"
    ):
        render(population, {}, [[16.0] * len(population.state)], style="debug", **options)


LIKE_A_BALL = pytest.param(BouncingBall1D(), marks=pytest.mark.slow)  # one disc, clean of itself


@pytest.mark.parametrize(
    "system", [Pendulum(), BallBox(), DoublePendulum(), LIKE_A_BALL], ids=lambda system: type(system).__name__
)
def test_each_system_can_be_drawn_in_the_others_style(system):
    """Pixel for pixel as the reference draws it, though files are drawn fast; and not as in its own style."""
    style = {"soft": "clean", "clean": "soft"}[system.style]
    recipe = Recipe(name="styled", tasks=(system,), view=View(style=style), steps=8)
    arrays, differ = sample(recipe, index=slice(0, 40)), 0
    for i in range(40):
        parameters = {name.removeprefix("param_"): arrays[name][i] for name in arrays if name.startswith("param_")}
        shown = [render(system, parameters, arrays["state"][i], style=s, color="binary") for s in (style, None)]
        np.testing.assert_array_equal(shown[0], arrays["image"][i])
        differ += (shown[0] != shown[1]).any()
    assert differ == 40


def test_a_style_that_is_not_said_is_the_systems_own():
    assert RECIPES["balls3_sutskever"].style_of(0).name == "bump"
    for name in (name for name in RECIPES if name != "balls3_sutskever"):
        soft = isinstance(RECIPES[name].tasks[0], Hamiltonian) and name not in NAMES["rods"]
        tiles = isinstance(RECIPES[name].tasks[0], Field | Replicator)
        own = "soft" if soft else "field" if tiles else "clean"
        assert RECIPES[name].style_of(0).name == own, name
    ball, pendulum = ([[16.0, 16.0, 0.0, 0.0]], BallBox()), ([[1.0, 0.0]], Pendulum())
    for (states, system), own in ((ball, "clean"), (pendulum, "soft")):
        np.testing.assert_array_equal(render(system, {}, states), render(system, {}, states, style=own))


def test_y_down_and_debug_style():
    """A ball in a box alone has y pointing down and a debug style; row 0 is then the top, else the bottom."""
    systems = {type(system) for recipe in RECIPES.values() for system in recipe.tasks}
    assert {kind for kind in systems if kind.y_down} == {BallBox}
    assert {kind for kind in systems if kind.debug_style} == {BallBox}
    assert (System.y_down, System.debug_style, System.style) == (False, False, "soft")
    fall = simulate(BallBox(g=(0.0, 2.5)), {}, [16.0, 8.0, 0.0, 0.0], [0.0, 3.0])
    rows = [frame.any(axis=1).argmax() for frame in render(BallBox(), {}, fall, color="binary")]
    hanging = render(Pendulum(), {}, [[0.0, 0.0], [np.pi, 0.0]], color="binary")
    assert rows[0] < rows[1]  # down is where rows and y increase
    assert hanging[0].any(axis=1).argmax() < hanging[1].any(axis=1).argmax()  # and here where they decrease


@dataclasses.dataclass(frozen=True, kw_only=True)
class Marble(System):
    """A ball of one's own at rest, which has what the debug style asks for."""

    state: ClassVar = ("x", "y")
    debug_style: ClassVar = True

    radius: float = 3.0
    side: float = 32.0
    margin: float = 0.0

    def start(self, key):
        return np.full(2, 16.0)

    def velocity(self, x):
        return np.zeros(2)

    def bodies(self, x):
        return x[None] - self.side / 2, np.full(1, self.radius)

    def extent(self):
        return self.side / 2


def test_a_ball_of_ones_own_has_the_debug_style_if_it_says_so():
    frame = render(Marble(), {}, [[16.0, 16.0]], style="debug")
    np.testing.assert_array_equal(frame, render(BallBox(), {}, [[16.0, 16.0, 0.0, 0.0]], style="debug"))
    assert frame.any()
    with pytest.raises(ValueError, match=r"style = 'debug' cannot show Marble of radius 2 and side 32"):
        render(Marble(radius=2.0), {}, [[16.0, 16.0]], style="debug")
