"""The accuracy that a certificate states, where motion is chaotic and where steps are coarse, against SciPy."""

import dataclasses

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from slvm_data import MassSpring, Recipe
from slvm_data.cli import find, main
from slvm_data.run.verification import faults
from slvm_data.simulation import certificate
from slvm_data.simulation.certificate import NEARBY, TOLERANCE, Tally, certify
from slvm_data.store import manifest

N, STEPS, DT = 8, 400, 0.1
SOLVED = 260  # frames, a few more than to the horizon
BETA = float(np.float32(2.667))  # parameters are rounded before they are used
CHAOS = f"""
from slvm_data import Lorenz, Recipe
RECIPE = Recipe(name="chaos", tasks=(Lorenz(substep=0.005),), observation="signals",
                train={N}, val=0, test=0, steps={STEPS}, dt={DT})
"""


@pytest.fixture(scope="module")
def chaos(tmp_path_factory):
    path = tmp_path_factory.mktemp("chaos") / "chaos.py"
    path.write_text(CHAOS)
    return path


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(certificate, "SAMPLE", N)


def lorenz(_, states):
    x, y, z = states.reshape(3, -1)
    return np.concatenate([10 * (y - x), x * (28 - z) - y, x * y - BETA * z])


def by_scipy(starts):
    t = np.arange(SOLVED) * DT
    how = {"method": "DOP853", "rtol": 1e-13, "atol": 1e-13, "max_step": 0.005}
    flat = solve_ivp(lorenz, t[[0, -1]], starts.T.ravel(), t_eval=t, **how).y
    return flat.reshape(3, len(starts), SOLVED).transpose(1, 2, 0)


def test_chaos_is_told_from_a_coarse_step(chaos, few, tmp_path, ended, capsys):
    """SciPy finds the same horizon, and up to there the same states as a step that is fine enough."""
    fine, coarse = tmp_path / "fine", tmp_path / "coarse"
    assert ended(main, "generate", chaos, "--out", fine) == 0
    said = capsys.readouterr()
    (entry,) = manifest.read(fine).certificate
    assert f"diverge by chaos after {entry.horizon} frames" in said.out
    assert "inaccurate" not in said.err
    assert f"in {entry.horizon} frames" in (fine / "README.md").read_text()
    with np.load(fine / "train.npz") as data:
        states = data["state"]
    starts = states[:, 0].astype(float)
    one, other = np.split(by_scipy(np.concatenate([starts, starts + NEARBY * np.abs(starts).max(axis=0)])), 2)
    apart = (np.abs(one - other).max(axis=(0, 2)) > TOLERANCE).argmax()
    print(f"chaos after {entry.horizon} frames, by SciPy {apart}; error {entry.error:.1e}")
    assert abs(entry.horizon - apart) <= 2
    assert entry.error < TOLERANCE
    np.testing.assert_allclose(states[:, : entry.horizon], one[:, : entry.horizon], atol=2 * TOLERANCE)

    assert ended(main, "generate", chaos, "substep=0.025", "--out", coarse) == 0
    assert "inaccurate, try substep=0.013" in capsys.readouterr().err
    assert manifest.read(coarse).certificate[0].error > TOLERANCE


def test_another_machine_is_compared_until_chaos(chaos, few, tmp_path, ended):
    """Another step stands for another machine, whose last bits differ."""
    assert ended(main, "generate", chaos, "--out", tmp_path / "x") == 0
    content, recipe = manifest.read(tmp_path / "x"), find(str(chaos))
    other = dataclasses.replace(recipe, tasks=(dataclasses.replace(recipe.tasks[0], substep=0.003),))
    assert list(faults(tmp_path / "x", other, content, 2, bit_exact=False)) == []
    assert list(faults(tmp_path / "x", other, content, 2, bit_exact=True))
    assert list(faults(tmp_path / "x", dataclasses.replace(recipe, seed=1), content, 2, bit_exact=False))


@pytest.mark.parametrize("substep", [0.1, 0.4])
def test_an_unstable_step_is_not_chaos(few, substep):
    """A spring keeps its phase for ever; 0.4 s is beyond where the method damps or stays."""
    recipe = Recipe(name="spring", tasks=(MassSpring(k=100.0, m=1.0, substep=substep),), steps=100, dt=1.0)
    tally = Tally(recipe.tasks[0])
    tally.made = 1
    found = certify(recipe, 0, "train", tally)
    assert found.error > TOLERANCE
    assert found.horizon is None


def test_no_frame_counts_after_the_first_trajectory_has_diverged():
    """Where one trajectory is chaotic the others soon are: what a fine step makes of them says nothing of the step."""
    again, apart = np.zeros((2, 5, 1)), np.zeros((2, 5, 1))
    again[1, 1], again[1, 3], apart[0, 2:] = 1e-5, 1.0, 1.0
    assert certificate._accuracy(again, lambda nearby=0.0: apart * (nearby > 0)) == (1e-5, 2)
    assert certificate._accuracy(again, lambda nearby=0.0: np.zeros((2, 5, 1))) == (1.0, None)
