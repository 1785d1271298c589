"""Films to be shown: what is read is what stands in the files, row by row, and what is computed is right."""

import dataclasses
import shutil

import numpy as np
import pytest
import zarr

from slvm_data import RECIPES, View, generate, sample
from slvm_data.core.errors import DamageError
from slvm_data.store import npz, npz_rows
from slvm_data.view import dataset as films
from slvm_data.view.payload import shown


def test_rows_are_those_of_the_file(folder):
    source = films.of_folder(folder("pendulum3"))
    with np.load(folder("pendulum3") / "dataset_2/train.npz") as data:
        stored = dict(data)
    rows = source.rows(2, "train", [31, 2, 31])
    assert set(rows) == {*stored, "energy"}
    for key, array in stored.items():
        np.testing.assert_array_equal(rows[key], np.tile(array, (3, 1)) if key == "time" else array[[31, 2, 31]])
    assert source.count(2, "val") == 4
    for key, values in source.constants(2, "train").items():
        np.testing.assert_array_equal(values, stored[f"param_{key}"])


def test_a_sharded_folder_shows_the_same(folder):
    """Colours, packed eight pixels to the octet."""
    rows = films.of_folder(folder("two_body", "zarr")).rows(0, "train", [69, 0])
    group = zarr.open_group(folder("two_body", "zarr") / "train.zarr", mode="r")
    image = np.unpackbits(group["image"][:], axis=-1).reshape(70, 30, 3, 32, 32)
    np.testing.assert_array_equal(rows["image"], image[[69, 0]])
    np.testing.assert_array_equal(rows["state"], group["state"][:][[69, 0]])


def test_a_recipe_gives_what_it_would_write(folder):
    with np.load(folder("pendulum3") / "dataset_1/val.npz") as data:
        rows = films.of_recipe(dataclasses.replace(RECIPES["pendulum3"], val=4)).rows(1, "val", [2])
        for key in data.files:
            np.testing.assert_array_equal(rows[key][0], data[key] if key == "time" else data[key][2])


def test_energy_is_that_of_the_bodies(folder):
    """Two masses that move and attract each other, by hand."""
    rows = films.of_folder(folder("two_body", "zarr")).rows(0, "train", [0, 5])
    m, g, x = rows["param_m"][:, None].astype(float), rows["param_g"][:, None], rows["state"].astype(float)
    apart = np.linalg.norm(x[..., :2] - x[..., 2:4], axis=-1)
    motion = (x[..., 4:6] ** 2).sum(-1) / (2 * m[..., 0]) + (x[..., 6:8] ** 2).sum(-1) / (2 * m[..., 1])
    np.testing.assert_allclose(rows["energy"], motion - g * m[..., 0] * m[..., 1] / apart, rtol=1e-9)


def test_impacts_are_those_that_would_be_recorded(folder):
    where = folder("gravity", "npz", ("energy", "events"))
    stored, plain = films.of_folder(where).rows(0, "train", range(9)), films.of_folder(where)
    hidden = films.Films(plain.recipe, where, plain.content)
    object.__setattr__(hidden, "_read", lambda *at: {k: a for k, a in plain._read(*at).items() if k[0] != "e"})
    computed = hidden.rows(0, "train", range(9))
    assert computed.keys() == stored.keys()
    for key in ("energy", "event_time", "event_wall", "event_before", "event_after"):
        np.testing.assert_allclose(computed[key], stored[key], rtol=1e-4, atol=1e-4, err_msg=key)


@pytest.mark.parametrize(("form", "view"), [("npz", View(kind="signals")), ("zarr", View())])
def test_windows(form, view, tmp_path):
    windows = dataclasses.replace(RECIPES["nascar"].windows, series=True)
    recipe = dataclasses.replace(RECIPES["nascar"], train=50, val=2, test=2, steps=1000, windows=windows, view=view)
    source = films.of_folder(generate(recipe, tmp_path / "n", form=form))
    rows = source.rows(0, "train", [49, 0])
    made = sample(recipe, "train", slice(0, 50))
    constants, frames = {"param_process_noise", "param_observation_noise"}, {"image", "domain_image"} & made.keys()
    assert rows.keys() == {"queries", "domains", "labels", "latents", "label", "path", "time", *constants, *frames}
    for key, array in rows.items():
        np.testing.assert_array_equal(array, made[key][[49, 0]])
    told = shown(source, 0, "train", [49])[0]
    assert [(window["frames"] or {}).get("count") for window in told["context"]] == [7 if frames else None] * 3
    assert told["mode"] == made["labels"][49].tolist()


def test_a_film_that_is_cut_has_the_impacts_of_what_is_shown(monkeypatch):
    recipe = dataclasses.replace(RECIPES["gravity"], train=1, steps=60)
    every = shown(films.of_recipe(recipe), 0, "train", [0])[0]["impacts"]
    monkeypatch.setattr("slvm_data.view.payload.FRAMES", 20)
    some = shown(films.of_recipe(recipe), 0, "train", [0])[0]["impacts"]
    assert some == [impact for impact in every if impact["time"] <= recipe.time()[19]]
    assert 0 < len(some) < len(every)


def test_constants_of_a_recipe_are_looked_through_in_parts(folder, monkeypatch):
    monkeypatch.setattr(films, "STEP", 33)
    made = films.of_recipe(dataclasses.replace(RECIPES["pendulum3"], train=70)).constants(0, "train")
    stored = films.of_folder(folder("pendulum3")).constants(0, "train")
    assert made.keys() == stored.keys()
    for name, values in stored.items():
        np.testing.assert_array_equal(made[name], values)


def test_far_rows_need_no_more_than_their_neighbourhood(tmp_path, monkeypatch):
    """Marks are kept, and from the last mark before a row little is inflated."""
    image = np.random.default_rng(0).integers(0, 2, (600, 30, 32, 32), np.uint8)
    npz.write(tmp_path / "train.npz", [{"image": image}], 600, {"time": np.arange(30.0)})
    monkeypatch.setattr(npz_rows, "APART", 2**16)
    rows = npz_rows.Rows(tmp_path / "train.npz")
    np.testing.assert_array_equal(rows.read(np.array([0]))["image"], image[:1])
    first = _inflated(rows, [599], monkeypatch)
    again = _inflated(rows, [3, 300, 597], monkeypatch)
    assert first > 0.9 * image.nbytes
    assert again < 0.1 * image.nbytes
    np.testing.assert_array_equal(rows.read(np.array([3, 300, 301, 597]))["image"], image[[3, 300, 301, 597]])
    np.testing.assert_array_equal(rows.read(np.array([], int))["time"], np.arange(30.0))


def _inflated(rows, index, monkeypatch):
    """Bytes that are inflated while these rows are read."""
    seen, real = [], npz_rows._Inflater.next
    with monkeypatch.context() as patch:
        patch.setattr(npz_rows._Inflater, "next", lambda self, file: seen.append(real(self, file)) or seen[-1])
        rows.read(np.array(index), ["image"])
    return sum(map(len, seen))


def test_what_there_is_not_is_refused(folder, tmp_path):
    place = shutil.copytree(folder("pendulum3"), tmp_path / "p")
    source = films.of_folder(place)
    for task, split, index, message in ((3, "val", 0, "task = 3"), (0, "all", 0, "split"), (0, "val", 4, "index = 4")):
        with pytest.raises(ValueError, match=message):
            source.rows(task, split, [index])
    with np.load(place / "dataset_1/val.npz") as data:
        arrays = dict(data)
    np.savez(place / "dataset_1/val.npz", **{name: array for name, array in arrays.items() if name != "state"})
    np.savez(place / "dataset_2/val.npz", **{**arrays, "state": arrays["state"][..., :1]})
    with pytest.raises(DamageError, match=r"val\.npz is damaged, at state: it is missing"):
        source.rows(1, "val", [0])
    with pytest.raises(DamageError, match=r"at state: it is float32 \[30, 1\] a row, not float32 \[4, 30, 2\]"):
        source.rows(2, "val", [0])
    path = place / "dataset_0/val.npz"
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(DamageError, match=r"val\.npz is damaged"):
        source.rows(0, "val", [0])
