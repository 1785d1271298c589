"""The examples run unchanged, one of them in a process of its own; the baselines are tested in `test_baselines.py`."""

import dataclasses
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from slvm_data import RECIPES, generate, sample, simulate

EXAMPLES = Path(__file__).parents[1] / "examples"


def in_a_process(name, *arguments):
    command = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs an example in this process, which has loaded everything already, and returns what it prints."""

    def run(name, *arguments):
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        capsys.readouterr()
        with torch.random.fork_rng():
            runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Folders of small datasets, by name."""
    place = tmp_path_factory.mktemp("sets")
    sizes = {"pendulum": (400, 1, 50), "pendulum3": (150, 1, 30), "nascar": (80, 2, 2)}
    for name, (train, val, test) in sizes.items():
        generate(dataclasses.replace(RECIPES[name], train=train, val=val, test=test), place / name)
    return lambda name: place / name


def test_sequences(folder):
    text = in_a_process("dataloader.py", folder("pendulum"))
    assert "image [64, 30, 1, 32, 32], state [64, 30, 2], label [64, 1]" in text
    assert "50 sequences to test on" in text


def test_episodes(run, folder):
    text = run("dataloader_meta_learning.py", folder("pendulum3"))
    assert "query [16, 30, 1, 32, 32], context [16, 15, 30, 1, 32, 32]" in text
    assert "labels of one episode: [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2]" in text
    assert "split 2: 405 queries" in text
    assert "45 queries to test on" in text


def test_windows(run, folder):
    assert "queries [64, 7, 10], domains [64, 3, 7, 10]" in run("dataloader_switching.py", folder("nascar"))


def test_billiard():
    """The speed stays, no obstacle is entered, and time runs back to the start."""
    found = runpy.run_path(str(EXAMPLES / "billiard.py"))
    x = sample(found["RECIPE"], index=slice(0, 64))["state"].astype(float)
    np.testing.assert_allclose(np.hypot(x[..., 2], x[..., 3]), 2.0, rtol=1e-6)
    gaps = np.linalg.norm(x[..., None, :2] - found["PLACES"], axis=-1) - found["RADII"] - 0.4
    assert -1e-6 < gaps.min() < 0.01
    assert np.abs(x[..., :2]).max() < 4.6 + 1e-6
    system, t = found["RECIPE"].tasks[0], np.linspace(0, 8, 9)
    for start in x[:4, 0]:
        every = simulate(system, {}, start, t)
        there = every[-1]
        back = simulate(system, {}, [*there[:2], *-there[2:]], t)[-1]
        np.testing.assert_allclose(back, [*start[:2], *-start[2:]], atol=1e-6)
        assert (every[:, 2:] != start[2:]).any(), "it met something"
