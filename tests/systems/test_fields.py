"""Fields: SciPy's motion, waves and orders of accuracy that are known, where they start, and what frames show."""

import dataclasses

import jax
import numpy as np
import pytest
from scipy import stats
from scipy.integrate import solve_ivp

from slvm_data import RECIPES, GrayScott, LambdaOmega, View, render, sample, simulate
from slvm_data.core.keys import exact
from slvm_data.simulation import batch

GRAY, WAVES = RECIPES["gray_scott_coda"], RECIPES["lambda_omega_nsv"]


def mean_of_neighbours(a):
    """A quarter of the cells beside a cell with weight 2, and of those at its corners."""
    beside, corners = [(0, 1), (0, -1), (1, 0), (-1, 0)], [(1, 1), (1, -1), (-1, 1), (-1, -1)]
    return sum(2 * np.roll(a, s, (0, 1)) for s in beside) / 4 + sum(np.roll(a, s, (0, 1)) for s in corners) / 4


def gray_scott(c):
    def law(_, x):
        u, v = x.reshape(2, 32, 32)
        spread = [mean_of_neighbours(a) - 3 * a for a in (u, v)]
        du = c["D_u"] * spread[0] - u * v**2 + c["f"] * (1 - u)
        dv = c["D_v"] * spread[1] + u * v**2 - (c["f"] + c["k"]) * v
        return np.concatenate([du.ravel(), dv.ravel()])

    return law


@pytest.fixture(scope="module")
def few():
    """Two sequences of the first world, and of one to adapt to."""
    return {task: sample(GRAY, "adapt" if task > 3 else "test", slice(0, 2), task) for task in (0, 6)}


@pytest.mark.parametrize("label", [0, 6])
def test_states_are_those_of_scipy(few, label):
    arrays, system, t = few[label], GRAY.tasks[label], np.arange(4) * 40.0
    x0, c = arrays["state"][0, 0].astype(float), {name: system.low(name) for name in system.parameters()}
    c |= {name: float(np.float32(value)) for name, value in c.items()}
    theirs = solve_ivp(gray_scott(c), (0, t[-1]), x0, "DOP853", t, rtol=1e-12, atol=1e-12).y.T
    ours = simulate(system, c, x0, t)
    print(f"task {label}: {np.abs(ours - theirs).max():.1e}")
    assert np.abs(ours - theirs).max() < 1e-7
    np.testing.assert_array_equal(ours.astype(np.float32), arrays["state"][0, :4])
    assert np.ptp(theirs[1:], axis=1).min() > 0.5  # a pattern


def test_diffusion_is_of_order_2():
    """The rate of decay of a wave, on grids of 16 and 32 cells."""
    errors = []
    for cells in (16, 32):
        system = GrayScott(cells=cells, f=0.0, k=0.0)
        x, y = np.meshgrid(*[2 * np.pi * np.arange(cells) / cells] * 2)
        u = 0.5 + 0.3 * np.cos(2 * x + y)
        with exact():
            du = np.asarray(jax.jit(system.velocity)(np.stack([u, 0 * u]).ravel()))[: cells**2].reshape(cells, cells)
        errors.append(np.abs(du + 0.2097 * 5 * (2 * np.pi / 32) ** 2 * (u - 0.5)).max())
    assert errors[0] / errors[1] == pytest.approx(4, abs=0.2)


def test_plane_waves_are_those_of_the_law():
    """u + iv = R exp(i (qx - βR²t)) with R² = 1 - dq² solves it; the error of the grid is of order 6."""
    errors, c, t, q = [], {"d": 0.4, "beta": 1.5}, np.arange(3) * 2.0, 2 * np.pi * 2 / 20
    for cells in (16, 32):
        R, x = np.sqrt(1 - 0.4 * q**2), 20 / cells * np.arange(cells)
        exactly = R * np.exp(1j * (q * x - 1.5 * R**2 * t[:, None]))
        along_x = np.broadcast_to(exactly[:, None], (3, cells, cells))
        true = np.stack([along_x.real, along_x.imag], axis=1).reshape(3, -1)
        errors.append(np.abs(simulate(LambdaOmega(cells=cells), c, true[0], t) - true).max())
    assert errors[1] < 1e-5
    assert errors[0] / errors[1] == pytest.approx(2**6, rel=0.2)


def test_the_reaction_turns_as_fast_as_it_has_to():
    """Where all cells are equal, nothing diffuses: the amplitude ends at 1, and the angle falls by β a second."""
    x0 = np.repeat([0.1, 0.2], 64)
    x = simulate(LambdaOmega(cells=8), {"d": 0.1, "beta": 2.0}, x0, [0.0, 30.0, 30.5])
    z = x[:, 0] + 1j * x[:, 64]
    assert np.abs(z[1:]) == pytest.approx(1, abs=1e-9)
    assert np.angle(z[2] / z[1]) == pytest.approx(-1.0, abs=1e-9)


def test_squares_are_anywhere_within_the_border():
    with exact():
        starts = jax.jit(jax.vmap(GrayScott(cells=10, squares=1).start))(jax.random.split(jax.random.key(1), 5_000))
    u, v = np.moveaxis(np.asarray(starts).reshape(-1, 2, 100), 1, 0)
    place = v.argmax(axis=1)
    assert set(np.bincount(place, minlength=100)[np.arange(100) % 10 == 9]) == {0}
    for along in (place % 10, place // 10):
        assert stats.chisquare(np.bincount(along, minlength=10)[:9]).pvalue > 1e-4
    np.testing.assert_array_equal(np.sort(u, axis=1), np.repeat([[0.0] + [0.95] * 99], 5_000, axis=0))
    np.testing.assert_array_equal(np.sort(v, axis=1), np.repeat([[0.05] * 99 + [1.0]], 5_000, axis=0))


def test_squares_are_three_cells_wide_and_the_same_in_every_world(few):
    for arrays in few.values():
        u, v = np.moveaxis(arrays["state"][:, 0].reshape(-1, 2, 32, 32), 1, 0)
        assert set(np.unique(u)) == {0, np.float32(0.95)}
        np.testing.assert_array_equal(v == 1, u == 0)
        assert 9 < (u == 0)[0].sum() <= 27
    others = sample(GRAY, "test", slice(0, 2), 3)
    np.testing.assert_array_equal(others["state"][:, 0], few[0]["state"][:, 0])


def test_the_phase_of_the_spiral_is_uniform():
    with exact():
        starts = jax.jit(jax.vmap(LambdaOmega(cells=8).start))(jax.random.split(jax.random.key(2), 5_000))
    u, v = np.moveaxis(np.asarray(starts).reshape(-1, 2, 8, 8), 1, 0)
    r = 3 * 20 / 8
    assert np.hypot(u, v)[:, 4, 7] == pytest.approx(np.tanh(r))  # on the right, where the angle is 0
    phase = (np.arctan2(v, u)[:, 4, 7] + r) % (2 * np.pi)
    assert stats.kstest(phase, stats.uniform(0, 2 * np.pi).cdf).pvalue > 1e-4
    above = (np.arctan2(v, u)[:, 7, 4] + r - np.pi / 2) % (2 * np.pi)
    assert above == pytest.approx(phase, abs=1e-9)


def test_size_of_a_batch_changes_no_bit(few, monkeypatch):
    monkeypatch.setattr(batch, "STATES", 3 * 2048)
    again = sample(GRAY, "test", slice(1, 3), 0)
    assert batch.batch_size(GRAY) == 3
    for name, array in few[0].items():
        np.testing.assert_array_equal(again[name][:1], array[1:])


def test_frames_show_the_field(few):
    """u in red, v in cyan; in other frames u alone, and each pixel the cell in which its middle lies."""
    arrays = few[0]
    u, v = np.moveaxis(arrays["state"].reshape(2, 10, 2, 32, 32).astype(float), 2, 0)
    np.testing.assert_array_equal(arrays["image"], np.round(255 * np.stack([u, v, v], axis=2)))
    states, seen = arrays["state"][0, 3:5], {"f": 0.03, "k": 0.058, "D_u": 0.2097, "D_v": 0.105}
    grey = render(GRAY.tasks[0], seen, states, color="grey", size=64)
    np.testing.assert_array_equal(grey, np.round(255 * u[0, 3:5]).repeat(2, axis=1).repeat(2, axis=2))
    binary = render(GRAY.tasks[0], seen, states, color="binary", size=16)
    np.testing.assert_array_equal(binary, u[0, 3:5, 1::2, 1::2] > 0.5)
    blue = render(GRAY.tasks[0], seen, states, body_colors=("#ff0000", "#0000ff"))
    np.testing.assert_array_equal(blue[..., 2], arrays["image"][0, 3:5, 1])
    states, seen = np.repeat([[-1.0, 0.0]], 64, axis=1), {"d": 0.1, "beta": 1.0}
    wave = render(LambdaOmega(cells=8), seen, states, size=8, palette=2, colors=(0, 1))
    assert set(map(tuple, wave.reshape(-1, 3).tolist())) == {(0, 128, 128)}


@pytest.mark.parametrize(
    ("view", "what"),
    [({"style": "clean"}, "style = 'clean'"), ({"jitter": 0.2}, r"jitter = 0\.2"), ({"extent": 20.0}, "extent = 20")],
)
def test_what_a_field_has_not_is_refused(view, what):
    with pytest.raises(ValueError, match=f"^{what} is for bodies in a scene, and GrayScott is a field: leave it out"):
        dataclasses.replace(GRAY, view=View(color="rgb", palette=2, **view))


def test_the_numbers_of_the_sources():
    assert [(s.f, s.k) for s in GRAY.tasks[:4]] == [(f, k) for f in (0.03, 0.039) for k in (0.058, 0.062)]
    assert [(s.f, s.k) for s in GRAY.tasks[4:]] == [(f, k) for f in (0.033, 0.036) for k in (0.059, 0.061)]
    assert {(s.D_u, s.D_v, s.cells, s.cell, s.squares) for s in GRAY.tasks} == {(0.2097, 0.105, 32, 1.0, 3)}
    assert (GRAY.dt, GRAY.steps, GRAY.train, GRAY.test, GRAY.paired) == (40, 10, 1, 32, True)
    assert (GRAY.splits["adapt"].support, GRAY.splits["adapt"].count) == (1, 33)
    spiral = WAVES.tasks[0]
    assert (spiral.d, spiral.beta, spiral.side, spiral.cells, WAVES.dt, WAVES.steps) == (0.1, 1, 20, 128, 0.2, 100)
