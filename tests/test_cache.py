"""Datasets by their names: made once in the cache, whole or not at all, and a folder that stands goes first."""

import subprocess
import sys
from dataclasses import replace
from errno import ENOSPC
from pathlib import Path

import numpy as np
import pytest

from slvm_data import RECIPES, cache, cli, generate, sample, uniform
from slvm_data.cache import cached
from slvm_data.core.errors import DamageError
from slvm_data.load import Sequences, Windows, dataset, root
from slvm_data.recipe.overrides import override
from slvm_data.run import generation, verification
from slvm_data.script import values
from slvm_data.store import manifest

TINY = {"train": 4, "val": 2, "test": 0, "steps": 4}
MADE = "note: pendulum is made once, and kept in "
KILLED = f"""
import os
import slvm_data.run.generation as generation
from slvm_data.cache import cached
generation.finish_if_complete = lambda *_: os._exit(9)  # when all units are there, and nothing is finished
cached("pendulum", **{TINY})
"""
AT_ONCE = f"""
from slvm_data.cache import cached
import slvm_data.run.generation
print("ready", flush=True)
input()
print(cached("pendulum", **{TINY}))
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.HOME, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(root, "_SAID", set())
    return tmp_path / "home/datasets"


@pytest.fixture
def tiny(monkeypatch):
    """The dataset `pendulum` with few sequences."""
    recipe = replace(RECIPES["pendulum"], **TINY)
    monkeypatch.setitem(RECIPES, "pendulum", recipe)
    return recipe


def test_a_kill_is_mended_and_two_processes_make_it_once(home, capfd, ended):
    """The one that was killed has made all units; the two at once are a process, and this one."""
    assert subprocess.run([sys.executable, "-c", KILLED], capture_output=True, check=False).returncode == 9
    ((begun, _),) = cache.entries()
    assert begun.parent.name.startswith(".pendulum-")
    ended(cli.main, "cache", "list")
    assert capfd.readouterr().out.endswith("not complete\n")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", AT_ONCE], text=True, **pipes) as other:
        assert other.stdout.readline() == "ready\n"
        other.stdin.write("\n")
        other.stdin.flush()
        folder = cached("pendulum", **TINY)
        out, err = other.communicate()
    assert (out, folder.parent) == (f"{folder}\n", home)
    assert (err + capfd.readouterr().err).count(MADE) == 1
    recipe = override(RECIPES["pendulum"], (), TINY)
    assert not list(verification.faults(folder, recipe, manifest.read(folder), 4, bit_exact=True))
    assert not begun.exists()
    image = dataset("pendulum", "val", **TINY)[:]["image"]
    assert np.array_equal(image[:, :, 0], sample(recipe, "val", slice(0, 2))["image"])
    assert capfd.readouterr().err == ""  # reused
    ended(cli.main, "cache", "list")
    assert capfd.readouterr().out == f"{folder}: {cache.entries()[0][1] / 1e6:.1f} MB\n"
    ended(cli.main, "cache", "clear")
    assert capfd.readouterr().out.startswith(f"{home}: 1 removed, ")
    assert cache.entries() == []
    ended(cli.main, "cache", "list")
    assert capfd.readouterr().out == f"{home}: no datasets\n"


def test_a_name_where_no_folder_stands_is_of_the_cache(tiny, home, capfd):
    assert Sequences("pendulum").root.parent == dataset("pendulum", "val").root.parent == home
    assert capfd.readouterr().err.count("note: ") == 1
    standing = generate(replace(tiny, seed=1), "pendulum")
    assert Sequences("pendulum").root == dataset("pendulum").root == standing.absolute()
    assert capfd.readouterr().err == (
        "note: the folder pendulum in this directory is read, not the dataset of this name\n"
    )
    assert dataset("pendulum", seed=2).root.parent == home  # another dataset than the folder's
    with pytest.raises(ValueError, match="pendulum does not exist"):
        Sequences(Path("elsewhere/pendulum"))
    assert capfd.readouterr().err.startswith(MADE)


def test_of_switching_dynamics_it_has_windows(monkeypatch):
    monkeypatch.setitem(RECIPES, "nascar", replace(RECIPES["nascar"], train=8, val=2, test=2))
    assert isinstance(dataset("nascar", "val"), Windows)


@pytest.mark.parametrize(
    ("name", "changes", "words", "options"),
    [
        ("pendulum", {"g": [2, 3]}, ["g=2,3"], {}),
        ("pendulum", {"g": "2..4", "train": 100}, ["g=2..4"], {"train": 100}),
        ("pendulum", {"m": uniform(0.5, 0.75), "uniform_annulus": True}, ["m=0.5..0.75", "uniform_annulus=true"], {}),
        ("gravity3", {"g": [(0.0, 2.5), (2.5, 0.0)]}, ["g=[0,2.5],[2.5,0]"], {}),
        ("pendulum", {"observe": "cru_regression"}, [], {"observe": ["cru_regression"]}),
        ("pendulum", {"observe": ["missing(p=0.5,keep=2)"]}, [], {"observe": ["missing(p=0.5,keep=2)"]}),
        ("pendulum", {"splits": "ood: 5 g=4..5"}, [], {"splits": ["ood: 5 g=4..5"]}),
        ("pendulum", {"record": "energy", "time": "poisson"}, [], {"record": ("energy",), "time": "poisson"}),
        ("nascar", {"trajectories": 8}, [], {"trajectories": 8}),
    ],
)
def test_changes_are_those_of_the_command_line(name, changes, words, options):
    assert cache._changed(RECIPES[name], changes) == override(RECIPES[name], words, values(options))


def test_another_recipe_has_another_folder(tiny):
    changed = (tiny, replace(tiny, seed=1), replace(tiny, dt=0.2), cache._changed(tiny, {"g": 4}))
    assert len({cache._key(recipe) for recipe in changed}) == 4
    assert cache._key(cache._changed(tiny, {"g": "4"})) == cache._key(changed[3])


def test_what_cannot_be_made_is_one_sentence(tiny, home, monkeypatch):
    def full(*_, **__):
        raise OSError(ENOSPC, "No space left on device", "there")

    monkeypatch.setattr(generation, "generate", full)
    with pytest.raises(OSError, match=r"device; pendulum cannot be kept there: make room, or set SLVM_DATA_HOME to an"):
        cached("pendulum")
    (home.parent / "file").touch()
    monkeypatch.setenv(cache.HOME, str(home.parent / "file"))
    with pytest.raises(OSError, match=r"Not a directory; pendulum cannot be kept there: [^\n]*$"):
        cached("pendulum")
    with pytest.raises(ValueError, match=r"Pendulum has no parameter 'gg'; did you mean g=3\?"):
        cached("pendulum", gg=3)


def test_what_is_not_as_it_has_to_be_is_not_kept(tiny, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(verification, "faults", lambda *_, **__: iter(["train.npz is damaged"]))
        with pytest.raises(DamageError, match=r"train\.npz is damaged"):
            cached("pendulum")
    assert cache.entries() == []
    assert len(Sequences(str(cached("pendulum")))) == 4
