"""All tasks in one file per split."""

import dataclasses
import shutil
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from slvm_data import RECIPES, generate
from slvm_data.core.errors import DamageError
from slvm_data.recipe.original import as_original
from slvm_data.run.combination import combine, permutation
from slvm_data.run.verification import faults
from slvm_data.store import manifest, npz
from slvm_data.store.folder import PARTIAL

SIZES = {"train": 5, "val": 3, "test": 2}


def load(path):
    with np.load(path, allow_pickle=False) as data:
        return dict(data)


def made(name, folder, **changes):
    recipe = dataclasses.replace(RECIPES[name], **SIZES, steps=4, **changes)
    return generate(recipe, folder / name), recipe


@pytest.mark.parametrize("original", [False, True])
def test_in_task_order(original, tmp_path):
    recipe = dataclasses.replace(RECIPES["gravity3"], **SIZES, steps=4, record=() if original else ("events",))
    recipe = as_original(recipe) if original else recipe
    folder = generate(recipe, tmp_path / "x")
    combine(folder)
    for split, count in SIZES.items():
        whole, parts = (
            load(folder / f"combined_{split}.npz"),
            [load(folder / f"{x}/{split}.npz") for x in recipe.folders()],
        )
        assert whole.keys() == parts[0].keys()
        np.testing.assert_array_equal(whole["label"][:, 0], np.repeat([0, 1, 2], count))
        for name, array in whole.items():
            expected = parts[0][name] if name == "time" else np.concatenate([part[name] for part in parts])
            np.testing.assert_array_equal(array, expected)
            assert array.dtype == expected.dtype


def test_shuffled_is_the_same_in_another_order(tmp_path, monkeypatch):
    monkeypatch.setattr("slvm_data.run.combination.ROOM", 3 * 4 * 32 * 32)  # three sequences at a time
    folder, _ = made("pendulum3", tmp_path)
    combine(folder)
    ordered = load(folder / "combined_train.npz")
    combine(folder, shuffle=True, seed=3, overwrite=True)
    bytes_ = (folder / "combined_train.npz").read_bytes()
    shuffled, order = load(folder / "combined_train.npz"), permutation(3, "train", 15)
    assert sorted(order) == list(range(15))
    assert list(order) != list(range(15))
    for name, array in shuffled.items():
        np.testing.assert_array_equal(array, ordered[name] if name == "time" else ordered[name][order])
    combine(folder, shuffle=True, seed=4, overwrite=True)
    assert (folder / "combined_train.npz").read_bytes() != bytes_
    combine(folder, shuffle=True, seed=3, overwrite=True)
    assert (folder / "combined_train.npz").read_bytes() == bytes_
    assert sorted(p.name for p in folder.iterdir() if p.name.startswith(".")) == []


def test_states_of_different_width_are_padded_on_request(tmp_path):
    folder, recipe = made("mixed_physics_iclr2025", tmp_path)
    with pytest.raises(ValueError, match="states have 4, 2, 8 numbers: add --pad"):
        combine(folder)
    assert not list(folder.glob("combined*"))
    combine(folder, pad=True)
    whole = load(folder / "combined_val.npz")
    assert set(whole) == {"image", "state", "state_mask", "label", "time"}
    assert (whole["state"].shape, whole["time"].shape) == ((36, 4, 8), (36, 4))
    for task, name in enumerate(recipe.folders()):
        part, rows = load(folder / name / "val.npz"), slice(3 * task, 3 * task + 3)
        width = part["state"].shape[-1]
        np.testing.assert_array_equal(whole["state"][rows, :, :width], part["state"])
        assert not whole["state"][rows, :, width:].any()
        np.testing.assert_array_equal(whole["state_mask"][rows], np.tile(np.arange(8) < width, (3, 1)))
        np.testing.assert_array_equal(whole["time"][rows], np.tile(part["time"], (3, 1)))
        np.testing.assert_array_equal(whole["image"][rows], part["image"])


def test_what_is_refused(tmp_path):
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


def test_what_is_anothers_stays(tmp_path):
    folder, _ = made("mass_spring3", tmp_path)
    (folder / "combined_val.npz").write_text("mine")
    with pytest.raises(ValueError, match=r"combined_val\.npz is not of this dataset and stays"):
        combine(folder, overwrite=True)
    (folder / "combined_val.npz").unlink()
    (folder / ".slvm-data.partial").mkdir()  # of a run that was killed
    combine(folder)
    assert not list(folder.glob(".*"))


def test_instants_of_a_mixed_set_are_read_with_their_rows(tmp_path):
    folder, _ = made("mixed_physics_iclr2023", tmp_path)
    combine(folder, pad=True)
    whole, some = npz.read(folder / "combined_train.npz"), npz.read(folder / "combined_train.npz", np.array([1, 59]))
    for name, array in some.items():
        np.testing.assert_array_equal(array, whole[name][[1, 59]])


def test_a_kill_before_the_last_step_is_seen(tmp_path, monkeypatch):
    """The manifest lists the files before they have their names: verification tells, and a new run mends."""
    folder, recipe = made("mass_spring3", tmp_path)
    monkeypatch.setattr(Path, "replace", stopped := kill_at(2, Path.replace))
    with pytest.raises(KeyboardInterrupt):
        combine(folder)
    assert stopped.calls == 2
    monkeypatch.undo()
    found = list(faults(folder, recipe, manifest.read(folder), 0, True))
    assert any("combined_" in fault and "is missing" in fault for fault in found)
    combine(folder, overwrite=True)
    assert list(faults(folder, recipe, manifest.read(folder), 0, True)) == []


def kill_at(call, function):
    """The function, interrupted when it has been called so often with a combined file that leaves its room."""

    def counted(self, target):
        if self.parent.name == PARTIAL and not self.name.startswith("."):
            counted.calls += 1
            if counted.calls == call:
                raise KeyboardInterrupt
        return function(self, target)

    counted.calls = 0
    return counted


def test_frames_of_different_shapes_are_refused(tmp_path):
    recipe = as_original(dataclasses.replace(RECIPES["mixed_physics_iclr2025"], **SIZES, steps=2))
    with pytest.raises(ValueError, match="frames of different shapes cannot stand in one array"):
        combine(generate(recipe, tmp_path / "x"), pad=True)


def test_combined_files_belong_to_the_dataset(tmp_path):
    """They are verified with it, and go when it is replaced."""
    folder, recipe = made("mass_spring3", tmp_path)
    command = [sys.executable, "-m", "slvm_data"]
    done = subprocess.run([*command, "combine", folder, "--shuffle"], capture_output=True, text=True, check=True)
    assert "combined_train.npz: 15 sequences" in done.stdout
    assert list(manifest.read(folder)["combined"]) == [f"combined_{split}.npz" for split in SIZES]
    subprocess.run([*command, "verify", folder], check=True, capture_output=True)
    shown = subprocess.run([*command, "info", folder], check=True, capture_output=True, text=True).stdout
    assert "| combined_val.npz | 9 |" in shown
    data = bytearray((folder / "combined_test.npz").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "combined_test.npz").write_bytes(data)
    done = subprocess.run([*command, "verify", folder], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("combined_test.npz")) == (1, 1)
    generate(recipe, folder, overwrite=True)
    assert not list(folder.glob("combined*"))


def test_memory_stays_bounded(tmp_path):
    """Frames of 324 MB, of which no more than some chunks are ever held."""
    folder = generate(dataclasses.replace(RECIPES["gravity3"], train=6_600, val=0, test=0, steps=16), tmp_path / "x")
    tracemalloc.start()
    try:
        combine(folder, shuffle=True)
        peak = tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()
    print(f"combining 324 MB of frames took {peak:.0f} MiB")
    assert 16 < peak < 100
