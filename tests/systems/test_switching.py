"""Switching systems against SciPy, statistics and equations written by hand."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.stats import chisquare, kstest

from slvm_data import (
    RECIPES,
    BouncingBall1D,
    ExplicitDuration,
    Lorenz,
    Rslds,
    SwitchingDoublePendulum,
    sample,
    simulate,
    uniform,
)
from slvm_data.recipe.overrides import override
from slvm_data.simulation.batch import shared_parameters

NASCAR = RECIPES["nascar"].tasks[0]
THREE_MODE = RECIPES["three_mode"].tasks[0]


def uncut(name, split="train", index=slice(0, 1), **changes):
    """Uncut trajectories: state [N T D], latent, mode, signal."""
    return sample(dataclasses.replace(RECIPES[name], windows=None, **changes), split, index)


def visits(mode):
    """Regimes [n] and lengths [n] of the stretches of one regime in [T]."""
    ends = np.append(np.flatnonzero(np.diff(mode)) + 1, len(mode))
    return mode[ends - 1], np.diff(ends, prepend=0)


@pytest.fixture(scope="module")
def laps():
    """Twenty seeds of 10,000 steps."""
    found = [uncut("nascar", index=0, seed=seed) for seed in range(20)]
    return {name: np.stack([one[name] for one in found]) for name in ("state", "mode", "signal")}


def test_nascar_drives_as_the_original_does(laps):
    mode, state = laps["mode"], laps["state"]
    assert mode.shape == (20, 10_000)
    turns = {(a, b) for row in mode for a, b in pairwise(row) if a != b}
    assert turns == {(0, 3), (3, 1), (1, 2), (2, 0)}
    occupancy = np.bincount(mode.ravel()) / mode.size
    begun = [np.flatnonzero((row[1:] == 0) & (row[:-1] != 0)) for row in mode]
    lap = np.concatenate([np.diff(starts) for starts in begun]).mean()
    print(f"nascar: occupancy {occupancy.round(4)}, lap {lap:.1f}, reach {np.abs(state).max(axis=(0, 1)).round(2)}")
    np.testing.assert_allclose(occupancy, [0.205, 0.377, 0.323, 0.095], atol=0.03)
    assert 115 <= lap <= 129
    assert (np.abs(state).max(axis=(0, 1)) <= [5.5, 3.5]).all()


def test_one_trajectory_in_ten_leaves_the_track():
    """As in a simulation of 2,000 in NumPy, where 9.4 % did; rejection leaves the others as they are."""
    recipe = dataclasses.replace(RECIPES["nascar"], windows=None, train=300)
    free = dataclasses.replace(recipe, tasks=(dataclasses.replace(NASCAR, reach=()),))
    states = sample(free, index=slice(0, 300))["state"]
    left = (np.abs(states).max(axis=1) > [5.5, 3.5]).any(axis=1)
    print(f"nascar: {left.mean():.1%} of trajectories would leave the track")
    assert 0.04 < left.mean() < 0.16
    kept = sample(recipe, index=slice(0, 60))["state"]
    assert left[:60].any()
    np.testing.assert_array_equal(kept[~left[:60]], states[:60][~left[:60]])
    assert (np.abs(kept) <= [5.5, 3.5]).all()


def test_one_regime_is_a_linear_system():
    system = Rslds(A=np.eye(2)[None], b=((0.1, 0.0),), R=(), r=(), process_noise=0.0, first=(0.0, 0.0), spread=0.0)
    recipe = dataclasses.replace(RECIPES["nascar"], tasks=(system,), windows=None, steps=5)
    found = sample(recipe, index=0)
    np.testing.assert_allclose(found["state"][:, 0], np.arange(5) * 0.1, atol=1e-6)
    assert not found["mode"].any()


def test_nascar_moves_and_switches_by_the_rule(laps):
    """Rotations about (±2, 0) and straights, written by hand; regions of the plane decide the regime."""
    x, z = laps["state"].astype(float), laps["mode"]
    before, regime = x[:, :-1], z[:, 1:, None]

    def turned(degrees, middle):
        a, away = np.deg2rad(degrees), before - [middle, 0.0]
        return np.stack([
            np.cos(a) * away[..., 0] - np.sin(a) * away[..., 1] + middle,
            np.sin(a) * away[..., 0] + np.cos(a) * away[..., 1],
        ], axis=-1)  # fmt: skip

    moved = [turned(-7.5, 2.0), turned(-3.75, -2.0), before + np.array([0.1, 0.0]), before - np.array([0.35, 0.0])]
    noise = x[:, 1:] - np.select([regime == k for k in range(4)], moved)
    np.testing.assert_allclose(noise.std(axis=(0, 1)), 0.01, rtol=0.01)
    np.testing.assert_allclose(noise.mean(axis=(0, 1)), 0.0, atol=1e-4)
    chosen_at = np.concatenate([x[:, :1], x[:, :-2]], axis=1)  # one frame before the move, the first two at the start
    right, up = chosen_at[..., 0], chosen_at[..., 1]
    clear = (np.abs(np.abs(right) - 2) > 0.2) & (np.abs(up) > 0.2)
    region = np.select([right > 2, right < -2, up > 0], [0, 1, 2], 3)
    np.testing.assert_array_equal(z[:, 1:][clear], region[clear])
    np.testing.assert_array_equal(z[:, 0], z[:, 1])
    assert 0.5 < clear.mean() < 1


def moved_by_its_regime(arrays, A, b):
    """Largest difference of x_t from A x_{t-1} + b with the regime of t, over all t ≥ 1, of trajectories [N T]."""
    x, z = arrays["state"].astype(float), arrays["mode"]
    assert set(np.unique(z[:, 1:])) == set(range(len(A)))  # none goes unchecked
    moved = np.einsum("ntij,ntj->nti", np.array(A)[z[:, 1:]], x[:, :-1]) + np.array(b)[z[:, 1:]]
    return np.abs(x[:, 1:] - moved).max()


def test_a_regime_is_that_of_the_move_to_its_frame():
    """Without process noise x_t = A x_{t-1} + b with the regime of t, to float32, in both linear switching systems."""

    def turn(angle, by=1.0):
        c, s = by * np.cos(angle), by * np.sin(angle)
        return [[c, s], [-s, c]]

    c, s = (np.cos([np.pi / 24, np.pi / 48]), np.sin([np.pi / 24, np.pi / 48]))
    A = [turn(np.pi / 24), turn(np.pi / 48), np.eye(2), np.eye(2)]
    b = [[2 - 2 * c[0], 2 * s[0]], [-2 + 2 * c[1], -2 * s[1]], [0.1, 0.0], [-0.35, 0.0]]
    car = dataclasses.replace(NASCAR, A=A, b=b, process_noise=0.0)
    arrays = uncut("nascar", tasks=(car,), index=slice(0, 5))
    assert moved_by_its_regime(arrays, A, b) < 2e-6
    np.testing.assert_array_equal(arrays["mode"][:, 0], arrays["mode"][:, 1])
    A = [turn(0.0, 0.99), turn(np.pi / 8, 0.99), turn(np.pi / 4, 0.99)]
    b = [[0.0, 0.0], [0.3, -0.2], [-0.1, 0.4]]
    spiral = dataclasses.replace(THREE_MODE, A=A, b=b, process_noise=0.0)
    assert moved_by_its_regime(uncut("three_mode", tasks=(spiral,), index=slice(0, 50)), A, b) < 2e-6


def test_regimes_follow_the_broken_stick():
    """Chances of three regimes at one place, far from certain, against the formula."""
    R, r, first = np.array([[1.0, -0.5], [0.3, 2.0]]), np.array([0.2, -0.7]), (1.0, 0.4)
    A = np.tile(np.eye(2), (3, 1, 1))
    system = Rslds(A=A, b=np.zeros((3, 2)), R=R, r=r, first=first, spread=0.0, process_noise=0.0)
    recipe = dataclasses.replace(RECIPES["nascar"], tasks=(system,), windows=None, steps=4_000, train=3)
    mode = sample(recipe, index=slice(0, 3))["mode"]
    s = 1 / (1 + np.exp(-(R @ first + r)))
    expected = mode.size * np.array([s[0], (1 - s[0]) * s[1], (1 - s[0]) * (1 - s[1])])
    assert chisquare(np.bincount(mode.ravel(), minlength=3), expected).pvalue > 1e-3


@pytest.fixture(scope="module")
def networks():
    """Sequences of the cosine networks, and the arrays that they share, in double precision."""
    found = uncut("switching_cosine", index=slice(0, 256))
    return {name: found[name].astype(float) for name in ("state", "signal")} | {"mode": found["mode"]}


@pytest.fixture(scope="module")
def shared():
    """The arrays that all sequences of the cosine networks share."""
    return shared_parameters(RECIPES["switching_cosine"], 0)


def test_cosine_networks_move_by_the_rule(networks, shared):
    """What a state is apart from its network's value is noise of variance 0.05; the signal has none."""
    x, z = networks["state"], networks["mode"][:, 1:]
    angles = np.einsum("ntihj,ntj->ntih", shared["omega"][z], x[:, :-1]) + shared["beta"][z]
    noise = (x[:, 1:] - (shared["alpha"][z] * np.cos(angles)).sum(axis=-1)).reshape(-1, 2)
    for own in noise.T:
        assert kstest(own, "norm", (0, np.sqrt(0.05))).pvalue > 1e-3
    assert abs(np.corrcoef(noise.T)[0, 1]) < 0.02
    hidden = x @ shared["W"] + shared["w"]
    np.testing.assert_allclose(networks["signal"], np.where(hidden > 0, hidden, hidden / 5) @ shared["C"], atol=1e-6)


def test_cosine_networks_take_turns(networks, shared):
    """The sticky chain of its source: 0.9 to stay, 0.1 to the next; a start is near the mean of its regime."""
    x, z = networks["state"][:, 0], networks["mode"]
    seen = np.zeros((3, 3), int)
    np.add.at(seen, (z[:, :-1].ravel(), z[:, 1:].ravel()), 1)
    assert not seen[[0, 1, 2], [2, 0, 1]].any()
    for stays, every in zip(seen.diagonal(), seen.sum(axis=1), strict=True):
        assert chisquare([stays, every - stays], [0.9 * every, 0.1 * every]).pvalue > 1e-3
    assert chisquare(np.bincount(z[:, 0], minlength=3)).pvalue > 1e-3
    for own in ((x - shared["mean"][z[:, 0]]) / 0.1).T:
        assert kstest(own, "norm").pvalue > 1e-3


def test_shared_arrays_of_cosine_networks_are_normal():
    every = shared_parameters(override(RECIPES["switching_cosine"], ["K=200"]), 0)
    assert kstest(every.pop("mean").ravel() / 0.7, "norm").pvalue > 1e-3
    for name, own in every.items():
        assert kstest(own.ravel() / 0.5, "norm").pvalue > 1e-3, name


def lorenz(_, x):
    """Of one point, or of several whose coordinates x stand first, then y and z."""
    x, y, z = x.reshape(3, -1)
    return np.concatenate([10 * (y - x), x * (28 - z) - y, x * y - 2.667 * z])


def test_lorenz_is_accurate_while_chaos_allows():
    start, t = [0.0, 1.0, 1.05], np.arange(501) * 0.01
    exact = solve_ivp(lorenz, (0, 5), start, method="DOP853", rtol=1e-12, atol=1e-12, t_eval=t).y.T
    error = np.abs(simulate(Lorenz(), {}, start, t) - exact).max()
    print(f"lorenz: largest error over 5 time units {error:.1e}")
    assert error < 1e-6
    early = simulate(Lorenz(), {}, start, np.arange(2) * 0.01)[1]
    np.testing.assert_allclose(
        early, [0.1, 0.99, 1.0219965], atol=0.02
    )  # one step of Euler, as the original scripts take


def test_lorenz_stays_in_its_lobes_as_long_as_the_reference():
    t = np.arange(10_000) * 0.01
    ours = uncut("lorenz", index=slice(0, 8))
    start = ours["state"][:, 0].astype(float).T.ravel()
    theirs = solve_ivp(lorenz, (0, 100), start, method="DOP853", rtol=1e-12, atol=1e-12, t_eval=t).y[:8] > 0
    share = ours["mode"].mean()  # of eight chaotic trajectories, of which one may stay on one side for long
    dwell, reference = (
        np.concatenate([visits(mode)[1] for mode in modes]).mean() for modes in (ours["mode"], theirs.astype(int))
    )
    print(f"lorenz: lobe 1 {share:.3f}, dwell {dwell:.1f} frames, by SciPy {reference:.1f}")
    assert 0.4 < share < 0.6
    assert abs(dwell / reference - 1) < 0.15
    np.testing.assert_array_equal(ours["mode"], ours["state"][..., 0] > 0)


def arms(_, x):
    """The double pendulum of unit masses and links, by angles and angular velocities."""
    th1, th2, w1, w2 = x
    s, c, G, M = np.sin(th2 - th1), np.cos(th2 - th1), 9.8, 2.0
    den = M - c**2
    a1 = (w1**2 * s * c + G * np.sin(th2) * c + w2**2 * s - M * G * np.sin(th1)) / den
    a2 = (-(w2**2) * s * c + M * (G * np.sin(th1) * c - w1**2 * s - G * np.sin(th2))) / den
    return [w1, w2, a1, a2]


def test_double_pendulum_moves_as_equations_of_angles_say():
    t, angles = np.arange(61) * 0.05, np.deg2rad([120.0, -10.0])
    exact = solve_ivp(arms, (0, 3), [*angles, 0, 0], method="DOP853", rtol=1e-12, atol=1e-12, t_eval=t).y.T
    states = simulate(SwitchingDoublePendulum(), {}, [*angles, 0, 0], t)
    assert np.abs(states[:, :2] - exact[:, :2]).max() < 1e-7


@pytest.fixture(scope="module")
def long():
    """The double pendulum for 20,000 frames, in double precision, and what the dataset says of it."""
    found = uncut("switching_double_pendulum", index=0)
    parameters = {name: found[f"param_{name}"] for name in ("m", "l", "g")}
    return simulate(SwitchingDoublePendulum(), parameters, found["state"][0], found["time"]), found


def test_double_pendulum_keeps_its_energy(long):
    states, found = long
    np.testing.assert_array_equal(states.astype(np.float32), found["state"])
    assert len(states) == 20_000
    q, w = states[:, :2], velocities(states)
    x = np.stack([np.cos(q[:, 0]) * w[:, 0], np.sin(q[:, 0]) * w[:, 0]])  # of the first bob
    y = x + np.stack([np.cos(q[:, 1]) * w[:, 1], np.sin(q[:, 1]) * w[:, 1]])
    energy = ((x**2).sum(0) + (y**2).sum(0)) / 2 - found["param_g"].astype(float) * (
        2 * np.cos(q[:, 0]) + np.cos(q[:, 1])
    )
    drift = np.abs(energy - energy[0]).max()
    print(f"double pendulum: energy {energy[0]:.3f} J constant to {drift:.1e} J over 20,000 frames")
    assert drift < 1e-8


def velocities(states):
    """Angular velocities [T 2] from angles and momenta [T 4], by the mass matrix of unit masses and links."""
    c = np.cos(states[:, 1] - states[:, 0])
    mass = np.stack([np.stack([2 + 0 * c, c], -1), np.stack([c, 1 + 0 * c], -1)], -2)
    return np.linalg.solve(mass, states[:, 2:, None])[..., 0]


def test_double_pendulum_labels_follow_from_its_latents(long):
    """Angles by arctangent from the bobs' positions; velocities by momenta, and by differences of frames alone."""
    _, found = long
    x1, y1, x2, y2 = found["latent"].astype(float).T
    q1, q2 = np.arctan2(x1, -y1), np.arctan2(x2 - x1, y1 - y2)
    folded = np.abs((q2 - q1 + np.pi) % (2 * np.pi) - np.pi) > np.pi / 2
    w1, w2 = velocities(found["state"].astype(float)).T
    label = np.where(folded, 2, np.where(w1 * w2 > 0, 0, 1))
    np.testing.assert_array_equal(found["mode"], label)
    assert set(label) == {0, 1, 2}
    d1, d2 = np.gradient(np.unwrap(q1)), np.gradient(np.unwrap(q2))
    alone = np.where(folded, 2, np.where(d1 * d2 > 0, 0, 1))
    assert np.mean(alone == label) > 0.97


def pmf(k, most=201):
    """Chances of a stretch of regime k of three_mode to last 0, 1, … frames: segments of it may follow each other."""
    stated = (
        {6: 2, 11: 5, 16: 7, 20: 3},
        {8: 5, 17: 8, 19: 6, 20: 1},
        {13: 3, 16: 7, 18: 5, 20: 2},
    )[k]
    again = (0.1, 0.5, 0.4)[k]
    one, total = np.zeros(most), np.zeros(most)
    one[list(stated)] = np.array(list(stated.values())) / sum(stated.values())
    segments = one
    for _ in range(most):
        total += (1 - again) * segments
        segments = again * np.convolve(segments, one)[:most]
    return total


def test_three_mode_lasts_as_stated():
    """Of the first stretch of each trajectory, which nothing cuts off."""
    mode = uncut("three_mode", index=slice(0, 6_000))["mode"]
    first = [[visits(row)[i][0] for i in (0, 1)] for row in mode]
    regimes, lengths = np.array(first).T
    assert chisquare(np.bincount(regimes, minlength=3)).pvalue > 1e-3
    for k in range(3):
        seen, chances = np.bincount(lengths[regimes == k], minlength=201), pmf(k)
        assert not seen[chances == 0].any()
        often = chances * seen.sum() > 5
        both = [np.append(a[often], a[~often].sum()) for a in (seen, chances * seen.sum())]
        p = chisquare(both[0], both[1] * both[0].sum() / both[1].sum()).pvalue
        print(f"three_mode: regime {k}, {seen.sum()} stretches, p = {p:.3f}")
        assert p > 1e-3
    turns = [(row[n], row[n + 1]) for row, n in zip(mode, lengths - 1, strict=True) if n + 1 < 200]
    for k, (a, b) in {0: (0.2, 0.7), 1: (0.3, 0.2), 2: (0.3, 0.3)}.items():
        others = [j for j in range(3) if j != k]
        seen = np.array([sum(turn == (k, j) for turn in turns) for j in others])
        assert chisquare(seen, seen.sum() * np.array([a, b]) / (a + b)).pvalue > 1e-3


def test_three_mode_moves_by_the_rule():
    """x_t = A x_{t-1} + b + noise with the regime of t: regression finds the stated matrices and the noise."""
    found = uncut("three_mode", index=slice(0, 400))
    x, z = found["state"].astype(float), found["mode"]
    for k, angle in enumerate((0.0, np.pi / 8, np.pi / 4)):
        here = z[:, 1:] == k
        before = np.column_stack([x[:, :-1][here], np.ones(here.sum())])
        fitted, residual, *_ = np.linalg.lstsq(before, x[:, 1:][here], rcond=None)
        turn = 0.99 * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        np.testing.assert_allclose(fitted[:2].T, turn, atol=0.01)
        np.testing.assert_allclose(np.sqrt(residual / here.sum()), 0.1, rtol=0.02)
        assert k or np.abs(fitted[2]).max() < 0.01


def test_bouncing_ball_is_reflected_at_the_instant():
    found = uncut("bouncing_ball_1d", index=slice(0, 300))
    y, v = found["state"].astype(float).transpose(2, 0, 1)
    assert ((y >= 0) & (y <= 10)).all()
    assert set(y[:, 0]) == set(range(10))
    assert (np.abs(v[:, 0]) <= 0.5).all()
    np.testing.assert_array_equal(found["mode"], v >= 0)
    for i in range(300):  # by tiny steps, turning round when a wall is passed
        place, speed, fine = y[i, 0], v[i, 0], [y[i, 0]]
        for _ in range(149 * 20):
            place += speed / 20
            if not 0 <= place <= 10:
                place, speed = (-place if place < 0 else 20 - place), -speed
            fine.append(place)
        np.testing.assert_allclose(fine[::20], y[i], atol=1e-5)


def test_a_ball_that_starts_at_a_wall_leaves_it():
    t = np.arange(4.0)
    for x0, y, v in (([0.0, -0.5], [0, 0.5, 1, 1.5], 0.5), ([10.0, 0.5], [10, 9.5, 9, 8.5], -0.5)):
        states = simulate(BouncingBall1D(), {}, x0, t)
        np.testing.assert_array_equal(states[:, 0], y)
        np.testing.assert_array_equal(states[:, 1], np.full(4, v))
    np.testing.assert_array_equal(simulate(BouncingBall1D(), {}, [3.0, 0.0], t)[:, 0], np.full(4, 3.0))
    with pytest.raises(ValueError, match="y = 11"):
        simulate(BouncingBall1D(), {}, [11.0, 0.5], t)


def test_shared_parameters_that_cannot_be_are_refused():
    for change, message in (
        ({"A": np.eye(2)}, "A = .* has to be 4 x 2 x 2 finite numbers"),
        ({"r": (1.0, 2.0)}, "r = .* has to be 3 finite numbers"),
        ({"R": ((np.nan, 0.0), (1.0, 0.0), (0.0, 1.0))}, "R = .* finite"),
        ({"b": None}, "b has to be given"),
        ({"C": ((1.0, 2.0), (3.0, 4.0))}, "C = .* 2 x 10 finite numbers"),
        ({"channels": 0}, "channels = 0"),
        ({"channels": 1.5}, "channels = 1.5 has to be a whole number"),
        ({"observation_noise": -1.0}, "observation_noise = -1.0 has to be at least 0"),
    ):
        with pytest.raises(ValueError, match=message):
            dataclasses.replace(NASCAR, **change)
    for change, message in (
        ({"transitions": ((0.5, 0.2, 0.2),) * 3}, "rows that sum to 1"),
        ({"durations": (((0, 1),),) * 3}, "durations"),
        ({"durations": (((2, 0),),) * 3}, "no weight"),
        ({"A": None}, "A has to be given"),
    ):
        with pytest.raises(ValueError, match=message):
            dataclasses.replace(THREE_MODE, **change)


def test_shared_parameters_may_be_given():
    C = np.arange(20.0).reshape(2, 10)
    recipe = dataclasses.replace(RECIPES["nascar"], tasks=(dataclasses.replace(NASCAR, C=C, observation_noise=0.0),))
    found = sample(recipe, index=slice(0, 3))
    np.testing.assert_allclose(found["queries"], found["latents"] @ C, rtol=1e-6, atol=1e-5)


def test_parameters_may_differ_from_trajectory_to_trajectory():
    found = uncut("lorenz", tasks=(Lorenz(rho=uniform(24, 32)),), index=slice(0, 5))
    assert len(np.unique(found["param_rho"])) == 5


def test_a_regime_of_its_own_kind():
    """One regime, one duration, more than two numbers of state."""
    system = ExplicitDuration(
        A=np.eye(3)[None], transitions=((1.0,),), durations=(((4, 1),),), first=(0.0, 0.0, 1.0), channels=2
    )
    assert system.state == ("x1", "x2", "x3")
    recipe = dataclasses.replace(RECIPES["three_mode"], tasks=(system,), windows=None, steps=12)
    found = sample(recipe, index=slice(0, 2))
    assert found["signal"].shape == (2, 12, 2)
    assert not found["mode"].any()
