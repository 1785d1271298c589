"""Fixtures of several tests of runs."""

import os
import subprocess
from pathlib import Path

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


MOUNT = ["mount", "-t", "tmpfs", "-o", "size=30m", "none"]


@pytest.fixture
def small_disk(tmp_path, missing):
    """A disk of thirty megabytes: mounted here, or in a namespace of its own, which needs no root."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run([*MOUNT, place], capture_output=True, text=True)
    if mounted.returncode == 0:
        yield place
        subprocess.run(["umount", place], check=True)
        return
    script = f'{" ".join(MOUNT)} "$0" && echo mounted && read _'  # there as long as this process reads
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(["unshare", "-Urm", "sh", "-c", script, place], **pipes, text=True) as holder:
        if holder.stdout.readline() != "mounted\n":
            missing(f"no disk can be mounted here: {mounted.stderr.strip()}; {holder.communicate()[1].strip()}")
        yield Path(f"/proc/{holder.pid}/root{place}")
        holder.stdin.close()
