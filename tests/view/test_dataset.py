"""Sequences to be shown: those that are read equal the files, row by row, and computed arrays are right."""

import dataclasses
import os
import shutil

import numpy as np
import pytest
import zarr

from slvm_data import RECIPES, generate, sample
from slvm_data.core.errors import DamageError
from slvm_data.store import npz, npz_rows
from slvm_data.view import animate, plot
from slvm_data.view import dataset as module
from slvm_data.view.dataset import Dataset, of_folder, of_recipe
from slvm_data.view.payload import payload
from slvm_data.view.report import report
from slvm_data.view.saved import save


def test_rows_are_those_of_the_file(folder):
    source = of_folder(folder("pendulum3"))
    with np.load(folder("pendulum3") / "dataset_2/train.npz") as data:
        stored = dict(data)
    rows = source.rows(2, "train", [31, 2, 31])
    assert set(rows) == {*stored, "energy"}
    for key, array in stored.items():
        np.testing.assert_array_equal(rows[key], array[[31, 2, 31]])
    assert source.count(2, "val") == 4
    for key, values in source.parameters(2, "train").items():
        np.testing.assert_array_equal(values, stored[f"param_{key}"])


def test_a_sharded_folder_shows_the_same(folder):
    """Colours, packed eight pixels per byte."""
    rows = of_folder(folder("two_body", "zarr")).rows(0, "train", [69, 0])
    group = zarr.open_group(folder("two_body", "zarr") / "train.zarr", mode="r")
    image = np.unpackbits(group["image"][:], axis=-1).reshape(70, 30, 3, 32, 32)
    np.testing.assert_array_equal(rows["image"], image[[69, 0]])
    np.testing.assert_array_equal(rows["state"], group["state"][:][[69, 0]])


def test_a_recipe_gives_what_it_would_write(folder):
    with np.load(folder("pendulum3") / "dataset_1/val.npz") as data:
        rows = of_recipe(dataclasses.replace(RECIPES["pendulum3"], val=4)).rows(1, "val", [2])
        for key in data.files:
            np.testing.assert_array_equal(rows[key][0], data[key][2])


def test_energy_is_that_of_the_bodies(folder):
    """Two masses that move and attract each other, by hand."""
    rows = of_folder(folder("two_body", "zarr")).rows(0, "train", [0, 5])
    m, g, x = rows["param_m"][:, None].astype(float), rows["param_g"][:, None], rows["state"].astype(float)
    apart = np.linalg.norm(x[..., :2] - x[..., 2:4], axis=-1)
    motion = (x[..., 4:6] ** 2).sum(-1) / (2 * m[..., 0]) + (x[..., 6:8] ** 2).sum(-1) / (2 * m[..., 1])
    np.testing.assert_allclose(rows["energy"], motion - g * m[..., 0] * m[..., 1] / apart, rtol=1e-9)


def test_impacts_are_those_that_would_be_recorded(folder):
    where = folder("gravity", "npz", ("energy", "events"))
    stored, plain = of_folder(where).rows(0, "train", range(9)), of_folder(where)
    hidden = Dataset(plain.recipe, where, plain.content)
    object.__setattr__(hidden, "_read", lambda *at: {k: a for k, a in plain._read(*at).items() if k[0] != "e"})
    computed = hidden.rows(0, "train", range(9))
    assert computed.keys() == stored.keys()
    for key in ("energy", "event_time", "event_wall", "event_before", "event_after"):
        np.testing.assert_allclose(computed[key], stored[key], rtol=1e-4, atol=1e-4, err_msg=key)


@pytest.mark.parametrize(("store", "observation"), [("npz", "signals"), ("zarr", "pixels")])
def test_windows(store, observation, tmp_path):
    windows = dataclasses.replace(RECIPES["nascar"].windows, series=True)
    fields = {"train": 50, "val": 2, "test": 2, "steps": 1000, "windows": windows, "observation": observation}
    recipe = dataclasses.replace(RECIPES["nascar"], **fields)
    source = of_folder(generate(recipe, tmp_path / "n", format=store))
    rows = source.rows(0, "train", [49, 0])
    made = sample(recipe, "train", slice(0, 50))
    parameters = {"param_process_noise", "param_observation_noise"}
    frames = {"image", "domain_image"} if observation == "pixels" else set()
    assert rows.keys() == {"queries", "domains", "labels", "latents", "label", "path", "time", *parameters, *frames}
    for key, array in rows.items():
        np.testing.assert_array_equal(array, made[key][[49, 0]])
    told = payload(source, 0, "train", [49])[0]
    assert [(window["frames"] or {}).get("count") for window in told["context"]] == [7 if frames else None] * 3
    assert told["mode"] == made["labels"][49].tolist()


def test_a_sequence_that_is_cut_has_the_impacts_of_the_shown_frames(monkeypatch):
    recipe = dataclasses.replace(RECIPES["gravity"], train=1, steps=60)
    every = payload(of_recipe(recipe), 0, "train", [0])[0]["impacts"]
    monkeypatch.setattr("slvm_data.view.payload.FRAMES", 20)
    some = payload(of_recipe(recipe), 0, "train", [0])[0]["impacts"]
    assert some == [impact for impact in every if impact["time"] <= recipe.times()[19]]
    assert 0 < len(some) < len(every)


def test_parameters_of_a_recipe_are_searched_in_parts(folder, monkeypatch):
    monkeypatch.setattr(module, "STEP", 33)
    made = of_recipe(dataclasses.replace(RECIPES["pendulum3"], train=70)).parameters(0, "train")
    stored = of_folder(folder("pendulum3")).parameters(0, "train")
    assert made.keys() == stored.keys()
    for name, values in stored.items():
        np.testing.assert_array_equal(made[name], values)


def test_far_rows_need_no_more_than_their_neighbourhood(tmp_path, monkeypatch):
    """Marks are kept, and from the last mark before a row little is inflated."""
    image = np.random.default_rng(0).integers(0, 2, (600, 30, 32, 32), np.uint8)
    arrays = {"image": image, "time": np.arange(600 * 30.0).reshape(600, 30), "label": np.zeros((600, 1), int)}
    npz.write(tmp_path / "train.npz", [arrays], 600, binary=True)
    monkeypatch.setattr(npz_rows, "APART", 2**16)
    rows = npz_rows.Rows(tmp_path / "train.npz")
    np.testing.assert_array_equal(rows.read(np.array([0]))["image"], image[:1])
    first = _inflated(rows, [599], monkeypatch)
    again = _inflated(rows, [3, 300, 597], monkeypatch)
    assert first > 0.9 * image.nbytes
    assert again < 0.1 * image.nbytes
    np.testing.assert_array_equal(rows.read(np.array([3, 300, 301, 597]))["image"], image[[3, 300, 301, 597]])
    np.testing.assert_array_equal(rows.read(np.array([3, 597]))["time"], arrays["time"][[3, 597]])
    assert rows.read(np.array([], int))["time"].shape == (0, 30)


def _inflated(rows, index, monkeypatch):
    """Bytes that are inflated while these rows are read."""
    seen, real = [], npz_rows._Inflater.next
    with monkeypatch.context() as patch:
        patch.setattr(npz_rows._Inflater, "next", lambda self, file: seen.append(real(self, file)) or seen[-1])
        rows.read(np.array(index), ["image"])
    return sum(map(len, seen))


def test_missing_sequences_and_damage_are_refused(folder, tmp_path):
    place = shutil.copytree(folder("pendulum3"), tmp_path / "p")
    source = of_folder(place)
    for task, split, index, message in ((3, "val", 0, "task = 3"), (0, "all", 0, "split"), (0, "val", 4, "index = 4")):
        with pytest.raises(ValueError, match=message):
            source.rows(task, split, [index])
    with np.load(place / "dataset_1/val.npz") as data:
        arrays = dict(data)
    np.savez(place / "dataset_1/val.npz", **{name: array for name, array in arrays.items() if name != "state"})
    np.savez(place / "dataset_2/val.npz", **{**arrays, "state": arrays["state"][..., :1]})
    with pytest.raises(DamageError, match=r"val\.npz is damaged, at state: it is missing"):
        source.rows(1, "val", [0])
    with pytest.raises(DamageError, match=r"at state: it is float32 \[30, 1\] per row, not float32 \[30, 2\]: "):
        source.rows(2, "val", [0])
    path = place / "dataset_0/val.npz"
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(DamageError, match=r"val\.npz is damaged"):
        source.rows(0, "val", [0])


def _shown(folder, place):
    """All that is ever shown of a folder, by what shows it."""
    source = of_folder(folder)
    return {
        "rows": lambda: source.rows(0, "train", [0]),
        "parameters": lambda: source.parameters(0, "train"),
        "plot": lambda: plot(folder),
        "gif": lambda: animate(source, place / "x.gif", rows=1, columns=1),
        "report": lambda: report(source),
        "saved": lambda: save(source, place / "x.html", 1),
    }


@pytest.mark.parametrize("what", ["rows", "parameters", "plot", "gif", "report", "saved"])
def test_damage_is_never_shown(folder, tmp_path, what):
    """Single rows have no checksum of their own, so the file is compared before the first of them."""
    place = shutil.copytree(folder("pendulum"), tmp_path / "p")
    path, rng = place / "train.npz", np.random.default_rng(0)
    good = path.read_bytes()
    for _ in range(30):
        at = int(rng.integers(len(good)))
        path.write_bytes(good[:at] + bytes([good[at] ^ 1 << int(rng.integers(8))]) + good[at + 1 :])
        with pytest.raises(DamageError, match=r"train\.npz"):
            _shown(place, tmp_path)[what]()
    path.write_bytes(good)
    _shown(place, tmp_path)[what]()
    path.unlink()
    with pytest.raises(DamageError, match=r"train\.npz is missing"):
        _shown(place, tmp_path)[what]()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_what_is_no_file_is_not_waited_for(folder, tmp_path):
    place = shutil.copytree(folder("pendulum"), tmp_path / "p")
    (place / "train.npz").unlink()
    os.mkfifo(place / "train.npz")
    with pytest.raises(DamageError, match=r"train\.npz is not a file"):
        of_folder(place).rows(0, "train", [0])


def test_a_file_is_compared_once_and_again_when_it_changed(folder, tmp_path, monkeypatch):
    place, compared, real = shutil.copytree(folder("pendulum3"), tmp_path / "p"), [], npz.fault
    monkeypatch.setattr(npz, "fault", lambda path, entry: compared.append(path.parent.name) or real(path, entry))
    source = of_folder(place)
    assert not compared  # at its first use
    for task in (0, 0, 2, 0):
        source.rows(task, "train", [0, 5])
        source.parameters(task, "train")
    assert compared == ["dataset_0", "dataset_2"]
    path = place / "dataset_0/train.npz"
    good = path.read_bytes()
    path.write_bytes(good[:-200] + bytes([good[-200] ^ 1]) + good[-199:])
    with pytest.raises(DamageError, match=r"train\.npz"):
        source.rows(0, "train", [0])
    path.write_bytes(good)
    source.rows(0, "train", [0])


def test_a_large_file_is_announced(folder, monkeypatch, capsys):
    monkeypatch.setattr(module, "LARGE", 1000)
    source = of_folder(folder("pendulum"))
    source.rows(0, "train", [0])
    source.rows(0, "train", [1])
    assert capsys.readouterr().err.count("train.npz (0.0 GB) with its checksum, once") == 1


OTHER = {"seed": 1}, {"train": 69}, {"steps": 4}


@pytest.mark.parametrize("store", ["npz", "zarr"])
@pytest.mark.parametrize("fields", OTHER)
@pytest.mark.parametrize("when", ["before", "while", "half"])
def test_a_dataset_that_is_replaced_is_not_mixed(tmp_path, monkeypatch, store, fields, when):
    """F28, for all that is shown: neither rows of another dataset, nor a file called damaged that is not."""
    recipe = dataclasses.replace(RECIPES["pendulum"], train=70, val=0, test=0, steps=30)
    place = generate(recipe, tmp_path / "p", format=store)
    source, real = of_folder(place), Dataset._from_file

    def replace(*_):
        generate(dataclasses.replace(recipe, **fields), place, format=store, overwrite=True)
        if when == "half":  # the moment in which an old dataset is gone, and a new one not yet there
            (place / "dataset.json").unlink()

    def read(*given):
        found = real(*given)
        replace()
        return found

    if when == "while":
        monkeypatch.setattr(Dataset, "_from_file", read)
    else:
        replace()
    with pytest.raises(ValueError, match="written anew: run the command again"):
        source.rows(0, "train", [0])
    with pytest.raises(ValueError, match="written anew: run the command again"):
        animate(source, tmp_path / "x.gif")
    assert not list(tmp_path.glob("*.gif"))


def test_damage_that_is_a_new_dataset_is_none(tmp_path, monkeypatch):
    recipe = dataclasses.replace(RECIPES["pendulum"], train=7, val=0, test=0, steps=4)
    place = generate(recipe, tmp_path / "p")
    source, real = of_folder(place), Dataset._from_file

    def read(*given):
        generate(dataclasses.replace(recipe, seed=1), place, overwrite=True)
        return real(*given)

    monkeypatch.setattr(Dataset, "_from_file", read)
    with pytest.raises(ValueError, match="was written anew"):
        source.rows(0, "train", [0])


def test_a_dataset_that_is_replaced_while_it_is_opened(tmp_path, monkeypatch):
    recipe = dataclasses.replace(RECIPES["pendulum"], train=7, val=0, test=0, steps=4)
    place, real = generate(recipe, tmp_path / "p"), module.manifest.read

    def read(folder):
        content = real(folder)
        monkeypatch.setattr(module.manifest, "read", real)
        generate(dataclasses.replace(recipe, seed=1), place, overwrite=True)
        return content

    monkeypatch.setattr(module.manifest, "read", read)
    source = of_folder(place)
    with pytest.raises(ValueError, match="was written anew"):
        source.rows(0, "train", [0])
