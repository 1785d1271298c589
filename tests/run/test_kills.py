"""Whatever writes a folder may be killed at any file operation: the same command then ends as if it had not been.

A kill is an exception that nothing catches, after which no file operation works any more: then the disk holds what a
killed process leaves. Functions that only compute are remembered, since every operation of every command is tried.
"""

import dataclasses
import functools
import os
import shutil
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest

from slvm_data import RECIPES, generate
from slvm_data.export import animation
from slvm_data.recipe.serialisation import from_stored
from slvm_data.run import plan
from slvm_data.run.combination import combine
from slvm_data.run.conversion import convert
from slvm_data.run.repair import mend
from slvm_data.simulation import certificate
from slvm_data.simulation.certificate import Tally
from slvm_data.store import formats, journal, manifest, tensors
from slvm_data.store.testing import whole_tree as tree
from slvm_data.view import saved
from slvm_data.view.animation import animate
from slvm_data.view.dataset import of_recipe

OPERATIONS = ("replace", "rename", "link", "unlink", "remove", "mkdir", "rmdir", "fsync")
RECIPE = dataclasses.replace(RECIPES["pendulum"], train=2, val=0, test=0, steps=4)
OTHER = dataclasses.replace(RECIPE, seed=1, folder="old")
TASKS = dataclasses.replace(RECIPES["pendulum3"], train=2, val=0, test=0, steps=4)


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture(scope="module", autouse=True)
def _remembered():
    """Compute nothing twice."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in (
            (plan, "prepare"),
            (plan, "forms"),
            (plan, "make"),
            (tensors, "encode"),
            (certificate, "certify"),
            (manifest, "versions"),
            (animation, "grid"),
            (animation, "encode"),
        ):
            patch.setattr(module, name, _remembering(getattr(module, name)))
        yield


def _remembering(function):
    known = {}

    @functools.wraps(function)
    def remember(*args, **options):
        key = repr([_key(value) for value in (*args, *options.values())])
        if key not in known:
            known[key] = function(*args, **options)
        return known[key]

    return remember


def _key(value):
    """What the result depends on."""
    if isinstance(value, dict | tuple) and not hasattr(value, "_fields"):
        return [_key(one) for one in (value.items() if isinstance(value, dict) else value)]
    if isinstance(value, np.ndarray):
        return value.dtype, value.shape, value.tobytes()
    return value.state() if isinstance(value, Tally) else value


@pytest.fixture
def tmp_path(tmp_path):
    """In memory where that is possible: only what stands in the folder matters here, not when it reaches a disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as place:
        yield Path(place)


@pytest.fixture
def killing(monkeypatch):
    """Runs a command, and kills it before or after its k-th file operation; returns whether it came so far."""
    real = {name: getattr(os, name) for name in OPERATIONS} | {"fsync": lambda _: None}
    lock = threading.Lock()

    def kill(command, k, after, error=Killed):
        done = 0

        def operation(name):
            def run(*args, **options):
                nonlocal done
                with lock:  # files are written by several threads
                    done += 1
                    if (done > k and error is Killed) or (done == k and not after):
                        raise error
                    result = real[name](*args, **options)
                    if done == k:
                        done += 1
                        raise error
                    return result

            return run

        with monkeypatch.context() as patch:
            for name in OPERATIONS:
                patch.setattr(os, name, operation(name))
            try:
                command()
            except (Killed, KeyboardInterrupt):
                return True
        return done >= k

    return kill


def again(command):
    """The same command once more; a file that it has already written is no failure."""
    try:
        command()
    except ValueError as error:
        assert "add --overwrite" in str(error)


EVERY = pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.slow), 9])


def holds(killing, tmp_path, begin, command, every=1, least=10, error=Killed):
    """Kill a command at every so many of its operations, and compare what the next run of it ends with.

    It has more than `least` of them.
    """
    place = tmp_path / "x"
    begin(place)
    command(place)
    expected, k = tree(place), 1 - every
    while True:
        k += every
        for after in (False, True):
            shutil.rmtree(place)
            begin(place)
            if not killing(lambda: command(place), k, after, error):
                assert k > least
                return
            again(lambda: command(place))
            assert tree(place) == expected, f"killed {'after' if after else 'before'} operation {k}"


def nothing(place):
    place.mkdir()


@EVERY
@pytest.mark.parametrize("form", formats.OWN)
def test_generate(killing, tmp_path, form, every):
    holds(killing, tmp_path, nothing, lambda place: generate(RECIPE, place, format=form), every)


@EVERY
def test_generate_several_files(killing, tmp_path, every):
    holds(killing, tmp_path, nothing, lambda place: generate(TASKS, place), every)


@EVERY
@pytest.mark.parametrize("old", formats.OWN)
@pytest.mark.parametrize("form", formats.OWN)
def test_generate_over_another(killing, tmp_path, form, old, every):
    """With a file of the user's, which stays."""

    def begin(place):
        shutil.copytree(kept, place)
        (place / "notes.txt").write_text("mine")

    kept = generate(OTHER, tmp_path / "old", format=old)
    holds(killing, tmp_path, begin, lambda place: generate(RECIPE, place, format=form, overwrite=True), every)


def test_combine(killing, tmp_path):
    kept = generate(TASKS, tmp_path / "old")
    holds(killing, tmp_path, lambda place: shutil.copytree(kept, place), lambda place: combine(place, shuffle=True))


def test_combine_again(killing, tmp_path):
    kept = generate(TASKS, tmp_path / "old")
    combine(kept)
    holds(
        killing,
        tmp_path,
        lambda place: shutil.copytree(kept, place),
        lambda place: combine(place, shuffle=True, overwrite=True),
    )


@EVERY
@pytest.mark.parametrize("to", formats.NAMES)
def test_convert(killing, tmp_path, to, every):
    source = generate(RECIPE, tmp_path / "source", format="zarr" if to == "npz" else "npz")
    holds(killing, tmp_path, nothing, lambda place: convert(source, place, to=to), every)


@EVERY
def test_convert_over_another(killing, tmp_path, every):
    source, kept = generate(RECIPE, tmp_path / "source"), generate(OTHER, tmp_path / "old")
    holds(
        killing,
        tmp_path,
        lambda place: shutil.copytree(kept, place),
        lambda place: convert(source, place, to="zarr", overwrite=True),
        every,
    )


def test_describe(killing, tmp_path):
    kept = generate(RECIPE, tmp_path / "old")
    holds(
        killing,
        tmp_path,
        lambda place: shutil.copytree(kept, place),
        lambda place: convert(place, place / manifest.CROISSANT),
    )


@EVERY
@pytest.mark.parametrize("form", formats.OWN)
def test_repair(killing, tmp_path, form, every):
    kept = generate(RECIPE, tmp_path / "old", format=form)
    whole = tree(kept)
    file = kept / ("train.npz" if form == "npz" else "train.zarr/image/c/0/0/0")
    file.write_bytes(file.read_bytes()[:-3])
    (kept / manifest.PREVIEW).unlink()

    def repair(place):
        content = journal.settled(place)
        mend(place, from_stored(content.recipe, ()), content)

    holds(killing, tmp_path, lambda place: shutil.copytree(kept, place), repair, every)
    assert tree(tmp_path / "x") == whole


INTERRUPTED = {
    "npz": lambda place: generate(RECIPE, place, overwrite=True),
    "zarr": lambda place: generate(RECIPE, place, format="zarr", overwrite=True),
    "combine": lambda place: combine(place, overwrite=True),
    "describe": lambda place: convert(place, place / manifest.CROISSANT, overwrite=True),
}


@pytest.mark.parametrize("name", INTERRUPTED)
@EVERY
def test_interrupted(killing, tmp_path, name, every):
    """By Ctrl-C, after which it clears up: neither the old dataset nor the new one is lost."""
    kept = generate(RECIPE if name in ("combine", "describe") else OTHER, tmp_path / "old")
    holds(
        killing,
        tmp_path,
        lambda place: shutil.copytree(kept, place),
        lambda place: INTERRUPTED[name](place),
        every,
        error=KeyboardInterrupt,
    )


@pytest.mark.parametrize("ending", [*animation.FORMATS, "mp4"])
def test_gif(killing, tmp_path, ending):
    """Also over a picture that is there."""

    def begin(place):
        place.mkdir()
        (place / f"x.{ending}").write_text("old")
        (place / f".x.{ending}.tmp").write_text("mine")

    shown = of_recipe(RECIPE)
    holds(killing, tmp_path, begin, lambda place: animate(shown, place / f"x.{ending}", rows=1, columns=2), least=2)


def test_view_save(killing, tmp_path):
    shown = of_recipe(RECIPE)
    holds(killing, tmp_path, nothing, lambda place: saved.save(shown, place / "page.html", 4), least=2)
