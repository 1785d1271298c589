"""The order of keys in a JSON file of a dataset decides nothing: not which task is which, not what is written."""

import dataclasses
import json
import shutil
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from slvm_data import RECIPES, generate
from slvm_data.core.errors import DamageError
from slvm_data.core.files import sha256
from slvm_data.export import parquet
from slvm_data.load import Episodes, Sequences, Windows
from slvm_data.recipe.serialisation import from_stored
from slvm_data.run import order
from slvm_data.run.combination import combine
from slvm_data.run.conversion import convert
from slvm_data.run.order import in_order
from slvm_data.run.verification import faults
from slvm_data.store import manifest, source
from slvm_data.view import dataset as view

SIZES = {"train": 3, "val": 2, "test": 1}
TASKS = 12  # so that names of two digits come before others where they are sorted


def reverse(tree):
    """The tree with the keys of every object in reverse order."""
    if isinstance(tree, dict):
        return {name: reverse(tree[name]) for name in reversed(tree)}
    return list(map(reverse, tree)) if isinstance(tree, list) else tree


REWRITTEN = {
    "sorted": lambda tree: json.dumps(tree, sort_keys=True),
    "reversed": lambda tree: json.dumps(reverse(tree), indent=4),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """More than ten tasks, as .npz and in shards, and windows with the trajectories that they are cut from."""
    place = tmp_path_factory.mktemp("key_order")
    gravity16 = RECIPES["gravity16"]
    many = dataclasses.replace(gravity16, tasks=gravity16.tasks[:TASKS], **SIZES, steps=4)
    nascar = RECIPES["nascar"]
    cut = dataclasses.replace(nascar.windows, series=True, gap=5)
    windows = dataclasses.replace(nascar, **SIZES, steps=400, windows=cut)
    return {
        "npz": generate(many, place / "npz"),
        "zarr": generate(many, place / "zarr", format="zarr"),
        "windows": generate(windows, place / "windows"),
    }


def copies(made, place, how):
    """Copies one of these to a place, and rewrites its `dataset.json`."""

    def copy(name):
        folder = Path(shutil.copytree(made[name], place / name))
        path = folder / manifest.NAME
        path.write_text(REWRITTEN[how](json.loads(path.read_text())))
        return folder

    return copy


@pytest.fixture(params=["reversed", pytest.param("sorted", marks=pytest.mark.slow)])
def rewritten(made, tmp_path, request):
    """A copy of one of these, of which `dataset.json` was rewritten: whatever depends on an order is seen by either."""
    return copies(made, tmp_path, request.param)


def damage(folder):
    """What `verify` finds."""
    content = manifest.read(folder)
    return list(faults(folder, from_stored(content.recipe), content, sample=1, bit_exact=True))


def same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


@pytest.mark.parametrize("name", ["npz", "zarr"])
def test_loaders(made, rewritten, name):
    folder = rewritten(name)
    assert not damage(folder)
    for split, rows in SIZES.items():
        one, other = Sequences(folder, split), Sequences(made[name], split)
        same(one[:], other[:])
        same(Sequences(folder, split).to_memory()[:], other[:])
        for task in range(TASKS):
            own = Sequences(folder, split, tasks=[task])
            assert own[0]["label"] == task
            assert len(own) == rows
    one, other = (Episodes(place, context=1, ways=5, seed=3) for place in (folder, made[name]))
    same(one[:], other[:])


def test_windows(made, rewritten):
    folder = rewritten("windows")
    assert not damage(folder)
    for split in SIZES:
        same(Windows(folder, split)[:], Windows(made["windows"], split)[:])


@pytest.mark.parametrize("how", REWRITTEN)
@pytest.mark.parametrize("name", ["npz", "zarr", "windows"])
def test_files_are_listed_by_task_and_split(made, tmp_path, name, how):
    folder = copies(made, tmp_path, how)(name)
    one, other = manifest.read(folder), manifest.read(made[name])
    assert one == other
    for kind in ("files", "series", "combined"):
        assert list(getattr(one, kind)) == list(getattr(other, kind))
    for place, content in ((folder, one), (made[name], other)):
        assert [(file.entry.task, file.entry.split) for file in source.sources(place, content) if not file.series] == [
            (task, split) for task in range(len(content.recipe.tasks)) for split in SIZES
        ]


@pytest.mark.parametrize("options", [{}, {"shuffle": True}])
def test_combined_files(made, rewritten, tmp_path, options):
    folder, other = rewritten("npz"), shutil.copytree(made["npz"], tmp_path / "other")
    combine(folder, **options)
    combine(other, **options)
    assert not damage(folder)
    for split in SIZES:
        assert sha256(folder / f"combined_{split}.npz") == sha256(other / f"combined_{split}.npz")


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("npz", "zarr"),
        ("zarr", "npz"),
        ("npz", "parquet"),
        ("zarr", "webdataset"),
        ("windows", "hdf5"),
    ],
)
def test_converted_files(made, rewritten, tmp_path, name, form):
    """The same bytes, with the same sequences and arrays in the same order."""
    folder = rewritten(name)
    one, other = convert(folder, tmp_path / "one", to=form), convert(made[name], tmp_path / "other", to=form)
    assert not damage(one)
    found, expected = manifest.read(one), manifest.read(other)
    assert list(found.files) == list(expected.files)
    assert list(found.series) == list(expected.series)
    assert found.files == expected.files  # with their checksums
    assert found.series == expected.series
    assert [list(entry.arrays) for entry in found.files.values()] == [list(e.arrays) for e in expected.files.values()]
    if form == "parquet":
        assert parquet.configs(found) == parquet.configs(expected)


def test_the_page(made, rewritten):
    folder = rewritten("npz")
    for task in (1, 2, 11):
        one, other = (view.of_folder(place).rows(task, "train", [0]) for place in (folder, made["npz"]))
        same(one, other)


@pytest.mark.parametrize("name", ["npz", "zarr", "windows"])
def test_every_other_json_file(made, tmp_path, name):
    """A marker or `zarr.json` that was rewritten is refused, or read as it was."""
    folder = Path(shutil.copytree(made[name], tmp_path / name))
    kind = Windows if name == "windows" else Sequences
    expected = kind(folder)[:]
    for path in sorted(folder.rglob("*.json"))[:16]:
        if path.name != manifest.NAME:
            before = path.read_bytes()
            for rewrite in REWRITTEN.values():
                path.write_text(rewrite(json.loads(before)))
                try:
                    same(kind(folder)[:], expected)
                except DamageError as error:
                    assert name in str(error)
            path.write_bytes(before)


def test_two_files_of_the_same_sequences_are_refused(made):
    content = manifest.read(made["npz"])
    first = next(iter(content.files.values()))
    with pytest.raises(ValueError, match="files has two of task 0 and split train"):
        dataclasses.replace(content, files=content.files | {"other/train.npz": first})
    with pytest.raises(ValueError, match="split = 'trian' is unknown"):
        dataclasses.replace(content, files=content.files | {"trian.npz": dataclasses.replace(first, split="trian")})


def test_arrays_of_a_system_that_is_not_known(made, monkeypatch):
    """One of the user's own: any order of keys but the one that was written gives the same order of arrays."""
    monkeypatch.setattr(order, "from_stored", Mock(side_effect=ValueError("unknown")))
    content = manifest.read(made["npz"])
    assert in_order(content) is content
    found = []
    for names in (sorted, lambda arrays: sorted(arrays, reverse=True)):
        files = {
            name: dataclasses.replace(entry, arrays={array: entry.arrays[array] for array in names(entry.arrays)})
            for name, entry in content.files.items()
        }
        arrays = {name: content.arrays[name] for name in names(content.arrays)}
        found.append(in_order(dataclasses.replace(content, files=files, arrays=arrays)))
    one, other = found
    assert one == other == content
    assert [list(entry.arrays) for entry in one.files.values()] == [list(e.arrays) for e in other.files.values()]
    assert list(one.arrays) == list(other.arrays)
