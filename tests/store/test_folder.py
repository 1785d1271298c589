"""Where a dataset goes: what is another's stays, what is unfinished does not."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from slvm_data import MassSpring, TwoBody, generate
from slvm_data.core.errors import DamageError
from slvm_data.run import shards
from slvm_data.run.conversion import convert
from slvm_data.store import manifest
from slvm_data.store.folder import PARTIAL, room


def tree(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_dataset_has_these_files(tiny, tmp_path):
    folder = generate(tiny, tmp_path / "x")
    splits = [f"dataset_{i}/{split}.npz" for i in range(3) for split in ("test", "train", "val")]
    assert sorted(tree(folder)) == ["README.md", "dataset.json", *splits, "preview.gif"]


def test_the_same_again_is_the_same(tiny, tmp_path):
    assert tree(generate(tiny, tmp_path / "a")) == tree(generate(tiny, tmp_path / "b"))


def test_no_path_and_no_clock_enters(tiny, tmp_path):
    for data in tree(generate(tiny, tmp_path / "x")).values():
        assert str(tmp_path).encode() not in data


def test_a_folder_in_use_is_refused(tiny, tmp_path):
    """F25."""
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"already holds 'notes\.txt': choose another folder, or add --over"):
        generate(tiny, tmp_path)
    generate(tiny, tmp_path / "x")
    with pytest.raises(ValueError, match="already holds a dataset"):
        generate(tiny, tmp_path / "x")
    assert sorted(os.listdir(tmp_path)) == ["notes.txt", "x"]  # noqa: PTH208


def test_overwrite_removes_what_the_manifest_lists_and_no_more(tiny, tmp_path):
    folder = generate(tiny, tmp_path / "x")
    (folder / "notes.txt").write_text("mine")
    (folder / "dataset_2" / "more.txt").write_text("mine")
    one = dataclasses.replace(tiny, tasks=tiny.tasks[:1])
    generate(one, folder, overwrite=True)
    splits = ("test.npz", "train.npz", "val.npz")
    expected = ["README.md", "dataset.json", "dataset_2/more.txt", "notes.txt", "preview.gif", *splits]
    assert sorted(tree(folder)) == expected
    assert not (folder / "dataset_1").exists()


def test_overwrite_never_replaces_what_is_not_listed(tiny, tmp_path):
    (tmp_path / "dataset_0").mkdir()
    (tmp_path / "dataset_0" / "train.npz").write_text("mine")
    with pytest.raises(ValueError, match=r"dataset_0/train.npz is not of a dataset of ours"):
        generate(tiny, tmp_path, overwrite=True)
    assert tree(tmp_path) == {"dataset_0/train.npz": b"mine"}


def test_a_manifest_cannot_name_files_outside(tiny, tmp_path):
    folder = generate(tiny, tmp_path / "x")
    (tmp_path / "precious").write_text("mine")
    content = manifest.read(folder)
    content["files"]["../precious"] = next(iter(content["files"].values()))
    manifest.write(folder, {k: v for k, v in content.items() if not k.startswith("format")})
    with pytest.raises(ValueError, match="is not of a dataset of ours and stays"):
        generate(tiny, folder, overwrite=True)
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_plan_cannot_name_groups_outside(tiny, tmp_path):
    """F17: `--overwrite` takes the groups of a dataset away that was begun."""
    folder = tmp_path / "x"
    shards.begin(shards.Plan(tiny), folder)
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "other.zarr").mkdir()
    for name in ("../precious", "../other.zarr", "precious"):
        content = json.loads((folder / manifest.PLAN).read_text()) | {"groups": {name: [1, 1]}}
        kept = {key: value for key, value in content.items() if not key.startswith("format") and key != "sha256"}
        manifest.write(folder, kept, manifest.PLAN)
        with pytest.raises(DamageError, match=r"plan\.json is damaged, at its list of files"):
            manifest.read(folder, manifest.PLAN)
        with pytest.raises(ValueError, match="is not of a dataset of ours and stays"):
            generate(tiny, folder, form="zarr", overwrite=True)
    assert (tmp_path / "precious").read_text() == "mine"
    assert (tmp_path / "other.zarr").is_dir()


def test_a_file_of_the_user_in_a_group_stays(tiny, tmp_path):
    source, folder = generate(tiny, tmp_path / "s"), tmp_path / "x.zarr"
    convert(source, folder)
    (folder / "dataset_0/train.zarr/notes.txt").write_text("mine")
    convert(source, folder, overwrite=True)
    assert (folder / "dataset_0/train.zarr/notes.txt").read_text() == "mine"
    (folder / "dataset_0/train.zarr/notes.txt").unlink()
    assert tree(folder) == tree(convert(source, tmp_path / "y.zarr"))


@pytest.mark.parametrize("seed", [0, 1])
def test_two_runs_at_once_in_one_folder(tmp_path, seed):
    """F10, F11: the second waits, and then leaves alone what the first has written."""
    command = [
        sys.executable,
        "-m",
        "slvm_data",
        "generate",
        "pendulum",
        "--train",
        "2000",
        "--out",
        str(tmp_path / "x"),
    ]
    runs = [
        subprocess.Popen([*command, "--seed", str(s)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for s in (0, seed)
    ]
    ends = [(run.communicate(timeout=100)[1], run.returncode) for run in runs]
    (error, _), (_, done) = sorted(ends, key=lambda end: -end[1])
    assert {code for _, code in ends} == {0, 2}, ends
    assert f"{tmp_path / 'x'} already holds a dataset" in error
    assert done == 0
    check = [sys.executable, "-m", "slvm_data", "verify", str(tmp_path / "x")]
    assert subprocess.run(check, check=False).returncode == 0
    assert not list((tmp_path / "x").glob(".*"))


def test_the_room_is_given_back_by_whoever_is_killed(tmp_path):
    script = "import sys, os; from pathlib import Path; from slvm_data.store.folder import room\n"
    script += "with room(Path(sys.argv[1])) as place: (place / 'half').touch(); os._exit(9)"
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False).returncode == 9
    with room(tmp_path) as place:
        assert not list(place.iterdir())
        waiting = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stderr=subprocess.PIPE, text=True)
        assert waiting.stderr
        assert waiting.stderr.readline() == f"{tmp_path}: another process writes there; waiting\n"
    assert waiting.wait(timeout=20) == 9
    waiting.stderr.close()


def test_a_failed_overwrite_keeps_the_old(tiny, tmp_path):
    folder = generate(tiny, tmp_path / "x")
    before = tree(folder)
    with pytest.raises(ValueError, match="left the scene"):
        generate(dataclasses.replace(tiny, tasks=(TwoBody(half_width=0.01),)), folder, overwrite=True)
    assert tree(folder) == before


def test_a_dataset_moves(tiny, tmp_path):
    """F19: moved, renamed, read-only."""
    folder = generate(tiny, tmp_path / "x")
    shutil.move(folder, tmp_path / "elsewhere")
    for path in (tmp_path / "elsewhere").rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    run = subprocess.run([sys.executable, "-m", "slvm_data", "verify", "elsewhere"], cwd=tmp_path, check=False)
    assert run.returncode == 0


def test_what_a_killed_run_left_is_no_obstacle(tiny, tmp_path):
    (tmp_path / "x" / PARTIAL).mkdir(parents=True)
    (tmp_path / "x" / PARTIAL / "train.npz").write_text("half")
    folder = generate(tiny, tmp_path / "x")
    assert not (folder / PARTIAL).exists()


def test_a_file_in_the_way_of_a_folder_is_refused_at_once(tiny, tmp_path):
    one = dataclasses.replace(tiny, tasks=tiny.tasks[:1])
    folder = generate(one, tmp_path / "x")
    (folder / "dataset_0").write_text("mine")
    before = tree(folder)
    with pytest.raises(ValueError, match="dataset_0 is not of a dataset of ours"):
        generate(tiny, folder, overwrite=True)
    assert tree(folder) == before


@pytest.mark.parametrize("name", ["README.md", "preview.gif"])
def test_an_edited_card_is_its_editors(tiny, tmp_path, name):
    folder = generate(tiny, tmp_path / "x")
    (folder / name).write_text("mine")
    with pytest.raises(ValueError, match=f"{name} is not of a dataset of ours"):
        generate(tiny, folder, overwrite=True)


def test_failure_leaves_no_parents(tiny, tmp_path):
    impossible = dataclasses.replace(tiny, tasks=(TwoBody(half_width=0.01),))
    with pytest.raises(ValueError, match="left the scene"):
        generate(impossible, tmp_path / "a/b/c")
    assert not (tmp_path / "a").exists()


def test_the_certificate_halves_the_step(tiny, tmp_path):
    """Also where one step would span several frames."""
    slow = dataclasses.replace(tiny, tasks=(MassSpring(k=0.5, m=1.0, substep=50.0),), steps=30, dt=0.8)
    entry = manifest.read(generate(slow, tmp_path / "x"))["certificate"][0]
    assert entry["substeps"] == 1
    assert 1e-12 < entry["error"] < 1e-4


def test_numpy_numbers_are_numbers(tiny, tmp_path):
    recipe = dataclasses.replace(tiny, tasks=(MassSpring(k=np.int64(2), m=np.float32(0.5)),), train=np.int64(4))
    assert manifest.read(generate(recipe, tmp_path / "x"))["recipe"]["tasks"][0]["k"] == 2


@pytest.mark.parametrize("damage", ["missing", "cut", "flipped", "other", "newer", "list", "deep"])
def test_a_damaged_manifest_is_named(tiny, tmp_path, damage):
    """F8 and F18."""
    folder = generate(tiny, tmp_path / "x")
    path = folder / "dataset.json"
    text = path.read_text()
    path.write_text(
        {
            "missing": text,
            "cut": text[: len(text) // 2],
            "flipped": text.replace('"seed": 0', '"seed": 1'),
            "other": json.dumps({"format": "another"}),
            "newer": text.replace('"format_version": 1', '"format_version": 2'),
            "list": "[]",
            "deep": "[" * 100_000,
        }[damage]
    )
    if damage == "missing":
        path.unlink()
    with pytest.raises(DamageError, match="newer than 1: update" if damage == "newer" else "dataset.json"):
        manifest.read(folder)


def test_certificate_and_card(tiny, tmp_path, monkeypatch):
    recipe = dataclasses.replace(tiny, train=300, steps=30, about="Films of <b>bobs</b>.")
    folder = generate(recipe, tmp_path / "x")
    content = manifest.read(folder)
    assert [entry["task"] for entry in content["certificate"]] == [0, 1, 2]
    for entry in content["certificate"]:
        assert 0 < entry["error"] < 1e-8
        assert 0 < entry["energy_drift"] < 1e-9
        assert entry["rejection_rate"] == 0
        mass = entry["coverage"]["m"]
        assert (mass["low"], mass["high"], sum(mass["counts"])) == (0.5, 1.0, 305)
        assert 0.5 <= mass["least"] < 0.51 < 0.99 < mass["most"] <= 1.0
    card = (folder / "README.md").read_text()
    for text in ("# pendulum3", "H = m g l (1 - cos q)", "`param_m`", "dataset_2/val.npz", "arXiv:2111.05458"):
        assert text in card
    assert "<b>" not in card
    code = card.split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(folder)
    exec(code, names := {"np": np})
    assert names["frames"].shape == (300, 30, 32, 32)


def test_friction_is_accounted_for(tiny, tmp_path):
    rubbing = (dataclasses.replace(tiny.tasks[0], friction=0.2),)
    folder = generate(dataclasses.replace(tiny, tasks=rubbing, train=20, steps=30), tmp_path / "x")
    assert manifest.read(folder)["certificate"][0]["energy_drift"] < 1e-9
