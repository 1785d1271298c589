"""Springs, charges and particles in boxes: laws by hand, what is constant, the graph, where sequences start, bits."""

import dataclasses
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import solve_ivp

from slvm_data import RECIPES, ChargeNetwork, LennardJones, SpringNetwork, View, simulate, uniform
from slvm_data.simulation.batch import collect, frame_buffer, make, prepare

N, LEAST = 5_000, 1e-3
T = 41  # frames
PAIRS = list(combinations(range(5), 2))
SIDE = 10.0  # m


def small(name, steps, **changes):
    recipe = RECIPES[name]
    view = View(size=2, color="rgb", palette=recipe.view_of(0).palette)
    record = ("energy", *changes.pop("record", ()))
    return dataclasses.replace(recipe, view=view, steps=steps, splits={}, record=record, **changes)


@cache
def drawn(name):
    """Arrays of the first sequences, and their places and velocities [N T B 2] in double precision."""
    arrays = collect(small(name, T, record=("edges",)), 0, "train", np.arange(N))
    x, v = np.split(arrays["state"].astype(float), 2, axis=2)
    return arrays, x.reshape(N, T, 5, 2), v.reshape(N, T, 5, 2)


def by_events(pull, x0, t):
    """States [T 20] by SciPy, which stops at each wall, and the number of impacts."""

    def velocity(_, y):
        return np.concatenate([y[10:], (pull @ y[:10].reshape(5, 2)).ravel()])

    walls = [lambda _, y, k=k, side=side: SIDE / 2 - side * y[k] for k in range(10) for side in (1, -1)]
    for wall in walls:
        wall.terminal, wall.direction = True, -1
    found, now, y, hits = [x0], 0.0, x0, 0
    while len(found) < len(t):
        arc = solve_ivp(
            velocity, (now, t[-1]), y, "DOP853", events=walls, rtol=3e-14, atol=1e-14, max_step=0.2, dense_output=True
        )
        while len(found) < len(t) and t[len(found)] <= arc.t[-1]:
            found.append(arc.sol(t[len(found)]))
        if arc.status == 1:
            k = next(i for i, instants in enumerate(arc.t_events) if len(instants)) // 2
            now, y, hits = arc.t[-1], arc.y[:, -1].copy(), hits + 1
            y[k], y[10 + k] = np.sign(y[k]) * SIDE / 2 * (1 - 1e-15), -y[10 + k]
    return np.array(found), hits


def test_springs_are_those_of_scipy_with_walls():
    """At six times the speed of the source, so that walls are hit; and with weights other than 0 and 1."""
    rng, t, hits = np.random.default_rng(1), 0.1 * np.arange(T), 0
    for link in (rng.integers(0, 2, 10), rng.uniform(0, 2, 10)):
        pull = np.zeros((5, 5))
        for weight, (i, j) in zip(link, PAIRS, strict=True):
            pull[i, j] = pull[j, i] = 0.1 * weight
        x0 = np.concatenate([rng.normal(0, 1.5, 10), rng.normal(0, 3, 10)])
        theirs, own = by_events(pull - np.diag(pull.sum(1)), x0, t)
        hits += own
        population = SpringNetwork(link=(uniform(0, 2),) * 10)
        np.testing.assert_allclose(simulate(population, {"link": link}, x0, t), theirs, rtol=0, atol=2e-11)
    assert hits > 5


def in_steps(charge, x0, t):
    """States [T 20] by the steps of the source, 100 a frame, in plain NumPy; and how often a force was the largest."""
    x, v = x0.reshape(2, 5, 2).copy()
    found, capped, product = [x0], 0, np.outer(charge, charge)
    for _ in t[1:]:
        for _ in range(100):
            way = x[:, None] - x
            force = np.zeros((5, 2))
            for i, j in PAIRS:
                push = product[i, j] * way[i, j] / np.hypot(*way[i, j]) ** 3
                force[i] += push
                force[j] -= push
            capped += int((np.abs(force) > 100).sum())
            v += 0.001 * np.clip(force, -100, 100)
            x += 0.001 * v
            v = np.where(x > 5, -np.abs(v), np.where(x < -5, np.abs(v), v))
            x = np.where(x > 5, 10 - x, np.where(x < -5, -10 - x, x))
        found.append(np.concatenate([x, v]).ravel())
    return np.array(found), capped


def test_charges_move_as_in_the_steps_of_the_source():
    """With a pair so close that its force is the largest one, and a body that reaches two walls."""
    charge, t = [1.0, -1.0, 1.0, -1.0, 1.0], 0.1 * np.arange(T)
    x0 = np.array([0.0, 0, 0.2, 0.01, -2, 1, 3, 3, 4.9, -4.8, 0, 0, 0, 0, 0, 0.5, -0.5, 0, 2, -3])
    theirs, capped = in_steps(charge, x0, t[:3])
    assert capped > 10
    ours = simulate(ChargeNetwork(), {"charge": charge}, x0, t)
    np.testing.assert_allclose(ours[:3], theirs, rtol=0, atol=1e-9)
    assert (ours[1, 18:] * x0[18:] < 0).all()
    apart = np.array([0.0, 0, 2, 1, -2, 1, 3, -3, -4, -4, *0.3 * x0[10:]])
    alike = [1] * 5
    ours = simulate(ChargeNetwork(), {"charge": alike}, apart, t)
    np.testing.assert_allclose(ours[:11], in_steps(alike, apart, t[:11])[0], rtol=0, atol=1e-11)


def lennard_jones(count, side):
    """Velocity of a state by SciPy's convention: 4 (r⁻¹² - r⁻⁶) times S, from the derivative of each in r."""
    cut, begin = side / 2, 0.4 * side
    blend = np.polynomial.Polynomial([1, 0, 0, 0, 0, -126, 420, -540, 315, -70])

    def velocity(_, y):
        way = np.subtract.outer(q := y[: 2 * count].reshape(-1, 2), q).transpose(0, 2, 1, 3).diagonal(0, 2, 3)
        way = way - side * np.round(way / side)
        r = np.sqrt((way**2).sum(-1)) + np.eye(count) * side
        share = np.clip((r**2 - begin**2) / (cut**2 - begin**2), 0, 1)
        slope = blend.deriv()(share) * 2 * r / (cut**2 - begin**2) * (share < 1)
        pull = 4 * ((12 * r**-13 - 6 * r**-7) * blend(share) - (r**-12 - r**-6) * slope) / r
        return np.concatenate([y[2 * count :], (pull[..., None] * way).sum(1).ravel()])

    return velocity


@pytest.mark.parametrize("count", [4, 5])
def test_particles_move_as_in_scipy_and_keep_their_energy(count):
    """For an even and an odd number, in a box so small that the cut-off and the border matter."""
    rng, t, side = np.random.default_rng(count), 0.05 * np.arange(T), 3.2
    places = np.array([[0, 0], [1.1, 0.1], [0.1, 1.1], [1.2, 1.2], [2.15, 2.1]])[:count]
    x0 = np.concatenate([places.ravel(), rng.normal(1, 1, 2 * count)])
    population = LennardJones(count=count, side=side)
    ours = simulate(population, {}, x0, t)
    theirs = solve_ivp(lennard_jones(count, side), (0, 0.5), x0, "DOP853", t[:11], rtol=3e-14, atol=1e-14).y.T
    np.testing.assert_allclose(ours[:11], theirs, rtol=0, atol=1e-9)
    assert np.abs(ours[:, : 2 * count]).max() > side  # and it is not wrapped


def test_energy_and_momentum_of_springs_and_momentum_of_charges():
    arrays, x, v = drawn("springs5_nri")
    np.testing.assert_allclose(arrays["energy"], arrays["energy"][:, :1].repeat(T, 1), rtol=1e-12)
    weights = arrays["param_link"].astype(float)
    squares = np.stack([((x[:, :, i] - x[:, :, j]) ** 2).sum(-1) for i, j in PAIRS], -1)
    own = (v**2).sum((2, 3)) / 2 + 0.05 * (weights[:, None] * squares).sum(-1)
    np.testing.assert_allclose(arrays["energy"], own, rtol=1e-5)
    _, *charged = drawn("charged5_nri")
    alike = np.abs(drawn("charged5_nri")[0]["param_charge"].sum(1)) == 5  # others meet, where forces are cut off
    alike &= np.min([np.hypot(*(charged[0][:, 0, i] - charged[0][:, 0, j]).T) for i, j in PAIRS], axis=0) > 0.15
    for places, velocities, frames in ((x, v, T), (*(own[alike] for own in charged), 11)):
        free = np.abs(places[:, :frames]).max((1, 2, 3)) < 4.5
        total = velocities[free, :frames].sum(2)
        assert len(total) > 100
        np.testing.assert_allclose(total, total[:, :1].repeat(frames, 1), atol=1e-5)


def test_the_graph_is_what_acts_and_has_the_rates_of_the_source():
    link, charge = drawn("springs5_nri")[0], drawn("charged5_nri")[0]
    for arrays in (link, charge):
        edges = arrays["edges"]
        assert edges.dtype == np.float32
        np.testing.assert_array_equal(edges, edges.transpose(0, 2, 1))
        assert not edges[:, range(5), range(5)].any()
    pairs = np.stack([link["edges"][:, i, j] for i, j in PAIRS], axis=1)
    np.testing.assert_array_equal(pairs, link["param_link"])
    assert set(np.unique(pairs)) == {0, 1}
    counts = np.bincount((pairs.astype(int) @ 2 ** np.arange(10)), minlength=1024)  # each graph is equally likely
    assert stats.chisquare(counts).pvalue > LEAST
    own = charge["param_charge"]
    assert set(np.unique(own)) == {-1, 1}
    assert stats.chisquare(np.bincount((own > 0) @ 2 ** np.arange(5), minlength=32)).pvalue > LEAST
    product = own[:, :, None] * own[:, None] * (1 - np.eye(5))
    np.testing.assert_array_equal(charge["edges"], product)


@pytest.mark.parametrize(("name", "spread"), [("springs5_nri", 0.5), ("charged5_nri", 1.0)])
def test_bodies_start_where_the_source_lets_them(name, spread):
    _, x, v = drawn(name)
    for k in range(5):
        for axis in range(2):
            assert stats.kstest(x[:, 0, k, axis], stats.norm(0, spread).cdf).pvalue > LEAST
        angle = np.arctan2(v[:, 0, k, 1], v[:, 0, k, 0])
        assert stats.kstest(angle, stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > LEAST
    np.testing.assert_allclose(np.hypot(*np.moveaxis(v[:, 0], -1, 0)), 0.5, rtol=1e-6)
    recipe = RECIPES[name]
    assert (recipe.steps, recipe.of_split("long").steps, recipe.dt, recipe.train) == (49, 99, 0.1, 50_000)


@cache
def particles():
    recipe = small("lennard_jones_4", 20)
    return recipe, collect(recipe, 0, "train", np.arange(1_000))


def test_particles_are_in_equilibrium():
    """Velocities are Maxwell's, places are anywhere, and neither energy changes on average as time goes on."""
    _, arrays = particles()
    x, v = (half.reshape(1_000, 20, 4, 2) for half in np.split(arrays["state"].astype(float), 2, axis=2))
    free = np.linalg.svd(np.ones((1, 4)))[2][1:]  # [3 4], across the sum, which is 0
    assert np.abs(v.sum(2)).max() < 1e-5
    assert stats.kstest(np.einsum("ij,njk->nik", free, v[:, 0]).ravel(), stats.norm.cdf).pvalue > LEAST
    for axis in range(2):
        assert stats.kstest((x[:, 0, 0, axis] + 5) % 10, stats.uniform(0, 10).cdf).pvalue > LEAST
    np.testing.assert_allclose(arrays["energy"], arrays["energy"][:, :1].repeat(20, 1), atol=1e-8)
    gained = (v[:, -1] ** 2 - v[:, 0] ** 2).sum((1, 2)) / 2  # and as much was lost by the potential
    assert abs(gained.mean()) < 4 * gained.std() / np.sqrt(1_000)
    way = np.stack([x[:, :, i] - x[:, :, j] for i, j in combinations(range(4), 2)])
    assert np.sqrt(((way - 10 * np.round(way / 10)) ** 2).sum(-1)).min() > 0.8


def test_size_of_a_batch_changes_no_bit():
    """Of starts, which are prepared by a motion that is chaotic."""
    recipe, many = particles()
    few = make(recipe, 0, "train", prepare(recipe, 0, "train"), np.arange(253, 256), frame_buffer(recipe, 3)).arrays
    for name in ("state", "energy", "image"):
        np.testing.assert_array_equal(few[name], many[name][253:256])


@pytest.mark.parametrize("name", ["springs5_nri", "charged5_nri"])
def test_what_is_stored_can_be_simulated_again(name):
    arrays, population = drawn(name)[0], RECIPES[name].tasks[0]
    for i in range(8):
        own = {key.removeprefix("param_"): arrays[key][i] for key in arrays if key.startswith("param_")}
        states = simulate(population, own, arrays["state"][i, 0], arrays["time"][i])
        np.testing.assert_array_equal(states.astype(np.float32), arrays["state"][i])


@pytest.mark.parametrize(
    ("population", "numbers", "x0", "message"),
    [
        (SpringNetwork(), {"link": [1] * 10}, [6.0, *[0.0] * 19], "x1 = 6 lies beyond a wall: it has to be in ±5"),
        (ChargeNetwork(), {"charge": [1] * 5}, np.zeros(20), "bodies 1 and 2 are at the same place"),
        (LennardJones(count=2), {}, [0, 0, 4.4584, 0, *[0.0] * 4], "particles 1 and 2 are 0.1 m apart: less than"),
    ],
)
def test_bad_starts(population, numbers, x0, message):
    with pytest.raises(ValueError, match=message):
        simulate(population, numbers, x0, [0.0, 0.1])
