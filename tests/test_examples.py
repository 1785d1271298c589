"""The examples run unchanged; the baselines are tested in `test_baselines.py`."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

from slvm_data import RECIPES, generate

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name, *arguments):
    command = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    alone = os.environ | {"OMP_NUM_THREADS": "1"}  # threads of PyTorch wait for each other where others compute too
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=300, env=alone).stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Folders of small datasets, by name."""
    place = tmp_path_factory.mktemp("sets")
    sizes = {"pendulum": (400, 1, 50), "pendulum3": (150, 1, 30), "nascar": (80, 2, 2)}
    for name, (train, val, test) in sizes.items():
        generate(dataclasses.replace(RECIPES[name], train=train, val=val, test=test), place / name)
    return lambda name: place / name


def test_sequences(folder):
    text = run("dataloader.py", folder("pendulum"))
    assert "image [64, 30, 1, 32, 32], state [64, 30, 2], label [64, 1]" in text
    assert "50 sequences to test on" in text


def test_episodes(folder):
    text = run("dataloader_meta_learning.py", folder("pendulum3"))
    assert "query [16, 30, 1, 32, 32], context [16, 15, 30, 1, 32, 32]" in text
    assert "labels of one episode: [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2]" in text
    assert "split 2: 405 queries" in text
    assert "45 queries to test on" in text


def test_windows(folder):
    assert "queries [64, 7, 10], domains [64, 3, 7, 10]" in run("dataloader_switching.py", folder("nascar"))
