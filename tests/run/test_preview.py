"""The picture on a dataset's card."""

import dataclasses
import shutil
from importlib.metadata import version

import numpy as np
import pytest
from PIL import Image

from slvm_data import RECIPES, View, generate
from slvm_data.cli import verify
from slvm_data.core.errors import DamageError
from slvm_data.run.repair import mend
from slvm_data.run.verification import faults
from slvm_data.store import manifest


def found(folder, recipe):
    return list(faults(folder, recipe, manifest.read(folder), 0, True))


@pytest.fixture(scope="module")
def recipe():
    return dataclasses.replace(RECIPES["pendulum3"], train=5, val=3, test=2, steps=4)


@pytest.fixture(scope="module")
def made(recipe, tmp_path_factory):
    return generate(recipe, tmp_path_factory.mktemp("made") / "x")


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "x")


def test_it_shows_the_first_sequences_a_row_for_each_task(folder):
    content = manifest.read(folder)
    assert content.preview.bytes == (folder / "preview.gif").stat().st_size < 20_000
    assert content.versions["pillow"] == version("pillow")
    assert "](preview.gif)" in (folder / "README.md").read_text()
    with Image.open(folder / "preview.gif") as picture:
        assert picture.size == (2 * (4 * 33 + 1), 2 * (3 * 33 + 1))
        assert picture.n_frames == 4
        for t in range(4):
            picture.seek(t)
            frame = np.asarray(picture.convert("RGB"))[::2, ::2]
            for task in range(3):
                with np.load(folder / f"dataset_{task}/train.npz") as data:
                    image = data["image"]
                for i in range(4):
                    shown = frame[33 * task + 1 : 33 * task + 33, 33 * i + 1 : 33 * i + 33]
                    assert (shown == 255 * image[i, t, ::-1, :, None]).all()


@pytest.mark.parametrize("harm", ["missing", "altered"])
def test_verify_and_repair_know_it(folder, recipe, harm):
    whole, path = (folder / "preview.gif").read_bytes(), folder / "preview.gif"
    assert not found(folder, recipe)
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes(whole[:-1] + b"?")
    kind = "is missing" if harm == "missing" else "is damaged: its checksum does not fit"
    assert found(folder, recipe) == [f"{path} {kind}"]
    assert mend(folder, recipe, manifest.read(folder)) == ["preview.gif"]
    assert path.read_bytes() == whole


def test_a_picture_of_another_pillow_is_not_repaired(folder, recipe):
    content = manifest.read(folder)
    content = dataclasses.replace(content, preview=dataclasses.replace(content.preview, sha256="0" * 64))
    manifest.write(folder, content)
    with pytest.raises(DamageError, match="though made again: by other software than wrote it"):
        mend(folder, recipe, content)


def test_another_pillow_changes_no_sequence(folder, capsys):
    """Sequences are then still compared bit by bit; with another JAX within a tolerance."""
    content = manifest.read(folder)
    for name, within in (("pillow", False), ("jax", True)):
        manifest.write(folder, dataclasses.replace(content, versions=content.versions | {name: "0.1"}))
        verify(folder, 2, None)
        assert ("compared within a tolerance" in capsys.readouterr().out) == within


def test_signals_have_none_and_an_old_one_goes(tmp_path):
    signals = dataclasses.replace(RECIPES["bouncing_ball_1d"], train=4, val=1, test=1)
    folder = generate(dataclasses.replace(signals, observation="pixels"), tmp_path / "x")
    assert (folder / "preview.gif").is_file()
    generate(signals, folder, overwrite=True)
    assert not (folder / "preview.gif").exists()
    assert manifest.read(folder).preview is None
    assert "preview" not in (folder / "README.md").read_text()


def test_shards_have_the_same(folder, recipe, tmp_path):
    other = generate(recipe, tmp_path / "y", format="zarr")
    assert (other / "preview.gif").read_bytes() == (folder / "preview.gif").read_bytes()
    assert not found(other, recipe)
    (other / "preview.gif").unlink()
    assert mend(other, recipe, manifest.read(other)) == ["preview.gif"]
    generate(recipe, other, overwrite=True)
    assert not found(other, recipe)


def test_large_and_long_sequences_make_no_large_picture(tmp_path):
    fields = {"view": View(size=256), "train": 3, "val": 0, "test": 0, "steps": 70}
    folder = generate(dataclasses.replace(RECIPES["mass_spring"], **fields), tmp_path / "x")
    with Image.open(folder / "preview.gif") as picture, np.load(folder / "train.npz") as data:
        assert picture.size == (66, 66)
        shown = [picture.info["duration"] for t in range(picture.n_frames) if not picture.seek(t)]
        assert sum(shown) == 6_000  # ms, of 60 frames; one that stays as it was is shown for longer
        picture.seek(0)
        first = 255 * data["image"][0, 0, ::4, ::4][::-1]
        assert (np.asarray(picture.convert("L"))[1:65, 1:65] == first).all()
