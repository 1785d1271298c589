"""A ball in a box: exact flight against a physics engine and laws of mechanics, the contact rule against its own."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slvm_data import RECIPES, BallBox, Recipe, View, sample, simulate, uniform
from slvm_data.core.keys import exact
from slvm_data.datasets import NAMES
from slvm_data.systems import flight

BALLS = {
    name: recipe
    for name, recipe in RECIPES.items()
    if isinstance(recipe.tasks[0], BallBox) and name not in NAMES["balls"]
}
DIFFERENT = ("bouncingball", "gravity16", "mixed_physics_iclr2023")  # whose balls the others have
FRAMES = np.arange(30) * 0.25
STARTS = [[16.0, 12.0, 3.0, 9.0], [5.0, 20.0, -7.5, 4.0], [24.0, 6.0, 0.5, -6.0], [10.0, 26.5, 4.0, 4.0]]


def balls_of(recipe):
    return tuple(system for system in recipe.tasks if isinstance(system, BallBox))


def energy(ball, states):
    """Of a unit mass, above the lowest corner of the box, written by hand."""
    g = np.array(ball.g)
    corner = np.where(g > 0, 32 - ball.margin - 3, ball.margin + 3)
    return (states[..., 2:] ** 2).sum(-1) / 2 + ((corner - states[..., :2]) * g).sum(-1)


@pytest.mark.parametrize("start", STARTS, ids=str)
@pytest.mark.parametrize("restitution", [1.0, 0.8])
@pytest.mark.parametrize("name", ["bouncingball", "gravity", "gravity3"])
def test_flight_is_that_of_a_physics_engine(in_engine, name, restitution, start):
    """Through the first three impacts, to a hundredth of a pixel."""
    ball = dataclasses.replace(BALLS[name].tasks[0], restitution=restitution)
    t = np.arange(200) * 0.1
    third = np.sort(impacts(ball, start, t)["time"])[2]
    before = t <= third
    expected = in_engine(ball, start, np.tile(ball.g, (before.sum(), 1)))
    error = np.abs(simulate(ball, {}, start, t)[before, :2] - expected).max()
    print(f"{ball} e = {restitution}: third impact at {third:.2f} s, off by {error:.1e} px")
    assert error < 1e-2


def impacts(ball, start, t):
    """Impacts of one ball up to t[-1], those that happened."""
    with exact():
        found = {k: np.asarray(v) for k, v in ball.impacts(np.array(start), t, 512).items()}
    happened = found["wall"] >= 0
    assert not happened[-1]
    return {name: array[happened] for name, array in found.items()}


@pytest.mark.few(1)
@pytest.mark.parametrize("name", DIFFERENT)
def test_a_hundred_thousand_balls_stay_inside_and_keep_their_energy(name):
    balls = balls_of(BALLS[name])
    recipe = Recipe(name=name, tasks=balls, dt=0.25, view=View(size=2))
    recipe = dataclasses.replace(recipe, record=recipe.recordable())
    worst = 0.0
    for i, ball in enumerate(balls):
        arrays, low = sample(recipe, index=slice(0, 100_000 // len(balls) + 1), task=i), ball.margin + 3
        position = arrays["state"][..., :2]
        assert position.min() >= low
        assert position.max() <= 32 - low
        by_hand = energy(ball, arrays["state"][:50].astype(float))
        np.testing.assert_allclose(arrays["energy"][:50], by_hand, rtol=1e-5)
        drift = np.abs(arrays["energy"] / arrays["energy"][:, :1] - 1).max()
        worst = max(worst, float(drift))
        assert (arrays["event_wall"][:, -1] == -1).all()  # there was room for every impact
    print(f"{name}: relative energy drift {worst:.1e}")
    assert worst < 1e-12


def test_no_ball_is_left_out():
    """Those of the other datasets are among these."""
    every, seen = ({ball for name in names for ball in balls_of(BALLS[name])} for names in (BALLS, DIFFERENT))
    assert len(BALLS) > len(DIFFERENT)
    assert every == seen


@pytest.mark.parametrize("restitution", [1.0, 0.7])
@pytest.mark.parametrize("start", STARTS, ids=str)
def test_a_sequence_may_be_cut_and_begun_again_at_any_frame(start, restitution):
    ball = BallBox(g=(-0.956709, -2.309699), restitution=restitution)
    whole = simulate(ball, {}, start, FRAMES)
    for k in range(1, 29):
        again = simulate(ball, {}, whole[k], FRAMES + FRAMES[k])
        np.testing.assert_allclose(again[: 30 - k], whole[k:], atol=1e-9)
    for radius in (1.3, 2.9):  # of which float32 rounds the place of a wall
        lying = BallBox(g=(0.0, 2.5), radius=radius, restitution=0.5)
        for y in (np.float32(32 - radius), np.nextafter(np.float32(32 - radius), np.float32(40))):
            states = simulate(lying, {}, [16.0, y, 0.0, 0.0], FRAMES)
            np.testing.assert_allclose(states[1:, 1], 32 - radius, atol=1e-6)
            assert np.abs(states[:, 3]).max() < 2e-3  # what falling through a rounding error gives
    fine = simulate(ball, {}, start, np.arange(29 * 8 + 1) / 32)
    np.testing.assert_allclose(fine[::8], whole, atol=1e-9)


def test_without_gravity_the_trajectory_unfolds_to_a_straight_line():
    """Each axis is a triangle wave of the straight trajectory."""
    ball = BallBox(margin=2.0)
    for start in np.array(STARTS):
        t = np.linspace(0, 100, 401)
        states, low, width = simulate(ball, {}, start, t), 5.0, 22.0
        straight = start[:2] - low + start[2:] * t[:, None]
        folded = width - np.abs(straight % (2 * width) - width)
        np.testing.assert_allclose(states[:, :2], low + folded, atol=1e-9)


@pytest.mark.parametrize("e", [0.5, 0.9])
def test_a_dropped_ball_loses_energy_as_textbooks_say(e):
    """Bounce n is e²ⁿ as high, and after t₀ (1 + e) / (1 - e) seconds the ball lies still."""
    ball, height, g = BallBox(g=(0.0, 2.5), restitution=e), 20.0, 2.5
    fall = np.sqrt(2 * height / g)
    start, end = [16.0, 29.0 - height, 1.0, 0.0], fall * (1 + e) / (1 - e)
    found = impacts(ball, start, np.array([0.0, end * 0.9]))
    floor = found["wall"] == flight.BOTTOM
    n = np.arange(floor.sum())
    np.testing.assert_allclose(found["time"][floor], fall * (1 + 2 * (e - e ** (n + 1)) / (1 - e)), rtol=1e-9)
    np.testing.assert_allclose(-found["after"][floor, 1], np.sqrt(2 * g * height) * e ** (n + 1), rtol=1e-9)
    if e == 0.5:
        rest = simulate(ball, {}, start, [0.0, end + 1e-6, end + 5.0])
        np.testing.assert_array_equal(rest[1:, [1, 3]], [[29.0, 0.0]] * 2)
        assert rest[2, 0] != rest[1, 0]  # it slides on


def test_what_lies_still_has_no_acceleration():
    ball = BallBox(g=(0.0, 2.5), restitution=0.1)
    recipe = dataclasses.replace(BALLS["gravity"], tasks=(ball,), steps=80, record=("dx_dt",))
    arrays = sample(recipe, index=slice(0, 20))
    lies = (arrays["state"][..., 1] == 29) & (arrays["state"][..., 3] == 0)
    assert lies.any(axis=1).all()
    np.testing.assert_array_equal(arrays["dx_dt"][..., 3], np.where(lies, 0, np.float32(2.5)))


def test_a_ball_at_rest_stays_there():
    for g, place in (((0.0, 2.5), (16.0, 29.0)), ((-1.0, -2.0), (3.0, 3.0)), ((0.0, 0.0), (16.0, 16.0))):
        states = simulate(BallBox(g=g, restitution=0.5), {}, [*place, 0.0, 0.0], FRAMES)
        np.testing.assert_array_equal(states, np.tile([*place, 0.0, 0.0], (30, 1)))


def test_a_bounce_shorter_than_a_microsecond_is_the_last():
    states = simulate(BallBox(g=(0.0, 2.5)), {}, [16.0, 29.0, 0.0, -1e-6], FRAMES)
    np.testing.assert_array_equal(states[1:], np.tile([16.0, 29.0, 0.0, 0.0], (29, 1)))


def test_a_corner_is_two_impacts_at_once():
    ball = BallBox()
    found = impacts(ball, [10.0, 10.0, -7.0, -7.0], np.array([0.0, 1.5]))
    np.testing.assert_allclose(found["time"], [1.0, 1.0])
    assert set(found["wall"]) == {flight.LEFT, flight.TOP}
    np.testing.assert_array_equal(simulate(ball, {}, [10.0, 10.0, -7.0, -7.0], [0.0, 2.0])[1], [10.0, 10.0, 7.0, 7.0])


REBOUNDS = [((0.0, 0.0), 0.8), ((0.0, 2.5), 1.0), ((1.2, -2.0), 1.0), ((1.2, -2.0), 0.8)]


@pytest.mark.parametrize("number", range(len(REBOUNDS)), ids=lambda number: str(REBOUNDS[number]))
def test_recorded_impacts_lead_from_state_to_state(number):
    """A parabola between impacts, which are at the wall and turn the velocity as recorded."""
    balls, (g, e) = tuple(BallBox(g=g, restitution=e) for g, e in REBOUNDS), REBOUNDS[number]
    arrays = sample(
        dataclasses.replace(BALLS["gravity"], tasks=balls, record=("events",)), index=slice(0, 200), task=number
    )
    assert (arrays["event_wall"] >= 0).any(axis=1).mean() > 0.9
    for i in range(200):
        x, v, now = *np.split(arrays["state"][i, 0].astype(float), 2), 0.0
        happened = arrays["event_wall"][i] >= 0
        events = list(
            zip(*(arrays[f"event_{k}"][i][happened] for k in ("time", "wall", "before", "after")), strict=True)
        )
        states = []
        for t in arrays["time"][i]:
            while events and events[0][0] <= t:
                when, wall, before, after = events.pop(0)
                x, v, now = (
                    x + v * (when - now) + np.array(g) * (when - now) ** 2 / 2,
                    v + np.array(g) * (when - now),
                    when,
                )
                np.testing.assert_allclose(v, before, atol=1e-4)
                assert x[wall // 2] == pytest.approx([3, 29][wall % 2], abs=1e-4)
                expected = np.where(np.arange(2) == wall // 2, -e * before, before)
                np.testing.assert_allclose(after, expected, atol=1e-5)
                v = after.astype(float)
            states.append([*(x + v * (t - now) + np.array(g) * (t - now) ** 2 / 2), *(v + np.array(g) * (t - now))])
        np.testing.assert_allclose(arrays["state"][i], states, atol=1e-3)
        assert not events


@jax.jit
def flown(x0, g, box, duration):
    """Number of impacts of each ball [N] in so many seconds, from `x0` [N 4]: as many legs as there are."""

    def one(x0):
        def leg(carry):
            x, v, left, count = carry
            found = flight.fly(x, v, g, box, left)
            return found.x, found.after, left - found.seconds, count + (found.wall >= 0)

        return jax.lax.while_loop(lambda carry: carry[2] > 0, leg, (x0[:2], x0[2:], duration, 0))[3]

    return jax.vmap(one)(x0)


@settings(max_examples=100)
@given(
    gx=st.floats(-4, 4),
    gy=st.sampled_from([0.0, 0.01, 2.5, -8.0]),
    e=st.sampled_from([1.0, 0.999, 0.9, 0.5, 0.1]),
    steps=st.sampled_from([1, 2, 30, 90]),
    side=st.sampled_from([32.0, 9.0]),
    seed=st.integers(0, 1000),
)
def test_there_is_room_for_every_impact(gx, gy, e, steps, side, seed):
    """In the arrays of impacts, whose last place stays empty; nothing here compiles anew for other numbers."""
    ball, duration = BallBox(g=(gx, gy), restitution=e, side=side, speed=uniform(0.0, 20.0)), (steps - 1) * 0.25
    with exact():
        start = jax.vmap(ball.start)(jax.random.split(jax.random.key(seed), 256))
        count = np.asarray(flown(start, jnp.array(ball.g), flight.Box(3.0, side - 3.0, e), duration))
    assert count.max() < ball.most_impacts(duration)


def test_no_impact_is_no_event():
    balls = tuple(dataclasses.replace(BALLS["gravity"].tasks[0], radius=radius) for radius in (2.0, 3.0))
    recipe = dataclasses.replace(BALLS["gravity"], tasks=balls, steps=1, record=("events",))
    arrays = sample(recipe)
    assert (arrays["event_wall"] == -1).all()
    assert not arrays["event_time"].any()


def test_one_bounce_by_the_contact_rule():
    ball = BallBox(g=(0.0, 2.5), motion="contact")
    states = simulate(ball, {}, [16.0, 24.9, 0.0, 7.0], np.arange(6) * 0.25)[1:]
    np.testing.assert_allclose(states[:, 1], [26.65, 28.55625, 30.61875, 27.3502, 25.4439], atol=5e-5)
    np.testing.assert_allclose(states[:, 3], [7.625, 8.25, -8.25, -7.625, -7.0], atol=1e-12)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"g": 2.5}, r"g = 2\.5 does not fit: 2 values expected"),
        ({"g": (0.0, 1.0, 2.0)}, r"g = \(0\.0, 1\.0, 2\.0\) does not fit: 2 values expected"),
        ({"g": ("down", 2.5)}, "g = 'down' is neither a number nor a range"),
        ({"g": (0.0, float("nan"))}, "g = nan is not finite"),
        ({"radius": 16.0}, r"radius = 16 is too large for walls 32 apart"),
        ({"radius": 14.5, "margin": 2.0}, r"radius = 14\.5 is too large for walls 28 apart"),
        ({"radius": 0.0}, r"radius = 0\.0 has to be above 0"),
        ({"side": -1.0}, r"side = -1\.0 has to be above 0"),
        ({"margin": -1.0}, r"margin = -1\.0 has to be at least 0"),
        ({"restitution": 0.0}, r"restitution = 0\.0 has to lie above 0 and not above 1"),
        ({"restitution": 1.0000001}, r"restitution = 1\.0000001 has to lie above 0 and not above 1"),
        ({"restitution": 1.2}, r"restitution = 1\.2 has to lie above 0 and not above 1"),
        ({"restitution": float("nan")}, "restitution = nan has to be finite"),
        ({"motion": "elastic"}, "motion = 'elastic' is unknown; there are exact, contact"),
        ({"speed": 5.0}, r"speed = 5\.0 has to be a range such as uniform"),
        ({"angle": (0, 90)}, r"angle = \(0, 90\) has to be a range such as uniform"),
        ({"radius": uniform(1, 2)}, r"radius = 1\.\.2 has to be a number"),
        ({"radius": "a"}, r"radius = 'a' has to be a number"),
        ({"restitution": True}, "restitution = True has to be a number"),
        ({"motion": 1.0}, r"motion = 1\.0 has to be a word"),
        ({"speed": uniform(-1, 2)}, r"speed = -1\.\.2 has to be a range from 0 up"),
    ],
    ids=str,
)
def test_bad_balls(values, message):
    with pytest.raises(ValueError, match=message):
        BallBox(**values)


def test_vectors_of_any_kind():
    for g in ([0.0, 2.5], np.array([0.0, 2.5]), (0, 2.5)):
        assert BallBox(g=g) == BallBox(g=(0.0, 2.5))
    assert hash(BallBox(g=[uniform(0, 1), 2.5])) == hash(BallBox(g=(uniform(0, 1), 2.5)))
    with pytest.raises(ValueError, match="neither a number nor a vector"):
        simulate(BallBox(), {"g": [0.0, uniform(1, 2)]}, STARTS[0], FRAMES)


def test_a_start_too_fast_or_in_a_wall():
    with pytest.raises(ValueError, match=r"vx, vy = 1e\+10, 1 is too fast: more than 10000 impacts in 0\.25 s"):
        simulate(BallBox(), {}, [16.0, 16.0, 1e10, 1.0], FRAMES)
    with pytest.raises(ValueError, match="too fast"):
        simulate(BallBox(), {}, [16.0, 16.0, 2e7, 1.0], [0.0, 1e4])
    with pytest.raises(ValueError, match=r"x, y = 2\.5, 16 lies in a wall: both have to be within 3 … 29"):
        simulate(BallBox(), {}, [2.5, 16.0, 1.0, 1.0], FRAMES)
    with pytest.raises(ValueError, match=r"x, y = 16, -0\.5 lies in a wall: both have to be within 0 … 32"):
        simulate(BallBox(motion="contact"), {}, [16.0, -0.5, 1.0, 1.0], FRAMES)
