"""F22: locale, time zone, hash seed and number of processors change no byte."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from enum import Enum
from types import SimpleNamespace

import jax
import pytest

from slvm_data import RECIPES, generate
from slvm_data.cli import main
from slvm_data.core import devices
from slvm_data.core.devices import HINDRANCES, backend
from slvm_data.run import generation
from slvm_data.run.description import machine
from slvm_data.store import manifest
from slvm_data.store.testing import tree

SIZES = {"train": 5, "val": 2, "test": 2, "steps": 4}
OPTIONS = [word for name, size in SIZES.items() for word in (f"--{name}", str(size))]
COMPILED_ANEW = {"JAX_ENABLE_COMPILATION_CACHE": "false"}
ELSEWHERE = {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "America/St_Johns", "PYTHONHASHSEED": "77"}
TURKISH = """
import locale
locale.setlocale(locale.LC_ALL, "")
assert locale.localeconv()["decimal_point"] == ","
from slvm_data.cli import main
main()
"""
ONE_PROCESSOR = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from slvm_data.cli import main
main()
"""


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """The dataset as this process makes it."""
    return tree(generate(replace(RECIPES["pendulum3"], **SIZES), tmp_path_factory.mktemp("usual") / "x"))


@pytest.fixture(scope="module")
def turkish(tmp_path_factory, missing):
    """Environment of a process in Turkey, whose locale hardly any machine has: it is built."""
    place = tmp_path_factory.mktemp("locales")
    if not (localedef := shutil.which("localedef")):
        missing("no locale can be built here")
    build = [localedef, "-i", "tr_TR", "-f", "UTF-8", place / "tr_TR.UTF-8"]
    if (built := subprocess.run(build, capture_output=True, text=True)).returncode:
        missing(f"no locale can be built here: {built.stderr.strip()}")
    return {**ELSEWHERE, "LOCPATH": str(place)}


def made(place, change, script, name="pendulum3", *more):
    run = [sys.executable, "-c", script, "generate", name, *OPTIONS, "--out", "x", *more]
    done = subprocess.run(run, cwd=place, env=os.environ | change | COMPILED_ANEW, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return tree(place / "x")


POSIX = {
    "LC_ALL": "POSIX",
    "TZ": "Asia/Kathmandu",
    "PYTHONHASHSEED": "1",
    "PYTHONUTF8": "0",
    "PYTHONIOENCODING": "utf-8",
    "COLUMNS": "20",
    "NO_COLOR": "1",
    "JAX_ENABLE_X64": "1",
    "JAX_DEFAULT_PRNG_IMPL": "rbg",
    "JAX_THREEFRY_PARTITIONABLE": "0",
    "JAX_NUMPY_RANK_PROMOTION": "raise",
    "JAX_RANDOM_SEED_OFFSET": "7",
    "JAX_DISABLE_JIT": "1",
    "JAX_NUMPY_DTYPE_PROMOTION": "strict",
    "JAX_DEFAULT_MATMUL_PRECISION": "bfloat16",
    "JAX_OPTIMIZATION_LEVEL": "O0",
    "JAX_DEBUG_NANS": "1",
    "JAX_LEGACY_PRNG_KEY": "error",
    "JAX_TRANSFER_GUARD": "disallow_explicit",
    "XLA_FLAGS": f"--xla_force_host_platform_device_count=2 {os.environ['XLA_FLAGS']}",  # of all tests, see conftest.py
    "PYTHONOPTIMIZE": "1",
}


def test_environment_changes_no_byte(usual, tmp_path, missing):
    """Nor does the configuration of JAX; on a single processor."""
    if not hasattr(os, "sched_setaffinity"):
        missing("this system does not tie a process to a processor")
    assert made(tmp_path, POSIX, ONE_PROCESSOR) == usual
    assert len(usual) == 12


def test_without_docstrings_there_is_no_dataset(tmp_path, monkeypatch, ended, capsys):
    """It would lack its equation and what it is about, and be another dataset."""
    monkeypatch.setattr(generation, "sys", SimpleNamespace(flags=SimpleNamespace(optimize=2)))
    assert ended(main, "generate", "pendulum", "--out", tmp_path / "x") == 2
    assert capsys.readouterr().err.startswith("error: python -OO has no docstrings")
    assert not (tmp_path / "x").exists()


def test_turkish_changes_no_byte(turkish, tmp_path):
    """Of shards; an .npz has the same texts beside it."""
    here = tree(generate(replace(RECIPES["pendulum3"], **SIZES), tmp_path / "here", format="zarr"))
    assert made(tmp_path, turkish, TURKISH, "pendulum3", "--format", "zarr") == here
    assert len([name for name in here if ".shards/" in name]) == 9 * 3  # of metadata, of a shard, and their checksums


@pytest.mark.parametrize(
    ("change", "noted"),
    [
        pytest.param({"XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2"}, "--xla_cpu_max_isa=SSE4_2", marks=pytest.mark.slow),
        ({"XLA_FLAGS": "--xla_dump_to=d --xla_cpu_enable_fast_math=true"}, "--xla_cpu_enable_fast_math=true"),
        ({"XLA_FLAGS": "", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}, "jax_disable_most_optimizations"),
    ],
    ids=str,
)
def test_what_the_compiler_was_told_is_noted(change, noted, tmp_path, ended, capsys):
    """So that the dataset is compared within a tolerance elsewhere."""
    made(tmp_path, change, "from slvm_data.cli import main; main()", "pendulum")
    assert manifest.read(tmp_path / "x").machine["compiler"] == noted
    assert ended(main, "verify", tmp_path / "x") == 0
    assert "compared within a tolerance" in capsys.readouterr().out


def settings():
    """Each option of JAX with every other value that it may have, as a variable of the environment and its word."""
    for name, value in sorted(jax.config.values.items()):
        named = jax.config.meta[name][2].get("enum_values") or (list(type(value)) if isinstance(value, Enum) else ())
        others = [word for word in named if word not in (None, value)]
        if isinstance(value, bool):
            others = [int(not value)]
        elif isinstance(value, int | float) and not named:
            others = [0 if value > 0 else type(value)(2)]
        for word in others:
            yield name.upper(), word.name.lower() if isinstance(word, Enum) else str(word)


@pytest.mark.parametrize("name", HINDRANCES)
def test_settings_that_keep_jax_from_computing_are_named(name, monkeypatch):
    assert jax.config.values[name] == HINDRANCES[name]
    monkeypatch.setattr(devices.jax, "config", SimpleNamespace(values={name: "other"}))
    with pytest.raises(ValueError, match=f"{name.upper()} = 'other' keeps JAX from making a dataset: leave it out"):
        backend.__wrapped__()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "word"), list(settings()))
def test_each_setting_of_jax_changes_no_byte(noisy, name, word, tmp_path):
    """Or it is noted, or refused by name: whatever a version of JAX may be told by its environment."""
    code, error = run(tmp_path, {name: word})
    if code == 0:
        found = tree(tmp_path / "x")
        assert found == noisy or manifest.read(tmp_path / "x").machine["compiler"]
    else:
        assert error.startswith("error: ")
        assert name in error.upper()
        assert len(error.splitlines()) == 1


@pytest.fixture(scope="module")
def noisy(tmp_path_factory):
    """A dataset with noise, random starts, motion and frames, made without any setting."""
    place = tmp_path_factory.mktemp("noisy")
    assert run(place, {}) == (0, "")
    return tree(place / "x")


def run(place, change):
    """Exit code and standard error of a process that makes that dataset."""
    words = ["--observation", "pixels", "--train", "2", "--val", "1", "--test", "1", "--steps", "600", "--size", "8"]
    command = [sys.executable, "-m", "slvm_data", "generate", "lorenz", *words, "--out", "x"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    done = subprocess.run(command, cwd=place, env=env | COMPILED_ANEW | change, capture_output=True, text=True)
    return done.returncode, done.stderr


def test_usually_there_is_nothing_to_note(monkeypatch):
    monkeypatch.delenv("XLA_FLAGS")
    assert set(machine()) == {"backend", "cpu"}
