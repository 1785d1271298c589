"""Two bodies move by Kepler's equation: against SciPy, the laws of motion, closed forms, and the integrator."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from slvm_data import RECIPES, Recipe, TwoBody, TwoBodyRing, generate, simulate
from slvm_data.core.integrator import solve
from slvm_data.core.keys import exact
from slvm_data.simulation.batch import program
from slvm_data.store import manifest
from slvm_data.systems import kepler
from slvm_data.systems.drift import Jump

T = np.array([0.0, 0.01, 0.3, 1.7, 4.0, 9.5, 31.0])  # s, in a few of which an orbit turns by a revolution or more
KINDS = {  # eccentricity, lowest and highest
    "nearly circles": (0.0, 1e-6),
    "ellipses": (0.0, 0.9),
    "long ellipses": (0.9, 0.999),
    "nearly parabolas": (1 - 1e-9, 1 + 1e-9),
    "hyperbolas": (1.001, 5.0),
    "nearly straight": (5.0, 1000.0),
}


def orbits(kind, count, seed=0):
    """Places and velocities [n 2] and attractions [n], at any place and in any direction, not only on the way out."""
    rng = np.random.default_rng(seed)
    e, pull, nearest = rng.uniform(*KINDS[kind], count), rng.uniform(0.2, 5, count), rng.uniform(0.3, 2, count)
    farthest = np.where(e < 1, np.pi, np.arccos(np.clip(-1 / np.maximum(e, 1), -1, 1)))
    angle, turn, way = rng.uniform(-0.9, 0.9, count) * farthest, rng.uniform(-9, 9, count), rng.choice([-1, 1], count)
    momentum = np.sqrt(pull * nearest * (1 + e))
    r = momentum**2 / pull / (1 + e * np.cos(angle))
    x = r * np.stack([np.cos(angle), way * np.sin(angle)])
    v = pull / momentum * np.stack([-np.sin(angle), way * (e + np.cos(angle))])
    turned = np.stack([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return *(np.einsum("ijn,jn->ni", turned, own) for own in (x, v)), pull


@jax.jit
@jax.vmap
def _moved(x, v, pull):
    return kepler.positions(kepler.orbit(x, v, pull), jax.numpy.asarray(T))


def moved(x, v, pull):
    """Places and velocities [n 2 T] at `T`."""
    with exact():
        return tuple(np.asarray(array) for array in _moved(x, v, pull))


def by_scipy(x, v, pull):
    """Place and velocity [4 T] at `T`, by equations written by hand."""

    def slope(_, y):
        return [*y[2:], *(-pull * y[:2] / np.hypot(*y[:2]) ** 3)]

    return solve_ivp(slope, (0, T[-1]), [*x, *v], "DOP853", T, rtol=1e-13, atol=1e-13).y


@pytest.mark.parametrize("kind", KINDS)
def test_orbits_are_those_of_scipy(kind):
    x, v, pull = orbits(kind, 5)
    places, velocities = moved(x, v, pull)
    for k in range(len(x)):
        found = by_scipy(x[k], v[k], pull[k])
        scale = np.abs(found).max(axis=1, keepdims=True)
        own = np.concatenate([places[k], velocities[k]])
        np.testing.assert_allclose(own / scale, found / scale, rtol=0, atol=3e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_energy_and_angular_momentum_are_kept(kind):
    x, v, pull = orbits(kind, 20_000)
    places, velocities = moved(x, v, pull)
    energies = (velocities**2).sum(axis=1) / 2, pull[:, None] / np.sqrt((places**2).sum(axis=1))
    turning = places[:, 0] * velocities[:, 1] - places[:, 1] * velocities[:, 0]
    energy, scale = energies[0] - energies[1], energies[0].max(axis=1, keepdims=True)
    drift = np.abs(energy - energy[:, :1]).max(axis=1) / scale[:, 0], np.abs(turning / turning[:, :1] - 1).max(axis=1)
    print(f"{kind}: energy {drift[0].max():.0e}, angular momentum {drift[1].max():.0e}")
    assert drift[0].max() < 1e-11
    assert drift[1].max() < 1e-9


@pytest.mark.parametrize("kind", KINDS)
def test_the_equation_is_solved_to_the_last_digits(kind):
    """From any first guess, also by one round less: no orbit is given up too early."""
    x, v, pull = orbits(kind, 20_000, seed=1)

    @jax.jit
    @jax.vmap
    def late(x, v, pull):
        own = kepler.orbit(x, v, pull)
        t = kepler._within_a_period(own, jax.numpy.asarray(T))
        s = kepler._begin(own, t)
        for _ in range(kepler.ROUNDS - 1):
            s = kepler._closer(own, s, t)
        return kepler._late(own, s, t) / (t + own.distance / jax.numpy.sqrt((v**2).sum()))

    with exact():
        assert np.abs(np.asarray(late(x, v, pull))).max() < 1e-11


SPECIAL = {
    "parabola": ([1.0, 0.0], [0.0, np.sqrt(2)], 1.0),
    "no attraction": ([1.0, 0.0], [0.3, 1.0], 0.0),
    "no attraction, outwards": ([1.0, 0.0], [1.0, 0.0], 0.0),
    "nothing moves": ([1.0, 0.0], [0.0, 0.0], 0.0),
    "hardly any attraction": ([1.0, 0.0], [0.3, 1.0], 1e-12),
    "straight outwards": ([1.0, 0.0], [2.0, 0.0], 1.0),
}


@pytest.mark.parametrize("kind", SPECIAL)
def test_orbits_in_which_a_formula_could_divide_by_zero(kind):
    x, v, pull = SPECIAL[kind]
    places, velocities = (array[0] for array in moved(np.array([x]), np.array([v]), np.array([pull])))
    found = by_scipy(x, v, pull)
    np.testing.assert_allclose(np.concatenate([places, velocities]), found, rtol=1e-9, atol=1e-9)


def members(g, friction):
    """Parameters and starts of pairs whose masses differ and whose centre moves."""
    rng, count = np.random.default_rng(1), len(g)
    with exact():
        starts = np.array(jax.vmap(TwoBody().start)(jax.random.split(jax.random.key(0), count)))
    numbers = {"m": rng.uniform(0.5, 2, (count, 2)), "g": np.asarray(g, float), "friction": np.asarray(friction, float)}
    return numbers, starts + rng.normal(0, 0.05, (count, 8))


def states(population, numbers, x0, t):
    def one(numbers, x0):
        return population.template().member(numbers | {"substep": 0.002}).simulate(x0, t, None)

    with exact():
        return np.asarray(jax.jit(jax.vmap(one))(numbers, x0))


@pytest.mark.parametrize("friction", [0.0, 0.2])
def test_pairs_move_as_the_integrator_moves_them(friction):
    """Also where masses differ and the centre of mass moves, and on hyperbolas (small g)."""
    numbers, x0 = members(np.linspace(0.0, 2.0, 12), np.full(12, friction))
    t = np.arange(30) * 0.1

    def one(numbers, x0):
        return solve(TwoBody(friction=0.5).template().member(numbers).velocity, x0, t, 0.002)

    with exact():
        other = np.asarray(jax.jit(jax.vmap(one))(numbers, x0))
    own = states(TwoBody(friction=friction), numbers, x0, t)
    np.testing.assert_array_equal(own[:, 0], x0)
    np.testing.assert_allclose(own, other, rtol=0, atol=1e-10)
    assert np.array_equal(own, other) == (friction > 0), "with friction it is this computation, else another one"


def test_nothing_is_integrated_without_friction(monkeypatch):
    """Nor compiled; and of the numbers, nothing but friction decides, so that tasks share a program."""
    numbers, x0 = members([1.0], [0.0])
    one, integrated = {name: value[0] for name, value in numbers.items()} | {"substep": 0.01}, []
    monkeypatch.setattr("slvm_data.systems.system.solve", lambda *_: integrated.append(1) or x0)
    for friction, times in ((0.0, 0), (0.1, 1)):
        member = TwoBody(friction=friction).template().member(one | {"friction": friction})
        jax.make_jaxpr(lambda x, member=member: member.simulate(x, np.arange(5) * 0.1, None))(x0[0])
        assert len(integrated) == times
    recipe = replace(RECIPES["two_body3"], tasks=(TwoBody(g=1.0), TwoBody(g=3.0), TwoBody(friction=0.1)))
    assert len({program(recipe, task) for task in range(3)}) == 2


def test_friction_that_drifts_from_zero_acts():
    system, t, start = TwoBody(m=1.0, g=1.0), np.arange(20) * 0.1, [0.9, 1.2, -0.9, -1.2, 0.3, -0.2, -0.3, 0.2]
    free = simulate(system, {}, start, t)
    same, rubbed = (simulate(system, {}, start, t, drift=[Jump(of="friction", to=to, at=0.2)]) for to in (0.0, 0.5))
    np.testing.assert_allclose(free, same, rtol=0, atol=1e-9)
    assert np.abs(rubbed[-1, 4:]).max() < 0.9 * np.abs(free[-1, 4:]).max()


def test_a_ring_of_two_goes_by_the_same_formula():
    assert isinstance(RECIPES["two_body_hgn"].tasks[0], TwoBodyRing)
    x0 = np.array([1.0, 0.0, -1.0, 0.0, 0.0, 0.5, 0.0, -0.5])  # a circle of radius 1 by g = 1, in 4 π s
    t = np.linspace(0, 4 * np.pi, 9)
    found = simulate(TwoBodyRing(m=1.0, g=1.0), {}, x0, t)
    np.testing.assert_allclose(found[:, :2], np.stack([np.cos(t / 2), np.sin(t / 2)], axis=1), atol=1e-13)


def test_the_validation_report_compares_with_an_integration(tmp_path):
    recipe = Recipe(name="pairs", tasks=(TwoBody(g=3.0), TwoBody(g=1.0, friction=0.1)), train=6, val=0, test=0)
    formula, stepwise = manifest.read(generate(recipe, tmp_path / "x")).certificate
    assert formula.substeps is None and stepwise.substeps > 0  # noqa: PT018
    assert 0 < formula.error < 1e-11
    assert formula.energy_drift < 1e-12
