"""Fixtures of several tests of runs."""

import os
import subprocess

import pytest

from slvm_data.cli import main


@pytest.fixture(scope="session")
def missing():
    """Says that a test cannot be done here: an error where SLVM_CI is set, as in CI, elsewhere a skip."""
    return pytest.fail if os.environ.get("SLVM_CI") else pytest.skip


@pytest.fixture
def command(ended, capsys):
    """Runs `slvm-data` in this process, which has loaded everything already: exit code, output and errors."""

    def run(*words):
        capsys.readouterr()
        return subprocess.CompletedProcess(words, ended(main, *words), *capsys.readouterr())

    return run
