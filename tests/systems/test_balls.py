"""Balls that meet each other and walls: against a physics engine, SciPy, and laws of mechanics."""

import dataclasses
import functools
from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
import pymunk
import pytest
from scipy.integrate import solve_ivp

from slvm_data import Balls, Recipe, View, generate, sample, simulate, uniform
from slvm_data.core.keys import exact
from slvm_data.store import manifest
from slvm_data.systems import collisions
from slvm_data.systems.drift import Jump

FAST = Balls(speed=uniform(20.0, 20.0))
UNEVEN = Balls(radius=(0.6, 1.0, 1.5), masses="area", speed=uniform(20.0, 20.0))
FALLING = dataclasses.replace(UNEVEN, g=(1.0, -9.0))
LOSSY = dataclasses.replace(FALLING, restitution=0.8)
RUBBED = dataclasses.replace(UNEVEN, friction=0.3)
KINDS = {"even": FAST, "uneven": UNEVEN, "falling": FALLING, "lossy": LOSSY, "rubbed": RUBBED}
FRAMES = 151  # that motion is simulated for, of each kind of balls by one program for all tests
IMPACTS = 8000  # that are found, by one program too
ROOM = {"even": 30.0, "uneven": 30.0, "falling": 10.0, "lossy": 4.0, "rubbed": 20.0}  # s


def numbers_of(balls):
    return {name: jnp.asarray(getattr(balls, name), float) for name in balls.parameters()}


def member_of(balls):
    return balls.member(numbers_of(balls))


@functools.cache
def program(template, name, *options):
    """A method of a member of balls, for all that differ in numbers alone."""
    return jax.jit(lambda numbers, *arguments: getattr(template.member(numbers), name)(*arguments, *options))


def starts(balls, count, seed=0):
    with exact():
        start = program(balls.template(), "start")
        drawn = jax.vmap(start, (None, 0))(numbers_of(balls), jax.random.split(jax.random.key(seed), max(count, 4)))
        return np.asarray(drawn[:count].astype(jnp.float32)).astype(float)


def impacts(balls, x0, t):
    """Those that happened between the first and the last of the times."""
    with exact():
        ends = jnp.asarray([t[0], t[-1]], float)
        found = program(balls.template(), "impacts", IMPACTS)(numbers_of(balls), jnp.asarray(x0, float), ends)
    found = {name: np.asarray(value) for name, value in found.items()}
    happened = found["wall"] >= 0
    assert not happened[-1]
    assert (np.diff(found["time"][happened]) >= 0).all()
    return {name: array[happened] for name, array in found.items()}


def motion(balls, x0, t):
    """States [T D] at the times [T], of which there may be up to `FRAMES`."""
    later = t[-1] + 0.001 * np.arange(1, FRAMES + 1 - len(t))
    return simulate(balls, {}, x0, np.concatenate([t, later]))[: len(t)]


def recorded(balls):
    """A dataset of them; those that differ in numbers alone are made by one program."""
    record = ("events", "energy")
    return Recipe(name="x", tasks=(balls,), train=8, val=0, test=0, dt=0.05, steps=20, view=View(size=2), record=record)


def many(balls, x0, t):
    """States [N T D] in double precision, from x0 [N D]."""
    with exact():
        simulated = jax.jit(jax.vmap(lambda x0: member_of(balls).simulate(x0, jnp.asarray(t), None)))
        return np.concatenate([np.asarray(simulated(part)) for part in np.split(x0, max(1, len(x0) // 2000))])


def radii(balls):
    return np.broadcast_to(balls.radius, balls.count).astype(float)


def masses(balls):
    return np.pi * radii(balls) ** 2 if balls.masses == "area" else np.ones(balls.count)


def energy(balls, states):
    """Written by hand, the potential energy 0 in the middle of the scene."""
    q, v = (half.reshape(*half.shape[:-1], -1, 2) for half in np.split(states, 2, axis=-1))
    return (masses(balls) * ((v**2).sum(-1) / 2 - (q - balls.side / 2) @ np.array(balls.g))).sum(-1)


def in_space(balls, x0, t, step):
    """Positions [T 2B] by a physics engine, whose elasticity of two bodies is the product of both."""
    space = pymunk.Space()
    space.gravity, space.damping, space.collision_slop = tuple(balls.g), np.exp(-balls.friction), 0
    corners, bodies = [(0, 0), (balls.side, 0), (balls.side, balls.side), (0, balls.side)], []
    walls = [pymunk.Segment(space.static_body, corners[i - 1], corners[i], 0) for i in range(4)]
    x, v = (half.reshape(-1, 2) for half in np.split(x0, 2))
    for k, r in enumerate(radii(balls)):
        body = pymunk.Body(masses(balls)[k], float("inf"))
        body.position, body.velocity = tuple(x[k]), tuple(v[k])
        bodies.append((body, pymunk.Circle(body, r)))
    for shape in (*walls, *(circle for _, circle in bodies)):
        shape.elasticity, shape.friction = balls.restitution**0.5, 0
    space.add(*walls, *(part for pair in bodies for part in pair))
    found = []
    for seconds in np.diff(t, prepend=t[0]):
        for _ in range(round(seconds / step)):
            space.step(step)
        found.append([number for body, _ in bodies for number in body.position])
    return np.array(found)


@pytest.mark.few(1)
@pytest.mark.parametrize("kind", ["lossy", "even", "rubbed"])
def test_motion_is_that_of_a_physics_engine(kind):
    """Through the first five impacts, to a hundredth."""
    balls, met = KINDS[kind], 0
    for x0 in starts(balls, 2, seed=7):
        found = impacts(balls, x0, [0.0, 1.5])
        met += (found["wall"][:5] == 4).sum()
        t = np.arange(0, found["time"][4] + 0.005, 0.01)
        error = np.abs(motion(balls, x0, t)[:, :6] - in_space(balls, x0, t, 1e-5)).max()
        print(f"{kind}: fifth impact at {found['time'][4]:.2f} s, off by {error:.1e}")
        assert error < 1e-2
    assert met >= 1


def by_hand(balls, x0, t):  # noqa: C901 - as short as SciPy lets it be
    """States [T D] by SciPy: one ODE from event to event, which are roots of distances."""
    count, r, m, g = balls.count, radii(balls), masses(balls), np.array(balls.g)
    pairs = list(combinations(range(count), 2))

    def slope(_, y):
        v = y[2 * count :]
        return np.concatenate([v, np.tile(g, count) - balls.friction * v])

    def wall(k, axis, high):
        def distance(_, y):
            return (balls.side - y[2 * k + axis] if high else y[2 * k + axis]) - r[k]

        return distance

    def pair(i, j):
        return lambda _, y: np.hypot(*(y[2 * i : 2 * i + 2] - y[2 * j : 2 * j + 2])) - r[i] - r[j]

    places = [(k, axis, high) for k in range(count) for axis in (0, 1) for high in (False, True)]
    events = [wall(*place) for place in places] + [pair(*own) for own in pairs]
    for event in events:
        event.terminal, event.direction = True, -1
    y, now, states = x0.copy(), t[0], [x0]
    for end in t[1:]:
        while now < end:
            run = solve_ivp(slope, (now, end), y, method="DOP853", rtol=1e-12, atol=1e-12, events=events)
            y, now = run.y[:, -1].copy(), run.t[-1]
            v = y[2 * count :].reshape(-1, 2)  # a view
            for number in [k for k, times in enumerate(run.t_events) if len(times)]:
                if number < len(places):
                    k, axis, _ = places[number]
                    v[k, axis] *= -balls.restitution
                    continue
                i, j = pairs[number - len(places)]
                n = y[2 * j : 2 * j + 2] - y[2 * i : 2 * i + 2]
                n /= np.linalg.norm(n)
                total = (m[i] * v[i] + m[j] * v[j]) / (m[i] + m[j])  # about the centre of mass, along n
                for one in (i, j):
                    v[one] -= (1 + balls.restitution) * ((v[one] - total) @ n) * n
        states.append(y.copy())
    return np.array(states)


@pytest.mark.parametrize("kind", KINDS)
def test_motion_is_that_of_scipy(kind):
    balls, t = KINDS[kind], np.linspace(0, 1.2, 25)
    x0 = starts(balls, 1, seed=5)[0]
    np.testing.assert_allclose(motion(balls, x0, t), by_hand(balls, x0, t), atol=1e-7)
    found = impacts(balls, x0, t)
    assert len(found["time"]) >= 5
    assert (found["wall"] == 4).any()


@pytest.mark.parametrize("kind", ["even", "uneven", "falling"])
def test_energy_is_constant_over_a_thousand_impacts(kind):
    balls, t = KINDS[kind], np.linspace(0, 150, FRAMES)
    for x0 in starts(balls, 2, seed=1):
        assert len(impacts(balls, x0, t)["time"]) > 1000
        total = energy(balls, motion(balls, x0, t))
        drift = np.abs(total / total[0] - 1).max()
        print(f"{kind}: {drift:.1e} of {total[0]:.0f} J")
        assert drift < 1e-12


@pytest.mark.parametrize("kind", KINDS)
def test_two_balls_keep_their_momentum_and_a_wall_turns_one_component(kind):
    balls, e = KINDS[kind], KINDS[kind].restitution
    found, m = impacts(balls, starts(balls, 1)[0], [0.0, ROOM[kind]]), masses(balls)
    pair = found["wall"] == 4
    assert pair.sum() > 2
    i, j = found["body"][pair].T
    assert (i < j).all()
    before, after, other_before, other_after = (
        found[name][pair] for name in ("before", "after", "other_before", "other_after")
    )
    total = [m[i, None] * own + m[j, None] * other for own, other in ((before, other_before), (after, other_after))]
    np.testing.assert_allclose(*total, rtol=1e-12, atol=1e-12 * np.abs(total[0]).max())
    n = after - before
    n /= np.linalg.norm(n, axis=1, keepdims=True)
    closing = ((before - other_before) * n).sum(1)
    np.testing.assert_allclose(((after - other_after) * n).sum(1), -e * closing, rtol=1e-7, atol=1e-7)
    wall, axis = found["wall"][~pair], found["wall"][~pair] // 2
    own, turned = found["before"][~pair], found["after"][~pair]
    rows = np.arange(len(wall))
    np.testing.assert_allclose(turned[rows, axis], -e * own[rows, axis], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(turned[rows, 1 - axis], own[rows, 1 - axis], rtol=1e-14)
    assert ((own[rows, axis] > 0) == (wall % 2 == 1)).all()
    assert (found["body"][~pair, 1] == -1).all()
    assert not found["other_before"][~pair].any()


def test_without_walls_momentum_is_constant():
    balls = dataclasses.replace(UNEVEN, walls=False)
    x0 = np.array([2.0, 5.0, 5.0, 5.3, 8.5, 5.0, 8.0, 0.0, -1.0, 0.2, -9.0, 0.5])
    states, m = simulate(balls, {}, x0, np.linspace(0, 5, 51)), masses(balls)
    assert len(impacts(balls, x0, [0.0, 5.0])["time"]) >= 2
    momentum = (states[:, 6:].reshape(-1, 3, 2) * m[:, None]).sum(1)
    np.testing.assert_allclose(momentum, np.tile(momentum[0], (51, 1)), rtol=1e-12, atol=1e-11)
    assert np.abs(states[-1, :6]).max() > 10  # they left


@pytest.mark.parametrize("total", [10_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_sequences_have_no_overlap(total):
    worst = 0.0
    for balls, count in ((Balls(), total * 4 // 5), (dataclasses.replace(LOSSY, speed=uniform(1.0, 3.0)), total // 5)):
        states, r = (
            many(balls, starts(balls, count), np.arange(30) * (1.0 if balls.speed.high < 1 else 0.1)),
            radii(balls),
        )
        x = states[:, 1:, :6].reshape(count, -1, 3, 2)
        assert np.isfinite(states).all()
        for i, j in combinations(range(3), 2):
            worst = max(worst, float((r[i] + r[j] - np.sqrt(((x[:, :, i] - x[:, :, j]) ** 2).sum(-1))).max()))
        assert (x.min(axis=(0, 1, 3)) >= r).all()
        assert (x.max(axis=(0, 1, 3)) <= 10 - r).all()
    print(f"largest overlap {worst:.1e}")
    assert worst < 1e-9


@pytest.mark.parametrize("kind", ["even", "uneven", "falling"])
def test_time_turns_back(kind):
    balls = KINDS[kind]
    for x0 in starts(balls, 4, seed=2):
        end = impacts(balls, x0, [0.0, 3.0])["time"][10]
        there = motion(balls, x0, [0.0, end - 1e-3])[1]
        back = motion(balls, np.concatenate([there[:6], -there[6:]]), [0.0, end - 1e-3])[1]
        np.testing.assert_allclose(back, np.concatenate([x0[:6], -x0[6:]]), atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sequence_may_be_cut_and_begun_again_at_any_frame(kind):
    balls, t = KINDS[kind], np.arange(12) * 0.05
    x0 = starts(balls, 1, seed=4)[0]
    whole = motion(balls, x0, t)
    assert len(impacts(balls, x0, t)["time"]) >= 4
    for k in range(1, 11):
        again = motion(balls, whole[k], t + t[k])
        np.testing.assert_allclose(again[: 12 - k], whole[k:], atol=1e-9)
    fine = motion(balls, x0, np.arange(11 * 8 + 1) * 0.05 / 8)
    np.testing.assert_allclose(fine[::8], whole, atol=1e-9)


def test_friction_lets_a_ball_run_out():
    """x = v (1 - exp(-γ t)) / γ, folded at the walls."""
    balls = Balls(count=1, radius=1.0, friction=0.5)
    t = np.linspace(0, 20, 81)
    states = simulate(balls, {}, [5.0, 5.0, 9.0, -4.0], t)
    straight = 4 + np.array([9.0, -4.0]) * ((1 - np.exp(-0.5 * t)) / 0.5)[:, None]
    np.testing.assert_allclose(states[:, :2], 1 + 8 - np.abs(straight % 16 - 8), atol=1e-9)
    np.testing.assert_allclose(np.abs(states[:, 2:]), np.exp(-0.5 * t)[:, None] * [9.0, 4.0], rtol=1e-9)


def test_impacts_at_the_same_instant_come_in_the_order_that_is_stated():
    """A wall before a pair, ball 1 before ball 2, pair 1-2 before pair 1-3."""
    balls = Balls(radius=1.0)
    corner = impacts(balls, [2.0, 2.0, 8.0, 8.0, 5.0, 5.0, -1.0, -1.0, 1.0, 1.0, 0.0, 0.0], [0.0, 1.5])
    np.testing.assert_allclose(corner["time"], 1.0)
    assert corner["wall"].tolist() == [0, 2, 1, 3]
    assert corner["body"][:, 0].tolist() == [0, 0, 1, 1]
    row = [2.0, 5.0, 5.0, 5.0, 7.0, 5.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]  # the last two touch
    found = impacts(balls, row, [0.0, 1.5])
    np.testing.assert_allclose(found["time"], 1.0)
    assert found["body"].tolist() == [[0, 1], [1, 2]]
    np.testing.assert_allclose(found["other_after"][1], [1.0, 0.0], atol=1e-12)
    wedge = [5.0, 4.0, 3.5, 2.0, 6.5, 2.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0]  # falls between two that are apart
    found = impacts(balls, wedge, [0.0, 1.2])
    assert found["body"][:2].tolist() == [[0, 1], [0, 2]]
    np.testing.assert_allclose(found["time"][0], found["time"][1], atol=1e-12)


def test_what_touches_and_parts_does_not_meet():
    balls = Balls(count=2, radius=1.0)
    for gap in (0.0, -1e-12, 1e-12):
        x0 = [4.0, 5.0, 6.0 + gap, 5.0, -0.1, 0.0, 0.1, 0.0]
        assert not len(impacts(balls, x0, [0.0, 5.0])["time"])
    x0 = [4.0, 5.0, 6.0, 5.0, 0.0, 0.1, 0.0, -0.1]  # past each other
    assert not len(impacts(balls, x0, [0.0, 5.0])["time"])


def test_a_pile_of_balls_comes_to_an_end():
    """Of bounces that lose energy there would be no end; those on the floor are then short and elastic."""
    balls = Balls(count=3, radius=1.0, g=(0.0, -9.8), restitution=0.5)
    x0 = [5.0, 1.0, 5.0, 3.2, 5.0, 6.0, *[0.0] * 6]
    states = simulate(balls, {}, x0, np.arange(100) * 0.2)
    assert np.isfinite(states).all()
    np.testing.assert_allclose(states[-1, [1, 3, 5]], [1.0, 3.0, 5.0], atol=0.02)
    np.testing.assert_allclose(states[-1, 6:], 0, atol=0.2)
    squeezed = Balls(count=3, radius=1.0, restitution=0.05)
    states = simulate(squeezed, {}, [2.0, 5.0, 5.0, 5.0, 8.0, 5.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0], np.arange(30) * 1.0)
    assert np.isfinite(states).all()
    assert np.abs(states[-1, 6:]).max() < 0.05


@pytest.mark.few(1)
@pytest.mark.parametrize("kind", ["lossy", "rubbed"])
def test_recorded_impacts_lead_from_state_to_state(kind):
    balls = KINDS[kind]
    arrays = sample(recorded(balls), index=slice(0, 40))
    assert (arrays["event_wall"][:, -1] == -1).all()
    assert (arrays["event_wall"] == 4).any(axis=1).mean() > 0.7
    assert np.diff(arrays["energy"], axis=1).max() < 1e-9  # it never grows
    y = balls.friction
    for i in range(40):
        x, v = (half.reshape(3, 2).astype(float) for half in np.split(arrays["state"][i, 0], 2))
        now, events = 0.0, [k for k in range(arrays["event_time"].shape[1]) if arrays["event_wall"][i, k] >= 0]
        for t, state in zip(arrays["time"][i], arrays["state"][i], strict=True):
            while events and arrays["event_time"][i, events[0]] <= t:
                own = {name: arrays[f"event_{name}"][i, events[0]] for name in ("time", *balls.events[2:])}
                events.pop(0)
                x, v, now = *moved(x, v, own["time"] - now, balls.g, y), own["time"]
                for k, word in zip(own["body"], ("", "other_"), strict=True):
                    if k >= 0:
                        np.testing.assert_allclose(v[k], own[word + "before"], atol=1e-4)
                        v[k] = own[word + "after"]
            x, v, now = *moved(x, v, t - now, balls.g, y), t
            np.testing.assert_allclose(np.concatenate([x.ravel(), v.ravel()]), state, atol=2e-3)
        assert not events


def moved(x, v, seconds, g, y):
    g = np.array(g)
    if y:
        return x + v * (1 - np.exp(-y * seconds)) / y, v * np.exp(-y * seconds)
    return x + v * seconds + g * seconds**2 / 2, v + g * seconds


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"count": 0}, "count = 0 has to lie between 1 and 8"),
        ({"count": 9}, "count = 9 has to lie between 1 and 8"),
        ({"count": 2, "radius": (1.0, 1.0, 1.0)}, r"radius = \(1\.0, 1\.0, 1\.0\) does not fit: one value or 2"),
        ({"radius": 5.0}, r"radius = 5\.0 is too large for walls 10 apart"),
        ({"radius": 0.0}, "has to be above 0"),
        ({"friction": 0.1, "g": (0.0, -1.0)}, r"friction = 0\.1 goes with g = \(0, 0\) alone"),
        ({"restitution": 1.5}, r"restitution = 1\.5 has to lie above 0 and not above 1"),
        ({"masses": "heavy"}, "masses = 'heavy' is unknown; there are equal, area"),
        ({"place": uniform(9.5, 9.9)}, r"place = 9\.5\.\.9\.9 is not within 1\.2 … 8\.8"),
        ({"substep": 0.1}, "takes no steps of integration"),
    ],
    ids=str,
)
def test_bad_balls(values, message):
    with pytest.raises(ValueError, match=message):
        Balls(**values)


def test_bad_starts():
    with pytest.raises(ValueError, match="balls 1 and 2 overlap"):
        simulate(Balls(count=2), {}, [4.0, 5.0, 6.0, 5.0, 0, 0, 0, 0], [0.0, 1.0])
    with pytest.raises(ValueError, match="ball 2 lies in a wall"):
        simulate(Balls(count=2), {}, [4.0, 5.0, 6.0, 9.0, 0, 0, 0, 0], [0.0, 1.0])
    with pytest.raises(ValueError, match="too high"):
        simulate(Balls(count=1), {}, [4.0, 5.0, 1e9, 0], [0.0, 1.0])
    falling = Balls(count=2, radius=3.4, g=(0.0, -9.0))  # would meet without an end
    with pytest.raises(ValueError, match="starts with balls that overlap in each of 100 attempts"):
        sample(Recipe(name="full", tasks=(falling,), view=View(size=2)), index=slice(0, 2))
    with pytest.raises(ValueError, match="no parameter 'radius' that can drift"):
        sample(Recipe(name="x", tasks=(Balls(),), drift=(Jump(of="radius", to=1.0),)))


def test_impacts_under_gravity_that_jumps():
    """As those of two sequences, one after the other."""
    balls, t = dataclasses.replace(UNEVEN, g=(0.0, 0.0)), np.linspace(0, 1, 11)
    x0, g = starts(balls, 1)[0], np.repeat([[0.0, -9.0], [4.0, 2.0]], 5, axis=0)
    with exact():
        found = {
            k: np.asarray(v)
            for k, v in member_of(balls).impacts(jnp.asarray(x0), jnp.asarray(t), 64, jnp.asarray(g)).items()
        }
    first, then = (dataclasses.replace(balls, g=tuple(own)) for own in (g[0], g[-1]))
    middle = motion(first, x0, t[:6])[-1]
    one, two = impacts(first, x0, t[:6]), impacts(then, middle, t[5:])
    happened = found["wall"] >= 0
    for name, array in found.items():
        np.testing.assert_allclose(array[happened], np.concatenate([one[name], two[name]]), atol=1e-9)
    assert collisions.PAIR in found["wall"]


@pytest.mark.few(1)
@pytest.mark.parametrize("balls", [LOSSY, dataclasses.replace(UNEVEN, friction=uniform(0.0, 0.3))], ids=str)
def test_the_certificate_adds_what_friction_takes(balls, tmp_path):
    (own,) = manifest.read(generate(recorded(balls), tmp_path / "x")).certificate
    if balls.restitution < 1:
        assert own.energy_drift is None
    else:
        assert own.energy_drift is not None
        assert own.energy_drift < 1e-12
