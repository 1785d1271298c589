"""A dataset in every format, read back by the library of those who use it."""

import dataclasses
import functools
import gc
import io
import json
import logging
import math
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections import Counter
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from slvm_data import RECIPES, Split, cli, generate, times
from slvm_data.arrays import AXES, SERIES, dimensions, info, pictures
from slvm_data.core.errors import DamageError
from slvm_data.core.json_tree import from_json
from slvm_data.export import croissant, parquet, webdataset
from slvm_data.load import Windows
from slvm_data.recipe.bibliography import RELEASES
from slvm_data.recipe.original import as_original
from slvm_data.recipe.outline import StoredRecipe
from slvm_data.recipe.recipe import mixed
from slvm_data.recipe.serialisation import from_stored
from slvm_data.run.combination import combine
from slvm_data.run.conversion import convert
from slvm_data.run.repair import mend
from slvm_data.run.verification import faults
from slvm_data.store import formats, journal, manifest, source
from slvm_data.store import zarr_layout as sharded
from slvm_data.store.manifest import Form
from slvm_data.store.source import Source
from slvm_data.store.testing import forge, tree

SIZES = {"train": 5, "val": 3, "test": 2}
SPLITS = {"train": "train", "val": "validation", "test": "test"}
OWN = {"long": "long"}  # configuration of a named split with other columns
EXPORTS = tuple(name for name in formats.NAMES if name not in formats.OWN)


def first(name):
    return dataclasses.replace(RECIPES[name], tasks=RECIPES[name].tasks[:1])


def windows(**changes):
    recipe = RECIPES["nascar"]
    own = dataclasses.replace(recipe.windows, series=True, gap=5)
    return dataclasses.replace(recipe, **SIZES, steps=400, windows=own, **changes)


SETS = {
    "pendulum3": dataclasses.replace(RECIPES["pendulum3"], **SIZES, steps=4),
    "two_body": dataclasses.replace(RECIPES["two_body"], **SIZES | {"train": 70}, steps=4),  # frames of three channels
    "mixed": mixed(
        [first("pendulum3"), first("two_body3")], name="mixed", source="me", **SIZES, steps=4
    ),  # states of 2 and 8
    "named": dataclasses.replace(
        RECIPES["pendulum3"],
        name="named",
        **SIZES,
        steps=4,
        held_out=(2,),
        splits={
            "far": Split(count=2, change={"m": 0.4}),
            "long": Split(count=2, steps=times(2)),
            "new": Split(count=2, tasks=(2,)),
        },
    ),
    "windows": windows(name="windows"),
    "seen": windows(name="seen", observation="pixels"),
    "recorded": dataclasses.replace(
        RECIPES["gravity3"], name="recorded", **SIZES, steps=4, record=("events", "energy", "offset", "color_index")
    ),
    "original": as_original(dataclasses.replace(first("pendulum3"), name="original", **SIZES, steps=4)),
}
READ = ("pendulum3", "two_body", "mixed", "named", "windows", "recorded")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folder of a set in one of our formats, written once."""
    place, found = tmp_path_factory.mktemp("sets"), {}

    def folder(name, form="npz"):
        if (name, form) not in found:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(sharded, "SHARD", 1)  # of a few sequences, so that there are several
                found[name, form] = generate(SETS[name], place / f"{name}.{form}", format=form)
        return found[name, form]

    return folder


@pytest.fixture
def small(monkeypatch):
    """A few sequences at a time, a few to a shard, and to a file."""
    monkeypatch.setattr(sharded, "SHARD", 1)
    monkeypatch.setattr(source, "BLOCK", 2**15)
    monkeypatch.setattr(webdataset, "SIZE", 2**17)
    monkeypatch.setattr(parquet, "SIZE", 2**17)


def truth(folder):
    """Name, entry and arrays of each .npz of a dataset, those of trajectories last."""
    content = manifest.read(folder)
    for name, entry in (content.files | content.series).items():
        with np.load(folder / name, allow_pickle=False) as data:
            yield Path(name), entry, dict(data)


def samples(arrays):
    """The arrays as samples have them: a label is a number."""
    return arrays | {"label": arrays["label"][:, 0]}


def same(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert np.asarray(found[name]).dtype == array.dtype, name
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def without(text, *keys):
    content = json.loads(text)
    return json.dumps({key: value for key, value in content.items() if key not in keys})


LENGTHS = {"X": 2, "1": 1}  # of axes that have the same in every dataset


@pytest.mark.few(10)
@pytest.mark.parametrize("form", formats.OWN)
@pytest.mark.parametrize("name", SETS)
def test_every_array_has_a_row_for_each_sequence(made, name, form):
    """Of every file, those of trajectories included; and its axes are those that the manifest names."""
    folder, recipe, content = made(name, form), SETS[name], manifest.read(made(name, form))
    files = content.files | content.series
    assert len(content.series) == (3 if recipe.windows else 0)
    assert content.arrays.keys() == {array for entry in files.values() for array in entry.arrays}
    for file, entry in files.items():
        series = file in content.series
        assert entry.rows == (recipe.trajectories if series else recipe.count)(entry.split)
        found = formats.store_of(Path(file)).read(folder / file)
        assert found.keys() == entry.arrays.keys()
        assert {"label", "time"} <= found.keys() or recipe.original
        assert not series or found.keys() == set(SERIES)
        frames = len(found["mode"][0]) if series else recipe.of_split(entry.split).length()
        lengths = LENGTHS | {"N": entry.rows, "T": frames, "H": 32, "W": 32}
        lengths |= {"K": recipe.windows.contexts} if recipe.windows else {}
        for array, data in found.items():
            assert Form.of(data) == entry.arrays[array]
            assert len(data) == entry.rows
            letters, known = content.arrays[array].axes.split(), info(array)
            if any("(" in letter for letter in letters):  # tasks differ in whether they have that axis
                assert name == "mixed"
                letters = known.letters(data.ndim)
            assert len(letters) == data.ndim
            assert tuple(letters) == known.letters(data.ndim)
            lengths |= {letter: n for letter, n in zip(letters, data.shape, strict=True) if letter not in lengths}
            own = {"P"}  # which parameters have each their own
            assert [n for c, n in zip(letters, data.shape, strict=True) if c not in own] == [
                lengths[c] for c in letters if c not in own
            ]
            assert data.dtype == known.dtype or (recipe.original and array == "image")


@pytest.mark.parametrize("name", SETS)
def test_axes_of_zarr_have_names(made, name):
    """Those of the letters in the manifest; the last one of bit-packed pictures is that of their bytes."""
    import zarr

    folder, content = made(name, "zarr"), manifest.read(made(name, "zarr"))
    for file, entry in (content.files | content.series).items():
        for array, data in zarr.open_group(folder / file, mode="r").arrays():
            letters = info(array).letters(len(entry.arrays[array].shape))
            names = [AXES[letter] for letter in letters]
            if pictures(array) and not SETS[name].original:
                names = [*names[: letters.index("C" if "C" in letters else "H")], "byte"]
            assert list(data.metadata.dimension_names) == names
            assert data.ndim == len(names)
            assert letters == tuple(content.arrays[array].axes.split()) or name == "mixed"


@pytest.mark.parametrize("name", SETS)
def test_our_formats_are_what_generate_writes(made, small, tmp_path, name):
    """Byte for byte, in either direction, but for the description, which the manifest lists."""
    for form, other in (formats.OWN, formats.OWN[::-1]):
        folder = convert(made(name, form), tmp_path / f"copy.{other}")
        found, expected = tree(folder), tree(made(name, other))
        assert found.keys() == {*expected, "croissant.json"}
        assert [file for file in expected if found[file] != expected[file]] == ["dataset.json"]
        ours, own = (without(files["dataset.json"], "croissant", "sha256") for files in (found, expected))
        assert ours == own


def test_there_and_back(made, small, tmp_path):
    there = convert(made("windows"), tmp_path / "a", to="zarr")
    back = convert(there, tmp_path / "b.npz")
    expected = tree(made("windows"))
    assert {name for name, data in tree(back).items() if data != expected.get(name)} == {
        "dataset.json",
        "croissant.json",
    }


def test_a_copy_has_no_combined_files(made, tmp_path):
    """They were made of the files, and can be made of the copy's."""
    folder = shutil.copytree(made("pendulum3"), tmp_path / "x")
    combine(folder)
    assert manifest.read(folder).combined
    copy = convert(folder, tmp_path / "y.zarr")
    assert not manifest.read(copy).combined
    assert not list(copy.glob("combined*"))


@pytest.mark.parametrize("form", formats.OWN)
def test_a_copy_is_verified_and_mended(made, small, tmp_path, form):
    folder = convert(made("two_body"), tmp_path / f"x.{form}")
    recipe, content, whole = SETS["two_body"], manifest.read(folder), tree(folder)
    assert list(faults(folder, recipe, content, 3, True)) == []
    (hurt,) = [
        p for p in folder.rglob("*") if p.is_file() and p.match("train.npz" if form == "npz" else "state/c/1/0/0")
    ]
    hurt.write_bytes(hurt.read_bytes()[:-9])
    assert len(list(faults(folder, recipe, content, 3, True))) == 1
    assert len(mend(folder, recipe, content)) == 1
    assert tree(folder) == whole


def test_what_made_the_numbers_stays(made, tmp_path):
    """Of a dataset by other software no more is claimed than that; what writes the files is of this process."""
    folder = convert(made("pendulum3"), tmp_path / "old.npz")
    content = manifest.read(folder)
    versions = content.versions | {"jax": "0.0.1", "isal": "0.0.2"}
    manifest.write(folder, dataclasses.replace(content, versions=versions, machine={"backend": "cpu", "cpu": "abacus"}))
    found = manifest.read(convert(folder, tmp_path / "new.zarr"))
    assert found.machine == {"backend": "cpu", "cpu": "abacus"}
    assert (found.versions["jax"], "isal" in found.versions) == ("0.0.1", False)
    assert found.versions["tensorstore"] == manifest.versions(formats.named("zarr"))["tensorstore"]
    assert found.certificate == content.certificate


@pytest.mark.parametrize("to", EXPORTS)
@pytest.mark.parametrize("name", ["two_body", "windows"])
def test_exports_are_the_same_from_either_format(made, small, tmp_path, name, to):
    folders = [convert(made(name, form), tmp_path / form, to=to) for form in formats.OWN]
    folders.append(convert(made(name), tmp_path / "again", to=to))
    one, *others = (tree(folder) for folder in folders)
    assert all(other == one for other in others)
    assert not any(str(tmp_path).encode() in data for data in one.values())


@pytest.mark.parametrize("form", formats.OWN)
def test_a_source_is_read_in_bounded_memory(made, small, form):
    folder = made("two_body", form)
    for file in source.sources(folder, manifest.read(folder)):
        blocks = list(file.blocks())
        assert sum(len(block["label"]) for block in blocks) == file.entry.rows
        assert all(sum(array.nbytes for array in block.values()) <= source.BLOCK for block in blocks)


@pytest.mark.parametrize("name", READ)
def test_hdf5(made, small, tmp_path, name):
    import h5py

    folder, content = convert(made(name), tmp_path / "x.h5"), manifest.read(made(name))
    for path, entry, expected in truth(made(name)):
        with h5py.File(folder / path.with_suffix(".h5")) as file:
            arrays = {key: value for key, value in file.items() if "role" in value.attrs}
            same({key: value[...] for key, value in arrays.items()}, expected)
            for key, axes in dimensions({key: value.shape for key, value in arrays.items()}).items():
                assert [(axis.label, axis[0].name) for axis in arrays[key].dims] == [
                    (name, f"/{name}") for name in axes
                ]
                about = content.arrays[key]
                assert (arrays[key].attrs.get("units", ""), arrays[key].attrs["meaning"]) == (about.unit, about.meaning)
            assert (file.attrs["task"], file.attrs["split"]) == (entry.task, entry.split)
            stored = from_json(StoredRecipe, json.loads(file.attrs["recipe"]), "recipe")
            assert from_stored(stored) == SETS[name]
            for value in arrays.values():
                assert (value.compression, value.fletcher32) == ("gzip", True)
            label = file["label"]
            assert label.chunks[0] <= len(label)
    if name == "two_body":
        with h5py.File(folder / "train.h5") as file:
            assert 1 < file["image"].chunks[0] < 70


def test_long_trajectories_are_cut_in_hdf5(made, monkeypatch, tmp_path):
    import h5py

    monkeypatch.setattr("slvm_data.export.hdf5.CHUNK", 1000)
    folder = convert(made("windows"), tmp_path / "x.hdf5")
    with h5py.File(folder / "series-train.h5") as file, np.load(made("windows") / "series-train.npz") as data:
        assert file["signal"].chunks == (1, 25, 10)
        np.testing.assert_array_equal(file["signal"][...], data["signal"])


it_leaves_files_open = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")


@it_leaves_files_open
@pytest.mark.parametrize("name", READ)
def test_webdataset(made, small, tmp_path, name):
    import webdataset as wds

    folder, keys = convert(made(name), tmp_path / "x.tar"), []
    for path, entry, expected in truth(made(name)):
        files = sorted(map(str, (folder / path.parent).glob(f"{path.stem}-*.tar")))
        found = list(wds.WebDataset(files, shardshuffle=False).decode())
        keys += [sample["__key__"] for sample in found]
        for i, sample in enumerate(found):
            arrays = {k.removesuffix(".npy"): v for k, v in sample.items() if k.endswith(".npy")}
            same(arrays, {key: array[i] for key, array in expected.items() if key != "label"})
            assert sample["label.cls"] == expected["label"][i, 0]
        assert len(found) == entry.rows
    assert len(set(keys)) == len(keys) > 0
    gc.collect()  # here, where the warning is known


@it_leaves_files_open
def test_tar_files_are_shards(made, tmp_path, ended):
    """Brace expansion finds them, sequences are in order, and no time and no user is in them."""
    import webdataset as wds

    folder = tmp_path / "x.tar"
    row = sum(form.row_size for form in manifest.read(made("two_body")).files["train.npz"].arrays.values())
    assert ended(cli.main, "convert", made("two_body"), folder, "--shard-size", 20.5 * row / 1e6) == 0
    names = sorted(path.name for path in folder.glob("train-*.tar"))
    assert names == [f"train-{i:06d}.tar" for i in range(4)]  # 70 sequences, 20 in each
    pattern = f"{folder}/train-{{000000..{len(names) - 1:06d}}}.tar"
    keys = [sample["__key__"] for sample in wds.WebDataset(pattern, shardshuffle=False)]
    assert keys == [f"task0-train-{i:09d}" for i in range(70)]
    gc.collect()
    with tarfile.open(folder / names[0]) as archive:
        for member in archive:
            assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")
    assert sum(entry.rows for entry in manifest.read(folder).files.values()) == sum(map(SETS["two_body"].count, SPLITS))


@pytest.mark.parametrize("to", [entry.name for entry in formats.TABLE if entry.several])
def test_a_shard_has_at_least_one_sequence(made, tmp_path, to):
    content = manifest.read(made("recorded"))
    copy = manifest.read(convert(made("recorded"), tmp_path / "x", to=to, shard_size=1e-6))
    assert [entry.rows for entry in copy.files.values()] == [1] * sum(e.rows for e in content.files.values())


@pytest.fixture(scope="module")
def load_dataset(tmp_path_factory):
    """`datasets.load_dataset` without a network, and with a cache of its own."""
    cache, number = tmp_path_factory.mktemp("hugging_face"), count()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"HF_HOME": cache, "HF_DATASETS_OFFLINE": 1, "HF_DATASETS_DISABLE_PROGRESS_BARS": 1}.items():
            patch.setenv(name, str(value))
        import datasets

        yield lambda *words, **options: datasets.load_dataset(
            *words,
            **options,
            cache_dir=str(cache / str(next(number))),  # it knows a folder by its last name alone
        )


def columns(table):
    """The columns of a data set as NumPy arrays, in their own types."""
    found = {}
    for name, feature in table.features.items():
        if name != "preview":
            kind = getattr(feature, "dtype", None) or feature.feature.dtype
            found[name] = np.array(table.with_format(None)[name][:], kind)
    return found


@pytest.mark.parametrize("name", READ)
def test_hugging_face(made, small, tmp_path, load_dataset, name):
    folder = convert(made(name), tmp_path / "x.parquet")
    several = len(SETS[name].tasks) > 1
    for path, entry, expected in truth(made(name)):
        series = ["series"] if path.stem.startswith("series-") else []
        prefix = [OWN[entry.split]] if entry.split in OWN else series
        own = "-".join([*prefix, *([path.parent.name] if several else [])])
        split = SPLITS.get(entry.split, entry.split)
        same(columns(load_dataset(str(folder), *filter(None, [own]), split=split)), samples(expected))


def test_named_splits_that_are_alike_are_splits_of_one_table(made, tmp_path, load_dataset):
    folder = convert(made("named"), tmp_path / "x.parquet")
    every = load_dataset(str(folder))
    assert {name: len(table) for name, table in every.items()} == {
        "train": 10,
        "validation": 6,
        "test": 4,
        "far": 4,
        "new": 2,
    }
    assert len(load_dataset(str(folder), "long", split="long")) == 4


def test_all_tasks_at_once_where_they_are_alike(made, tmp_path, load_dataset):
    folder = convert(made("pendulum3"), tmp_path / "x.parquet")
    table = load_dataset(str(folder), split="train")
    expected = [samples(arrays) for path, _, arrays in truth(made("pendulum3")) if path.stem == "train"]
    same(columns(table), {name: np.concatenate([part[name] for part in expected]) for name in expected[0]})
    kinds = {name: (type(f).__name__, getattr(f, "shape", None)) for name, f in table.features.items()}
    assert kinds["image"] == ("Array3D", (4, 32, 32))
    assert kinds["state"] == ("Array2D", (4, 2))
    mixture = convert(made("mixed"), tmp_path / "y.parquet")
    with pytest.raises(ValueError, match=r"dataset_0.*dataset_1"):
        load_dataset(str(mixture))


@pytest.mark.parametrize("name", ["pendulum3", "two_body", "original"])
def test_a_preview_shows_the_frames(made, tmp_path, load_dataset, name):
    table = load_dataset(str(convert(made(name), tmp_path / "x.parquet")), split="train")
    frames = np.array(table.with_format(None)[1]["image"])
    colours = frames.transpose(0, 2, 3, 1) if frames.ndim == 4 else frames
    np.testing.assert_array_equal(np.array(table[1]["preview"]), 255 * np.concatenate(colours, axis=1))
    assert next(iter(table.features)) == "preview"


def test_pandas_and_arrow_read_parquet(made, small, tmp_path):
    import pandas
    from pyarrow import parquet as arrow

    folder = convert(made("two_body"), tmp_path / "x", to="parquet")
    paths = sorted(folder.glob("train/*"))
    assert [path.name for path in paths] == [f"data-{i:05d}-of-{len(paths):05d}.parquet" for i in range(len(paths))]
    assert len(paths) > 2
    (expected,) = [arrays for path, _, arrays in truth(made("two_body")) if path.stem == "train"]
    parts = [pandas.read_parquet(path, columns=["param_g", "param_m"]) for path in paths]
    np.testing.assert_array_equal(np.concatenate([part["param_g"] for part in parts]), expected["param_g"])
    np.testing.assert_array_equal(np.stack([m for part in parts for m in part["param_m"]]), expected["param_m"])
    table = arrow.read_table(paths[0], columns=["image"])
    np.testing.assert_array_equal(table["image"].to_pylist(), expected["image"][: len(table)])


def test_the_card_for_the_hub(made, tmp_path):
    """F23: markup is escaped; the Hub reads the lines before it."""
    import yaml

    about = "<script>alert(1)</script> & --- \n---\nmore"
    recipe = dataclasses.replace(SETS["pendulum3"], about=about, source="<b>me</b>", license="LicenseRef-Mine")
    folder = convert(generate(recipe, tmp_path / "x"), tmp_path / "x.parquet")
    card = (folder / "README.md").read_text()
    _, front, body = card.split("---\n", 2)
    content = yaml.safe_load(front)
    assert content["size_categories"] == ["n<1K"]
    assert [config["config_name"] for config in content["configs"]] == ["default", *SETS["pendulum3"].folders()]
    assert (content["license"], content["license_name"]) == ("other", "LicenseRef-Mine")
    assert "## Licence\n\nLicenseRef-Mine\n" in body
    assert not re.search("<script|<b>", card)
    assert "&lt;script&gt;" in body
    assert "<script" not in (folder / "croissant.json").read_text()
    described = json.loads((folder / "croissant.json").read_text())
    assert about in described["description"]
    assert described["license"] == "LicenseRef-Mine"


def described(folder):
    import mlcroissant

    dataset = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    assert not dataset.metadata.ctx.issues.warnings
    assert not dataset.metadata.ctx.issues.errors
    ours, found = json.loads((folder / "croissant.json").read_text()), dataset.metadata.to_json()
    fields = {name for name in ours if name.startswith("rai:")} - {"rai:hasSyntheticData"}  # which it does not know yet
    assert len(fields) == 9
    for name in (*fields, "license", "citeAs"):
        assert found[name] == ours[name]
    assert found["datePublished"][:10] == RELEASES[dataset.metadata.version]
    return dataset


its_libraries_warn = pytest.mark.filterwarnings(
    "ignore:ConjunctiveGraph is deprecated:DeprecationWarning", "ignore:The inplace keyword in DataFrame.reset_index"
)


@its_libraries_warn
@pytest.mark.parametrize("to", formats.NAMES)
@pytest.mark.parametrize("name", ["mixed", "windows"])
def test_croissant(made, tmp_path, caplog, name, to):
    """The standard's own reader takes it, without a network, and every file is named with its checksum."""
    caplog.set_level(logging.CRITICAL)
    folder = convert(made(name), tmp_path / f"copy-{to}", to=to)
    content, dataset = manifest.read(folder), described(folder)
    assert (dataset.metadata.name, dataset.metadata.version) == (name, content.versions["slvm-data"])
    files = content.files | content.series
    if to == "zarr":
        assert {file.id: file.includes for file in dataset.metadata.file_sets} == {f: [f"{f}/**"] for f in files}
    else:
        found = {file.content_url: file.sha256 for file in dataset.metadata.file_objects}
        assert found == {file: entry.sha256 for file, entry in files.items()}
    fields = Counter(field.name for record in dataset.metadata.record_sets for field in record.fields)
    assert set(fields) == {key for entry in files.values() for key in entry.arrays}
    shapes = {field.id: field.array_shape for record in dataset.metadata.record_sets for field in record.fields}
    place, field, shape = {"mixed": ("dataset_1", "state", "4,8"), "windows": ("", "domains", "3,7,10")}[name]
    parts = ["train", place or "data"] if to == "parquet" else filter(None, [place, "train"])
    assert shapes[f"{'-'.join(parts)}/{field}"] == shape


@its_libraries_warn
@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_croissant_of_each_dataset(tmp_path, caplog, name):
    """Its licence, citation, ranges as limits, and the splits that its paper has."""
    caplog.set_level(logging.CRITICAL)
    recipe = RECIPES[name]
    if recipe.windows is None:
        few = {split: dataclasses.replace(own, count=2) for split, own in recipe.splits.items()}
        recipe = dataclasses.replace(recipe, train=2, val=2, test=2, splits=few)
    dataset = described(convert(generate(recipe, tmp_path / "x"), tmp_path / "copy", to="npz"))
    assert (dataset.metadata.name, dataset.metadata.license) == (name, [f"https://spdx.org/licenses/{recipe.license}"])
    assert len(dataset.metadata.file_objects) == len(list(recipe.files(".npz")))


@pytest.fixture
def before_datasets():
    """Arrow as it is until `datasets` is imported, whose own types for arrays pandas cannot have side by side."""
    import pyarrow as arrow

    module = sys.modules.get("datasets.features.features")
    kinds = [getattr(module, f"Array{n}DExtensionType")((1,) * n, "int64") for n in range(2, 6)] if module else []
    for kind in kinds:
        arrow.unregister_extension_type(kind.extension_name)
    yield
    for kind in kinds:
        arrow.register_extension_type(kind)


@its_libraries_warn
@pytest.mark.usefixtures("before_datasets")
@pytest.mark.parametrize("name", ["mixed", "windows"])
def test_records_of_croissant(made, small, tmp_path, caplog, name):
    """Of Parquet, which alone of the formats mlcroissant reads."""
    caplog.set_level(logging.CRITICAL)
    folder = convert(made(name), tmp_path / "x.parquet")
    dataset = described(folder)
    for path, _, expected in truth(made(name)):
        record = f"{path.stem}-{'data' if path.parent == Path() else path.parent.name}"
        records = list(dataset.records(record_set=record))
        found = {key: np.array([one[f"{record}/{key}"] for one in records]) for key in expected}
        same(found, samples(expected))


def test_the_description_alone(made, tmp_path):
    folder = convert(made("pendulum3"), tmp_path / "x.npz")
    whole = (folder / "croissant.json").read_bytes()
    elsewhere = convert(folder, tmp_path / "croissant.json")
    assert elsewhere.read_bytes() == whole
    with pytest.raises(ValueError, match=r"croissant\.json exists: add --overwrite"):
        convert(folder, elsewhere)
    with pytest.raises(ValueError, match=r"would stand in a folder that is not there: make .*nowhere first"):
        convert(folder, tmp_path / "nowhere/croissant.json")
    plain = generate(SETS["pendulum3"], tmp_path / "plain")
    convert(plain, plain / "croissant.json")
    assert (plain / "croissant.json").read_bytes() == whole
    assert tree(plain) == tree(folder)
    generate(SETS["pendulum3"], plain, overwrite=True)  # which it belongs to
    assert not (plain / "croissant.json").exists()
    old = manifest.read(plain)
    old = dataclasses.replace(old, versions=old.versions | {"slvm-data": "0.0.1"})
    assert "datePublished" not in croissant.describe(old)  # of a version whose date is not known


@pytest.mark.parametrize("to", formats.NAMES)
def test_overwrite_replaces_the_copy_and_no_more(made, tmp_path, to):
    folder = convert(made("windows"), tmp_path / "x", to=to)
    with pytest.raises(ValueError, match="already holds a dataset: choose another folder, or add --overwrite"):
        convert(made("windows"), folder, to=to)
    (folder / "notes.txt").write_text("mine")
    convert(made("pendulum3"), folder, to="npz", overwrite=True)
    assert tree(folder).keys() == {*tree(made("pendulum3")), "croissant.json", "notes.txt"}
    mine = convert(made("windows"), tmp_path / "y", to=to)
    (mine / "croissant.json").write_text("mine")
    with pytest.raises(ValueError, match=r"croissant\.json is not of a dataset of ours and stays"):
        convert(made("windows"), mine, to=to, overwrite=True)


@pytest.mark.parametrize("form", formats.OWN)
@pytest.mark.parametrize("to", formats.NAMES)
def test_a_damaged_source_is_refused(made, tmp_path, form, to):
    folder = convert(made("windows"), tmp_path / f"x.{form}")
    (hurt,) = [p for p in folder.rglob("*") if p.match("val.npz" if form == "npz" else "val.zarr/queries/c/0/0/0")]
    good = hurt.read_bytes()
    hurt.write_bytes(good[:-3] + bytes([good[-3] ^ 1]) + good[-2:])
    with pytest.raises(DamageError, match=re.escape(str(hurt))):
        convert(folder, tmp_path / "new" / "copy", to=to)
    assert os.listdir(tmp_path) == [folder.name]  # noqa: PTH208


def test_a_manifest_that_says_otherwise_is_refused(made, tmp_path):
    """Shapes are compared with those that are read, though no checksum is wrong."""
    folder = convert(made("windows"), tmp_path / "x.npz")
    forge(folder / manifest.NAME, lambda c: c["files"]["train.npz"]["arrays"]["labels"].update(shape=[5, 1]))
    for to in ("hdf5", "zarr"):
        with pytest.raises(DamageError, match=r"train\.npz is damaged, at labels"):
            convert(folder, tmp_path / "y", to=to)
    assert not (tmp_path / "y").exists()


def test_names_of_trajectories_files_lead_nowhere_else(made, tmp_path):
    """F17: the files that a manifest lists are those that `--overwrite` removes."""
    folder = convert(made("windows"), tmp_path / "x.tar")
    forge(folder / manifest.NAME, lambda c: c["series"].update({"../mine.tar": c["files"]["train-000000.tar"]}))
    with pytest.raises(DamageError, match=r"the name '\.\.' cannot be a folder"):
        manifest.read(folder)


def test_a_long_recipe_fits_into_hdf5(tmp_path):
    """Attributes of the file's first kind hold 64 kB, unless they are strings of any length."""
    import h5py

    recipe = dataclasses.replace(SETS["original"], original=False, about="x" * 100_000)
    folder = convert(generate(recipe, tmp_path / "x"), tmp_path / "x.h5")
    with h5py.File(folder / "train.h5") as file:
        stored = from_json(StoredRecipe, json.loads(file.attrs["recipe"]), "recipe")
    assert from_stored(stored) == recipe


@pytest.mark.parametrize("to", formats.NAMES)
def test_nothing_is_left_of_what_was_interrupted(made, tmp_path, monkeypatch, to):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("slvm_data.run.conversion.croissant.write", stop)
    with pytest.raises(KeyboardInterrupt):
        convert(made("windows"), tmp_path / "deep" / "copy", to=to)
    assert os.listdir(tmp_path) == []  # noqa: PTH208


@pytest.mark.parametrize("to", formats.NAMES)
def test_what_was_killed_is_written_again(made, small, tmp_path, monkeypatch, to):
    """F2: half way, when some files are there; no loader takes what is left for a dataset, and then nothing is left."""
    folder = made("windows", "npz" if to == "zarr" else "zarr")
    copy = tmp_path / "copy"
    with monkeypatch.context() as patch:
        patch.setattr(journal, "discard", lambda folder: None)  # as a process that is killed
        patch.setattr(Source, "blocks", halting(Source.blocks, 5))
        with pytest.raises(KeyboardInterrupt):
            convert(folder, copy, to=to)
    assert any(path.is_file() for path in journal.next_of(copy).rglob("*"))
    assert os.listdir(copy) == [".slvm-data"]  # noqa: PTH208
    with pytest.raises(DamageError, match="copy"):
        manifest.read(copy)
    assert tree(convert(folder, copy, to=to)) == tree(convert(folder, tmp_path / "quiet", to=to))
    assert not list(copy.glob(".*"))


def halting(blocks, files):
    """The function, which after so many files ends in the middle of the next one."""

    def halt(self, *args):
        halt.files += 1
        for block in blocks(self, *args):
            yield block
            if halt.files == files:
                raise KeyboardInterrupt

    halt.files = 0
    return halt


@pytest.mark.parametrize("form", formats.OWN)
def test_a_source_that_is_changed_meanwhile_is_refused(made, tmp_path, monkeypatch, form):
    """Replaced by another dataset with arrays of the same shapes, between two of its files, or at the end."""
    recipe = dataclasses.replace(SETS["pendulum3"], seed=1)
    for files in (3, 9):
        folder = generate(SETS["pendulum3"], tmp_path / "x", format=form, overwrite=True)
        with monkeypatch.context() as patch:
            change = functools.partial(generate, recipe, folder, format=form, overwrite=True)
            patch.setattr(Source, "blocks", followed(Source.blocks, files, change))
            with pytest.raises(DamageError, match="x was replaced or removed after it was opened"):
                convert(folder, tmp_path / "y", to="hdf5")
    assert os.listdir(tmp_path) == ["x"]  # noqa: PTH208


def followed(blocks, files, change):
    """The function, after whose last block of so many files something is done."""

    def follow(self, *args):
        follow.files += 1
        yield from blocks(self, *args)
        if follow.files == files:
            change()

    follow.files = 0
    return follow


@pytest.mark.parametrize("form", formats.OWN)
def test_a_source_that_is_not_complete_is_refused(tmp_path, form):
    folder = generate(SETS["pendulum3"], tmp_path / "x", format=form, part=(0, 99))
    with pytest.raises(DamageError, match="x is not complete: run the command that began it again"):
        convert(folder, tmp_path / "y", to="hdf5")
    assert os.listdir(tmp_path) == ["x"]  # noqa: PTH208


def test_what_is_refused(made, tmp_path):
    folder = made("windows")
    for to in ("npz", "zarr", "hdf5"):
        with pytest.raises(ValueError, match=f"shard_size = 5 is only for webdataset and parquet, not for {to}"):
            convert(folder, tmp_path / "x", to=to, shard_size=5)
    for size in (0, -1, math.nan, math.inf):
        with pytest.raises(ValueError, match=f"shard_size = {size} has to be above 0"):
            convert(folder, tmp_path / "x", to="parquet", shard_size=size)
    with pytest.raises(ValueError, match=r"x\.csv ends in none of \.npz, \.zarr, .*\.parquet"):
        convert(folder, tmp_path / "x.csv")
    with pytest.raises(ValueError, match="'csv' is unknown; there are npz, zarr, hdf5, webdataset, parquet"):
        convert(folder, tmp_path / "x.h5", to="csv")
    with pytest.raises(ValueError, match="is the dataset to convert"):
        convert(folder, folder.parent / "elsewhere" / ".." / folder.name, overwrite=True)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"already holds 'notes\.txt'"):
        convert(folder, tmp_path, to="zarr")
    with pytest.raises(ValueError, match="is not a folder"):
        convert(tmp_path / "nowhere", tmp_path / "x.h5")
    assert os.listdir(tmp_path) == ["notes.txt"]  # noqa: PTH208


@pytest.mark.parametrize("to", EXPORTS)
def test_an_export_is_no_source(made, tmp_path, to):
    """It is verified by its checksums; who reads or mends datasets of ours says what it is."""
    folder = convert(made("windows"), tmp_path / "x", to=to)
    recipe, content = SETS["windows"], manifest.read(folder)
    with pytest.raises(ValueError, match="is a copy for other libraries: only npz and zarr are converted"):
        convert(folder, tmp_path / "y.npz")
    with pytest.raises(ValueError, match="is a copy for other libraries"):
        Windows(folder)
    with pytest.raises(ValueError, match="is a copy for other libraries: convert the dataset again"):
        mend(folder, recipe, content)
    assert list(faults(folder, recipe, content, 8, True)) == []
    hurt = next(iter(content.series))
    (folder / hurt).write_bytes((folder / hurt).read_bytes() + b"0")
    (fault,) = faults(folder, recipe, content, 8, True)
    assert str(folder / hurt) in fault


@pytest.mark.parametrize("to", formats.NAMES)
def test_what_lies_beside_the_files_is_verified(made, tmp_path, to):
    """F7, of every format; the description is written again by the command that the error names."""
    folder, recipe = convert(made("pendulum3"), tmp_path / "x", to=to), SETS["pendulum3"]
    content, before = manifest.read(folder), tree(folder)
    for name in ("preview.gif", "croissant.json"):
        good = (folder / name).read_bytes()
        for bad in (good[:100] + bytes([good[100] ^ 1]) + good[101:], None):
            (folder / name).write_bytes(bad) if bad else (folder / name).unlink()
            (fault,) = faults(folder, recipe, content, 0, True)
            assert fault.startswith(f"{folder / name} is {'damaged' if bad else 'missing'}")
        (folder / name).write_bytes(good)
    (folder / "croissant.json").unlink()
    if to not in EXPORTS:
        with pytest.raises(DamageError, match=r"croissant\.json is missing .*slvm-data convert"):
            mend(folder, recipe, content)
    convert(*map(Path, re.search(r"slvm-data convert (.*) (.*) --overwrite", fault).groups()), overwrite=True)
    assert list(faults(folder, recipe, manifest.read(folder), 0, True)) == []
    assert tree(folder) == before


@pytest.mark.parametrize(("to", "package"), [("hdf5", "h5py"), ("parquet", "pyarrow"), ("parquet", "PIL")])
def test_a_missing_package_is_named(made, tmp_path, monkeypatch, to, package):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"slvm_data.export.{to}", raising=False)
    with pytest.raises(ValueError, match=rf"{to} needs a package .* pip install 'slvm-data\[{to}\]'"):
        convert(made("windows"), tmp_path / "x", to=to)
    assert os.listdir(tmp_path) == []  # noqa: PTH208


def test_the_command(made, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    done = command("convert", made("pendulum3"), "copy.h5")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"copy\.h5: 9 files, [\d.]+ MB\n", done.stdout)
    done = command("convert", made("pendulum3"), "copy.csv")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("error: copy.csv ends in none of .npz, .zarr, .h5")


def test_members_of_a_tar_file_are_plain_arrays(made, tmp_path):
    folder = convert(made("recorded"), tmp_path / "x.tar")
    with tarfile.open(folder / "dataset_2/val-000000.tar") as archive:
        for member in archive:
            data = archive.extractfile(member).read()
            if member.name.endswith(".npy"):
                np.load(io.BytesIO(data), allow_pickle=False)
            else:
                assert (member.name.split(".", 1)[1], data) == ("label.cls", b"2")


def without_room(folder, place, to):
    with pytest.raises(OSError) as error:
        convert(folder, place, to=to)
    return str(error.value)


def hdf5_without_room(folder, place):
    """In a process of its own, since libraries of HDF5 may crash there."""
    code = f"from slvm_data.run.conversion import convert; convert({str(folder)!r}, {str(place)!r}, to='hdf5')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 1, done
    return done.stderr.splitlines()[-1].removeprefix("OSError: ")


@pytest.mark.few(3)
@pytest.mark.parametrize("to", ["npz", "zarr", "hdf5", "webdataset", "parquet"])
def test_a_disk_that_fills_up(tmp_path, small_disk, to):
    """F40: an error that names the folder, and no crash; nothing is left, and with room it is made."""
    recipe = dataclasses.replace(RECIPES["pendulum3"], train=3_000, val=2, test=2)
    folder = generate(recipe, tmp_path / "x", format="npz" if to == "zarr" else "zarr")
    for room in (2**16, 2**18, 2**19):  # it ends at several places of the files
        free = shutil.disk_usage(small_disk).free + sum(path.stat().st_size for path in small_disk.iterdir())
        (small_disk / "ballast").write_bytes(bytes(free - room))
        said = (
            hdf5_without_room(folder, small_disk / "y") if to == "hdf5" else without_room(folder, small_disk / "y", to)
        )
        assert said.startswith("[Errno 28] No space left on device")
        assert str(small_disk / "y") in said
        assert [path.name for path in small_disk.iterdir()] == ["ballast"]
