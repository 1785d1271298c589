"""Motion against equations written by hand and solved by SciPy, and against the laws of mechanics."""

import dataclasses

import jax
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from slvm_data import DoublePendulum, MassSpring, Pendulum, Recipe, TwoBody, generate, sample, simulate
from slvm_data.core.keys import exact
from slvm_data.store import manifest

MEMBERS = 64


def pendulum(c):
    return lambda t, y: [y[1] / (c["m"] * c["l"] ** 2), -c["m"] * c["g"] * c["l"] * np.sin(y[0])]


def mass_spring(c):
    return lambda t, y: [y[1] / c["m"], -c["k"] * y[0]]


def two_body(c):
    def velocity(t, y):
        (m1, m2), apart = c["m"], y[2:4] - y[:2]
        pull = c["g"] * m1 * m2 * apart / np.dot(apart, apart) ** 1.5
        return np.concatenate([y[4:6] / m1, y[6:8] / m2, pull, -pull])

    return velocity


def double_pendulum(c):
    """Hamilton's equations as textbooks print them, derived by hand from the Lagrangian."""
    (m1, m2), (l1, l2), g = c["m"], c["l"], c["g"]

    def velocity(t, y):
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
TOLERATED = {Pendulum: 1e-8, MassSpring: 1e-8, TwoBody: 1e-7, DoublePendulum: 1e-6}


def drawn(recipe: Recipe, task: int, **changes):
    """Constants, starts and everything else of random members of a task."""
    recipe = dataclasses.replace(recipe, **changes)
    arrays = sample(recipe, index=slice(0, MEMBERS), task=task)
    names = [name for name in arrays if name.startswith("param_")]
    members = [{n.removeprefix("param_"): arrays[n][i].astype(float) for n in names} for i in range(MEMBERS)]
    return members, arrays


def with_friction(velocity, friction):
    """Hamilton's equations with ṗ reduced by γ q̇."""

    def rubbed(t, y):
        q, p = np.split(np.asarray(velocity(t, y)), 2)
        return np.concatenate([q, p - friction * q])

    return rubbed


def test_states_are_those_of_scipy(smooth_task):
    recipe, number = smooth_task
    population = recipe.tasks[number]
    members, arrays = drawn(recipe, number)
    t, worst = np.arange(31) * 0.1, 0.0
    for constants, start in zip(members, arrays["state"][:, 0].astype(float), strict=True):
        ours = simulate(population, constants, start, t)
        velocity = with_friction(EQUATIONS[type(population)](constants), constants["friction"])
        theirs = solve_ivp(velocity, (0, 3.05), start, "DOP853", t, rtol=1e-12, atol=1e-12).y.T
        worst = max(worst, np.abs(ours - theirs).max())
    print(f"{recipe.name} {number}: largest error {worst:.1e}")
    assert worst < TOLERATED[type(population)]


@pytest.mark.parametrize(("steps", "tolerated"), [(30, 1e-9), (1000, 1e-8)])
def test_energy_is_kept(smooth_task, steps, tolerated):
    recipe, number = smooth_task
    if recipe.tasks[number].high("friction") > 0:
        return  # its losses are measured below
    _, arrays = drawn(recipe, number, steps=steps, record=("energy",))
    energy = arrays["energy"]
    drift = np.abs(energy / energy[:, :1] - 1).max()
    print(f"{recipe.name} {number}: relative drift over {steps} frames {drift:.1e}")
    assert drift < tolerated


def test_friction_takes_energy_at_the_right_rate(smooth_dataset):
    """dH/dt = -γ |∂H/∂p|², with dH/dt from a fine difference of stored energies and q̇ = ∂H/∂p."""
    rubbing = tuple(dataclasses.replace(system, friction=0.1) for system in smooth_dataset.tasks)
    recipe = dataclasses.replace(smooth_dataset, tasks=rubbing, dt=1e-3, steps=31, record=("energy", "dx_dt"))
    arrays = sample(recipe, index=slice(0, MEMBERS))
    energy, velocity = arrays["energy"], arrays["dx_dt"].astype(float)
    coefficients = np.array([1, -9, 45, 0, -45, 9, -1]) / (60 * recipe.dt)  # central difference of order 6
    rate = np.stack([np.convolve(h, coefficients, mode="valid") for h in energy])
    expected = -0.1 * (velocity[:, 3:-3, : velocity.shape[2] // 2] ** 2).sum(axis=2)
    error = np.abs(rate - expected) / np.maximum(1, np.abs(expected))
    print(f"{recipe.name}: dH/dt is off by {error.max():.1e}")
    assert error.max() < 1e-6
    assert expected.min() < -1e-3


def test_dx_dt_has_the_friction(smooth_dataset):
    rubbing = tuple(dataclasses.replace(system, friction=0.3) for system in smooth_dataset.tasks)
    arrays = sample(dataclasses.replace(smooth_dataset, tasks=rubbing, dt=1e-3, steps=7, record=("dx_dt",)))
    population = rubbing[0]
    constants = {n.removeprefix("param_"): arrays[n][0].astype(float) for n in arrays if n.startswith("param_")}
    states = simulate(population, constants, arrays["state"][0, 0], arrays["time"])
    coefficients = np.array([-1, 9, -45, 0, 45, -9, 1]) / 0.06
    np.testing.assert_allclose(arrays["dx_dt"][0, 3], coefficients @ states, rtol=2e-6, atol=2e-6)


def test_discs_as_point_masses_have_the_energy(smooth_task):
    """Kinetic plus potential energy of what is drawn equals H: the picture shows the system that moves."""
    recipe, number = smooth_task
    members, arrays = drawn(recipe, number, record=("energy",))
    population = recipe.tasks[number]
    for i, constants in enumerate(members):
        member = population.template().member(constants)
        x = simulate(population, constants, arrays["state"][i, 0], recipe.time(number))[[0, 7, 29]]
        with exact():
            centres, radii = jax.vmap(member.bodies)(x)
            velocities = jax.vmap(lambda x: jax.jvp(lambda y: member.bodies(y)[0], (x,), (member.velocity(x),))[1])(x)
        masses = np.asarray(radii) ** 2 * np.pi
        kinetic = (masses * (np.asarray(velocities) ** 2).sum(axis=2)).sum(axis=1) / 2
        total = kinetic + potential(population, constants, np.asarray(centres), masses)
        np.testing.assert_allclose(total, arrays["energy"][i, [0, 7, 29]], rtol=1e-9, atol=1e-9)


def potential(population, c, centres, masses):
    """Potential energy [T] of point masses at these centres [T B 2]."""
    if isinstance(population, MassSpring):
        return c["k"] * centres[:, 0, 1] ** 2 / 2
    if isinstance(population, TwoBody):
        return -c["g"] * masses.prod(axis=1) / np.linalg.norm(centres[:, 0] - centres[:, 1], axis=1)
    height = centres[..., 1] + (c["l"] if isinstance(population, Pendulum) else 0)
    return (masses * c["g"] * height).sum(axis=1)


@pytest.mark.parametrize("friction", [1.0, 8.0, 20.0])
@pytest.mark.parametrize(
    "population", [Pendulum(m=0.5, l=0.7), MassSpring(m=0.4), TwoBody(m=0.5), DoublePendulum()], ids=str
)
def test_much_friction_is_as_accurate(population, friction, tmp_path):
    recipe = Recipe(
        name="rubbing", tasks=(dataclasses.replace(population, friction=friction),), train=64, val=0, test=0
    )
    recipe = dataclasses.replace(recipe, view=dataclasses.replace(recipe.view, size=2))
    entry = manifest.read(generate(recipe, tmp_path / "x"))["certificate"][0]
    print(f"{population} friction {friction}: error {entry['error']:.1e}, drift {entry['energy_drift']:.1e}")
    assert entry["error"] < 1e-6
    assert entry["energy_drift"] < 1e-6


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
