"""Two games of pong: exact impacts against a physics engine and plain Python, steps with interventions likewise."""

import dataclasses
from functools import cache
from itertools import pairwise
from math import cos, pi, sin

import jax
import jax.numpy as jnp
import numpy as np
import pymunk
import pytest
from scipy import stats

from slvm_data import RECIPES, InterventionalPong, Pong, View, render, simulate
from slvm_data.core.keys import exact
from slvm_data.simulation.batch import collect
from slvm_data.simulation.member import impacts

PONG, T = Pong(), np.arange(100) * 0.2
START = np.array([14.0, 17.0, 16.0, 16.0, 9.0, -4.0])
N = 5_000
LEAST = 1e-3  # of a p-value; the seed is fixed


def followed(y, paddle):
    """The rule of a paddle."""
    if y > paddle + 1:
        return min(paddle + 2, 29)
    return max(paddle - 2, 3) if y < paddle - 1 else paddle


def played(x0, t, e=0.891):
    """States and impacts by plain Python: each coordinate runs against what is ahead of it."""
    x, y, left, right, vx, vy = map(float, x0)
    states, found = [x0], []
    for now, end in pairwise(t):
        left, right, clock = followed(y, left), followed(y, right), now
        while True:
            to_side = ((26 if vx > 0 else 4) - x) / vx
            to_end = ((29 if vy > 0 else 4) - y) / vy
            paddle = right if vx > 0 else left
            if to_side < -1e-12 or abs(y + vy * to_side - paddle) > 4:
                to_side = np.inf
            first = min(to_side, to_end)
            if clock + first >= end:
                break
            x, y, clock, before = x + vx * first, y + vy * first, clock + first, (vx, vy)
            wall = (vx > 0) if to_side < to_end else 2 + (vy > 0)
            vx, vy = (-e * vx, vy) if to_side < to_end else (vx, -e * vy)
            found.append([clock, wall, *before, vx, vy])
        x, y = x + vx * (end - clock), y + vy * (end - clock)
        states.append([x, y, left, right, vx, vy])
    return np.array(states), np.array(found)


@cache
def starts(count):
    recipe = dataclasses.replace(RECIPES["kvae_pong"], steps=1, splits={}, view=View(size=2))
    return collect(recipe, 0, "train", np.arange(count))["state"][:, 0].astype(float)


def test_a_game_is_that_of_plain_python():
    met = set()
    for x0 in starts(40):
        states, found = played(x0, T)
        np.testing.assert_allclose(simulate(PONG, {}, x0, T), states, atol=1e-9)
        mine = impacts(PONG, {}, x0, T)
        happened = mine["wall"] >= 0
        assert not happened[-1]
        rows = np.column_stack([mine[name][happened] for name in ("time", "wall", "before", "after")])
        np.testing.assert_allclose(rows, found, atol=1e-9)
        met |= {int(wall) for wall in found[:, 1]}
    assert met == {0, 1, 2, 3}


def test_impacts_are_those_of_a_physics_engine():
    """Through the first five, with paddles as segments that jump; there, two bodies share the loss of an impact."""
    for x0 in (START, np.array([16.0, 14.0, 16.0, 16.0, -5.0, 8.5])):
        fifth = impacts(PONG, {}, x0, T)["time"][4]
        t = T[fifth >= T]
        space, body = pymunk.Space(), pymunk.Body(1, float("inf"))
        space.collision_slop, circle = 0, pymunk.Circle(body, 3)
        ends = [((-99, 1), (99, 1), 0), ((-99, 32), (99, 32), 0), *(((x, 13), (x, 19), 1) for x in (0, 30))]
        walls = [pymunk.Segment(space.static_body, *own) for own in ends]
        for shape in (circle, *walls):
            shape.elasticity, shape.friction = 0.891**0.5, 0
        body.position, body.velocity = tuple(x0[:2]), tuple(x0[4:])
        space.add(body, circle, *walls)
        places, heights = [x0[:2]], [16.0, 16.0]
        for _ in t[1:]:
            for k, x in enumerate((0, 30)):
                heights[k] = followed(body.position.y, heights[k])
                walls[2 + k].unsafe_set_endpoints((x, heights[k] - 3), (x, heights[k] + 3))
            space.reindex_static()
            for _ in range(2_000):
                space.step(1e-4)
            places.append(tuple(body.position))
        error = np.abs(simulate(PONG, {}, x0, t)[:, :2] - places).max()
        print(f"fifth impact at {fifth:.2f} s, off by {error:.1e} px")
        assert error < 1e-2


def test_a_paddle_that_is_not_level_misses_the_ball():
    """Its round end still hits, 4 px from its middle; beyond, the ball flies on and never comes back."""
    for off, hit in ((3.99, True), (4.01, False), (-3.99, True), (-4.01, False)):
        x0 = [5.0, 16.0 + off, 16.0 - 2 * np.sign(off), 16.0, -10.0, 0.0]  # jumps by 2 before the impact
        states = simulate(PONG, {}, x0, np.arange(11) * 0.2)
        assert states[1, 2] == 16
        assert (states[1, 4] > 0) == hit
        if not hit:
            np.testing.assert_allclose(states[:, 0], 5 - 2.0 * np.arange(11), atol=1e-12)
            assert (impacts(PONG, {}, x0, np.arange(11) * 0.2)["wall"] == -1).all()


def test_a_game_may_be_cut_and_begun_again_at_any_frame():
    whole = simulate(PONG, {}, START, T[:30])
    for k in range(1, 29):
        np.testing.assert_allclose(simulate(PONG, {}, whole[k], T[:30])[: 30 - k], whole[k:], atol=1e-9)


def test_games_start_as_in_the_source():
    x = starts(N)
    rng = np.random.default_rng(2)
    for axis in x[:, :2].T:
        assert stats.ks_2samp(axis, np.clip(16 + 3 * rng.normal(size=4 * N), 6, 26)).pvalue > LEAST
    assert (x[:, 2:4] == 16).all()
    np.testing.assert_allclose(np.hypot(*x[:, 4:].T), 10, rtol=1e-6)
    assert stats.kstest(np.arctan2(x[:, 5], x[:, 4]), stats.uniform(-pi, 2 * pi).cdf).pvalue > LEAST
    recipe = RECIPES["kvae_pong"]
    assert (recipe.steps, recipe.of_split("long").steps, recipe.dt) == (20, 100, 0.2)
    assert (recipe.train, recipe.val, recipe.test) == (5_000, 100, 1_000)


def test_balls_stay_between_floor_and_roof_and_paddles_in_the_scene():
    recipe = dataclasses.replace(RECIPES["kvae_pong"], steps=100, splits={}, view=View(size=2), record=("events",))
    arrays = collect(recipe, 0, "train", np.arange(2_000))
    state = arrays["state"]
    assert state[..., 1].min() >= 4
    assert state[..., 1].max() <= 29
    assert state[..., 2:4].min() >= 3
    assert state[..., 2:4].max() <= 29
    assert (np.diff(np.hypot(state[..., 4], state[..., 5]), axis=1) <= 1e-5).all()
    assert (arrays["event_wall"][:, -1] == -1).all()
    missed = ((state[:, :, 0] < 3.99) | (state[:, :, 0] > 26.01)).any(axis=1).mean()
    print(f"{missed:.1%} of the balls are missed within 100 frames")
    assert 0 < missed < 0.01


def stepped(x, noise, value, served, target):
    """One step of the other game, with an angle from y as in the source; and whether the ball was out."""
    ball_x, ball_y, left, right, direction = map(float, x)
    angle, out = pi / 2 - direction, False
    new_x, new_y = ball_x + 2 * sin(angle), ball_y + 2 * cos(angle)
    new = {"left": left + max(-1.5, min(1.5, ball_y - left)) + 0.5 * noise[2]}
    new["right"] = right + max(-1.5, min(1.5, ball_y - right)) + 0.5 * noise[3]
    if new_x < 3.2 or new_x > 28.8:
        out, new_x, new_y, angle = True, 16.0, 16.0, pi / 2 - 2 * pi * served[2]
        new = {"left": 4 + 24 * served[0], "right": 4 + 24 * served[1]}
    else:
        if new_y > 28.8:
            new_y, angle = 57.6 - new_y, pi - angle
        elif new_y < 3.2:
            new_y, angle = 6.4 - new_y, pi - angle
        if abs(new_y - left) <= 3 and new_x > 4 and new_x - 1.2 < 6:
            new_x, angle = 2 * (6 + 1.2) - new_x, -angle
        elif abs(new_y - right) <= 3 and new_x < 28 and new_x + 1.2 > 26:
            new_x, angle = 2 * (26 - 1.2) - new_x, -angle
        new_x, new_y, angle = new_x + 0.2 * noise[0], new_y + 0.2 * noise[1], angle - 0.1 * noise[4]
    if target == 0:
        new_x = 7.2 + 17.6 * value[0]
    if target == 1:
        new_y = 3.2 + 25.6 * value[1]
    if target in (2, 3) and not out:
        name, old = (("left", left), ("right", right))[target - 2]
        new[name] = old + (-1.5 if value[target] > 0.5 else 1.5) + 0.5 * noise[target]
    if target == 4:
        angle = pi / 2 - 2 * pi * value[4]
    new_x, new_y = np.clip(new_x, 2, 30), np.clip(new_y, 3.2, 28.8)
    return [new_x, new_y, *(np.clip(new[name], 2, 30) for name in ("left", "right")), pi / 2 - angle], out


def test_steps_with_interventions_are_those_of_plain_python():
    game, outs = InterventionalPong(), 0
    member = game.member({"speed": 2.0})
    with exact():
        run = jax.jit(lambda key: (member._drawn(key, 500), member.simulate(member.start(key), jnp.arange(501.0), key)))
    for seed in range(2):
        with exact():
            key = jax.random.key(seed)
            drawn, states = run(key)
            states, targets = np.asarray(states), np.asarray(member.interventions(key, 501))
        assert targets[0] == -1
        np.testing.assert_array_equal(targets[1:], np.asarray(drawn.target))
        for k, own in enumerate(zip(*map(np.asarray, drawn), strict=True)):
            expected, out = stepped(states[k], *own)
            outs += out
            angles = [cos(expected[4]), sin(expected[4]), cos(states[k + 1, 4]), sin(states[k + 1, 4])]
            np.testing.assert_allclose(angles[:2], angles[2:], atol=1e-9)
            np.testing.assert_allclose(states[k + 1, :4], expected[:4], atol=1e-9)
    assert outs > 5


@cache
def games():
    view, record = View(size=2, palette=3), ("intervention", "color_index")
    return collect(dataclasses.replace(RECIPES["pong_citris"], view=view, record=record), 0, "train", np.arange(1_000))


def test_interventions_have_the_rates_of_the_source_and_are_the_truth():
    """None with 0.85⁵, else one of five; what is set is uniform, and what is not moves as it does otherwise."""
    arrays = games()
    target, state = arrays["intervention"][:, 1:], arrays["state"].astype(float)
    assert arrays["intervention"].dtype == np.int64
    assert (arrays["intervention"][:, 0] == -1).all()
    rates = [np.mean(target == k) for k in range(-1, 5)]
    expected = [0.85**5, *[(1 - 0.85**5) / 5] * 5]
    np.testing.assert_allclose(rates, expected, atol=5 * 0.5 / np.sqrt(target.size))
    before, after = state[:, :-1], state[:, 1:]
    for k, low, high in ((0, 7.2, 24.8), (1, 3.2, 28.8)):
        chosen = after[..., k][target == k]
        assert stats.kstest(chosen, stats.uniform(low, high - low).cdf).pvalue > LEAST
    assert stats.kstest(after[..., 4][target == 4], stats.uniform(0, 2 * pi).cdf).pvalue > LEAST
    place = before[..., :2] + 2 * np.stack([np.cos(before[..., 4]), np.sin(before[..., 4])], axis=-1)
    free = (np.abs(place - 16) < [8, 11]).all(axis=-1) & (target != 0) & (target != 1) & (target != 4)
    noise = np.concatenate([after[..., :2] - place, after[..., 4:] - before[..., 4:]], axis=-1)[free] / [0.2, 0.2, 0.1]
    for own in noise.T:
        assert stats.kstest(own[::10], stats.norm.cdf).pvalue > LEAST
    paddles = before[..., 2:4] + np.clip(before[..., 1:2] - before[..., 2:4], -1.5, 1.5)
    inside = (np.abs(paddles - 16) < 11).all(axis=-1) & (np.abs(place[..., 0] - 16) < 8)
    for k in (2, 3):
        away = (after[..., k] - paddles[..., k - 2])[inside & (target != k)] / 0.5
        assert stats.kstest(away[::10], stats.norm.cdf).pvalue > LEAST
        moved = (after[..., k] - before[..., k])[inside & (target == k)]
        both = lambda x: (stats.norm(-1.5, 0.5).cdf(x) + stats.norm(1.5, 0.5).cdf(x)) / 2  # noqa: E731
        assert stats.kstest(moved, both).pvalue > LEAST


def test_games_with_interventions_start_anywhere():
    recipe = dataclasses.replace(RECIPES["pong_citris"], steps=1, view=View(size=2))
    x = collect(recipe, 0, "train", np.arange(N))["state"][:, 0].astype(float)
    for own, (low, high) in zip(x.T, ((7.2, 24.8), (3.2, 28.8), (2, 30), (2, 30), (0, 2 * pi)), strict=True):
        assert stats.kstest(own, stats.uniform(low, high - low).cdf).pvalue > LEAST
    recipe = RECIPES["pong_citris"]
    assert (recipe.steps, recipe.train, recipe.val, recipe.test) == (100, 1_000, 100, 100)


def test_the_ball_is_red_and_paddles_are_green_and_blue():
    assert (games()["color_index"] == [0, 1, 2]).all()
    (frame,) = render(InterventionalPong(), {}, [[12.3, 20.6, 9.2, 23.7, 1.0]], colors=[0, 1, 2], palette=3)
    for channel, place in enumerate(((12.3, 20.6), (27, 23.7), (5, 9.2))):
        weights = frame[..., channel].astype(float)
        middle = [(weights.sum(axis=k) * (np.arange(32) + 0.5)).sum() / weights.sum() for k in (0, 1)]
        np.testing.assert_allclose(middle, place, atol=0.1)


@pytest.mark.parametrize(
    ("system", "x0", "words"),
    [
        (Pong(), [16.0, 2.0, 16.0, 16.0, 1.0, 0.0], "y = 2 lies in the floor or the roof"),
        (Pong(), [16.0, 16.0, 16.0, 16.0, 1e9, 0.0], "is too fast"),
        (InterventionalPong(), [16.0, 16.0, 0.0, 16.0, 1.0], "left = 0 has to be within 2 … 30"),
    ],
)
def test_impossible_starts(system, x0, words):
    with pytest.raises(ValueError, match=words):
        simulate(system, {}, x0, [0.0, 1.0])
