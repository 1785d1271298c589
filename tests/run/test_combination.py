"""All tasks in one file per split."""

import dataclasses
import functools
import itertools
import os
import shutil
import tracemalloc
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from slvm_data import RECIPES, generate
from slvm_data.core.errors import DamageError
from slvm_data.recipe.original import as_original
from slvm_data.recipe.recipe import mixed
from slvm_data.run.combination import combine, permutation
from slvm_data.run.verification import faults
from slvm_data.store import journal, manifest, npz
from slvm_data.store.testing import tree

SIZES = {"train": 5, "val": 3, "test": 2}


def load(path):
    with np.load(path, allow_pickle=False) as data:
        return dict(data)


def first(name):
    return dataclasses.replace(RECIPES[name], tasks=RECIPES[name].tasks[:1])


RECORD = ("events", "energy", "offset", "color_index")
SETS = {  # of numbers of steps and arrays as elsewhere, which are compiled once
    "pendulum3": dataclasses.replace(RECIPES["pendulum3"], **SIZES, steps=4),
    "recorded": dataclasses.replace(RECIPES["gravity3"], name="recorded", **SIZES, steps=4, record=RECORD),
    "original": as_original(dataclasses.replace(RECIPES["gravity3"], name="original", **SIZES)),
    "mixed": mixed([first(name) for name in ("two_body3", "pendulum3", "gravity")], name="mixed", **SIZES, steps=4),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Copies a set to a folder; each is made once."""
    place = tmp_path_factory.mktemp("sets")
    whole = functools.cache(lambda name: generate(SETS[name], place / name))
    return lambda name, folder: (Path(shutil.copytree(whole(name), folder / name)), SETS[name])


@pytest.mark.parametrize("name", ["recorded", "original"])
def test_in_task_order(made, tmp_path, name):
    folder, recipe = made(name, tmp_path)
    entries = combine(folder)
    for split, count in SIZES.items():
        whole, parts = (
            load(folder / f"combined_{split}.npz"),
            [load(folder / f"{x}/{split}.npz") for x in recipe.folders()],
        )
        assert whole.keys() == parts[0].keys()
        np.testing.assert_array_equal(whole["label"][:, 0], np.repeat([0, 1, 2], count))
        for name, array in whole.items():
            expected = np.concatenate([part[name] for part in parts])
            np.testing.assert_array_equal(array, expected)
            assert array.dtype == expected.dtype
        assert entries[f"combined_{split}.npz"].arrays == manifest.forms_of(whole)
        assert entries[f"combined_{split}.npz"].rows == 3 * count


def test_shuffled_is_the_same_in_another_order(made, tmp_path, monkeypatch):
    monkeypatch.setattr("slvm_data.run.combination.MEMORY", 3 * 4 * 32 * 32)  # three sequences at a time
    folder, _ = made("pendulum3", tmp_path)
    combine(folder)
    ordered = load(folder / "combined_train.npz")
    combine(folder, shuffle=True, seed=3, overwrite=True)
    bytes_ = (folder / "combined_train.npz").read_bytes()
    shuffled, order = load(folder / "combined_train.npz"), permutation(3, "train", 15)
    assert sorted(order) == list(range(15))
    assert list(order) != list(range(15))
    for name, array in shuffled.items():
        np.testing.assert_array_equal(array, ordered[name][order])
    combine(folder, shuffle=True, seed=4, overwrite=True)
    assert (folder / "combined_train.npz").read_bytes() != bytes_
    combine(folder, shuffle=True, seed=3, overwrite=True)
    assert (folder / "combined_train.npz").read_bytes() == bytes_
    assert sorted(p.name for p in folder.iterdir() if p.name.startswith(".")) == []


def test_states_of_different_width_are_padded_on_request(made, tmp_path):
    folder, recipe = made("mixed", tmp_path)
    with pytest.raises(ValueError, match="states have 8, 2, 4 numbers: add --pad"):
        combine(folder)
    assert not list(folder.glob("combined*"))
    combine(folder, pad=True)
    whole = load(folder / "combined_val.npz")
    assert set(whole) == {"image", "state", "state_mask", "label", "time"}
    assert (whole["state"].shape, whole["time"].shape) == ((9, 4, 8), (9, 4))
    assert len(np.unique(whole["time"][:, 1])) > 1  # each task has its own instants
    for task, name in enumerate(recipe.folders()):
        part, rows = load(folder / name / "val.npz"), slice(3 * task, 3 * task + 3)
        width = part["state"].shape[-1]
        np.testing.assert_array_equal(whole["state"][rows, :, :width], part["state"])
        assert not whole["state"][rows, :, width:].any()
        np.testing.assert_array_equal(whole["state_mask"][rows], np.tile(np.arange(8) < width, (3, 1)))
        np.testing.assert_array_equal(whole["time"][rows], part["time"])
        np.testing.assert_array_equal(whole["image"][rows], part["image"])


def test_what_is_refused(made, tmp_path):
    folder, _ = made("pendulum3", tmp_path)
    combine(folder)
    with pytest.raises(ValueError, match=r"combined_train\.npz exists: add --overwrite"):
        combine(folder)
    path = folder / "dataset_1/val.npz"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DamageError, match=r"dataset_1/val\.npz has \d+ bytes instead of"):
        combine(folder, overwrite=True)
    assert sorted(p.name for p in folder.glob(".*")) == []
    for split in SIZES:
        (folder / f"combined_{split}.npz").unlink()
    with pytest.raises(DamageError, match=r"dataset_1/val\.npz has"):
        combine(folder, pad=True)
    shutil.copy(folder / "dataset_0/val.npz", path)
    with pytest.raises(DamageError, match=r"dataset_1/val\.npz (has|is damaged: its checksum does not fit)"):
        combine(folder, shuffle=True)
    assert not list(folder.glob("combined*"))  # all of them or none
    with pytest.raises(ValueError, match="is not a folder"):
        combine(tmp_path / "nowhere")


def test_what_is_anothers_stays(made, tmp_path):
    folder, _ = made("pendulum3", tmp_path)
    (folder / "combined_val.npz").write_text("mine")
    with pytest.raises(ValueError, match=r"combined_val\.npz is not of this dataset and stays"):
        combine(folder, overwrite=True)
    (folder / "combined_val.npz").unlink()
    journal.prepare(folder)  # as a run that was killed does
    (journal.next_of(folder) / "combined_val.npz").write_text("half of it")
    combine(folder)
    assert not list(folder.glob(".*"))


def test_instants_of_a_mixed_set_are_read_with_their_rows(made, tmp_path):
    folder, _ = made("mixed", tmp_path)
    combine(folder, pad=True)
    whole, some = npz.read(folder / "combined_train.npz"), npz.read(folder / "combined_train.npz", np.array([1, 14]))
    for name, array in some.items():
        np.testing.assert_array_equal(array, whole[name][[1, 14]])


def test_an_interruption_of_the_last_steps_is_carried_on(made, tmp_path, monkeypatch):
    """At each of them, the folder holds the old dataset or becomes the new one, and a new run mends it."""
    folder, recipe = made("pendulum3", tmp_path)
    combine(folder)
    combine(folder, shuffle=True, overwrite=True)
    expected = tree(folder)
    for k in itertools.count(1):
        combine(folder, overwrite=True)
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", stopped := interrupted(os.replace, k))
            with suppress(KeyboardInterrupt):
                combine(folder, shuffle=True, overwrite=True)
        assert list(faults(folder, recipe, journal.settled(folder), 0, True)) == []
        combine(folder, shuffle=True, overwrite=True)
        assert tree(folder) == expected
        if stopped.calls < k:
            break
    assert k > 8


def interrupted(function, k):
    """The function, interrupted at its k-th call."""

    def counted(*args, **options):
        counted.calls += 1
        if counted.calls == k:
            raise KeyboardInterrupt
        return function(*args, **options)

    counted.calls = 0
    return counted


def test_frames_of_different_shapes_are_refused(tmp_path):
    parts = [first(name) for name in ("pendulum3", "gravity3")]
    recipe = as_original(mixed(parts, name="originals", **SIZES))
    with pytest.raises(ValueError, match="frames of different shapes cannot stand in one array"):
        combine(generate(recipe, tmp_path / "x"), pad=True)


def test_combined_files_belong_to_the_dataset(made, tmp_path, command):
    """They are verified with it, and go when it is replaced."""
    folder, recipe = made("pendulum3", tmp_path)
    assert "combined_train.npz: 15 sequences" in command("combine", folder, "--shuffle").stdout
    content = manifest.read(folder)
    assert list(content.combined) == [f"combined_{split}.npz" for split in SIZES]
    assert command("verify", folder).returncode == 0
    assert "| combined_val.npz | 9 |" in command("info", folder).stdout
    data = bytearray((folder / "combined_test.npz").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "combined_test.npz").write_bytes(data)
    done = command("verify", folder)
    assert (done.returncode, done.stderr.count("combined_test.npz")) == (1, 1)
    generate(recipe, folder, overwrite=True)
    assert not list(folder.glob("combined*"))


def test_memory_stays_bounded(tmp_path):
    """Frames of 162 MB, of which no more than some chunks are ever held."""
    folder = generate(dataclasses.replace(RECIPES["gravity3"], train=1_760, val=0, test=0), tmp_path / "x")
    tracemalloc.start()
    try:
        combine(folder, shuffle=True)
        peak = tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()
    print(f"combining 162 MB of frames took {peak:.0f} MiB")
    assert 16 < peak < 100
