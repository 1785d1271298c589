"""Where a dataset goes: what is another's stays, what is unfinished does not."""

import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from slvm_data import RECIPES, MassSpring, TwoBody, generate
from slvm_data.core.errors import DamageError
from slvm_data.recipe.serialisation import from_stored
from slvm_data.run import shards
from slvm_data.run.conversion import convert
from slvm_data.run.verification import faults
from slvm_data.store import manifest
from slvm_data.store.folder import PARTIAL, workspace


def tree(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def forge(path, change):
    """Change what a manifest or a plan says, with a checksum that fits."""
    content = json.loads(path.read_bytes())
    del content["sha256"]
    change(content)
    content["sha256"] = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps(content))


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
    with pytest.raises(ValueError, match=r"already holds 'notes\.txt': choose another folder, or add --over"):
        generate(tiny, tmp_path)
    before = tree(folder)
    with pytest.raises(ValueError, match="already holds a dataset"):
        generate(tiny, folder)
    assert tree(folder) == before
    assert sorted(os.listdir(tmp_path)) == ["notes.txt", "x"]  # noqa: PTH208


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


def test_a_plan_cannot_name_groups_outside(tiny, tmp_path):
    """F17: `--overwrite` takes the groups of a dataset away that was begun."""
    folder = tmp_path / "x"
    shards.begin(shards.Plan(tiny), folder)
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "other.zarr").mkdir()
    for name, says in (
        ("../precious", r"the name '\.\.' cannot be a folder"),
        ("../other.zarr", r"the name '\.\.' cannot be a folder"),
        ("precious", "'precious' is no group"),
    ):
        forge(folder / manifest.PLAN, lambda content, name=name: content.update(groups={name: 1}))
        with pytest.raises(DamageError, match=rf"plan\.json is damaged: plan\.json: {says}"):
            manifest.read_plan(folder)
        with pytest.raises(ValueError, match="is not of a dataset of ours and stays"):
            generate(tiny, folder, format="zarr", overwrite=True)
    assert (tmp_path / "precious").read_text() == "mine"
    assert (tmp_path / "other.zarr").is_dir()


def test_a_file_of_the_user_in_a_group_stays(made, tmp_path):
    source = made("pendulums", "npz")
    folder = convert(source, tmp_path / "x.zarr")
    expected = tree(folder)
    (folder / "dataset_0/train.zarr/notes.txt").write_text("mine")
    convert(source, folder, overwrite=True)
    assert (folder / "dataset_0/train.zarr/notes.txt").read_text() == "mine"
    (folder / "dataset_0/train.zarr/notes.txt").unlink()
    assert tree(folder) == expected


def test_two_runs_at_once_in_one_folder(tmp_path):
    """F10, F11: the second waits, and then leaves alone what the first has written, of the same seed or another."""
    command = [
        sys.executable,
        "-m",
        "slvm_data",
        "generate",
        "pendulum",
        "--train",
        "500",
        "--out",
        str(tmp_path / "x"),
    ]
    runs = [
        subprocess.Popen([*command, "--seed", str(seed)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for seed in (0, 1, 0)
    ]
    ends = [(run.communicate(timeout=100)[1], run.returncode) for run in runs]
    assert sorted(code for _, code in ends) == [0, 2, 2], ends
    for error, code in ends:
        assert (f"{tmp_path / 'x'} already holds a dataset" in error) == (code == 2), error
    seed = (0, 1, 0)[[code for _, code in ends].index(0)]
    content = manifest.read(tmp_path / "x")
    recipe = dataclasses.replace(RECIPES["pendulum"], train=500, seed=seed)
    assert from_stored(content.recipe) == recipe
    assert list(faults(tmp_path / "x", recipe, content, 2, bit_exact=True)) == []
    assert not list((tmp_path / "x").glob(".*"))


def test_the_workspace_is_given_back_by_whoever_is_killed(tmp_path):
    script = "import sys, os; from pathlib import Path; from slvm_data.store.folder import workspace\n"
    script += "with workspace(Path(sys.argv[1])) as place: (place / 'half').touch(); os._exit(9)"
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False).returncode == 9
    with workspace(tmp_path) as place:
        assert not list(place.iterdir())
        waiting = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stderr=subprocess.PIPE, text=True)
        assert waiting.stderr
        assert waiting.stderr.readline() == f"{tmp_path}: another process writes there; waiting\n"
    assert waiting.wait(timeout=20) == 9
    waiting.stderr.close()


def test_the_workspace_is_had_by_one_at_a_time(tmp_path):
    """F10: it goes when one is done with it, whatever others are about to do with it then."""
    inside, most = [], []

    def work(number):
        for _ in range(100):
            with workspace(tmp_path) as place:
                inside.append(number)
                (place / "file").touch(exist_ok=False)
                most.append(len(inside))
                inside.remove(number)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert (len(most), max(most)) == (600, 1)
    assert not list(tmp_path.iterdir())


def test_a_failed_overwrite_keeps_the_old(tiny, folder):
    before = tree(folder)
    with pytest.raises(ValueError, match="left the scene"):
        generate(dataclasses.replace(tiny, tasks=(TwoBody(half_width=0.01),)), folder, overwrite=True)
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


def test_what_a_killed_run_left_is_no_obstacle(tiny, tmp_path):
    (tmp_path / "x" / PARTIAL).mkdir(parents=True)
    (tmp_path / "x" / PARTIAL / "train.npz").write_text("half")
    folder = generate(tiny, tmp_path / "x")
    assert not (folder / PARTIAL).exists()


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
