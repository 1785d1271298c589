"""Irregular, controlled and drifting motion against equations written by hand, a physics engine, and closed forms."""

import dataclasses
from itertools import pairwise

import jax
import numpy as np
import pytest
from scipy import stats
from scipy.integrate import solve_ivp

from slvm_data import RECIPES, BallBox, DoublePendulum, MassSpring, Pendulum, simulate
from slvm_data.core.keys import exact, of_data, root, stream
from slvm_data.simulation.member import impacts
from slvm_data.systems import control, drift
from slvm_data.systems.control import Choice, Constant, Control, Held, OrnsteinUhlenbeck
from slvm_data.systems.drift import Drift, Jump, Ramp

RNG = np.random.default_rng(3)
T = np.concatenate([[0.0], np.sort(RNG.uniform(0, 4, 24))])  # s, irregular


def by_scipy(velocity, x0, cuts):
    """States at the times T, solved from each cut to the next, within which `velocity(t, y, frame)` is smooth."""
    cuts = np.unique(np.concatenate([T, cuts]))
    found, x = [np.array(x0)], np.array(x0)
    for a, b in pairwise(cuts):
        frame = np.searchsorted(T, a, side="right") - 1
        how = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-12}
        x = solve_ivp(lambda t, y, frame=frame, a=a: velocity(t, y, frame, a), (a, b), x, **how).y[:, -1]
        found.append(x)
    return np.array(found)[np.searchsorted(cuts, T)]


def moves(start, to, share):
    return start + (to - start) * share


def test_pendulum_with_torque_and_three_kinds_of_drift():
    m, g, l, friction, end = 0.5, 3.0, 1.0, 0.05, T[-1]
    u, jump = RNG.uniform(-1, 1, (25, 1)), float(np.float32(0.37)) * T[-1]

    def velocity(t, y, frame, since):
        m_ = moves(m, 0.75, (1 - np.cos(2 * np.pi * 2 * t / end)) / 2)
        g_, l_ = (5.0 if since >= jump else g), moves(l, 1.5, t / end)
        turn = y[1] / (m_ * l_**2)
        return [turn, -m_ * g_ * l_ * np.sin(y[0]) - friction * turn + u[frame, 0]]

    rules = (Jump(of="g", to=5.0, at=0.37), Ramp(of="l", to=1.5), drift.Sine(of="m", to=0.75, cycles=2.0))
    system = Pendulum(m=m, g=g, l=l, friction=friction)
    found = simulate(system, {}, [1.0, 0.5], T, control=u, drift=rules)
    assert np.abs(found - by_scipy(velocity, [1.0, 0.5], [jump])).max() < 1e-8


def test_mass_spring_with_a_force():
    u = RNG.uniform(-1, 1, (25, 1))
    found = simulate(MassSpring(m=0.5, k=2.0), {}, [0.5, 0.1], T, control=u)
    wanted = by_scipy(lambda t, y, frame, _: [y[1] / 0.5, -2.0 * y[0] + u[frame, 0]], [0.5, 0.1], [])
    assert np.abs(found - wanted).max() < 1e-8


def test_double_pendulum_with_torques_and_a_jump_of_both_masses():
    """Lagrange's equations for the angles: M q̈ + … = Q, with the torque at the joint on both arms."""
    g, (l1, l2), jump, u = 3.0, (1.0, 0.8), float(np.float32(0.4)) * T[-1], RNG.uniform(-1, 1, (25, 2))
    masses = np.array([[0.5, 0.6], [0.75, 0.5]])

    def velocity(t, y, frame, since):  # of angles and conjugate momenta p = M q̇
        (a, b), (m1, m2) = y[:2], masses[int(since >= jump)]
        cross = m2 * l1 * l2 * np.cos(a - b)
        w1, w2 = np.linalg.solve([[(m1 + m2) * l1**2, cross], [cross, m2 * l2**2]], y[2:])
        bend = m2 * l1 * l2 * w1 * w2 * np.sin(a - b)
        p1 = -bend - (m1 + m2) * g * l1 * np.sin(a) + u[frame, 0] - u[frame, 1]
        return [w1, w2, p1, bend - m2 * g * l2 * np.sin(b) + u[frame, 1]]

    system, start = DoublePendulum(m=(0.5, 0.6), l=(1.0, 0.8), g=g), [0.9, -0.4, 0.3, 0.2]
    found = simulate(system, {}, start, T, control=u, drift=(Jump(of="m", to=(0.75, 0.5), at=0.4),))
    assert np.abs(found - by_scipy(velocity, start, [jump])).max() < 1e-6


@pytest.mark.parametrize("restitution", [1.0, 0.8])
def test_a_ball_under_control_is_that_of_a_physics_engine(in_engine, restitution):
    ball, start = BallBox(g=(0.0, 2.5), restitution=restitution), [16.0, 12.0, 9.0, 6.0]
    u, t = RNG.uniform(-6, 6, (20, 2)), np.arange(20) * 0.1
    found, hits = simulate(ball, {}, start, t, control=u), impacts(ball, {}, start, t, control=u)
    assert (hits["wall"] >= 0).sum() >= 1
    assert np.abs(found[:, :2] - in_engine(ball, start, u + ball.g)).max() < 1e-2


def test_parts_of_constant_acceleration_are_exact():
    """A control that is g, or a jump to the g that there was already, changes nothing; two parts are two flights."""
    start, t = [16.0, 12.0, 3.0, 9.0], np.arange(40) * 0.25
    free, down = BallBox(g=(0.0, 0.0)), BallBox(g=(0.5, 2.5))
    wanted, hits = simulate(down, {}, start, t), impacts(down, {}, start, t)
    u = np.tile([0.5, 2.5], (40, 1))
    np.testing.assert_allclose(simulate(free, {}, start, t, control=u), wanted, atol=1e-10)
    found, n = impacts(free, {}, start, t, control=u), (hits["wall"] >= 0).sum()
    assert n >= 4
    assert (found["wall"][:n] == hits["wall"][:n]).all()
    assert (found["wall"][n:] == -1).all()
    for name in ("time", "before", "after"):
        np.testing.assert_allclose(found[name][:n], hits[name][:n], atol=1e-10)
        assert (found[name][n:] == 0).all()
    jump = (Jump(of="g", to=(0.0, -2.5), at=0.5),)  # 4.875 s lies between two frames
    both = simulate(down, {}, start, t, drift=jump)
    middle = simulate(down, {}, start, np.array([0.0, 4.875]))[1]
    after = simulate(BallBox(g=(0.0, -2.5)), {}, middle, np.concatenate([[4.875], t[20:]]))[1:]
    np.testing.assert_allclose(both, np.concatenate([wanted[:20], after]), atol=1e-10)


def drawn(rule, inputs=2, t=T, n=4000):
    """Controls [n T U] of many sequences."""
    with exact():
        keys = jax.random.split(stream(of_data(root(5)), "control"), n)
        return np.asarray(jax.jit(jax.vmap(lambda key: rule.values(key, t, inputs)))(keys))


def test_held_values_are_uniform_and_kept():
    u = drawn(Held(low=(-1.0, 0.0), high=2.0, steps=4))
    blocks = u[:, ::4]
    np.testing.assert_array_equal(u, np.repeat(blocks, 4, axis=1)[:, : len(T)])
    assert stats.kstest((blocks[:, 3, 0] + 1) / 3, "uniform").pvalue > 1e-4
    assert stats.kstest(blocks[:, 3, 1] / 2, "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(blocks[:, 3, 0], blocks[:, 4, 0])[0, 1]) < 0.08


def test_ornstein_uhlenbeck_has_its_law_at_irregular_times():
    """Normal with deviation σ / √(2 θ), and correlation exp(-θ |t - s|)."""
    u = drawn(OrnsteinUhlenbeck(mean=1.0, rate=0.7, sigma=(0.5, 2.0)))
    for i, sigma in enumerate((0.5, 2.0)):
        scaled = (u[..., i] - 1) / (sigma / np.sqrt(1.4))
        assert stats.kstest(scaled[:, 0], "norm").pvalue > 1e-4
        assert stats.kstest(scaled[:, 20], "norm").pvalue > 1e-4
        for a, b in ((3, 4), (3, 9)):
            assert abs(np.mean(scaled[:, a] * scaled[:, b]) - np.exp(-0.7 * (T[b] - T[a]))) < 0.08


def test_sines_constants_and_choices():
    u = drawn(control.Sine(amplitude=2.0, frequency=0.25, phase=(0.0, 0.5)), n=1)[0]
    np.testing.assert_allclose(u, 2 * np.sin(2 * np.pi * 0.25 * T[:, None] + [0.0, 0.5]), atol=1e-14)
    u = drawn(Constant(value=-3.0), n=1)
    assert (u == -3).all()
    (one, other), counts = np.unique(drawn(Choice(among=(3.0, (1.0, 2.0))))[:, 5], axis=0, return_counts=True)
    assert (one.tolist(), other.tolist()) == ([1.0, 2.0], [3.0, 3.0])
    assert abs(counts[0] / 4000 - 0.5) < 0.04
    every = drawn(Constant(value=(control_range(), 1.0)))
    assert (every == every[:, :1]).all()
    assert stats.kstest(every[:, 0, 0] / 2, "uniform").pvalue > 1e-4
    assert (every[..., 1] == 1).all()


def test_a_choice_has_something_to_choose_from():
    with pytest.raises(ValueError, match=r"choice: among is empty: give the values, such as \[-1,1\]"):
        Control.parse("choice(among=[])")


def control_range():
    return Constant.parse("constant(value=0..2)").value


@pytest.mark.parametrize(
    "text",
    [
        *("constant(value=[0,0.5..2])", "choice(among=[[0,1],[2,-3.5]])", "choice(among=[-2,0,2])"),
        *("held(low=-2,steps=3)", "ornstein_uhlenbeck(rate=[1,2])", "sine(phase=0..3)"),
    ],
)
def test_controls_are_their_texts_and_json(text):
    rule = Control.parse(text)
    assert str(rule) == text
    assert Control.__of_json__(rule.__json__(), "x") == rule


@pytest.mark.parametrize(
    "text", ["jump(of=g,to=[0,1..2],at=0.5)", "ramp(of=m,to=0.3)", "sine(of=m,to=0.3,cycles=1..2)"]
)
def test_drifts_are_their_texts_and_json(text):
    rule = Drift.parse(text)
    assert str(rule) == text
    assert Drift.__of_json__(rule.__json__(), "x") == rule


REFUSED = (
    ("lorenz", {"control": Held()}, "Lorenz takes no control, since it names no inputs: leave held out"),
    ("pendulum", {"control": Held(low=(0.0, 0.0))}, r"held.* low has 2 values, and Pendulum has 1 input \(torque\)"),
    ("pendulum", {"control": Choice(among=((0.0, 1.0),))}, "value has 2 values, and Pendulum has 1 input"),
    ("pendulum", {"drift": (Jump(of="h", to=1.0),)}, "Pendulum has no parameter 'h' that can drift; it has friction"),
    ("lorenz", {"drift": (Jump(of="observation_noise", to=1.0),)}, "has no parameter 'observation_noise' that can"),
    ("pendulum", {"drift": (Jump(of="m"),)}, r"say where m goes, such as jump\(of=m,to=1.5\)"),
    ("pendulum", {"drift": (Jump(of="m", to=0.0),)}, r"jump\(of=m,to=0\): Pendulum: m = 0.0 has to be above 0"),
    ("gravity", {"drift": (Jump(of="g", to=1.0),)}, "BallBox: g = 1.0 does not fit: 2 values expected"),
    ("gravity", {"drift": (Ramp(of="g", to=(0.0, 1.0)),)}, "BallBox has a closed form, so its parameters only jump"),
    ("pendulum", {"drift": (Ramp(of="g", to=1.0), Jump(of="g", to=2.0))}, "there is another drift of g: leave one out"),
    ("nascar", {"drift": (Jump(of="observation_noise", to=1.0),)}, "Rslds moves in steps"),
    ("pendulum", {"control": (Held(),)}, r"control = .* has to be a control, such as Constant\(\)"),
    ("pendulum", {"drift": Jump(of="g", to=1.0)}, "has to be a tuple"),
)


@pytest.mark.parametrize(("name", "rules", "says"), REFUSED)
def test_what_does_not_fit_is_refused(name, rules, says):
    with pytest.raises(ValueError, match=says):
        dataclasses.replace(RECIPES[name], **rules)


def test_simulate_refuses_what_does_not_fit():
    for system, acting, says in (
        (
            Pendulum(),
            {"control": np.zeros((3, 2))},
            r"control has the shape \(3, 2\); expected are finite numbers \[25, 1",
        ),
        (RECIPES["lorenz"].tasks[0], {"control": np.zeros((25, 1))}, "Lorenz takes no control: leave it out"),
        (Pendulum(), {"drift": (Jump(of="g", to=1.0),)}, "is drawn for each sequence: give the numbers of this one"),
    ):
        with pytest.raises(ValueError, match=says):
            simulate(system, {}, [1.0] * len(system.state), T, **acting)
