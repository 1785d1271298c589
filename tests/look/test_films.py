"""Films to be shown: what is read is what stands in the files, row by row, and what is computed is right."""

import dataclasses

import numpy as np
import pytest

from slvm_data import RECIPES, generate, sample
from slvm_data.look import films
from slvm_data.store import npz_rows
from slvm_data.store.damage import DamageError

SMALL = {"train": 40, "val": 3, "test": 2, "steps": 6}


@pytest.mark.parametrize("form", ["npz", "zarr"])
@pytest.mark.parametrize("name", ["pendulum3", "two_body", "gravity"])
def test_rows_are_those_of_the_files(form, name, tmp_path):
    recipe = dataclasses.replace(RECIPES[name], **SMALL)
    shown = films.of_folder(generate(recipe, tmp_path / name, form=form))
    last = len(recipe.tasks) - 1
    rows, made = shown.rows(last, "train", [31, 2, 31]), sample(recipe, "train", slice(0, 40), last)
    for key, array in made.items():
        expected = np.tile(array, (3, 1)) if key == "time" else array[[31, 2, 31]]
        np.testing.assert_array_equal(rows[key], expected)
    assert shown.count(last, "val") == 3
    for key, values in shown.constants(last, "train", 7).items():
        np.testing.assert_array_equal(values, made[f"param_{key}"][:7])


def test_a_recipe_gives_what_it_would_write():
    recipe = dataclasses.replace(RECIPES["mass_spring"], **SMALL)
    rows = films.of_recipe(recipe).rows(0, "val", [2])
    for key, array in sample(recipe, "val", slice(2, 3)).items():
        np.testing.assert_array_equal(rows[key][0] if key == "time" else rows[key], array)


@pytest.mark.parametrize(("name", "record"), [("double_pendulum", "energy"), ("gravity", "energy,events")])
def test_what_is_not_stored_is_computed(name, record):
    plain = dataclasses.replace(RECIPES[name], **SMALL)
    told = dataclasses.replace(plain, record=tuple(record.split(",")))
    computed, stored = films.of_recipe(plain).rows(0, "train", [0, 5]), films.of_recipe(told).rows(0, "train", [0, 5])
    assert computed.keys() == stored.keys()
    for key, array in stored.items():
        np.testing.assert_allclose(computed[key], array, rtol=1e-4, atol=1e-4, err_msg=key)


@pytest.mark.parametrize("form", ["npz", "zarr"])
def test_windows(form, tmp_path):
    windows = dataclasses.replace(RECIPES["nascar"].windows, series=True)
    recipe = dataclasses.replace(RECIPES["nascar"], train=50, val=2, test=2, windows=windows)
    rows = films.of_folder(generate(recipe, tmp_path / "n", form=form)).rows(0, "train", [49, 0])
    made = sample(recipe, "train", slice(0, 50))
    assert rows.keys() == {"queries", "domains", "labels", "latents", "label", "path", "time", "param_process_noise",
                           "param_observation_noise"}  # fmt: skip
    for key, array in rows.items():
        np.testing.assert_array_equal(array, made[key][[49, 0]])


def test_far_rows_need_no_more_than_their_neighbourhood(tmp_path, monkeypatch):
    """Marks are kept, and from the last mark before a row little is inflated."""
    recipe = dataclasses.replace(RECIPES["pendulum"], train=600, val=1, test=1)
    folder = generate(recipe, tmp_path / "p")
    monkeypatch.setattr(npz_rows, "APART", 2**16)
    rows = npz_rows.Rows(folder / "train.npz")
    with np.load(folder / "train.npz") as data:
        image = data["image"]
    np.testing.assert_array_equal(rows.read(np.array([0]), ["image"])["image"], image[:1])
    first = _inflated(rows, [599], monkeypatch)
    again = _inflated(rows, [3, 300, 597], monkeypatch)
    assert first > 0.9 * image.nbytes
    assert again < 0.1 * image.nbytes
    np.testing.assert_array_equal(rows.read(np.array([3, 300, 597]), ["image"])["image"], image[[3, 300, 597]])


def _inflated(rows, index, monkeypatch):
    """Bytes that are inflated while these rows are read."""
    seen, real = [], npz_rows._Inflater.next
    with monkeypatch.context() as patch:
        patch.setattr(npz_rows._Inflater, "next", lambda self, file: seen.append(real(self, file)) or seen[-1])
        rows.read(np.array(index), ["image"])
    return sum(map(len, seen))


def test_what_there_is_not_is_refused(tmp_path):
    recipe = dataclasses.replace(RECIPES["pendulum"], **SMALL)
    shown = films.of_folder(generate(recipe, tmp_path / "p"))
    for task, split, index, message in ((1, "val", 0, "task = 1"), (0, "all", 0, "split"), (0, "val", 3, "index = 3")):
        with pytest.raises(ValueError, match=message):
            shown.rows(task, split, [index])
    path = tmp_path / "p/val.npz"
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(DamageError, match=r"val\.npz is damaged"):
        shown.rows(0, "val", [0])
