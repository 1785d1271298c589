"""Fixtures of several tests of runs."""

import os
import signal
import subprocess
import sys

import pytest

from slvm_data.cli import main


@pytest.fixture(scope="session")
def missing():
    """Says that a test cannot be done here: an error where SLVM_CI is set, as in CI, elsewhere a skip."""
    return pytest.fail if os.environ.get("SLVM_CI") else pytest.skip


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs `slvm-data` in this process, which has loaded everything already: exit code, output and errors."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["slvm-data", *map(str, words)])
        handler = signal.getsignal(signal.SIGTERM)
        capsys.readouterr()
        try:
            with pytest.raises(SystemExit) as end:
                main()
        finally:
            signal.signal(signal.SIGTERM, handler)
        return subprocess.CompletedProcess(words, end.value.code or 0, *capsys.readouterr())

    return run
