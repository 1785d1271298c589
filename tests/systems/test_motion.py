"""Motion against equations written by hand and solved by SciPy, and against the laws of mechanics."""

import dataclasses
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from slvm_data import RECIPES, DoublePendulum, MassSpring, Pendulum, Recipe, System, TwoBody, generate, sample, simulate
from slvm_data.core.keys import exact
from slvm_data.core.types import Arrays
from slvm_data.store import manifest
from slvm_data.systems.hamiltonian import Hamiltonian

MEMBERS = 64
T = np.arange(31) * 0.1  # s


def pendulum(c):
    return lambda y: [y[1] / (c["m"] * c["l"] ** 2), -c["m"] * c["g"] * c["l"] * np.sin(y[0])]


def mass_spring(c):
    return lambda y: [y[1] / c["m"], -c["k"] * y[0]]


def two_body(c):
    m1, m2 = c["m"].T

    def velocity(y):
        apart = y[2:4] - y[:2]
        pull = c["g"] * m1 * m2 * apart / (apart**2).sum(axis=0) ** 1.5
        return np.concatenate([y[4:6] / m1, y[6:8] / m2, pull, -pull])

    return velocity


def double_pendulum(c):
    """Hamilton's equations as textbooks print them, derived by hand from the Lagrangian."""
    (m1, m2), (l1, l2), g = c["m"].T, c["l"].T, c["g"]

    def velocity(y):
        a, b, p1, p2 = y
        sin, cos = np.sin(a - b), np.cos(a - b)
        d = m1 + m2 * sin**2
        h1 = p1 * p2 * sin / (l1 * l2 * d)
        h2 = (m2 * l2**2 * p1**2 + (m1 + m2) * l1**2 * p2**2 - 2 * m2 * l1 * l2 * p1 * p2 * cos) * 2 * sin * cos
        h2 /= 2 * l1**2 * l2**2 * d**2
        return [
            (l2 * p1 - l1 * p2 * cos) / (l1**2 * l2 * d),
            ((m1 + m2) * l1 * p2 - m2 * l2 * p1 * cos) / (m2 * l1 * l2**2 * d),
            -(m1 + m2) * g * l1 * np.sin(a) - h1 + h2,
            -m2 * g * l2 * np.sin(b) + h1 - h2,
        ]

    return velocity


EQUATIONS = {Pendulum: pendulum, MassSpring: mass_spring, TwoBody: two_body, DoublePendulum: double_pendulum}
"""Velocities [D N] of states [D N] without friction, from the parameters of the members [N …]."""
TOLERATED = {Pendulum: 1e-8, MassSpring: 1e-8, TwoBody: 1e-7, DoublePendulum: 1e-6}


@cache
def drawn(recipe: Recipe, task: int):
    """Parameters [N …] of random members of a task, by name, their first states [N D], and their energies [N 1000]."""
    view = tuple(dataclasses.replace(recipe.view_of(i), size=2) for i in range(len(recipe.tasks)))  # nobody looks
    long = dataclasses.replace(recipe, view=view, steps=1_000, record=("energy",))
    arrays = sample(long, index=slice(0, MEMBERS), task=task)
    parameters = {n.removeprefix("param_"): arrays[n].astype(float) for n in arrays if n.startswith("param_")}
    return parameters, arrays["state"][:, 0].astype(float), arrays["energy"]


@cache
def simulated(recipe: Recipe, task: int):
    """States [N 31 D] of these members over 3 s, in double precision."""
    parameters, start, _ = drawn(recipe, task)
    members = [{name: values[i] for name, values in parameters.items()} for i in range(MEMBERS)]
    return np.stack([simulate(recipe.tasks[task], own, x0, T) for own, x0 in zip(members, start, strict=True)])


def by_scipy(population, parameters, start, t):
    """States [N T D] by the equations above, with ṗ reduced by γ q̇, and the energy [N T] that this takes: ∫ γ |q̇|²."""
    velocity, friction, (N, D) = EQUATIONS[type(population)](parameters), parameters["friction"], start.shape

    def rubbed(_, y):
        q, p = np.split(np.asarray(velocity(y.reshape(D + 1, N)[:-1])), 2)
        return np.concatenate([q, p - friction * q, friction * (q**2).sum(axis=0)[None]]).ravel()

    begin = np.vstack([start.T, np.zeros(N)]).ravel()
    y = solve_ivp(rubbed, (0, t[-1] + 0.05), begin, "DOP853", t, rtol=1e-12, atol=1e-12).y.reshape(D + 1, N, len(t))
    return y[:-1].transpose(1, 2, 0), y[-1]


def test_states_are_those_of_scipy(smooth_task):
    recipe, number = smooth_task
    population, (parameters, start, _) = recipe.tasks[number], drawn(recipe, number)
    theirs, _ = by_scipy(population, parameters, start, T)
    worst = np.abs(simulated(recipe, number) - theirs).max()
    print(f"{recipe.name} {number}: largest error {worst:.1e}")
    assert worst < TOLERATED[type(population)]


@pytest.mark.parametrize(("steps", "tolerated"), [(30, 1e-9), (1000, 1e-8)])
def test_energy_is_kept_but_for_what_friction_takes(smooth_task, steps, tolerated):
    """H and the losses together are constant; the losses are SciPy's, by equations written by hand."""
    recipe, number = smooth_task
    population, (parameters, start, energy) = recipe.tasks[number], drawn(recipe, number)
    energy, lost = energy[:, :steps], np.zeros((MEMBERS, steps))
    if population.high("friction") > 0:
        lost = by_scipy(population, parameters, start, recipe.dt_of(number) * np.arange(steps))[1]
    drift = np.abs((energy + lost) / energy[:, :1] - 1).max()
    print(f"{recipe.name} {number}: relative drift over {steps} frames {drift:.1e}, lost {lost[:, -1].max():.1e} J")
    assert drift < tolerated
    assert ((lost[:, -1] > 0) == (parameters["friction"] > 0)).all()


@cache
def rubbing(dataset: Recipe) -> tuple[System, Arrays]:
    """The first task of a dataset with friction of 0.3, and its arrays, a millisecond from frame to frame."""
    systems = tuple(dataclasses.replace(system, friction=0.3) for system in dataset.tasks)
    recipe = dataclasses.replace(dataset, tasks=systems, dt=1e-3, record=dataset.recordable())
    return systems[0], sample(recipe, index=slice(0, MEMBERS))


def test_friction_takes_energy_at_the_right_rate(smooth_dataset):
    """dH/dt = -γ |∂H/∂p|², with dH/dt from a fine difference of stored energies and q̇ = ∂H/∂p."""
    _, arrays = rubbing(smooth_dataset)
    energy, velocity = arrays["energy"], arrays["dx_dt"].astype(float)
    coefficients = np.array([1, -9, 45, 0, -45, 9, -1]) / 0.06  # central difference of order 6
    rate = np.stack([np.convolve(h, coefficients, mode="valid") for h in energy])
    expected = -0.3 * (velocity[:, 3:-3, : velocity.shape[2] // 2] ** 2).sum(axis=2)
    error = np.abs(rate - expected) / np.maximum(1, np.abs(expected))
    print(f"{smooth_dataset.name}: dH/dt is off by {error.max():.1e}")
    assert error.max() < 1e-6
    assert expected.min() < -1e-3


def test_dx_dt_has_the_friction(smooth_dataset):
    population, arrays = rubbing(smooth_dataset)
    parameters = {n.removeprefix("param_"): arrays[n][0].astype(float) for n in arrays if n.startswith("param_")}
    states = simulate(population, parameters, arrays["state"][0, 0], arrays["time"][0, :7])
    coefficients = np.array([-1, 9, -45, 0, 45, -9, 1]) / 0.06
    np.testing.assert_allclose(arrays["dx_dt"][0, 3], coefficients @ states, rtol=2e-6, atol=2e-6)


def test_angles_are_recorded_by_sine_and_cosine(smooth_dataset):
    """For models and losses that must not see full turns: states count these, `angles` does not."""
    population, arrays = rubbing(smooth_dataset)
    angles = {"Pendulum": [0], "DoublePendulum": [0, 1]}.get(type(population).__name__, [])
    assert ("angles" in arrays) == bool(angles)
    for i, q in enumerate(angles):
        turned = np.stack([np.sin(arrays["state"][..., q]), np.cos(arrays["state"][..., q])], axis=-1)
        np.testing.assert_allclose(arrays["angles"][..., 2 * i : 2 * i + 2], turned, atol=1e-6)
    assert not angles or arrays["angles"].shape[-1] == 2 * len(angles)


def test_discs_as_point_masses_have_the_energy(smooth_task):
    """Kinetic plus potential energy of what is drawn equals H: the picture shows the system that moves."""
    recipe, number = smooth_task
    population, (parameters, _, energy) = recipe.tasks[number], drawn(recipe, number)
    assert recipe.dt_of(number) == T[1]
    x = simulated(recipe, number)[:, [0, 7, 29]]

    @jax.vmap
    def moving(parameters, x):
        member = population.template().member(parameters)

        def discs(x):
            velocities = jax.jvp(lambda y: member.bodies(y)[0], (x,), (member.velocity(x),))[1]
            return *member.bodies(x), velocities

        return jax.vmap(discs)(x)

    with exact():
        centres, radii, velocities = map(np.asarray, jax.jit(moving)(parameters, x))  # [N 3 B 2], [N 3 B], [N 3 B 2]
    masses = radii**2 * np.pi
    kinetic = (masses * (velocities**2).sum(axis=3)).sum(axis=2) / 2
    for i in range(MEMBERS):
        own = {name: values[i] for name, values in parameters.items()}
        total = kinetic[i] + potential(population, own, centres[i], masses[i])
        np.testing.assert_allclose(total, energy[i, [0, 7, 29]], rtol=1e-9, atol=1e-9)


def potential(population, c, centres, masses):
    """Potential energy [T] of point masses at these centres [T B 2]."""
    if isinstance(population, MassSpring):
        return c["k"] * centres[:, 0, 1] ** 2 / 2
    if isinstance(population, TwoBody):
        return -c["g"] * masses.prod(axis=1) / np.linalg.norm(centres[:, 0] - centres[:, 1], axis=1)
    height = centres[..., 1] + (c["l"] if isinstance(population, Pendulum) else 0)
    return (masses * c["g"] * height).sum(axis=1)


@pytest.mark.parametrize(
    ("population", "friction"),
    [
        *((Pendulum(m=0.5, l=0.7), friction) for friction in (1.0, 8.0, 20.0)),
        *((other, 20.0) for other in (MassSpring(m=0.4), TwoBody(m=0.5), RECIPES["double_pendulum3"].tasks[0])),
    ],
    ids=str,
)
def test_much_friction_is_as_accurate(population, friction, tmp_path):
    recipe = Recipe(
        name="rubbing", tasks=(dataclasses.replace(population, friction=friction),), train=64, val=0, test=0
    )
    entry = manifest.read(generate(recipe, tmp_path / "x")).certificate[0]
    print(f"{population} friction {friction}: error {entry.error:.1e}, drift {entry.energy_drift:.1e}")
    assert entry.error < 1e-6
    assert entry.energy_drift < 1e-6


def test_mass_spring_is_a_cosine():
    t = np.linspace(0, 20, 201)
    states = simulate(MassSpring(m=0.7, k=3.0), {}, [0.4, -0.5], t)
    w = np.sqrt(3.0 / 0.7)
    q = 0.4 * np.cos(w * t) - 0.5 / (0.7 * w) * np.sin(w * t)
    np.testing.assert_allclose(states[:, 0], q, atol=1e-8)


def test_two_equal_bodies_go_round_in_circles():
    rho = np.hypot(0.9, 1.2)
    start = np.array([0.9, 1.2, -0.9, -1.2, *(np.array([1.2, -0.9, -1.2, 0.9]) / (2 * rho**1.5))])
    turn = 4 * np.pi * rho**1.5
    states = simulate(TwoBody(m=1.0, g=1.0), {}, start, np.array([0.0, turn / 4, turn]))
    np.testing.assert_allclose(states[1, :4], [1.2, -0.9, -1.2, 0.9], atol=1e-9)  # clockwise
    np.testing.assert_allclose(states[2], start, atol=1e-9)


@pytest.mark.parametrize("name", ["two_body", "two_body3", "three_body", "two_body_hgn"])
def test_a_velocity_that_is_written_out_is_that_of_the_energy(name):
    """Hamilton's equations by automatic differentiation, with friction."""
    system, rng = RECIPES[name].tasks[0], np.random.default_rng(0)
    bodies = system.bodies_drawn
    with exact():
        for _ in range(20):
            numbers = {"m": rng.uniform(0.5, 1.5, bodies), "g": rng.uniform(0, 3), "friction": rng.uniform(0, 1)}
            member, x = system.member(numbers), jnp.asarray(rng.normal(size=len(system.state)))
            assert type(member).velocity is not Hamiltonian.velocity
            np.testing.assert_allclose(member.velocity(x), Hamiltonian.velocity(member, x), rtol=1e-12, atol=1e-13)
