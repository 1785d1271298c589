"""Three bodies, and two on a ring: SciPy's motion, what is constant, the triangle, and where they start."""

from itertools import combinations

import jax
import numpy as np
import pytest
from scipy import stats
from scipy.integrate import solve_ivp

from slvm_data import RECIPES, ThreeBody, TwoBodyRing, simulate, uniform
from slvm_data.core.keys import exact

MEMBERS, DRAWS = 64, 5_000
FACTOR = np.sqrt(np.sin(np.pi / 3) / (2 * np.cos(np.pi / 6) ** 2))  # of the speed of three bodies on a circle of 1 m
UNLIKE = ThreeBody(m=uniform(0.8, 1.2), g=uniform(0.8, 1.2), friction=uniform(0.0, 0.1), orbit_noise=0.1)
CASES = {
    "three_body": (RECIPES["three_body"].tasks[0], 0.05 * np.arange(255)),
    "three_body_hgn": (RECIPES["three_body_hgn"].tasks[0], RECIPES["three_body_hgn"].times()),
    "two_body_hgn": (RECIPES["two_body_hgn"].tasks[0], RECIPES["two_body_hgn"].times()),
    "unlike masses": (UNLIKE, 0.1 * np.arange(21)),  # later, some meet each other closely
}


def starts(system, count):
    with exact():
        return np.asarray(jax.vmap(system.start)(jax.random.split(jax.random.key(0), count)))


def members(system, rng):
    """Parameters of members [N …], by name."""
    shapes = {name: np.shape(system.range_of(name)[0]) for name in system.parameters()}
    return {name: rng.uniform(*system.range_of(name), (MEMBERS, *shape)) for name, shape in shapes.items()}


def newton(c, bodies):
    """Velocities [2 B 2 N] of positions and momenta, by Newton's law of gravity and friction that grows with speed."""
    m = c["m"].T[:, None]

    def velocity(y):
        q, p = y
        force = -c["friction"] * p / m
        for i, j in combinations(range(bodies), 2):
            apart = q[j] - q[i]
            pull = c["g"] * m[i] * m[j] * apart / np.hypot(*apart) ** 3
            force[i] += pull
            force[j] -= pull
        return np.stack([p / m, force])

    return velocity


@pytest.mark.parametrize("case", CASES)
def test_states_are_those_of_scipy(case):
    system, t = CASES[case]
    c, x0, bodies = members(system, np.random.default_rng(0)), starts(system, MEMBERS), system.bodies_drawn
    law, shape = newton(c, bodies), (2, bodies, 2, MEMBERS)
    solved = solve_ivp(
        lambda _, y: law(y.reshape(shape)).ravel(), (0, t[-1]), x0.T.ravel(), "DOP853", t, rtol=1e-12, atol=1e-12
    )
    theirs = solved.y.reshape(-1, MEMBERS, len(t)).transpose(1, 2, 0)
    ours = [simulate(system, {name: own[i] for name, own in c.items()}, x0[i], t) for i in range(MEMBERS)]
    worst = np.abs(np.stack(ours) - theirs).max()
    print(f"{case}: {worst:.1e}")
    assert worst < 1e-8


@pytest.mark.parametrize("case", ["three_body_hgn", "two_body_hgn"])
def test_energy_momentum_and_angular_momentum_are_kept(case):
    """For m = g = 1, by sums over the bodies and their pairs."""
    system, t = CASES[case]
    for x0 in starts(system, 16):
        q, p = simulate(system, {}, x0, t).reshape(len(t), 2, system.bodies_drawn, 2).transpose(1, 2, 3, 0)
        pairs = combinations(range(system.bodies_drawn), 2)
        energy = (p**2).sum(axis=(0, 1)) / 2 - sum(1 / np.hypot(*(q[i] - q[j])) for i, j in pairs)
        turning = (q[:, 0] * p[:, 1] - q[:, 1] * p[:, 0]).sum(axis=0)
        for kept in (energy, turning, *p.sum(axis=0)):
            assert np.ptp(kept) < 1e-10
        assert energy[0] < -0.1


@pytest.mark.parametrize(("g", "least"), [(1.0, 1.0), (1.5, 0.5)])
def test_the_triangle_stays_equal_sided(g, least):
    """Over three turns; an ellipse of eccentricity 1 - 1/g comes to 1/(2g - 1) of its largest distance."""
    r, axis = 1.1, 1.1 * g / (2 * g - 1)  # m, the largest distance and the semi-major axis
    turn = 2 * np.pi * axis**1.5 / (FACTOR * np.sqrt(g))
    t = np.linspace(0, 3 * turn, 601)
    for x0 in starts(ThreeBody(radii=uniform(r, r)), 8):
        q = simulate(ThreeBody(g=g), {}, x0, t)[:, :6].reshape(-1, 3, 2)
        sides = np.linalg.norm(q - q[:, [1, 2, 0]], axis=2)
        assert np.ptp(sides / sides.mean(axis=1, keepdims=True), axis=1).max() < 1e-6
        away = np.linalg.norm(q[:, 0], axis=1)
        assert (away.min(), away.max()) == pytest.approx((least * r, r), rel=1e-3)
        if g == 1:
            angle = np.arctan2(*x0[:2][::-1]) - 2 * np.pi * t / turn  # clockwise
            np.testing.assert_allclose(q[:, 0], r * np.stack([np.cos(angle), np.sin(angle)], axis=1), atol=1e-7)


NAMES = ["three_body", "three_body_hgn", "two_body_hgn"]


@pytest.mark.parametrize("name", NAMES)
def test_places_are_turned_from_a_direction_in_a_square(name):
    system = RECIPES[name].tasks[0]
    bodies, ends = system.bodies_drawn, (system.radii.low, system.radii.high)
    assert ends == {"two_body_hgn": (0.5, 1.5)}.get(name, (0.9, 1.2))
    q = starts(system, DRAWS)[:, : 2 * bodies].reshape(DRAWS, bodies, 2)
    r, angle = np.hypot(*q[:, 0].T), np.arctan2(q[:, 0, 1], q[:, 0, 0])
    assert stats.kstest(r, stats.uniform(ends[0], ends[1] - ends[0]).cdf).pvalue > 1e-4
    side = np.round(angle / (np.pi / 2))  # of the square, that the direction meets at tan(angle from its middle)
    assert stats.kstest(np.tan(angle - side * np.pi / 2), stats.uniform(-1, 2).cdf).pvalue > 1e-4
    assert stats.chisquare(np.unique(side % 4, return_counts=True)[1]).pvalue > 1e-4
    places = q[..., 0] + 1j * q[..., 1]
    np.testing.assert_allclose(places, places[:, :1] * np.exp(2j * np.pi / bodies * np.arange(bodies)), atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_momenta_are_those_of_a_circle_but_for_noise(name):
    system = RECIPES[name].tasks[0]
    bodies, speed = system.bodies_drawn, {3: FACTOR, 2: 0.5}[system.bodies_drawn]
    q, p = starts(system, DRAWS).reshape(DRAWS, 2, bodies, 2).transpose(1, 0, 2, 3)
    circle = np.stack([q[..., 1], -q[..., 0]], axis=-1) * speed / np.linalg.norm(q, axis=-1, keepdims=True) ** 1.5
    factors = p / circle
    clockwise = factors[:, 0, 0] > 0
    assert (np.sign(factors) == np.where(clockwise, 1, -1)[:, None, None]).all()
    if name == "three_body":
        np.testing.assert_allclose(factors, 1, rtol=1e-12)
        return
    assert abs(clockwise.mean() - 0.5) < 0.03
    columns = np.abs(factors).reshape(DRAWS, -1).T
    for column in columns:
        assert stats.kstest(column, stats.uniform(0.9, 0.2).cdf).pvalue > 1e-4
    assert np.abs(np.corrcoef(columns) - np.eye(len(columns))).max() < 0.07  # each for itself


@pytest.mark.parametrize("kind", [ThreeBody, TwoBodyRing])
def test_a_ring_that_is_none_is_refused(kind):
    with pytest.raises(ValueError, match=rf"{kind.__name__}: radii = .* has to start above 0, where the bodies would"):
        kind(radii=uniform(0.0, 1.0))
    with pytest.raises(ValueError, match="orbit_noise = 1"):
        kind(orbit_noise=1.0)
