"""Nothing is written, changed or removed beyond a link to a folder that stands in a dataset's folder."""

import dataclasses
import os
import shutil
from pathlib import Path

import pytest

from slvm_data import RECIPES, generate
from slvm_data.core.errors import DamageError
from slvm_data.recipe.serialisation import from_stored
from slvm_data.run.combination import combine
from slvm_data.run.conversion import convert
from slvm_data.run.repair import mend
from slvm_data.store import journal
from slvm_data.store.testing import whole_tree as tree

RECIPE = dataclasses.replace(RECIPES["pendulum3"], train=5, val=2, test=0, steps=4)
OTHER = dataclasses.replace(RECIPE, seed=1)
HIDDEN = (".slvm-data", ".slvm-data/next", ".slvm-data/units", ".slvm-data/scratch", ".slvm-data/next/dataset_1")
GROUPS = ("train.zarr", "train.shards", "train.zarr/image", "train.zarr/image/c", "train.zarr/image/c/0")


def repair(place):
    content = journal.settled(place)
    mend(place, from_stored(content.recipe, ()), content)


COMMANDS = {
    "generate": lambda place: generate(RECIPE, place),
    "overwrite": lambda place: generate(OTHER, place, overwrite=True),
    "overwrite as zarr": lambda place: generate(OTHER, place, overwrite=True, format="zarr"),
    "combine": combine,
    "repair": repair,
    "convert": lambda place: convert(place.with_name("zarr"), place, to="npz", overwrite=True),
    "describe": lambda place: convert(place, place / "croissant.json", overwrite=True),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The same dataset in each format."""
    place = tmp_path_factory.mktemp("made")
    return {form: generate(RECIPE, place / form, format=form) for form in ("npz", "zarr")}


@pytest.fixture
def mine(tmp_path):
    """A folder of the user's, with names as ours."""
    place = tmp_path / "mine"
    for name in (
        "notes.txt",
        "next/a",
        "units/b.json",
        "scratch/c",
        "plan.json",
        "0.json",
        "0/0/0",
        "c/0/0/0",
        ".x.tmp",
    ):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("mine")
    return place


def linked(place, mine):
    """Put a link to the user's folder in the place of a folder of ours."""
    if place.exists():
        shutil.rmtree(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(mine)


def refused(command, place, mine):
    """Whether a command refuses; it never touches the user's files."""
    before = tree(mine)
    try:
        command(place)
    except (ValueError, DamageError, OSError) as error:
        assert str(place) in str(error), error
        return True
    finally:
        assert tree(mine) == before
    return False


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", HIDDEN)
def test_a_link_in_the_hidden_folder(made, mine, tmp_path, name, command):
    place = tmp_path / "x"
    shutil.copytree(made["npz"], place)
    shutil.copytree(made["zarr"], tmp_path / "zarr")
    linked(place / name, mine)
    assert refused(COMMANDS[command], place, mine)


@pytest.mark.parametrize("command", ["overwrite", "overwrite as zarr", "repair"])
@pytest.mark.parametrize("name", GROUPS)
def test_a_link_in_a_group(made, mine, tmp_path, name, command):
    place = tmp_path / "x"
    shutil.copytree(made["zarr"], place)
    linked(place / "dataset_1" / name, mine)
    assert refused(COMMANDS[command], place, mine)


@pytest.mark.parametrize("name", [f".slvm-data/next/dataset_1/{name}" for name in ("train.zarr", "train.zarr/image/c")])
def test_a_link_in_a_group_that_is_begun(mine, tmp_path, name):
    place = tmp_path / "x"
    generate(RECIPE, place, part=(0, 2), format="zarr")
    linked(place / name, mine)
    assert refused(lambda place: generate(RECIPE, place, format="zarr"), place, mine)
    (place / name).unlink()
    generate(RECIPE, place, format="zarr")


def test_a_link_that_comes_while_files_move(made, mine, tmp_path, monkeypatch):
    """The group of a task, between the decision and its steps."""
    place = tmp_path / "x"
    (place / "dataset_1").mkdir(parents=True)
    settle = journal.settle

    def later(folder):
        if (folder / ".slvm-data/old.json").is_file():
            linked(place / "dataset_1/train.zarr", mine)
        settle(folder)

    with monkeypatch.context() as patch:
        patch.setattr(journal, "settle", later)
        assert refused(lambda place: generate(RECIPE, place, format="zarr", overwrite=True), place, mine)
    (place / "dataset_1/train.zarr").unlink()
    generate(RECIPE, place, format="zarr")
    assert tree(place) == tree(made["zarr"])


@pytest.fixture(params=["the same disk", "another disk"])
def far(request, tmp_path):
    """An empty folder."""
    if request.param == "the same disk":
        (tmp_path / "far").mkdir()
        yield tmp_path / "far"
        return
    place = Path("/dev/shm") / f"slvm-{os.getpid()}"
    place.mkdir()
    assert place.stat().st_dev != tmp_path.stat().st_dev
    yield place
    shutil.rmtree(place)


@pytest.mark.parametrize("form", ["npz", "zarr"])
def test_the_folder_of_a_task_may_be_a_link(made, tmp_path, form, far):
    """It was there before the first run; what is not ours in it stays, and the link too."""
    place = tmp_path / "x"
    place.mkdir()
    (far / "notes.txt").write_text("mine")
    (place / "dataset_1").symlink_to(far)
    generate(RECIPE, place, format=form, overwrite=True)
    (place / "dataset_1/notes.txt").unlink()
    assert tree(shutil.copytree(place, tmp_path / "y")) == tree(made[form])
    (far / "notes.txt").write_text("mine")
    generate(OTHER, place, format="npz", overwrite=True)
    assert {path.name for path in far.iterdir()} == {"train.npz", "val.npz", "notes.txt"}
    assert (place / "dataset_1").is_symlink()


def test_the_link_of_a_file_is_replaced_and_its_target_stays(made, tmp_path):
    place, mine = tmp_path / "x", tmp_path / "mine"
    shutil.copytree(made["npz"], place)
    mine.write_text("mine")
    for name in ("dataset_1/train.npz", "preview.gif"):
        (place / name).unlink()
        (place / name).symlink_to(mine)
    repair(place)
    assert tree(place) == tree(made["npz"])
    assert mine.read_text() == "mine"
