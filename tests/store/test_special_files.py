"""A file that is opened is a regular file, and is read only up to the size that it may have."""

import dataclasses
import os
import shutil
import signal
import socket
import tempfile
from contextlib import contextmanager

import pytest

from slvm_data import RECIPES, generate
from slvm_data.core.errors import DamageError
from slvm_data.core.files import opened, read_at_most
from slvm_data.load import Sequences
from slvm_data.recipe.serialisation import from_stored
from slvm_data.run.combination import combine
from slvm_data.run.conversion import convert
from slvm_data.run.repair import mend
from slvm_data.run.verification import faults
from slvm_data.store import journal, manifest
from slvm_data.store.manifest import NAME
from slvm_data.store.testing import whole_tree as tree
from slvm_data.view.dataset import of_folder

RECIPE = dataclasses.replace(RECIPES["pendulum3"], train=5, val=2, test=0, steps=4)
TIME = 3  # s, in which a command has to end
ZARR = ("zarr.json", "image/zarr.json", "image/c/0/0/0", "label/c/0/0")
MARKERS = ("metadata.json", "0.json", "checksums")
PLACES = [
    *[("npz", name) for name in (NAME, "preview.gif", "dataset_1/train.npz")],
    *[("zarr", f"dataset_1/train.zarr/{name}") for name in ZARR],
    *[("zarr", f"dataset_1/train.shards/{name}") for name in MARKERS],
]


def pipe(path):
    os.mkfifo(path)


def endless(path):
    path.symlink_to("/dev/zero")


def connection(path):
    with socket.socket(socket.AF_UNIX) as own, tempfile.TemporaryDirectory() as place:
        own.bind(f"{place}/s")  # a name that is short enough
        shutil.move(f"{place}/s", path)


def huge(path):
    with path.open("wb") as file:
        file.truncate(2**42)  # nothing of it is on the disk


def folder(path):
    path.mkdir()


SPECIAL = [pipe, endless, connection, huge, folder]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The same dataset in each format."""
    place = tmp_path_factory.mktemp("made")
    return {form: generate(RECIPE, place / form, format=form) for form in ("npz", "zarr")}


@contextmanager
def soon():
    """The block ends in time: a call that waits is interrupted."""

    def stop(*_):
        raise AssertionError(f"it took more than {TIME} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(TIME)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def verify(place):
    content = manifest.read(place)
    if found := list(faults(place, from_stored(content.recipe, ()), content, 1, True)):
        raise DamageError(found[0])


def repair(place):
    content = journal.settled(place)
    mend(place, from_stored(content.recipe, ()), content)


def show(place):
    dataset = of_folder(place)
    for task in range(3):
        dataset.rows(task, "train", [0])


READERS = {
    "lazily": lambda place: Sequences(place).__getitems__(range(15)),
    "to memory": lambda place: Sequences(place).to_memory(),
    "verify": verify,
    "view": show,
    "combine": combine,
    "convert": lambda place: convert(place, place.with_name("copy"), to="webdataset"),
    "generate": lambda place: generate(RECIPE, place, format=place.suffix[1:]),
}


@pytest.mark.parametrize("special", SPECIAL)
@pytest.mark.parametrize(("form", "name"), PLACES)
def test_whatever_stands_in_the_place_of_a_file(made, tmp_path, form, name, special):
    """Every command names it at once, or has no need of that file; and repair puts a file there."""
    place = tmp_path / f"x.{form}"
    shutil.copytree(made[form], place)
    (place / name).unlink()
    special(place / name)
    seen = set()
    for command, run in READERS.items():
        try:
            with soon():
                run(place)
        except (DamageError, ValueError) as error:
            seen.add(command)
            assert str(place) in str(error), error
    assert "verify" in seen
    if special is not folder and name != NAME:
        with soon():
            repair(place)
        found = tree(place)  # with what `combine` has added
        assert [file for file, data in tree(made[form]).items() if found[file] != data and file != NAME] == []


@pytest.mark.parametrize("special", SPECIAL)
@pytest.mark.parametrize("name", ["plan.json", "units/dataset_1-train.npz-0.json", "old.json"])
def test_whatever_stands_among_what_is_not_complete(made, tmp_path, name, special):
    """It is made again, or named."""
    place = tmp_path / "x"
    generate(RECIPE, place, part=(0, 2))
    (place / ".slvm-data" / name).unlink(missing_ok=True)
    special(place / ".slvm-data" / name)
    with soon():
        try:
            generate(RECIPE, place)
        except (DamageError, ValueError, OSError) as error:
            assert str(place) in str(error), error
        else:
            assert tree(place) == tree(made["npz"])


@pytest.mark.parametrize("special", [pipe, endless, connection, folder])
def test_opened(tmp_path, special):
    special(tmp_path / "x")
    with soon(), pytest.raises(DamageError, match=f"^{tmp_path}/x is damaged: it is a folder, a pipe or a device"):
        opened(tmp_path / "x")


def test_no_more_is_read_than_there_may_be(tmp_path):
    huge(tmp_path / "x")
    with pytest.raises(DamageError, match=f"^{tmp_path}/x is damaged: it has {2**42} bytes, and 7 are the most"):
        read_at_most(tmp_path / "x", 7)
    (tmp_path / "y").write_bytes(b"seven b")
    assert read_at_most(tmp_path / "y", 7) == b"seven b"
