"""Where a dataset goes: what is another's stays, what is unfinished does not."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from slvm_data import RECIPES, MassSpring, TwoBody, generate
from slvm_data.core.errors import DamageError
from slvm_data.core.names import HIDDEN
from slvm_data.recipe.serialisation import from_stored
from slvm_data.run.conversion import convert
from slvm_data.run.verification import faults
from slvm_data.store import formats, manifest
from slvm_data.store.testing import forge, tree


@pytest.fixture
def folder(made, tmp_path):
    """The dataset `tiny`."""
    return Path(shutil.copytree(made("pendulums", "npz"), tmp_path / "x"))


def test_a_dataset_has_these_files(folder):
    splits = [f"dataset_{i}/{split}.npz" for i in range(3) for split in ("test", "train", "val")]
    assert sorted(tree(folder)) == ["README.md", "dataset.json", *splits, "preview.gif"]


def test_the_same_again_is_the_same(tiny, folder, tmp_path):
    """No place and no clock enters."""
    again = tree(generate(tiny, tmp_path / "b"))
    assert again == tree(folder)
    assert not any(str(tmp_path).encode() in data for data in again.values())


def test_a_folder_in_use_is_refused(tiny, folder, tmp_path):
    """F25."""
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"already holds 'notes\.txt', which is of no dataset: choose another folder$"):
        generate(tiny, tmp_path)
    before = tree(folder)
    with pytest.raises(ValueError, match="holds pendulum3 with seed = 0, and seed = 1 was asked for: choose another"):
        generate(dataclasses.replace(tiny, seed=1), folder)
    with pytest.raises(ValueError, match=r"holds the same dataset as \.npz: choose another"):
        generate(tiny, folder, format="zarr")
    assert tree(folder) == before
    assert sorted(os.listdir(tmp_path)) == ["notes.txt", "x"]  # noqa: PTH208


@pytest.mark.parametrize("form", ["npz", "zarr"])
def test_the_same_dataset_is_left_as_it_is(made, tiny, form, tmp_path, capsys):
    folder = Path(shutil.copytree(made("pendulums", form), tmp_path / "x"))
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    generate(tiny, folder, format=form)
    assert capsys.readouterr().err == f"{folder}: this dataset is there already, and complete\n"
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    path = next(path for path in folder.rglob("*") if path.is_file() and "val" in str(path))
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    before = tree(folder)
    with pytest.raises(DamageError, match=rf"and it is damaged: .*val.*: slvm-data repair {folder}"):
        generate(tiny, folder, format=form)
    assert tree(folder) == before


def test_overwrite_removes_what_the_manifest_lists_and_no_more(tiny, folder):
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


@pytest.mark.parametrize("files", ["files", "series", "combined"])
def test_a_manifest_cannot_name_files_outside(tiny, folder, tmp_path, files):
    (tmp_path / "precious").write_text("mine")

    def name_it(content):
        content[files] = {"../precious": content["files"]["dataset_0/train.npz"]} | content.get(files, {})

    forge(folder / manifest.NAME, name_it)
    with pytest.raises(
        DamageError, match=r"dataset\.json is damaged: dataset\.json: the name '\.\.' cannot be a folder"
    ):
        manifest.read(folder)
    with pytest.raises(ValueError, match="is not of a dataset of ours and stays"):
        generate(tiny, folder, overwrite=True)
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_file_of_the_user_in_a_group_stays(made, tmp_path):
    source = made("pendulums", "npz")
    folder = convert(source, tmp_path / "x.zarr")
    expected = tree(folder)
    (folder / "dataset_0/train.zarr/notes.txt").write_text("mine")
    convert(source, folder, overwrite=True)
    assert (folder / "dataset_0/train.zarr/notes.txt").read_text() == "mine"
    (folder / "dataset_0/train.zarr/notes.txt").unlink()
    assert tree(folder) == expected


@pytest.mark.slow
def test_three_runs_at_once_in_one_folder(tmp_path):
    """F10, F11: one seed is made, by one run or two; the other is refused.

    Two at once, and three that begin at once, are in `run/test_generation.py`; `test_lock.py` has three without locks.
    """
    folder = tmp_path / "x"
    command = [sys.executable, "-m", "slvm_data", "generate", "pendulum", "--train", "500", "--out", str(folder)]
    runs = [
        subprocess.Popen([*command, "--seed", str(seed)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for seed in (0, 1, 0)
    ]
    ends = [(run.communicate(timeout=100)[1], run.returncode) for run in runs]
    seed = from_stored(manifest.read(folder).recipe).seed
    assert [code for _, code in ends] == [2 * (other != seed) for other in (0, 1, 0)], ends
    for error, code in ends:
        assert (f"{folder} holds pendulum with seed = {seed}, and seed = {1 - seed} was" in error) == (code == 2), error
    content = manifest.read(folder)
    recipe = dataclasses.replace(RECIPES["pendulum"], train=500, seed=seed)
    assert from_stored(content.recipe) == recipe
    assert list(faults(folder, recipe, content, 2, bit_exact=True)) == []
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("new", formats.OWN)
@pytest.mark.parametrize("old", formats.OWN)
def test_a_failed_overwrite_keeps_the_old(tiny, tmp_path, old, new):
    """F39: by a recipe whose sequences are all rejected, and by one that diverges."""
    folder = generate(tiny, tmp_path / "x", format=old)
    before = tree(folder)
    for system, says in ((TwoBody(half_width=0.01), "left the scene"), (MassSpring(k=1e8, substep=1.0), "not finite")):
        with pytest.raises(ValueError, match=says):
            generate(dataclasses.replace(tiny, tasks=(system,), dt=1.0), folder, format=new, overwrite=True)
        assert tree(folder) == before


def test_a_dataset_moves(folder, tmp_path):
    """F19: moved, renamed, read-only."""
    shutil.move(folder, tmp_path / "elsewhere")
    for path in (tmp_path / "elsewhere", *(tmp_path / "elsewhere").rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    command = [sys.executable, "-m", "slvm_data", "verify", "elsewhere"]
    if os.geteuid() == 0:  # root may write anywhere, unless it lays its powers down
        command = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override", *command]
    run = subprocess.run(command, cwd=tmp_path, check=False)
    assert run.returncode == 0


@pytest.mark.parametrize("plan", [None, "", "half of a plan"])
def test_what_a_killed_run_left_is_no_obstacle(made, tiny, tmp_path, plan):
    """Without a plan that can be read, what lies in the hidden folder belongs to nothing."""
    for name in ("next/dataset_0/train.npz", "next/other.npz", "units/train.npz-0.json", "scratch/.a.tmp", ".b.tmp"):
        path = tmp_path / "x" / HIDDEN / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half")
    if plan is not None:
        (tmp_path / "x" / HIDDEN / "plan.json").write_text(plan)
    assert tree(generate(tiny, tmp_path / "x")) == tree(made("pendulums", "npz"))


def test_a_file_in_the_way_of_a_folder_is_refused_at_once(tiny, tmp_path):
    folder = generate(dataclasses.replace(tiny, tasks=tiny.tasks[:1]), tmp_path / "x")
    (folder / "dataset_0").write_text("mine")
    before = tree(folder)
    with pytest.raises(ValueError, match="dataset_0 is not of a dataset of ours"):
        generate(tiny, folder, overwrite=True)
    assert tree(folder) == before


@pytest.mark.parametrize("name", ["README.md", "preview.gif"])
def test_an_edited_card_is_its_editors(tiny, folder, name):
    (folder / name).write_text("mine")
    before = tree(folder)
    with pytest.raises(ValueError, match=f"{name} is not of a dataset of ours"):
        generate(tiny, folder, overwrite=True)
    assert tree(folder) == before


def test_failure_leaves_no_parents(tiny, tmp_path):
    impossible = dataclasses.replace(tiny, tasks=(TwoBody(half_width=0.01),))
    with pytest.raises(ValueError, match="left the scene"):
        generate(impossible, tmp_path / "a/b/c")
    assert not (tmp_path / "a").exists()


def test_the_certificate_halves_the_step(tiny, tmp_path):
    """Also where one step would span several frames."""
    slow = dataclasses.replace(tiny, tasks=(MassSpring(k=0.5, m=1.0, substep=50.0),), steps=30, dt=0.8)
    (certificate,) = manifest.read(generate(slow, tmp_path / "x")).certificate
    assert certificate.substeps == 1
    assert 1e-12 < certificate.error < 1e-4


def test_numpy_numbers_are_numbers(tiny, tmp_path):
    recipe = dataclasses.replace(tiny, tasks=(MassSpring(k=np.int64(2), m=np.float32(0.5)),), train=np.int64(4))
    content = manifest.read(generate(recipe, tmp_path / "x"))
    assert content.recipe.tasks[0].values["k"] == 2
    assert content.recipe.train == 4


@pytest.mark.parametrize("damage", ["missing", "cut", "flipped", "other", "newer", "list", "deep"])
def test_a_damaged_manifest_is_named(folder, damage):
    """F8 and F18."""
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
    recipe = dataclasses.replace(tiny, train=300, steps=30, about="Sequences of <b>bobs</b>.")
    folder = generate(recipe, tmp_path / "x")
    content = manifest.read(folder)
    assert [certificate.task for certificate in content.certificate] == [0, 1, 2]
    for certificate in content.certificate:
        assert 0 < certificate.error < 1e-8
        assert 0 < certificate.energy_drift < 1e-9
        assert certificate.rejection_rate == 0
        mass = certificate.coverage["m"]
        assert (mass.low, mass.high, sum(mass.counts)) == (0.5, 1.0, 305)
        assert 0.5 <= mass.least < 0.51 < 0.99 < mass.most <= 1.0
    card = (folder / "README.md").read_text()
    for text in ("# pendulum3", "H = m g l (1 - cos q)", "`param_m`", "dataset_2/val.npz", "arXiv:2111.05458"):
        assert text in card
    assert "```bibtex\n@inproceedings{botev2021which,\n" in card
    assert f"  version = {{{content.versions['slvm-data']}}},\n}}\n```\n" in card
    assert "<b>" not in card
    code = card.split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(folder)
    exec(code, names := {"np": np})
    assert names["image"].shape == (300, 30, 32, 32)


def test_friction_is_accounted_for(tiny, tmp_path):
    rubbing = (dataclasses.replace(tiny.tasks[0], friction=0.2),)
    folder = generate(dataclasses.replace(tiny, tasks=rubbing, train=20, steps=30), tmp_path / "x")
    (certificate,) = manifest.read(folder).certificate
    assert certificate.energy_drift < 1e-9
