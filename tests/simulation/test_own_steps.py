"""Each member has as many steps of integration as its own motion needs, and no other number than before."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from slvm_data import RECIPES
from slvm_data.arrays import PARAMETER
from slvm_data.core.integrator import steps_in
from slvm_data.core.keys import exact
from slvm_data.simulation.batch import collect, longest_own_step, longest_step, prepare
from slvm_data.systems.drift import Ramp
from slvm_data.systems.two_body import TwoBody

N = 64


def members(name, task):
    """Members of a dataset with their first states, and the step of their population."""
    recipe = RECIPES[name]
    system, step = recipe.tasks[task], longest_step(recipe.tasks[task], recipe.interval(task))
    arrays = collect(recipe, task, "train", np.arange(N))
    for i in range(N):
        numbers = {key: arrays[PARAMETER + key][i].astype(float) for key in system.parameters()}
        yield system.member(numbers | {"substep": step}), arrays["state"][i, 0].astype(float), step


@pytest.mark.parametrize(("name", "share"), [("double_pendulum", 0.75), ("two_body", 0.3)])
def test_most_members_need_few_steps(name, share):
    frame, counts = RECIPES[name].dt_of(0), []
    with exact():
        for member, x0, step in members(name, 0):
            own = member.paced(x0, np.inf).substep
            assert own >= step
            counts.append((int(steps_in(jnp.asarray(frame), own)), int(steps_in(jnp.asarray(frame), step))))
    own, population = np.mean(counts, axis=0)
    print(f"{name}: {own:.1f} steps per frame, {population:.0f} for the population")
    assert own <= share * population


def test_two_bodies_turn_fastest_where_kepler_says():
    """The least step over an orbit, by SciPy, is the one that follows from energy and angular momentum."""
    with exact():
        for member, x0, _ in list(members("two_body3", 2))[:4]:
            m, g = np.asarray(member.m), float(member.g)

            def velocity(_, x, m=m, g=g):
                apart = x[2:4] - x[:2]
                pull = g * m[0] * m[1] * apart / np.hypot(*apart) ** 3
                return np.concatenate([x[4:6] / m[0], x[6:] / m[1], pull, -pull])

            states = solve_ivp(velocity, (0, 60), x0, rtol=1e-10, atol=1e-12, max_step=0.01).y
            apart, passing = states[2:4] - states[:2], states[6:] / m[1] - states[4:6] / m[0]
            turning = np.abs(apart[0] * passing[1] - apart[1] * passing[0]) / (apart**2).sum(axis=0)
            assert float(member.own_step(x0)) == pytest.approx(member.own_turn / turning.max(), rel=1e-3)


def test_bodies_that_do_not_attract_or_lose_energy():
    numbers = {"m": np.ones(2), "g": 0.0, "friction": 0.0, "substep": 0.01}
    x0 = np.array([1.0, 0.5, -1.0, -0.5, 0.3, -0.6, -0.3, 0.6])
    with exact():
        free = TwoBody().member(numbers)
        assert np.isfinite(free.own_step(x0))
        assert free.paced(x0, np.inf).substep > 0.01
        assert TwoBody().member(numbers | {"friction": 0.1}).paced(x0, np.inf).substep == 0.01


def test_what_is_given_or_driven_has_the_step_of_its_population():
    recipe = RECIPES["double_pendulum"]
    step = longest_step(recipe.tasks[0], recipe.interval(0))
    assert prepare(recipe, 0, "train").longest == np.inf
    given = dataclasses.replace(recipe, tasks=(dataclasses.replace(recipe.tasks[0], substep=0.02),))
    assert prepare(given, 0, "train").longest == longest_own_step(given.tasks[0], 0.02, ()) == 0.02
    drifting = dataclasses.replace(recipe, drift=(Ramp(of="g", to=4.0),))
    own = longest_step(drifting.reach(0), recipe.interval(0))
    assert (
        prepare(drifting, 0, "train").longest == longest_own_step(drifting.tasks[0], own, drifting.drift) == own <= step
    )


def test_an_estimate_that_is_no_number_changes_nothing():
    numbers = {"m": np.ones(2), "g": 1.0, "friction": 0.0, "substep": 0.01}
    with exact():
        member = TwoBody().member(numbers)
        assert member.paced(np.full(8, np.nan), np.inf).substep == 0.01
        assert member.paced(np.zeros(8), np.inf).substep == 0.01
