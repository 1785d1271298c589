"""Locks of folders, by the operating system or by files; tests of `journal` and `generate` use them too."""

import errno
import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from slvm_data import RECIPES, generate
from slvm_data.core.names import HIDDEN
from slvm_data.store import lock
from slvm_data.store.journal import alone, check_unused, running, staged
from slvm_data.store.testing import whole_tree as tree

WITHOUT = """
import errno, fcntl, sys
def flock(*_):
    raise OSError(errno.ENOSYS, "no locks")
fcntl.flock = flock
"""
GENERATE = WITHOUT + "from slvm_data.cli import main; main()"
KILLED = (
    WITHOUT
    + """
import os
from pathlib import Path
from slvm_data.store.journal import staged
with staged(Path(sys.argv[1]), list) as place:
    (place / "half").touch()
    os._exit(9)
"""
)
RECIPE = replace(RECIPES["pendulum"], train=300, val=2, test=2, steps=4)
WORDS = ("generate", "pendulum", "--train", 300, "--val", 2, "--test", 2, "--steps", 4)


@pytest.fixture(params=[errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def without(request, monkeypatch):
    """A file system that has no locks."""

    def flock(*_):
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(lock.fcntl, "flock", flock)


@pytest.mark.parametrize("block", [alone, lambda folder: staged(folder, list)])
def test_one_writer_at_a_time(without, tmp_path, monkeypatch, block):
    monkeypatch.setattr(lock, "PAUSE", 1e-4)
    inside, most = [], []

    def work(number):
        for _ in range(10):
            with block(tmp_path):
                inside.append(number)
                most.append(len(inside))
                inside.remove(number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert (len(most), max(most)) == (40, 1)
    assert not list(tmp_path.iterdir())


def test_the_lock_of_a_killed_process_does_not_count(tmp_path, without):
    assert subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False).returncode == 9
    assert (tmp_path / HIDDEN / lock.LOCK).exists()
    with staged(tmp_path, list) as place:
        assert not list(place.iterdir())
    assert not list(tmp_path.iterdir())


def test_the_lock_of_another_machine_counts(tmp_path, without, monkeypatch, capsys):
    (tmp_path / HIDDEN).mkdir()
    (tmp_path / HIDDEN / lock.LOCK).write_text("1-abc-elsewhere")

    def gone(_):
        (tmp_path / HIDDEN / lock.LOCK).unlink()

    monkeypatch.setattr(lock.time, "sleep", gone)
    with alone(tmp_path):
        pass
    assert f"waiting (or remove {tmp_path / HIDDEN / lock.LOCK})" in capsys.readouterr().err


def test_who_may_be_alive():
    own, here = os.getpid(), platform.node()
    for name in ("", "x", f"{own}-a-{here}", f"1-a-{here}", "999999999-a-elsewhere"):
        assert lock._lives(name), name
    assert not lock._lives(f"999999999-a-{here}")


def test_units_that_are_made_are_not_replaced(tmp_path, without):
    (tmp_path / HIDDEN / "units").mkdir(parents=True)
    check_unused(tmp_path)
    with running(tmp_path, []), pytest.raises(ValueError, match="another process is making a dataset there"):
        check_unused(tmp_path)
    check_unused(tmp_path)
    (tmp_path / HIDDEN / f"units/999999999-a-{platform.node()}.running").touch()
    check_unused(tmp_path)


def test_three_runs_at_once(tmp_path):
    """All end with the same dataset; one with another seed is refused, or was first."""
    expected = tree(generate(RECIPE, tmp_path / "quiet", format="zarr"))
    place = tmp_path / "x"
    words = [sys.executable, "-c", GENERATE, *map(str, WORDS), "--out", str(place), "--format", "zarr"]
    seeds = ([], [], ["--seed", "1"])
    runs = [subprocess.Popen([*words, *seed], stderr=subprocess.PIPE, text=True) for seed in seeds]
    ended = [(run.communicate(timeout=100)[1], run.returncode) for run in runs]
    codes = [code for _, code in ended]
    assert codes in ([0, 0, 2], [2, 2, 0]), ended
    if codes[0] == 0:
        assert tree(place) == expected
    assert not (place / HIDDEN).exists()
