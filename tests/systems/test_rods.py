"""A pole on a cart, two rods in a chain, and a rod on a spring, against equations of motion in velocities, by hand."""

import dataclasses
from functools import cache
from math import pi

import jax
import numpy as np
import pytest
from scipy import stats
from scipy.integrate import solve_ivp

from slvm_data import RECIPES, Acrobot, CartPole, ElasticDoublePendulum, sample, simulate, uniform
from slvm_data.core.keys import exact, of_data, root, stream

MEMBERS, DRAWS = 64, 5_000
NAMES = "cartpole", "acrobot", "elastic_double_pendulum_nsv"
POPULATIONS = {  # of members that differ in every constant
    "cartpole": CartPole(m=(uniform(0.4, 0.6), uniform(0.15, 0.3)), l=uniform(1.0, 1.5), g=uniform(5.0, 9.8)),
    "acrobot": Acrobot(
        m=(uniform(0.8, 1.2), uniform(0.5, 0.9)),
        l=(uniform(0.9, 1.1), uniform(0.6, 0.8)),
        inertia=(uniform(0.8, 1.0), uniform(0.5, 0.7)),
    ),
    "elastic_double_pendulum_nsv": ElasticDoublePendulum(m=uniform(0.1, 0.12), k=uniform(35.0, 45.0)),
}
STARTS = {  # lowest and highest value at the start of each coordinate, then of each velocity
    "cartpole": ((-2.2, 2.2), (-pi, pi), (-0.1, 0.1), (-0.2, 0.2)),
    "acrobot": ((-pi, pi),) * 4,
    "elastic_double_pendulum_nsv": ((0, 2 * pi), (0, 2 * pi), (-0.04, 0.04), (-6, 6), (-10, 10), (0, 0)),
}
CONSTANTS = {
    "cartpole": {"m": (0.5, 0.2), "l": 1.4, "g": 9.8},
    "acrobot": {"m": 1.0, "l": 1.0, "inertia": 1.0, "g": 9.8},
    "elastic_double_pendulum_nsv": {"m": 0.11, "l": (0.205, 0.179), "width": 0.038, "k": 40.0, "g": 9.81},
}


def cartpole(c, q, v, u):
    """Newton's law for the cart, and the balance of torques about the joint: M [D D N] and forces [D N]."""
    (pole, cart), l, g, sin, cos = c["m"].T, c["l"], c["g"], np.sin(q[1]), np.cos(q[1])
    couple = pole * l * cos / 2
    matrix = [[pole + cart, couple], [couple, pole * l**2 / 3]]
    return matrix, [u[0] + pole * l / 2 * v[1] ** 2 * sin, u[1] + pole * g * l / 2 * sin]


def acrobot(c, q, v, u):
    """Spong's equations, with d and phi as the textbook names them."""
    (m1, m2), (l1, l2), (i1, i2), g = c["m"].T, c["l"].T, c["inertia"].T, c["g"]
    a, b, sin, cos = l1 / 2, l2 / 2, np.sin(q[1]), np.cos(q[1])
    d1 = m1 * a**2 + m2 * (l1**2 + b**2 + 2 * l1 * b * cos) + i1 + i2
    d2, d3 = m2 * (b**2 + l1 * b * cos) + i2, m2 * b**2 + i2
    phi2 = m2 * b * g * np.sin(q[0] + q[1])
    phi1 = (m1 * a + m2 * l1) * g * np.sin(q[0]) + phi2 - m2 * l1 * b * v[1] * (v[1] + 2 * v[0]) * sin
    return [[d1, d2], [d2, d3]], [u[0] - phi1, u[1] - phi2 - m2 * l1 * b * v[0] ** 2 * sin]


def elastic_double_pendulum_nsv(c, q, v, u):
    """Lagrange's equations of the rod's middle at r (sin, -cos)(q1) + b (sin, -cos)(q2), over its mass."""
    (l1, l2), m, g = c["l"].T, c["m"], c["g"]
    r, b, sin, cos = l1 + q[2], l2 / 2, np.sin(q[0] - q[1]), np.cos(q[0] - q[1])
    turn, none = b**2 + (l2**2 + c["width"] ** 2) / 12, np.zeros_like(r)
    matrix = [[r**2, r * b * cos, none], [r * b * cos, turn, b * sin], [none, b * sin, none + 1]]
    first = -r * b * sin * v[1] ** 2 - 2 * r * v[0] * v[2] - g * r * np.sin(q[0])
    second = r * b * sin * v[0] ** 2 - 2 * b * cos * v[0] * v[2] - g * b * np.sin(q[1])
    along = r * v[0] ** 2 + b * cos * v[1] ** 2 + g * np.cos(q[0]) - c["k"] / m * q[2]
    return [[m * number for number in row] for row in matrix], [m * first, m * second, m * along]


EQUATIONS = {own.__name__: own for own in (cartpole, acrobot, elastic_double_pendulum_nsv)}


@cache
def drawn(name, own=False, first=0, count=MEMBERS):
    """Arrays of a dataset, of its `own` population or the one above, whose frames are small ones."""
    recipe = RECIPES[name]
    tasks, view = recipe.tasks if own else (POPULATIONS[name],), dataclasses.replace(recipe.view, size=2)
    small = dataclasses.replace(recipe, tasks=tasks, view=view, record=("energy", "dx_dt"))
    return sample(small, index=slice(first, first + count))


def acceleration(name, c, q, v, u):
    """Second derivatives [D N], from M q̈ = forces."""
    matrix, forces = EQUATIONS[name](c, q, v, u)
    return np.linalg.solve(np.moveaxis(np.array(matrix), -1, 0), np.array(forces).T[..., None])[..., 0].T


def velocities(name, c, q, p):
    """Velocities [D N] with these momenta [D N]: M q̇ = p."""
    return np.linalg.solve(inertia(name, c, q, q), p.T[..., None])[..., 0].T


def inertia(name, c, q, v):
    """The matrices M [N D D]."""
    rows = np.array([np.broadcast_arrays(*row, q[0])[:-1] for row in EQUATIONS[name](c, q, v, np.zeros(2))[0]])
    return np.moveaxis(rows, -1, 0)


@pytest.mark.parametrize("name", NAMES)
def test_states_are_those_of_scipy(name):
    """With constant controls; momenta too, which are M q̇ by hand, from the same M."""
    arrays, recipe = drawn(name), RECIPES[name]
    c = {key.removeprefix("param_"): arrays[key].astype(float) for key in arrays if key.startswith("param_")}
    x0, t = arrays["state"][:, 0].astype(float), np.arange(recipe.steps) * recipe.dt
    half = x0.shape[1] // 2
    controls = arrays["control"].astype(float) if recipe.control else None
    u = np.zeros((2, MEMBERS)) if controls is None else controls[:, 0].T

    def velocity(_, y):
        q, v = y.reshape(2, half, MEMBERS)
        return np.concatenate([v, acceleration(name, c, q, v, u)]).ravel()

    q0, p0 = np.split(x0.T, 2)
    start, how = np.concatenate([q0, velocities(name, c, q0, p0)]).ravel(), {"rtol": 1e-12, "atol": 1e-12}
    y = solve_ivp(velocity, (0, t[-1] + 0.01), start, "DOP853", t, **how).y.reshape(2, half, MEMBERS, len(t))
    q, v = y.transpose(0, 3, 1, 2)  # [T D N]
    p = np.stack([np.einsum("nij,jn->in", inertia(name, c, *own), own[1]) for own in zip(q, v, strict=True)])
    theirs = np.concatenate([q, p], axis=1).transpose(2, 0, 1)
    worst = 0.0
    for i in range(MEMBERS):
        own = {key: values[i] for key, values in c.items()}
        found = simulate(POPULATIONS[name], own, x0[i], t, control=None if controls is None else controls[i])
        worst = max(worst, np.abs(found - theirs[i]).max())
    print(f"{name}: {worst:.1e}")
    assert worst < 1e-8


@pytest.mark.parametrize("name", NAMES)
def test_a_control_gives_the_energy_of_its_work(name):
    """Power is force times velocity, so that a constant force gives the way times itself; without, energy stays."""
    arrays = drawn(name)
    gained, q = arrays["energy"] - arrays["energy"][:, :1], arrays["state"].astype(float)
    work = np.zeros_like(gained)
    if "control" in arrays:
        work = (arrays["control"] * (q - q[:, :1])[..., :2]).sum(axis=2)
        assert np.abs(work).max() > 1  # J
    assert np.abs(gained - work).max() < 1e-5
    free = np.abs(work).max(axis=1) == 0
    assert free.any()
    assert np.abs(gained[free]).max() < 1e-9


@pytest.mark.parametrize("name", NAMES)
def test_starts_and_constants_have_their_law(name):
    system = RECIPES[name].tasks[0]
    assert {key: getattr(system, key) for key in system.parameters()} == CONSTANTS[name]
    with exact():
        keys = jax.random.split(stream(of_data(root(5)), "start"), DRAWS)
        q, p = np.split(np.asarray(jax.jit(jax.vmap(member(name).start))(keys)).T, 2)
    v = velocities(name, {key: value[None] for key, value in constants(name).items()}, q, p)
    for column, (low, high) in zip([*q, *v], STARTS[name], strict=True):
        if low == high:
            assert np.abs(column - low).max() < 1e-9
        else:
            assert stats.kstest(column, stats.uniform(low, high - low).cdf).pvalue > 1e-4
    apart = np.corrcoef(np.concatenate([q, v])[:5]) - np.eye(5)[: 2 * len(q), : 2 * len(q)]
    assert np.abs(apart).max() < 0.06  # each for itself


@pytest.mark.parametrize(("name", "unit"), [("cartpole", 0.35), ("acrobot", 1)])
def test_nine_controls_are_those_of_the_source(name, unit):
    wanted = {(a, 0) for a in range(-2, 3)} | {(0, b) for b in range(-2, 3)}
    assert {(a, round(b / unit, 5)) for a, b in RECIPES[name].control.among} == wanted
    assert len(RECIPES[name].control.among) == 9


@pytest.mark.parametrize("name", NAMES)
def test_a_sequence_does_not_depend_on_its_neighbours(name):
    many = drawn(name)
    for key, array in drawn(name, first=61, count=2).items():
        np.testing.assert_array_equal(array, many[key][61:63], err_msg=key)


def test_what_leaves_the_scene_is_drawn_again():
    x = drawn("cartpole", own=True, count=512)["state"][..., 0]
    assert 2.3 < np.abs(x).max() <= 2.4
    state = drawn("elastic_double_pendulum_nsv", own=True, count=512)["state"].astype(float)
    (q1, q2, z), reach = state[..., :3].transpose(2, 0, 1), 0.205 + 0.179 + 0.16
    tips = [(0.205 + z) * turn(q1) + 0.179 * turn(q2) for turn in (np.sin, np.cos)]
    assert 0.95 * reach < np.abs(tips).max() <= reach + 1e-6
    assert -0.08 - 1e-6 <= z.min() < -0.075


def test_rods_are_drawn_where_they_are():
    with exact():
        ends, radii = (np.asarray(own) for own in member("cartpole").bodies(np.array([1.0, pi / 2, 0, 0])))
        np.testing.assert_allclose(ends, [[[1, 0], [2.4 - 0.225, 0]], [[0.8875, 0], [1.1125, 0]]], atol=1e-12)
        np.testing.assert_allclose(radii, [0.1125, 0.225])
        ends, _ = member("acrobot").bodies(np.array([pi / 2, pi / 2, 0, 0]))
        np.testing.assert_allclose(ends, [[[0, 0], [1, 0]], [[1, 0], [1, 1]]], atol=1e-12)
        ends, _ = member("elastic_double_pendulum_nsv").bodies(np.array([pi / 2, 0, 0.1, 0, 0, 0]))
        np.testing.assert_allclose(ends, [[[0, 0], [0.305, 0]], [[0.305, 0], [0.305, 0.063 - 0.179]]], atol=1e-12)


def constants(name):
    bodies = {"m": (1.0, 1.0), "l": (1.0, 1.0), "inertia": (1.0, 1.0)} if name == "acrobot" else {}
    return {key: np.asarray(value, float) for key, value in (CONSTANTS[name] | bodies).items()}


def member(name):
    """A member, within `exact`."""
    return RECIPES[name].tasks[0].member(constants(name))


def test_a_spring_without_length_is_refused():
    with pytest.raises(ValueError, match=r"a spring of -0.02 m is none: raise shortest, or stretch"):
        ElasticDoublePendulum(shortest=-0.225)
