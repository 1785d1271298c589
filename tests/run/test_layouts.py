"""Every layout, read by the rule of the program that it is for."""

import dataclasses
import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tfrecord.reader import tfrecord_loader

from slvm_data import RECIPES, cli, generate
from slvm_data.core.errors import DamageError
from slvm_data.export import containers, layouts
from slvm_data.load import Sequences
from slvm_data.recipe.recipe import mixed
from slvm_data.run.combination import combine
from slvm_data.run.conversion import convert
from slvm_data.run.generation_in_layout import generate_in
from slvm_data.store import manifest
from slvm_data.store.npz import read
from slvm_data.store.testing import forge, tree

SIZES = {"train": 5, "val": 3, "test": 2}
TASKS = 3
OWN = [layout.name for layout in layouts.TABLE if layout.own]
COPIES = [layout.name for layout in layouts.TABLE if not layout.own]


def small(name, **changes):
    return dataclasses.replace(RECIPES[name], **SIZES, **changes)


def first(name):
    return dataclasses.replace(RECIPES[name], tasks=RECIPES[name].tasks[:1])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folders of small datasets, each made when it is first asked for."""
    place, windows = tmp_path_factory.mktemp("made"), dataclasses.replace(RECIPES["nascar"].windows, series=True)
    recipes = {
        "pendulum3": small("pendulum3", steps=4, record=("angles",)),
        "two_body": small("two_body", steps=4),
        "mixed": mixed([first("pendulum3"), first("two_body3")], name="mixed", **SIZES, steps=4),  # states of 2 and 8
        "three_mode": small("three_mode"),
        "nascar": small("nascar", steps=400, windows=windows),
    }

    def find(name):
        if not (place / name).exists():
            generate(recipes[name], place / name)
        return place / name

    find.recipes = recipes
    return find


@pytest.fixture
def copied(made, tmp_path):
    """Write a dataset in a layout; return the folder of the copy."""
    return lambda name, layout, **how: convert(made(name), tmp_path / "copy", layout=layout, **how)


def ours(folder, split, *names):
    """These arrays of a split, all tasks one after the other."""
    found = [read(folder / name) for name, _ in manifest.read(folder).of_split(split)]
    return [np.concatenate([arrays[name] for arrays in found]) for name in names]


def equal(*pairs):
    for one, other in pairs:
        np.testing.assert_array_equal(one, other)


def kvae(path):
    """PymunkData of KVAE and of the ICLR 2023 code: images of four axes, labels that index."""
    with np.load(path) as data:
        images = data["images"].astype(np.float32)
        _, _, _, _ = images.shape
        positions, velocities = data["state"].astype(np.float32)[:, :, :2], data["state"][:, :, 2:]
        label = data["label"].astype(np.int16)
        labels = {int(one): np.where(label == one)[0] for one in np.unique(label)}
    return images, np.concatenate((positions, velocities), axis=2), labels


@pytest.mark.parametrize(("split", "ending"), [("train", ""), ("val", "_val"), ("test", "_test")])
def test_kvae(made, copied, split, ending):
    images, states, labels = kvae(copied("pendulum3", "kvae") / f"pendulum3{ending}.npz")
    image, state = ours(made("pendulum3"), split, "image", "state")
    equal((images, image), (states, state))
    n = SIZES[split]
    expected = {i: [*range(n * i, n * (i + 1))] for i in range(TASKS)}
    assert {label: rows.tolist() for label, rows in labels.items()} == expected


def test_meta_ssm(made, copied):
    folder = copied("pendulum3", "meta_ssm")
    for word, split in (("train", "train"), ("valid", "val"), ("test", "test")):
        images, *_ = kvae(folder / f"pendulum3_{word}.npz")
        equal((images, *ours(made("pendulum3"), split, "image")))
    for task in range(TASKS):
        for word, split in (("spt", "val"), ("qry", "test")):
            images, _, labels = kvae(folder / f"pendulum3_{word}_{task}.npz")
            assert list(labels) == [task]
            equal((images, read(made("pendulum3") / f"dataset_{task}/{split}.npz")["image"]))


def test_narrow_states_are_padded_as_combined_ones_are(made, copied, tmp_path):
    _, states, _ = kvae(copied("mixed", "kvae") / f"{made.recipes['mixed'].name}.npz")
    shutil.copytree(made("mixed"), tmp_path / "mixed")
    combine(tmp_path / "mixed", pad=True)
    equal((states, read(tmp_path / "mixed/combined_train.npz")["state"]))


def test_redsds(made, copied):
    folder = copied("three_mode", "redsds")
    for split, ending in (("train", ""), ("val", "_val"), ("test", "_test")):
        with np.load(folder / f"data/three_mode{ending}.npz") as data:
            y, z = data["y"].astype(np.float32), data["z"].astype(np.int32)
        equal(*zip((y, z), ours(made("three_mode"), split, "queries", "labels"), strict=True))


def test_dsarf(made, copied):
    """One series [1 T S] for each trajectory, its latents, and the factors: latents times factors is the signal."""
    folder = copied("nascar", "dsarf")
    assert {path.name for path in folder.glob("*_*.json")} == {"nascar_val.json", "nascar_test.json"}
    content = json.loads((folder / "nascar.json").read_text())
    data, latents, states, factors = (np.array(content[key]) for key in ("data", "latents", "states", "factors"))
    assert (data.shape, latents.shape, states.shape, factors.shape) == ((1, 164, 10), (1, 164, 2), (1, 164), (2, 10))
    noise = data - latents @ factors
    assert 0 < np.abs(noise).max() < 0.05
    equal((data, read(made("nascar") / "series-train.npz")["signal"]))


@pytest.mark.parametrize("name", ["pendulum3", "two_body"])
def test_hgn(made, copied, name):
    """EnvironmentLoader: the files of a folder, in any order, each with `arr_0` [T H W 3] from 0 to 1."""
    folder = copied(name, "hgn")
    (image,) = ours(made(name), "test", "image")
    files = sorted(path.name for path in (folder / "test").iterdir())
    assert files == [f"{i:05d}.npz" for i in range(len(image))]
    for i, file in enumerate(files):
        rolls = np.load(folder / "test" / file)["arr_0"]
        assert rolls.shape == (4, 32, 32, 3)
        frames = image[i] if image.ndim == 5 else image[i][:, None]
        equal((rolls.transpose(0, 3, 1, 2), np.broadcast_to(frames, (4, 3, 32, 32))))
    rollout = json.loads((folder / "parameters.yaml").read_text())["rollout"]
    assert rollout == {"seq_length": 4, "delta_time": RECIPES[name].dt, "n_channels": 3}


@pytest.mark.parametrize("name", ["pendulum3", "two_body"])
def test_rkn(made, copied, name):
    """CRU: channels last, divided by 255; angles as sine and cosine where they are recorded."""
    with np.load(copied(name, "rkn") / f"{name}.npz") as data:
        for split in SIZES:
            obs = np.transpose(data[f"{split}_obs"], [0, 1, 4, 2, 3]) / 255.0
            image, time = ours(made(name), split, "image", "time")
            targets = ours(made(name), split, "angles" if name == "pendulum3" else "state")[0]
            equal((obs, image.reshape(obs.shape)), (data[f"{split}_targets"], targets), (data[f"{split}_ts"], time))


def test_msvi(made, copied):
    """Lists of trajectories [M D N], whose last axes the program swaps, and of time grids [M 1]."""
    folder = copied("pendulum3", "msvi")
    for split in SIZES:
        t, y = (pickle.loads((folder / split / f"{key}.pkl").read_bytes()) for key in "ty")
        image, time = ours(made("pendulum3"), split, "image", "time")
        for i in range(len(t)):
            y[i] = np.transpose(y[i].astype(np.float32) / 1, (0, 2, 1))
            assert (t[i].shape, y[i].shape) == ((4, 1), (4, 1024, 1))
            equal((t[i][:, 0], time[i]), (y[i].reshape(4, 32, 32), image[i]))


def test_goku(made, copied):
    found = torch.load(copied("pendulum3", "goku") / "processed_data.pkl")
    for split in ("train", "test"):
        image, state = ours(made("pendulum3"), split, "image", "state")
        data, latent, mask = (torch.FloatTensor(found[f"{split}{end}"]) for end in ("", "_latent", "_latent_mask"))
        equal((data, image), (latent, state), (mask, np.ones_like(state)))


@pytest.mark.parametrize(("name", "array"), [("pendulum3", "state"), ("three_mode", "queries")])
def test_latent_ode(made, copied, name, array):
    data = torch.Tensor(torch.load(copied(name, "latent_ode") / "HopperPhysics/training.pt"))
    equal((data, *ours(made(name), "train", array)))


@pytest.mark.parametrize("name", ["pendulum3", "two_body"])
def test_dm(made, copied, name):
    """Shapes and types from features.txt; frames below each other in one PNG; numbers as the bits of integers."""
    folder = copied(name, "dm")
    shapes = {}
    for line in (folder / "features.txt").read_text().splitlines(keepends=True):
        shape = tuple(int(n) for n in line.split("(")[1].split(")")[0].split(",") if n)
        shapes[line.split(", ")[0]] = shape, line.split(", ")[-1][:-1]
    assert shapes["image"] == ((4, 32, 32, 3), "uint8")
    image, state = ours(made(name), "train", "image", "state")
    records = list(tfrecord_loader(str(folder / "train.tfrecord"), None, {"image": "byte", "x": "int"}))
    assert len(records) == len(state)
    for i, record in enumerate(records):
        frames = png(record["image"]).reshape(shapes["image"][0])
        frame = image[i] if image.ndim == 5 else np.repeat(image[i][:, None], 3, axis=1)
        equal((frames.transpose(0, 3, 1, 2), 255 * frame))
        equal((record["x"].astype(np.int64).view(np.float64).reshape(shapes["x"][0]), state[i]))


def png(data):
    import io

    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(bytes(data))))


@pytest.mark.parametrize("name", OWN)
def test_our_own_layouts_are_datasets_and_lead_back(made, copied, tmp_path, name):
    folder = copied("pendulum3", name)
    equal((Sequences(folder)[:]["image"], Sequences(made("pendulum3"))[:]["image"]))
    back = convert(folder, tmp_path / "back", layout="slvm_data")
    beside = ("dataset.json", "README.md", "croissant.json")
    old, new = ({path: data for path, data in tree(f).items() if path not in beside} for f in (made("pendulum3"), back))
    assert new == old
    assert manifest.read(back).files == manifest.read(made("pendulum3")).files


def test_a_listed_folder_holds_nothing_else(made, copied):
    folder = copied("pendulum3", "slvm")
    assert sorted(path.name for path in (folder / "data").iterdir()) == [f"dataset_{i}" for i in range(TASKS)]
    for task in (folder / "data").iterdir():
        assert sorted(path.name for path in task.iterdir()) == ["test.npz", "train.npz", "val.npz"]


def test_plain_holds_all_arrays(made, copied):
    folder = copied("pendulum3", "plain", range=255)
    for name in manifest.read(made("pendulum3")).files:
        old, new = read(made("pendulum3") / name), read(folder / name)
        assert old.keys() == new.keys()
        equal(*((new[key], 255 * old[key] if key == "image" else old[key]) for key in old))


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_verified_replaced_and_the_same_again(made, tmp_path, ended, capsys, name):
    source = "three_mode" if name in ("redsds", "dsarf") else "pendulum3"
    for folder in ("one", "two"):
        convert(made(source), tmp_path / folder, layout=name)
    one = tree(tmp_path / "one")
    assert one == tree(tmp_path / "two")
    assert ended(cli.main, "verify", tmp_path / "one") == 0
    assert ended(cli.main, "info", tmp_path / "one") == 0
    file = tmp_path / "one" / next(iter(manifest.read_any(tmp_path / "one").files))
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    assert ended(cli.main, "verify", tmp_path / "one") == 1
    assert f"{file} is damaged" in capsys.readouterr().err
    with pytest.raises(ValueError, match="already holds"):
        convert(made(source), tmp_path / "one", layout=name)
    convert(made(source), tmp_path / "one", layout=name, overwrite=True)
    assert tree(tmp_path / "one") == one
    generate(made.recipes["pendulum3"], tmp_path / "one", overwrite=True)  # nothing of the copy is left
    assert tree(tmp_path / "one").keys() == tree(made("pendulum3")).keys()


def test_what_is_left_out_is_said(made, copied, ended, tmp_path, capsys):
    assert manifest.read_any(copied("pendulum3", "kvae")).left_out == (
        *("time", "angles"),
        *("param_friction", "param_m", "param_g", "param_l"),
    )
    assert ended(cli.main, "convert", made("pendulum3"), tmp_path / "again", "--layout", "kvae") == 0
    assert "left out, since layout kvae does not hold them: time, angles, param_friction" in capsys.readouterr().out


def test_generate_writes_what_convert_writes(made, tmp_path, ended, capsys):
    recipe, layout = made.recipes["pendulum3"], layouts.named("kvae")
    generate_in(recipe, tmp_path / "kvae", layout, None)
    assert tree(tmp_path / "kvae") == tree(convert(made("pendulum3"), tmp_path / "copy", layout="kvae"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "kvae"]
    before = tree(tmp_path / "kvae")
    generate_in(recipe, tmp_path / "kvae", layout, None)
    assert tree(tmp_path / "kvae") == before
    assert "already, and complete" in capsys.readouterr().err
    line = ("pendulum3", "--train", 5, "--val", 3, "--test", 2, "--steps", 4, "--record", "angles")
    assert ended(cli.main, "generate", *line, "--layout", "slvm", "--out", tmp_path / "slvm") == 0
    assert tree(tmp_path / "slvm/data").keys() == tree(made("pendulum3")).keys() & {
        Path(f"dataset_{i}/{split}.npz").as_posix() for i in range(TASKS) for split in SIZES
    }


def test_an_interrupted_run_goes_on(made, tmp_path, monkeypatch):
    """Killed while it copies, `generate` in a layout leaves the dataset, and uses it the next time."""
    recipe, layout = made.recipes["pendulum3"], layouts.named("kvae")
    with monkeypatch.context() as broken:
        broken.setattr(containers, "write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            generate_in(recipe, tmp_path / "kvae", layout, None)
    left = tmp_path / ".kvae.slvm-data"
    assert (left / manifest.NAME).is_file()
    assert not (tmp_path / "kvae").exists()
    generate_in(recipe, tmp_path / "kvae", layout, None)
    assert [path.name for path in tmp_path.iterdir()] == ["kvae"]


WRONG = {
    ("pendulum3", "redsds"): "needs the array signal or queries, and mode or labels, which pendulum3 lacks",
    ("pendulum3", "kvea"): "layout = 'kvea' is unknown; did you mean kvae",
    ("pendulum3", "xyz"): "layout = 'xyz' is unknown; `slvm-data layouts` shows all",
    ("two_body", "kvae"): r"wants images with the axes N T H W, and image .* 3 \(colour\).* \(--palette 1\)",
    ("nascar", "rkn"): "layout rkn needs the array image, which nascar lacks",
}


@pytest.mark.parametrize(("name", "layout"), WRONG, ids="-".join)
def test_what_a_dataset_cannot_fill(made, tmp_path, name, layout):
    with pytest.raises(ValueError, match=WRONG[name, layout]):
        convert(made(name), tmp_path / "copy", layout=layout)
    assert not (tmp_path / "copy").exists()


def test_what_cannot_be_asked(made, tmp_path):
    source, target = made("pendulum3"), tmp_path / "copy"
    with pytest.raises(ValueError, match=r"range = 7 has to be 1 or 255"):
        convert(source, target, layout="kvae", range=7)
    with pytest.raises(ValueError, match=r"layout cosfan is of our own formats.*--layout plain"):
        convert(source, target, layout="cosfan", range=255)
    with pytest.raises(ValueError, match=r"leave --to npz out"):
        convert(source, target, layout="kvae", to="npz")
    with pytest.raises(ValueError, match=r"choose another folder"):
        convert(source, source, layout="kvae")
    with pytest.raises(ValueError, match=r"leave --shards out"):
        generate_in(made.recipes["pendulum3"], target, layouts.named("kvae"), None, part=(0, 2))
    with pytest.raises(ValueError, match=r"needs the array signal"):  # before anything is made
        generate_in(made.recipes["pendulum3"], target, layouts.named("redsds"), None)
    copy = convert(source, target, layout="kvae")
    for read_ in (manifest.read, Sequences, lambda folder: convert(folder, tmp_path / "again", layout="kvae")):
        with pytest.raises(ValueError, match=r"is a copy in the layout kvae, which only `info` and `verify` know"):
            read_(copy)


def test_a_damaged_dataset_is_not_copied(made, tmp_path):
    shutil.copytree(made("pendulum3"), tmp_path / "old")
    file = tmp_path / "old/dataset_1/val.npz"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(DamageError, match=r"dataset_1/val\.npz is damaged"):
        convert(tmp_path / "old", tmp_path / "copy", layout="kvae")
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("name", ["../out", "/etc/passwd", "a/../../b"])
def test_a_forged_copy_leads_nowhere(made, tmp_path, name):
    folder = convert(made("pendulum3"), tmp_path / "copy", layout="kvae")
    checksum = next(iter(json.loads((folder / manifest.NAME).read_text())["files"].values()))
    forge(folder / manifest.NAME, lambda content: content["files"].update({name: checksum}))
    with pytest.raises(DamageError, match="cannot be a folder"):
        manifest.read_any(folder)


def test_names_of_all_layouts_are_told(ended, capsys):
    assert ended(cli.main, "layouts") == 0
    text = capsys.readouterr().out
    assert [line.split(":")[0] for line in text.splitlines() if line[:1].strip()] == list(layouts.NAMES)
