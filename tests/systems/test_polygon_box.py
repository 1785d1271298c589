"""A ball in a polygon: against a physics engine, unfolded reflections, and the box with four sides."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pymunk
import pytest
from scipy import stats

from slvm_data import RECIPES, BallBox, PolygonBox, View, sample, simulate
from slvm_data.core.keys import exact
from slvm_data.simulation.batch import collect
from slvm_data.simulation.member import impacts
from slvm_data.view import payload

HEXAGON = PolygonBox()
TRIANGLE = PolygonBox(corners=((1, 1), (31, 1), (4, 12)), radius=0.5)  # with corners of 20 degrees and less
SQUARE = PolygonBox(corners=((0, 0), (0, 32), (32, 32), (32, 0)))
START = np.array([14.0, 15.0, 11.0, -8.0])


def walls_of(ball):
    """Normals [W 2] inwards and points [W 2] of the walls, by the middle of the corners."""
    corners = np.array(ball.corners, float)
    along = np.roll(corners, -1, axis=0) - corners
    normals = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.hypot(*along.T)[:, None]
    return normals * np.sign(((corners.mean(axis=0) - corners) * normals).sum(1))[:, None], corners


def happened(ball, x0, t):
    found = impacts(ball, {}, x0, t)
    assert found["wall"][-1] == -1
    return {name: array[found["wall"] >= 0] for name, array in found.items()}


def in_space(ball, x0, t, step=1e-4):
    """Positions [T 2] by a physics engine."""
    space, body = pymunk.Space(), pymunk.Body(1, float("inf"))
    space.collision_slop = 0
    walls = [
        pymunk.Segment(space.static_body, ball.corners[k - 1], ball.corners[k], 0) for k in range(len(ball.corners))
    ]
    circle = pymunk.Circle(body, ball.radius)
    for shape in (circle, *walls):
        shape.elasticity, shape.friction = 1, 0
    body.position, body.velocity = tuple(x0[:2]), tuple(x0[2:])
    space.add(body, circle, *walls)
    found = [tuple(body.position)]
    for seconds in np.diff(t):
        for _ in range(round(seconds / step)):
            space.step(step)
        found.append(tuple(body.position))
    return np.array(found)


@pytest.mark.parametrize("ball", [HEXAGON, TRIANGLE], ids=["hexagon", "triangle"])
def test_motion_is_that_of_a_physics_engine(ball):
    """Through the first five impacts, to a few hundredths."""
    x0 = START if ball is HEXAGON else np.array([10.0, 4.0, 11.0, -8.0])
    fifth = happened(ball, x0, np.array([0.0, 20.0]))["time"][4]
    t = np.arange(0, fifth + 0.005, 0.01)
    error = np.abs(simulate(ball, {}, x0, t)[:, :2] - in_space(ball, x0, t)).max()
    print(f"fifth impact at {fifth:.2f} s, off by {error:.1e} px")
    assert error < 2e-2


@pytest.mark.parametrize("ball", [HEXAGON, TRIANGLE], ids=["hexagon", "triangle"])
def test_a_straight_line_unfolds_it(ball):
    """Polygons mirrored at each recorded wall let the ball go on straight ahead; each impact lies on its wall."""
    x0 = START if ball is HEXAGON else np.array([10.0, 4.0, 11.0, -8.0])
    t = np.linspace(0, 30, 301)
    states, found = simulate(ball, {}, x0, t), happened(ball, x0, t)
    assert len(found["time"]) > 20
    normals, corners = walls_of(ball)
    turned, moved, number = np.eye(2), np.zeros(2), 0  # of the mirrored polygon: x -> turned x + moved
    for now, state in zip(t, states, strict=True):
        while number < len(found["time"]) and found["time"][number] < now:
            n, wall = normals[found["wall"][number]], found["wall"][number]
            mirror, shift = np.eye(2) - 2 * np.outer(n, n), 2 * n * (n @ corners[wall] + ball.radius)
            place = x0[:2] + x0[2:] * found["time"][number]
            inside = np.linalg.solve(turned, place - moved)
            np.testing.assert_allclose(n @ (inside - corners[wall]), ball.radius, atol=1e-9)
            np.testing.assert_allclose(found["after"][number], mirror @ found["before"][number], atol=1e-9)
            turned, moved = turned @ mirror, turned @ shift + moved
            number += 1
        np.testing.assert_allclose(turned @ state[:2] + moved, x0[:2] + x0[2:] * now, atol=1e-8)
        np.testing.assert_allclose(turned @ state[2:], x0[2:], atol=1e-9)
    assert number == len(found["time"])


def test_a_square_is_the_box():
    t, box = np.linspace(0, 40, 201), BallBox()
    np.testing.assert_allclose(simulate(SQUARE, {}, START, t), simulate(box, {}, START, t), atol=1e-9)
    mine, theirs = happened(SQUARE, START, t), happened(box, START, t)
    np.testing.assert_array_equal(np.array([0, 3, 1, 2])[mine["wall"]], theirs["wall"])  # walls of x = 0, y = 32, …
    for name in ("time", "before", "after"):
        np.testing.assert_allclose(mine[name], theirs[name], atol=1e-9)


def test_no_ball_leaves_the_polygon_or_changes_its_speed():
    """Twenty thousand of them, in double precision; and there is room for all of their impacts."""
    for ball, seconds in ((HEXAGON, 20.0), (TRIANGLE, 5.0)):
        numbers = {"radius": jnp.asarray(ball.radius)}
        rng, t = np.random.default_rng(3), np.linspace(0, seconds, 41)
        normals, corners = walls_of(ball)
        inside = rng.uniform(0, 32, (400_000, 2))
        apart = ((inside[:, None] - corners) * normals).sum(-1)
        inside = inside[(apart > ball.radius).all(1)][:10_000]
        angle, speed = rng.uniform(0, 2 * np.pi, len(inside)), rng.uniform(10, 15, len(inside))
        x0 = np.column_stack([inside, speed * np.cos(angle), speed * np.sin(angle)])
        with exact():
            run = jax.jit(jax.vmap(lambda x0, t=t, b=ball, n=numbers: b.member(n).simulate(x0, jnp.asarray(t), None)))
            states = np.asarray(run(jnp.asarray(x0)))
        apart = ((states[:, :, None, :2] - corners) * normals).sum(-1).min()
        print(f"{len(inside)} balls, nearest wall less radius {apart - ball.radius:.1e}")
        assert len(inside) > 3_000
        assert apart > ball.radius - 1e-9
        np.testing.assert_allclose(np.hypot(*states[..., 2:].T), np.broadcast_to(speed, (41, len(speed))), rtol=1e-12)


def test_a_sequence_may_be_cut_and_begun_again_at_any_frame():
    t = np.arange(30) * 0.2
    whole = simulate(HEXAGON, {}, START, t)
    for k in range(1, 29):
        np.testing.assert_allclose(simulate(HEXAGON, {}, whole[k], t)[: 30 - k], whole[k:], atol=1e-9)
    fine = simulate(HEXAGON, {}, START, np.arange(29 * 8 + 1) / 40)
    np.testing.assert_allclose(fine[::8], whole, atol=1e-9)
    back = simulate(HEXAGON, {}, whole[-1] * [1, 1, -1, -1], t)
    np.testing.assert_allclose(back[::-1] * [1, 1, -1, -1], whole, atol=1e-9)


def test_starts_are_those_of_the_source():
    """Normal about the middle, speeds from 10 to 15 in any direction; two in 10,000 lie in a wall, and are redrawn."""
    recipe = dataclasses.replace(RECIPES["kvae_polygon"], steps=1, splits={}, view=View(size=2))
    x = collect(recipe, 0, "train", np.arange(5_000))["state"][:, 0].astype(float)
    for axis in x[:, :2].T:
        assert stats.kstest(axis, stats.norm(16, 2.5).cdf).pvalue > 1e-3
    assert stats.kstest(np.hypot(*x[:, 2:].T), stats.uniform(10, 5).cdf).pvalue > 1e-3
    assert stats.kstest(np.arctan2(x[:, 3], x[:, 2]), stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 1e-3
    normals, corners = walls_of(HEXAGON)
    assert ((x[:, None, :2] - corners) * normals).sum(-1).min() >= 3
    recipe = RECIPES["kvae_polygon"]
    assert (recipe.steps, recipe.of_split("long").steps, recipe.dt) == (20, 100, 0.2)
    assert (recipe.train, recipe.val, recipe.test) == (5_000, 100, 1_000)


def test_impacts_have_room_and_agree_with_the_states():
    recipe = dataclasses.replace(RECIPES["kvae_polygon"], steps=100, splits={}, record=("events", "energy"))
    arrays = sample(recipe, index=slice(0, 500))
    assert (arrays["event_wall"][:, -1] == -1).all()
    assert set(np.unique(arrays["event_wall"])) == {-1, 0, 1, 2, 3, 4, 5}
    assert np.abs(arrays["energy"] / arrays["energy"][:, :1] - 1).max() < 1e-12
    for i in range(20):
        last = np.flatnonzero(arrays["event_wall"][i] >= 0)[-1]
        np.testing.assert_allclose(arrays["event_after"][i, last], arrays["state"][i, -1, 2:], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"corners": ((1, 1), (2, 2))}, "has to be three or more points"),
        ({"corners": ((1, 1), (31, 1), (15, 5), (31, 31))}, "has to be those of a convex polygon"),
        ({"corners": ((1, 1), (31, 1), (40, 31))}, "are not all within 0 … 32"),
        ({"radius": 13.0}, "radius = 13.0 is too large for a ball"),
        ({"substep": 0.1}, "leave substep = 0.1 out"),
    ],
)
def test_impossible_polygons(change, words):
    with pytest.raises(ValueError, match=f"^PolygonBox: .*{words}|^PolygonBox takes no .*{words}"):
        PolygonBox(**change)


@pytest.mark.parametrize(
    ("x0", "words"), [([2.0, 2.0, 1.0, 0.0], "lies in wall 0"), ([16.0, 16.0, 1e9, 0.0], "is too fast")]
)
def test_impossible_starts(x0, words):
    with pytest.raises(ValueError, match=words):
        simulate(HEXAGON, {}, x0, [0.0, 0.2])


def test_a_page_numbers_the_walls():
    """Those of a box have names."""
    row = {"event_wall": np.array([4, 0, -1]), "event_time": np.array([0.5, 1.5, 0.0])}
    words = [[impact["wall"] for impact in payload._impacts(row, 2.0, ball)] for ball in (HEXAGON, BallBox())]
    assert words == [["wall 4", "wall 0"], ["another ball", "left"]]
