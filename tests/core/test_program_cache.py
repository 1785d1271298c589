"""A command finds what another has compiled, and nothing that is wrong with the folder stops it or changes a bit."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from slvm_data.core import devices, program_cache
from slvm_data.store.testing import whole_tree

WORDS = ["generate", "pendulum", "--train", "2", "--val", "0", "--test", "0", "--steps", "3"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A cache folder of its own, for this process and those that it begins."""
    for name in ("JAX_COMPILATION_CACHE_DIR", program_cache.SWITCH):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")  # so that chance decides nothing
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
    return tmp_path / "cache"


def entries(home):
    return {path: path.stat().st_mtime_ns for path in home.rglob("*-cache")}


def generated(folder):
    command = [sys.executable, "-m", "slvm_data", *WORDS, "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "arning" not in done.stderr
    return whole_tree(folder)


def test_the_second_command_compiles_nothing(home, tmp_path):
    """Also where an entry is cut off, as by a process that was killed: only that one is compiled again."""
    first = generated(tmp_path / "first")
    known = entries(home)
    assert known
    largest = max(known, key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:100])
    cut = entries(home)
    assert generated(tmp_path / "second") == first
    assert entries(home).keys() == cut.keys()


def test_it_is_used_where_nobody_has_chosen(home, monkeypatch):
    program_cache.use()
    folder = Path(os.environ.pop(program_cache.CHOSEN))
    assert folder.is_relative_to(home)
    assert folder.stat().st_mode & 0o777 == 0o700
    monkeypatch.setenv(program_cache.SWITCH, "off")
    program_cache.use()
    assert program_cache.CHOSEN not in os.environ
    monkeypatch.delenv(program_cache.SWITCH)
    monkeypatch.setenv(program_cache.CHOSEN, "elsewhere")
    program_cache.use()
    assert os.environ[program_cache.CHOSEN] == "elsewhere"


def test_code_that_others_may_have_written_is_not_run(home):
    program_cache.use()
    folder = Path(os.environ.pop(program_cache.CHOSEN))
    folder.chmod(0o770)
    program_cache.use()
    assert program_cache.CHOSEN not in os.environ


def test_where_no_folder_can_be_it_does_without(home, tmp_path):
    home.write_text("a file")
    program_cache.use()
    assert program_cache.CHOSEN not in os.environ


def test_other_processors_and_versions_have_other_folders(home, monkeypatch):
    first = program_cache._folder()
    assert program_cache._folder() == first
    monkeypatch.setattr(program_cache, "_abilities", lambda: "flags: none")
    second = program_cache._folder()
    monkeypatch.setattr(program_cache, "version", lambda _: "0.0")
    assert len({first, second, program_cache._folder()}) == 3


def test_it_does_not_grow_for_ever(home, monkeypatch):
    program_cache.use()
    folder = Path(os.environ.pop(program_cache.CHOSEN))
    (folder / "old-cache").write_bytes(bytes(1000))
    program_cache.use()
    assert (folder / "old-cache").exists()
    del os.environ[program_cache.CHOSEN]
    monkeypatch.setattr(program_cache, "MOST", 999)
    program_cache.use()
    assert not (folder / "old-cache").exists()


@pytest.mark.parametrize("known", [True, False])
def test_a_command_computes_where_it_is_asked(monkeypatch, known):
    """With a JAX that has the setting, or has it no longer."""
    values, told = {devices.ELSEWHERE: True} if known else {}, []
    config = SimpleNamespace(values=values, update=lambda *own: told.append(own))
    monkeypatch.setattr(devices, "jax", SimpleNamespace(config=config))
    devices.compute_where_asked()
    assert told == [(devices.ELSEWHERE, False)] * known
