"""Every way in which a person may write a path reaches the same folder, and keeps reaching it."""

import dataclasses
import os
import shutil
from pathlib import Path

import pytest
import torch

from slvm_data import RECIPES, cli, generate
from slvm_data.load import DataModule, Sequences
from slvm_data.load import shards as load_shards
from slvm_data.run.combination import combine
from slvm_data.run.conversion import convert
from slvm_data.store import manifest, tensors
from slvm_data.view.dataset import of_folder

WRITTEN = [
    "sets/x",
    "./sets/x",
    "sets//x/",
    "sets/x/.",
    "sets/../sets/x",
    "../home/sets/x",
    "nowhere/../sets/x",
    "linked/x",
    "sets/link",
    "linked/../sets/x",  # up from where the link leads to
    "~/sets/x",
    "~/sets/../sets/x",
]
NAMES = ["a b", "a#b", "a%20b", "a?b", "é", "a\\b", "x.__lock", "a:b", "~", "~nobody", "$HOME", "[1]", "file:", "a\nb"]


@pytest.fixture
def home(tmp_path, monkeypatch, sharded, pendulums):
    """The working directory, and the home of the user, with a dataset in shards, sets/x, and another one, sets/npz."""
    home = tmp_path / "home"
    (home / "sets").mkdir(parents=True)
    (home / "nowhere").mkdir()
    shutil.copytree(sharded, home / "sets/x")
    shutil.copytree(pendulums, home / "sets/npz")
    (home / "sets/link").symlink_to("x")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/deep").symlink_to(home / "sets")
    (home / "linked").symlink_to(home / "sets")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)
    monkeypatch.setattr(load_shards, "CACHE", 0)
    return home


def test_what_is_written(home, monkeypatch):
    monkeypatch.chdir(home / "nowhere")
    Path("../sets/y").symlink_to("x")
    expected = Sequences(home / "sets/x")[:70]
    for path in ("../sets/x", "..//sets/y", "./../sets/../sets/x"):
        assert torch.equal(Sequences(path)[:70]["image"], expected["image"])


@pytest.mark.parametrize("path", WRITTEN)
@pytest.mark.parametrize("kind", [str, Path])
def test_a_loader_keeps_its_folder(home, monkeypatch, path, kind):
    """After the working directory, and then the home, is another one; a link is followed when it is opened."""
    expected = Sequences(home / "sets/x")
    lazy, late = Sequences(kind(path)), Sequences(kind(path), fields=("state",))
    module = DataModule(kind(path.replace("x", "npz") if "link" not in path else path), 5)
    monkeypatch.chdir("/")
    monkeypatch.setenv("HOME", "/nowhere")
    assert torch.equal(lazy[:70]["image"], expected[:70]["image"])
    assert torch.equal(lazy.to_memory()[:70]["image"], expected[:70]["image"])
    assert torch.equal(late.to_memory()[:][0], expected[:]["state"])
    assert len(next(iter(module.train_dataloader()))["image"]) == 5


@pytest.mark.parametrize("name", NAMES)
def test_names_that_mean_something_elsewhere(home, name):
    folder = home / "sets" / name
    folder.parent.joinpath("x").rename(folder)
    os.chdir(folder.parent)
    lazy = Sequences(folder)
    assert lazy[:70]["image"].shape[0] == 70
    assert torch.equal(Sequences(f"./{name}").to_memory()[:]["state"], lazy[:]["state"])
    assert not any(Path(name).exists() for name in ("a/b",))


def test_a_name_that_is_not_text(home):
    folder = os.fsdecode(os.fsencode(home) + b"/sets/\xe9")
    (home / "sets/x").rename(folder)
    assert len(Sequences(folder)[:70]["image"]) == 70


def test_a_backslash_is_no_slash(home):
    """`a\\b` is never read from the folder b in a."""
    (home / "sets/a").mkdir()
    shutil.copytree(home / "sets/x", home / "sets/a/b")
    shutil.rmtree(home / "sets/x")
    with pytest.raises(ValueError, match="does not exist"):
        Sequences(home / "sets/a\\b")
    assert not tensors.takes(home / "sets/a\\b")
    assert tensors.takes(home / "sets/a/b")


def test_functions(home, monkeypatch):
    recipe = dataclasses.replace(RECIPES["pendulum3"], train=5, val=3, test=2, steps=4)
    folder = generate(recipe, "~/sets/../made")
    assert folder.samefile(home / "made")
    monkeypatch.chdir("nowhere")
    assert generate(recipe, "../sharded", format="zarr").samefile(home / "sharded")
    assert convert("../sharded", "~/nowhere/../copy", to="npz").samefile(home / "copy")
    assert (home / "copy/dataset_0/train.npz").read_bytes() == (home / "made/dataset_0/train.npz").read_bytes()
    assert combine("~/made").keys() == {f"combined_{split}.npz" for split in ("train", "val", "test")}
    assert len(of_folder(Path("../sharded")).rows(0, "train", [0, 3])["state"]) == 2
    assert manifest.read(Path("../sharded")).format.name == "zarr"
    assert not (home / "nowhere/~").exists()


@pytest.mark.parametrize("path", ["../sets/x", "~/sets/x", "~/nowhere/../sets/link"])
def test_commands(home, monkeypatch, capsys, ended, path):
    monkeypatch.chdir("nowhere")
    for words in (("info", path), ("status", path), ("verify", path, "--sample", 1), ("repair", path)):
        assert ended(cli.main, *words) == 0, words
    assert ended(cli.main, "view", path, "--save=~/page.html", "--sequences", 2) == 0
    assert (home / "page.html").is_file()
    assert ended(cli.main, "convert", path, "~/copy", "--to", "npz") == 0
    sizes = ("--train", 2, "--val", 1, "--test", 1, "--steps", 3)
    assert ended(cli.main, "generate", "pendulum", "--out=~/made", *sizes) == 0
    assert ended(cli.main, "generate", "~/made/dataset.json", "--out", "../again") == 0
    assert sorted(path.name for path in home.iterdir()) == sorted(
        ["again", "copy", "linked", "made", "nowhere", "page.html", "sets"]
    )
    assert not list((home / "nowhere").iterdir())
    assert "error" not in capsys.readouterr().err
