"""Datasets in units: whoever makes them, however often they are cut off, the bytes are those of one quiet run."""

import functools
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import nullcontext, suppress
from dataclasses import replace
from types import ModuleType

import numpy as np
import psutil
import pytest

from slvm_data import RECIPES, TwoBody, generate
from slvm_data.core.errors import DamageError
from slvm_data.load import DataModule, Episodes, Sequences
from slvm_data.run import executors, finish, space
from slvm_data.run.finish import finish_if_complete
from slvm_data.run.plan import Plan
from slvm_data.run.portable import in_turn
from slvm_data.run.repair import mend
from slvm_data.run.unit import make_units
from slvm_data.simulation import certificate
from slvm_data.simulation.batch import program
from slvm_data.store import formats, journal, manifest, zarr, zarr_layout
from slvm_data.store.journal import status
from slvm_data.store.testing import whole_tree as tree
from slvm_data.store.zarr_reader import Reader

RECIPE = replace(RECIPES["pendulum3"], train=4500, val=1000, test=10)
UNITS = {"npz": 9, "zarr": 15}
FEW = replace(RECIPES["pendulum"], train=4500, val=10, test=10)  # as Zarr with three shards of train
SMALL = replace(FEW, train=5)
SIZES = ["--train", "4500", "--val", "1000", "--test", "10"]
COMMAND = [sys.executable, "-m", "slvm_data", "generate", "pendulum3", *SIZES]
FEWER = [*COMMAND[:-7], "pendulum", "--train", "4500", "--val", "10", "--test", "10"]
POWERLESS = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"]  # root as anyone else
each_format = pytest.mark.parametrize("form", formats.OWN)


def visible(folder):
    return {name: data for name, data in tree(folder).items() if not name.startswith(".slvm-data/")}


def finished(folder):
    """Number of finished units of a dataset that is not complete."""
    return len(list(journal.units_of(folder).glob("*.json")))


def begin(recipe, folder, form, *units):
    """Begin a dataset, and make these units of it."""
    for unit in (*units, 98):
        generate(recipe, folder, format=form, part=(unit, 99))
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    place = tmp_path_factory.mktemp("whole")
    return functools.cache(lambda form: tree(generate(RECIPE, place / form, format=form)))


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    place = tmp_path_factory.mktemp("few")
    return functools.cache(lambda form: tree(generate(FEW, place / form, format=form)))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    place = tmp_path_factory.mktemp("small")
    return functools.cache(lambda form: tree(generate(SMALL, place / form, format=form)))


@pytest.fixture
def begun(tmp_path):
    """Begins a run in a process group of its own, whose errors go to a file."""
    runs = []

    def begin(folder, form, *options):
        with (tmp_path / "errors").open("w") as errors:
            command = [*COMMAND, "--format", form, "--out", str(folder), *options]
            streams = {"stdout": subprocess.DEVNULL, "stderr": errors}
            runs.append(subprocess.Popen(command, **streams, text=True, start_new_session=True))
        return runs[-1]

    yield begin
    for run in runs:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()


@pytest.fixture
def toy(monkeypatch):
    """Adds an executor to the table, and gives its name."""

    def add(execute):
        module = ModuleType("toy_executor")
        module.connected = lambda _workers, _where: nullcontext(execute)
        monkeypatch.setitem(sys.modules, "toy_executor", module)
        entry = executors.Executor(name="toy", module="toy_executor")
        monkeypatch.setattr(executors, "TABLE", (*executors.TABLE, entry))
        return "toy"

    return add


def test_the_dataset_has_these_files(whole):
    found = whole("zarr")
    assert sum(".shards/" in name for name in found) == UNITS["zarr"] + 2 * 9  # metadata and checksums of each group
    beside = {"dataset.json", "README.md", "preview.gif"}
    assert beside | {"dataset_1/train.zarr/image/c/2/0/0", "dataset_0/val.zarr/zarr.json"} <= found.keys()
    files = {f"dataset_{task}/{split}.npz" for task in range(3) for split in ("train", "val", "test")}
    assert whole("npz").keys() == files | beside


@each_format
def test_jobs_in_any_order_give_the_same(whole, tmp_path, form):
    folder = tmp_path / "x"
    for part in (2, 0, 1):
        generate(RECIPE, folder, format=form, part=(part, 3))
        assert status(folder).complete == (part == 1)
    assert tree(folder) == whole(form)


WINDOWS = replace(RECIPES["lorenz"].windows, separate=True, series=True)
WINDOWED = replace(RECIPES["lorenz"], windows=WINDOWS, train=150, val=70, test=10, steps=100)


@pytest.mark.parametrize(
    ("recipe", "form"),
    [(replace(RECIPE, train=1100, val=5), "zarr"), (WINDOWED, "npz")],
    ids=lambda value: getattr(value, "name", value),
)
def test_every_executor_gives_the_same(tmp_path, toy, recipe, form):
    """Threads, processes, and one that is added in one module and one entry."""

    def backwards(plan, folder, units):
        asked.append(len(units))
        yield from make_units(plan, folder, units[::-1])

    asked = []
    expected = tree(generate(recipe, tmp_path / "threads", format=form))
    assert tree(generate(recipe, tmp_path / "processes", format=form, workers=2)) == expected
    assert tree(generate(recipe, tmp_path / "toy", format=form, executor=toy(backwards))) == expected
    assert asked == [len(Plan(recipe, formats.named(form)).units)]


def test_processes_begin_with_different_programs():
    """Of each program one unit, which other processes take from the one that compiled it; then the largest."""
    plan = Plan(RECIPES["mixed_physics_iclr2025"], formats.named("npz"))
    units = in_turn(plan, plan.units)
    programs = [program(plan.recipe, unit.file.task) for unit in units]
    assert len(set(programs[:4])) == len(set(programs)) == 4
    assert [unit.sequences for unit in units[4:]] == sorted((unit.sequences for unit in units[4:]), reverse=True)
    assert {type(plan.recipe.tasks[unit.file.task]) for unit in units[4:6]} == {TwoBody}, "whose states are longest"
    assert set(units) == set(plan.units)


def test_the_executor_on_the_command_line(small, tmp_path, command, toy):
    words = ["generate", "pendulum", "--train", "5", "--val", "10", "--test", "10", "--out", tmp_path / "x"]
    run = command(*words, "--executor", "toy")
    assert (run.returncode, run.stderr.count("\n")) == (2, 1)
    assert "executor = 'toy' is unknown; there are threads, processes, dask, slurm" in run.stderr
    toy(make_units)
    assert command(*words, "--executor", "toy").returncode == 0
    assert tree(tmp_path / "x") == small("npz")


@pytest.mark.parametrize(
    ("form", "kill", "done", "options"),
    [
        ("zarr", signal.SIGKILL, 4, []),
        ("zarr", signal.SIGINT, 1, ["--workers", "2"]),
        ("npz", signal.SIGKILL, 3, ["--workers", "2"]),
    ],
)
def test_a_run_that_is_killed_goes_on(whole, tmp_path, begun, form, kill, done, options):
    """F2, with F21's signals: when so many units are there."""
    folder = tmp_path / "place/x"
    for _ in range(3):  # it may be through before it is killed
        run = begun(folder, form, *options)
        while run.poll() is None and not (journal.plan_of(folder).is_file() and finished(folder) >= done):
            time.sleep(0.005)
        if run.poll() is None:
            os.killpg(run.pid, kill)
            run.wait(timeout=60)
        assert "Traceback" not in (tmp_path / "errors").read_text()
        if run.returncode:
            break
        shutil.rmtree(folder)
    assert run.returncode in (-kill, 128 + kill)
    assert done <= (finished(folder) if folder.exists() else 0) < UNITS[form]
    assert not folder.exists() or not visible(folder)
    generate(RECIPE, folder, format=form)
    assert tree(folder) == whole(form)
    assert [path.name for path in folder.parent.iterdir()] == ["x"]


@each_format
def test_what_is_incomplete_is_refused(tmp_path, command, form):
    """By every loader and every command: it may lack any file."""
    folder = begin(SMALL, tmp_path / "x", form, 0)
    for load in (manifest.read, Sequences, Episodes, lambda folder: DataModule(folder).setup("fit")):
        with pytest.raises(DamageError, match="x is not complete: run the command that began it again"):
            load(folder)
    for words in (["verify", folder], ["repair", folder], ["combine", folder], ["convert", folder, tmp_path / "y.h5"],
                  ["info", folder], ["gif", folder, tmp_path / "y.gif"]):  # fmt: skip
        run = command(*words)
        assert (run.returncode, "is not complete" in run.stderr, run.stderr.count("\n")) == (1, True, 1), run
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert finished(folder) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "name", "train"),
    [("zarr", "pendulum", "20000"), ("npz", "gravity16", "800")],
)
def test_workers_that_are_killed_cost_only_their_units(tmp_path, begun, form, name, train):
    """F1: every other one while it is at work, the rest at any time; and F2, as the run gives up now and then."""
    rng, folder, killed = random.Random(0), tmp_path / "x", 0

    def begin():
        options = ["--workers", "2", "--train", train, "--val", "10", "--test", "10"]
        command = [*COMMAND[:4], name, "--format", form, "--out", str(folder), *options]
        with (tmp_path / "errors").open("w") as errors:
            return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, text=True)

    run = begin()
    while killed < 6 and not (folder / manifest.NAME).is_file():
        before = finished(folder)
        while run.poll() is None and not (workers := _workers(run.pid)):
            time.sleep(0.02)
        while killed % 2 and run.poll() is None and finished(folder) == before:
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.1 if killed % 2 else 0.6))
        if run.poll() is not None:
            assert run.returncode == 0 or "run the same command again" in (tmp_path / "errors").read_text()
            run = begin()
        elif workers := _workers(run.pid):
            made = finished(folder)
            rng.choice(workers).kill()
            killed += 1
            assert finished(folder) >= made
            assert made or killed % 2
    assert killed == 6
    assert run.wait(timeout=300) == 0 or "run the same command again" in (tmp_path / "errors").read_text()
    recipe = replace(RECIPES[name], train=int(train), val=10, test=10)
    generate(recipe, folder, format=form)
    assert tree(folder) == tree(generate(recipe, tmp_path / "y", format=form))


def test_workers_end_with_the_process_that_began_them(tmp_path, begun):
    """F2, where it alone is killed: they would make units for nobody."""
    run = begun(tmp_path / "x", "npz", "--workers", "2")
    while not (workers := _workers(run.pid)) or not journal.plan_of(tmp_path / "x").is_file():
        assert run.poll() is None
        time.sleep(0.05)
    run.kill()
    run.wait()
    assert not psutil.wait_procs(workers, timeout=30)[1]


def _workers(pid):
    """Processes that make units for this one."""
    try:
        children = psutil.Process(pid).children()
        return [child for child in children if "spawn_main" in " ".join(child.cmdline())]
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []


DEADLY = """
import multiprocessing, os
from slvm_data import Pendulum, Recipe

class Deadly(Pendulum):
    def energy(self, q, p):
        if multiprocessing.parent_process():
            os._exit(9)
        return super().energy(q, p)

RECIPE = Recipe(name="deadly", tasks=(Deadly(),), train=4, val=0, test=0, steps=4)
"""


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--format", "zarr", "--workers", "2"], "processes died 3 times in a row, while train.zarr shard 0 was to be"),
        (["--dask", "local", "--workers", "1"], "train.npz: worker after worker died making it"),
    ],
)
def test_work_that_kills_whoever_does_it_is_given_up(tmp_path, options, says):
    """F2: the error names the folder, the unit, and what to do."""
    (tmp_path / "deadly.py").write_text(DEADLY)
    command = [*COMMAND[:4], "deadly.py", *options, "--out", "x"]
    few = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    run = subprocess.run(command, cwd=tmp_path, env=few, capture_output=True, text=True, check=False)
    assert run.returncode == 1, run.stderr
    assert f"x: {says}" in " ".join(run.stderr.split())
    assert "run the same command again" in run.stderr
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "x").exists()


@each_format
def test_another_run_may_complete_the_dataset_meanwhile(few, tmp_path, toy, form):
    """It removes the places where this one stores its units; without the dataset that is an error."""

    def late(plan, folder, units):
        begin(FEW, folder, form)
        shutil.rmtree(journal.scratch_of(folder))
        if not lost:
            generate(FEW, folder, format=form)
        yield from make_units(plan, folder, units)

    lost = []
    folder = generate(FEW, tmp_path / "x", format=form, executor=toy(late))
    assert tree(folder) == few(form)
    lost.append(True)
    with pytest.raises(FileNotFoundError, match=rf"train\.{form}.*: mend this, and run the same command again"):
        generate(FEW, tmp_path / "y", format=form, executor="toy")
    assert not (tmp_path / "y").exists()


def test_no_other_dataset_is_begun_while_units_are_made(small, tmp_path, toy):
    """They would end up in it."""

    def disturbed(plan, folder, units):
        for overwrite in (replace(SMALL, seed=7), replace(SMALL, train=4)):
            with pytest.raises(ValueError, match="x: another process is making a dataset there: wait for it, or end"):
                generate(overwrite, folder, overwrite=True)
        yield from make_units(plan, folder, units)

    assert tree(generate(SMALL, tmp_path / "x", executor=toy(disturbed))) == small("npz")


def flipped(data):
    return data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]


def cut(data):
    return data[: len(data) // 2]


def gone(_data):
    return None


@pytest.mark.parametrize(
    ("form", "name", "harm"),
    [
        ("npz", "next/train.npz", cut),
        ("npz", "next/val.npz", gone),
        ("npz", "units/train.npz-0.json", flipped),
        ("npz", "plan.json", cut),
        ("zarr", "next/train.zarr/image/c/2/0/0", cut),
        ("zarr", "next/train.shards/2.json", flipped),
        ("zarr", "next/train.shards/2.json", lambda _: b"[1]"),
        ("zarr", "next/train.shards/2.json", gone),
        ("zarr", "units/train.zarr-2.json", cut),
        ("zarr", "next/train.zarr/image/zarr.json", flipped),
        ("zarr", "next/val.zarr/state/zarr.json", gone),
        ("zarr", "next/train.shards/metadata.json", cut),
        ("zarr", "next/test.shards/metadata.json", flipped),
        ("zarr", "plan.json", flipped),
    ],
)
def test_what_is_damaged_before_the_end_is_made_again(few, tmp_path, form, name, harm):
    """F3, F4 and F7: units, what is noted of them, metadata and plan."""
    folder = begin(FEW, tmp_path / "x", form, *((0, 1) if form == "npz" else (1, 2)))
    path = folder / ".slvm-data" / name
    data = harm(path.read_bytes())
    path.unlink() if data is None else path.write_bytes(data)
    (folder / ".slvm-data/scratch/.image.abc.tmp").write_text("half")
    generate(FEW, folder, format=form)
    assert tree(folder) == few(form)


@each_format
def test_what_is_complete_is_left_alone(tmp_path, command, form):
    """If it is damaged, that is an error, and it stays as it is."""
    folder, words = tmp_path / "x", [*FEWER[3:], "--format", form, "--out", tmp_path / "x"]
    assert command(*words).returncode == 0
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    run = command(*words)
    assert (run.returncode, run.stderr) == (0, f"{folder}: this dataset is there already, and complete\n")
    assert "x: 4520 sequences" in run.stdout
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    path = folder / ("val.npz" if form == "npz" else "val.zarr/state/c/0/0/0")
    path.write_bytes(flipped(path.read_bytes()))
    before = tree(folder)
    run = command(*words)
    assert (run.returncode, run.stderr.count("\n")) == (1, 1)
    assert f"{folder} holds this dataset, and it is damaged: {folder / 'val'}" in run.stderr
    assert f"slvm-data repair {folder}\n" in run.stderr
    assert tree(folder) == before


@pytest.mark.parametrize(("form", "complete"), [("zarr", True), ("npz", True), ("npz", False)])
def test_another_dataset_is_refused(tmp_path, form, complete):
    """F11: which one the folder holds, and which was asked for."""
    folder = generate(SMALL, tmp_path / "x", format=form) if complete else begin(SMALL, tmp_path / "x", form)
    before, other = tree(folder), next(name for name in formats.OWN if name != form)
    with pytest.raises(ValueError, match="holds pendulum with seed = 0, and seed = 7 was asked for: choose another"):
        generate(replace(SMALL, seed=7), folder, format=form)
    with pytest.raises(ValueError, match=rf"holds the same dataset as \.{form}: choose another .* or add --overwrite"):
        generate(SMALL, folder, format=other)
    assert tree(folder) == before
    generate(replace(SMALL, seed=7), folder, format=other, overwrite=True)
    assert tree(folder) == tree(generate(replace(SMALL, seed=7), tmp_path / "y", format=other))


def test_files_of_the_user_stay(small, tmp_path):
    """F25."""
    (tmp_path / "x").mkdir()
    (tmp_path / "x/notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"already holds 'notes\.txt'"):
        generate(SMALL, tmp_path / "x", format="zarr")
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["notes.txt"]
    found = tree(generate(SMALL, tmp_path / "x", format="zarr", overwrite=True))
    assert found.pop("notes.txt") == b"mine"
    assert found == small("zarr")


@each_format
def test_a_run_removes_no_file_but_its_own(tmp_path, form):
    """F25, also of files that are called as ours are for a moment."""
    names = ("mine.partial", ".draft.tmp", "sub/big.iso.partial", "other.zarr/mine.partial")
    for name in names:
        (tmp_path / "x" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "x" / name).write_text("mine")
    for seed in (0, 1):
        generate(replace(SMALL, seed=seed), tmp_path / "x", format=form, overwrite=True)
    assert all((tmp_path / "x" / name).read_text() == "mine" for name in names)


@pytest.fixture
def one_unit(toy):
    """An executor that is interrupted after so many units."""

    def interrupted(plan, folder, units):
        yield from make_units(plan, folder, units[: counts.pop()])
        raise KeyboardInterrupt

    counts = []
    toy(interrupted)
    return counts


@each_format
def test_overwrite_keeps_the_old_dataset_until_the_new_one_is_complete(few, tmp_path, one_unit, form):
    """And goes on where it was begun: a job that is put back into the queue says the same again."""
    folder = generate(SMALL, tmp_path / "x", format=form)
    (folder / "notes.txt").write_text("mine")
    old = tree(folder)
    for done in (1, 2):
        one_unit.append(1)
        with pytest.raises(KeyboardInterrupt):
            generate(FEW, folder, format=form, overwrite=True, executor="toy")
        assert visible(folder) == old
        assert len(Sequences(folder).to_memory()) == SMALL.train
        assert (status(folder).complete, status(folder).done) == (False, done)
    with pytest.raises(ValueError, match="overwrite is not for shards = 0/2: a job would remove"):
        generate(FEW, folder, format=form, overwrite=True, part=(0, 2))
    found = tree(generate(FEW, folder, format=form, overwrite=True))
    assert found.pop("notes.txt") == b"mine"
    assert found == few(form)


@pytest.mark.parametrize("before", ["nothing", "a folder", "a dataset"])
def test_a_run_that_has_finished_nothing_leaves_nothing(tmp_path, one_unit, before):
    folder = tmp_path / "x"
    if before != "nothing":
        folder.mkdir()
    if before == "a dataset":
        generate(replace(SMALL, seed=1), folder, overwrite=True)
    old = tree(tmp_path)
    one_unit.append(0)
    with pytest.raises(KeyboardInterrupt):
        generate(SMALL, folder, format="zarr", overwrite=True, executor="toy")
    assert tree(tmp_path) == old


OTHERS = {
    "versions": lambda plan: {"versions": plan.versions | {"jax": "0.0.1"}},
    "machine": lambda plan: {"machine": {"backend": "cpu", "cpu": "arm64 NEON"}},
    "sources": lambda plan: {"sources": {"wells.py": "0"}},
}


@pytest.mark.parametrize(
    ("form", "what"), [("zarr", "versions"), ("npz", "versions"), ("npz", "machine"), ("zarr", "sources")]
)
def test_what_was_begun_by_other_software_is_not_mixed(small, tmp_path, form, what):
    """Nor what another machine began, whose last bits differ, nor another text of a system of one's own."""
    folder = begin(SMALL, tmp_path / "x", form, 0)
    plan = manifest.read_plan(folder)
    manifest.write_plan(folder, replace(plan, **OTHERS[what](plan)))
    with pytest.raises(ValueError, match=f"x holds the same dataset, begun by other {what}: .* or add --overwrite"):
        generate(SMALL, folder, format=form)
    assert finished(folder) == 1
    assert tree(generate(SMALL, folder, format=form, overwrite=True)) == small(form)


def test_a_system_that_was_changed_meanwhile(tmp_path, own_system, command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file, words = (
        tmp_path / "mine.py",
        ["generate", "mine.py", "--train", "4", "--val", "1", "--test", "1", "--steps", "4"],
    )
    file.write_text(own_system)
    assert command(*words, "--shards", "0/9").returncode == 0
    file.write_text(own_system.replace("/ 2\n", "/ 3\n", 1))
    again = command(*words)
    assert (again.returncode, again.stderr.count("\n")) == (2, 1), again.stderr
    assert "elastic holds the same dataset, begun by other sources: {'mine.py': " in again.stderr


def test_a_folder_on_another_disk(small, small_disk, tmp_path):
    """By a link, and as the top of a disk itself."""
    (small_disk / "far").mkdir()
    (tmp_path / "link").symlink_to(small_disk / "far")
    assert tree(generate(SMALL, tmp_path / "link", format="npz")) == small("npz")
    shutil.rmtree(small_disk / "far")
    assert tree(generate(SMALL, small_disk, format="zarr")) == small("zarr")


def powerless(*words):
    """A command by someone whom permissions stop."""
    return [*(POWERLESS if os.geteuid() == 0 else []), *words]


def test_a_folder_whose_parent_must_not_be_written(tmp_path):
    own = tmp_path / "locked/own"
    own.mkdir(parents=True)
    own.parent.chmod(0o555)
    run = subprocess.run(powerless(*FEWER, "--out", own), capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stderr


BEGIN = """
import sys, time
from dataclasses import replace
from pathlib import Path
from slvm_data import RECIPES
from slvm_data.run.beginning import begin
from slvm_data.run.plan import Plan
from slvm_data.store.formats import named
place, seed = Path(sys.argv[1]), int(sys.argv[2])
plan = Plan(replace(RECIPES["pendulum"], train=5, val=10, test=10, seed=seed % 7), named("zarr"))
plan.layouts  # compiled before the race
(place / f"ready{seed}").touch()
while not (place / "go").exists():
    time.sleep(0.001)
begin(plan, place / "x", False)
"""


def test_of_several_that_begin_at_once_one_does(small, tmp_path):
    """F11 and F12, and F10 with what follows: two ask for the same dataset, the third for another."""
    place = tmp_path / "place"
    place.mkdir()
    words = [[sys.executable, "-c", BEGIN, str(place), str(seed)] for seed in (0, 7, 1)]
    runs = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for command in words]
    while len(list(place.glob("ready*"))) < 3:
        assert all(run.poll() is None for run in runs)
        time.sleep(0.02)
    (place / "go").touch()
    errors = [run.communicate(timeout=60)[1].strip() for run in runs]
    first = manifest.read_plan(place / "x").recipe.seed
    for run, seed, error in zip(runs, (0, 0, 1), errors, strict=True):
        assert (run.returncode == 0) == (seed == first), error
        assert seed == first or f"with seed = {first}, and seed = {seed} was asked for" in error
    recipe = replace(SMALL, seed=first)
    found = tree(generate(recipe, place / "x", format="zarr"))
    assert found == (tree(generate(recipe, tmp_path / "y", format="zarr")) if first else small("zarr"))


def test_two_runs_at_once_give_the_same(whole, tmp_path, begun):
    """F10."""
    runs = [begun(tmp_path / "x", "npz") for _ in range(2)]
    assert [run.wait(timeout=100) for run in runs] == [0, 0], (tmp_path / "errors").read_text()
    assert tree(tmp_path / "x") == whole("npz")


@pytest.mark.parametrize(("form", "copies"), [("zarr", 1), ("npz", 2)])
def test_a_disk_that_is_too_small_is_seen_beforehand(small_disk, tmp_path, form, copies):
    """F5: before anything is written; an .npz is put together from files of its arrays."""
    factor, one = 65, replace(FEW, val=0, test=0)
    with pytest.raises(ValueError, match=r"has 0\.0315 GB free: choose another place with --out, make room") as error:
        generate(replace(one, train=factor * one.train), small_disk / "x", format=form)
    told = float(re.search(r"disk/x takes about (0\.\d+) GB, and its disk", str(error.value))[1])
    size = sum(entry.bytes for entry in manifest.read(generate(one, tmp_path / "x", format=form)).files.values())
    assert told == pytest.approx(copies * factor * size / 1e9, rel=0.1)
    assert not list(small_disk.iterdir())


def test_overwrite_keeps_the_old_dataset_where_the_new_one_has_no_space(tmp_path, monkeypatch):
    """F5."""
    one = replace(FEW, val=0, test=0)
    folder = generate(one, tmp_path / "x", format="zarr")
    usage, before = shutil.disk_usage(tmp_path), tree(folder)
    monkeypatch.setattr(space.shutil, "disk_usage", lambda _: usage._replace(free=500_000))
    with pytest.raises(ValueError, match=r"y takes about .* make room"):
        generate(one, tmp_path / "y", format="zarr")
    with pytest.raises(ValueError, match=r"x takes about .* make room"):
        generate(replace(one, seed=7), folder, format="zarr", overwrite=True)
    assert tree(folder) == before
    generate(one, folder, format="zarr")  # which is complete


def test_what_is_left_has_to_have_space_and_no_more(tmp_path, monkeypatch):
    """F5: of what was begun, most is there."""
    one = replace(FEW, val=0, test=0)
    folder = begin(one, tmp_path / "x", "zarr", 0, 1)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(space.shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    with pytest.raises(ValueError, match=r"y takes about .* make room"):
        generate(one, tmp_path / "y", format="zarr")
    assert (generate(one, folder, format="zarr") / manifest.NAME).is_file()


@each_format
def test_a_disk_that_fills_up(whole, small_disk, tmp_path, begun, form):
    """F5: others have taken the space that was there; once they are gone the run goes on."""
    folder = small_disk / "x"
    run = begun(folder, form)
    while not finished(folder):
        assert run.poll() is None, (tmp_path / "errors").read_text()
        time.sleep(0.005)
    with suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(2**16))
    assert run.wait(timeout=60) == 2
    error = (tmp_path / "errors").read_text()
    assert error.count("\n") == 1
    assert re.search(rf"{folder}: No space left on device, at (dataset_./\w+\.{form}|the end)", error)
    assert "run the same command again to go on" in error
    assert not visible(folder)
    (small_disk / "filler").unlink()
    assert 0 < status(folder).done <= UNITS[form]
    assert tree(generate(RECIPE, folder, format=form)) == whole(form)


@each_format
def test_a_file_that_may_not_grow(few, tmp_path, form):
    """F5, by a limit of the system on the size of a file."""
    words = f"ulimit -f 100; exec {' '.join([*FEWER, '--format', form, '--out', str(tmp_path / 'x')])}"
    run = subprocess.run(["bash", "-c", words], capture_output=True, text=True, timeout=100)
    assert (run.returncode, run.stderr.count("\n")) == (2, 1), run.stderr
    assert f"{tmp_path / 'x'}: File too large, at train.{form}" in run.stderr
    assert not (tmp_path / "x" / manifest.NAME).exists()
    assert tree(generate(FEW, tmp_path / "x", format=form)) == few(form)


def test_a_folder_that_must_not_be_written(tmp_path):
    """F6: one line."""
    (tmp_path / "locked").mkdir(mode=0o555)
    command = powerless(*FEWER, "--out", tmp_path / "locked/x")
    run = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert (run.returncode, run.stderr.count("\n")) == (2, 1), run.stderr
    assert "Permission denied" in run.stderr
    assert str(tmp_path / "locked") in run.stderr
    assert not list((tmp_path / "locked").iterdir())


def test_units_that_must_not_be_written(few, tmp_path):
    """F6: one line, also where several processes meet with it."""
    folder = begin(FEW, tmp_path / "x", "zarr", 0)
    locked = journal.next_of(folder) / "train.zarr/state/c"
    locked.chmod(0o555)
    command = powerless(*FEWER, "--format", "zarr", "--workers", "2", "--out", folder)
    run = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert (run.returncode, run.stderr.count("\n")) == (2, 1), run.stderr
    locked.chmod(0o755)
    assert f"{folder}: Permission denied, at train.zarr shard" in run.stderr
    assert tree(generate(FEW, folder, format="zarr")) == few("zarr")


DIVERGES = """
import jax.numpy as jnp
from slvm_data import Pendulum, Recipe

class Bursts(Pendulum):
    def energy(self, q, p):
        return super().energy(q, p) * jnp.nan

RECIPE = Recipe(name="bursts", tasks=(Bursts(),), train=3000, val=0, test=0, steps=3)
"""


@pytest.mark.parametrize(
    ("form", "options"),
    [("zarr", []), ("npz", ["--workers", "2"]), ("zarr", ["--dask", "local", "--workers", "1"])],
)
def test_a_simulation_that_diverges(tmp_path, command, form, options):
    """F13, F14, from a thread, a process, and a worker of Dask; of a system of the user's own."""
    (tmp_path / "bursts.py").write_text(DIVERGES)
    run = command("generate", tmp_path / "bursts.py", "--format", form, "--out", tmp_path / "x", *options)
    assert run.returncode == 2, run.stderr
    error = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
    assert len(error) == 1
    assert f"{tmp_path / 'x'}, train.{form}" in error[0]
    assert "m = " in error[0]
    assert not (tmp_path / "x" / manifest.NAME).exists()


def broken(folder, form):
    """Damage to four files of a dataset; what is made again for it."""
    end = "" if form == "npz" else "/image/c/0/0/0"
    (folder / f"dataset_0/train.{form}{end}").write_bytes(b"nothing")
    (folder / f"dataset_1/val.{form}{end}").unlink()
    if form == "zarr":
        (folder / "dataset_2/test.zarr/state/zarr.json").unlink()
        (folder / "dataset_2/train.shards/0.json").unlink()
    return 2 if form == "npz" else 4


@each_format
def test_repair_makes_again_what_is_damaged_and_no_more(tmp_path, form):
    """F4."""
    recipe = replace(RECIPES["gravity3"], train=20, val=3, test=3, steps=4)
    folder = generate(recipe, tmp_path / "x", format=form)
    before, content = tree(folder), manifest.read(folder)
    assert mend(folder, recipe, content) == []
    count = broken(folder, form)
    untouched = {path: path.stat().st_mtime_ns for path in folder.rglob("test.*") if "dataset_2" not in path.parts}
    assert len(mend(folder, recipe, content)) == count
    assert tree(folder) == before
    assert all(path.stat().st_mtime_ns == when for path, when in untouched.items())


CUT = {
    "parts of one trajectory": ("nascar", {}, {}),
    "trajectories that are kept": ("three_mode", {"series": True}, {"steps": 2000}),
    "separate trajectories": ("lorenz", {"separate": True, "series": True}, {"train": 150, "steps": 100}),
}


@pytest.mark.parametrize("which", CUT)
def test_windows_in_shards(tmp_path, monkeypatch, which):
    """By whomever made, they are what an .npz of them holds; with the same certificate."""
    name, cut, more = CUT[which]
    monkeypatch.setattr(zarr_layout, "SHARD", 1)
    windows = replace(RECIPES[name].windows, **cut)
    recipe = replace(RECIPES[name], windows=windows, **{"train": 300, "val": 70, "test": 10} | more)
    folder = generate(recipe, tmp_path / "x", format="zarr")
    for part in (1, 0):
        generate(recipe, tmp_path / "parts", format="zarr", part=(part, 2))
    assert tree(tmp_path / "parts") == tree(folder)
    plain = generate(recipe, tmp_path / "plain")
    content, twin = manifest.read(plain), manifest.read(folder)
    for file in content.every_file():
        found = zarr.read((folder / file).with_suffix(".zarr"))
        with np.load(plain / file) as data:
            assert found.keys() == set(data)
            for key, array in found.items():
                np.testing.assert_array_equal(array, data[key])
    assert len(content.series) == len(twin.series) == (3 if windows.series else 0)
    assert twin.certificate == content.certificate
    assert status(folder).units == len(Plan(recipe, formats.named("zarr")).units) >= 7


def test_trajectories_lie_in_files_of_their_own(tmp_path):
    """One row for each, by the number that their windows have as their path."""
    recipe = replace(RECIPES["three_mode"], train=20, val=3, test=3, steps=2000)
    recipe = replace(recipe, windows=replace(recipe.windows, series=True, separate=True))
    folder = generate(recipe, tmp_path / "x", format="zarr")
    content = manifest.read(folder)
    for split in recipe.split_names():
        windows, series = zarr.read(folder / f"{split}.zarr"), zarr.read(folder / f"series-{split}.zarr")
        assert content.files[f"{split}.zarr"].trajectories == recipe.trajectories(split) == len(series["label"])
        assert content.series[f"series-{split}.zarr"].trajectories is None
        assert sorted(series["path"]) == sorted(np.unique(windows["path"]))
        row = {path: i for i, path in enumerate(series["path"].tolist())}
        for i, path in enumerate(windows["path"].tolist()):
            start = np.searchsorted(series["time"][row[path]], windows["time"][i, 0])
            part = slice(start, start + recipe.length())
            np.testing.assert_array_equal(windows["time"][i], series["time"][row[path], part])
            np.testing.assert_array_equal(windows["queries"][i], series["signal"][row[path], part])
            np.testing.assert_array_equal(windows["labels"][i], series["mode"][row[path], part])


def test_repair_of_windows(tmp_path):
    recipe = replace(RECIPES["three_mode"], train=20, val=3, test=3, steps=2000)
    recipe = replace(recipe, windows=replace(recipe.windows, series=True))
    folder = generate(recipe, tmp_path / "x", format="zarr")
    before = tree(folder)
    (folder / "train.zarr/queries/c/0/0/0").unlink()
    (folder / "val.shards/metadata.json").unlink()
    os.truncate(folder / "series-test.zarr/signal/c/0/0/0", 10)
    made = ["train.zarr shard 0", "val.zarr metadata", "series-test.zarr shard 0"]
    assert mend(folder, recipe, manifest.read(folder)) == made
    assert tree(folder) == before


OF_A_MARKER = [("files", "filer"), ("sha256", "shb256"), ("bytes", "bytec"), ("{", "[")]
OF_METADATA, OF_A_SHARD = [("zarr", "zasr")], [("/c/0", "/c/1"), ("image", "imagf")]


@pytest.fixture(scope="module")
def five(tmp_path_factory):
    return generate(replace(SMALL, val=2, test=0), tmp_path_factory.mktemp("five") / "x", format="zarr")


@pytest.mark.parametrize("name", ["metadata", "0"])
def test_a_flipped_bit_in_a_marker(five, tmp_path, name):
    """F7: it is named, whatever it hits, and that shard or the metadata made again."""
    folder, before = shutil.copytree(five, tmp_path / "x"), tree(five)
    marker = folder / f"train.shards/{name}.json"
    good, rng = marker.read_bytes(), random.Random(0)
    flips = OF_A_MARKER + (OF_METADATA if name == "metadata" else OF_A_SHARD)
    bad = [good.replace(old.encode(), new.encode(), 1) for old, new in flips]
    assert good not in bad
    bad += [b"[1]", b'{"files": []}', b"[" * 10**5]
    for _ in range(12):
        at = rng.randrange(len(good))
        bad.append(good[:at] + bytes([good[at] ^ 1 << rng.randrange(8)]) + good[at + 1 :])
    content, recipe = manifest.read(folder), replace(SMALL, val=2, test=0)
    entry = content.files["train.zarr"]
    for data in bad:
        marker.write_bytes(data)
        assert "the markers in" in (zarr.fault(folder / "train.zarr", entry) or "")
        with pytest.raises(DamageError, match=rf"train\.shards/{name}\.json is not what was written"):
            Reader(folder / "train.zarr", entry.arrays, entry).rows(["label"], slice(0, 1))
        made = "train.zarr metadata" if name == "metadata" else "train.zarr shard 0"
        assert mend(folder, recipe, content) == [made], data
        assert tree(folder) == before


def test_a_dataset_is_not_finished_with_a_marker_that_is_none(tmp_path):
    """F7, before the end."""
    recipe = replace(SMALL, val=0)  # of two units, of which the second is missing
    folder, plan = begin(recipe, tmp_path / "x", "zarr", 0), Plan(recipe, formats.named("zarr"))
    assert not finish_if_complete(plan, folder, False)
    list(make_units(plan, folder, plan.units[1:]))
    marker = journal.next_of(folder) / "train.shards/metadata.json"
    marker.write_bytes(marker.read_bytes().replace(b"files", b"filer"))
    with pytest.raises(DamageError, match=r"train\.shards/metadata\.json is damaged: "):
        finish_if_complete(plan, folder, False)
    assert not visible(folder)
    generate(recipe, folder, format="zarr")
    assert tree(folder) == tree(generate(recipe, tmp_path / "y", format="zarr"))


@each_format
def test_repair_by_what_gives_other_bytes_is_refused(tmp_path, form):
    folder = generate(SMALL, tmp_path / "x", format=form)
    (folder / ("train.npz" if form == "npz" else "train.zarr/state/c/0/0/0")).unlink()
    with pytest.raises(DamageError, match="though made again: by other software than wrote it"):
        mend(folder, replace(SMALL, seed=1), manifest.read(folder))


@each_format
def test_the_commands(tmp_path, command, form):
    folder, unit = tmp_path / "x", "val.npz" if form == "npz" else "val.zarr shard 0"
    words = ["generate", "pendulum", "--format", form, "--train", "5", "--val", "2", "--test", "2", "--out", folder]
    assert "other shares are missing: slvm-data status" in command(*words, "--shards", "0/2").stdout
    assert f"{folder}: 2 of 3 units of pendulum; not complete" in command("status", folder).stdout
    assert json.loads(command("status", folder, "--json").stdout) == {
        "name": "pendulum", "complete": False, "done": 2, "units": 3,
    }  # fmt: skip
    assert command(*words, "--shards", "1/2").returncode == 0
    assert "3 of 3 units of pendulum; complete" in command("status", folder).stdout
    (folder / ("val.npz" if form == "npz" else "val.zarr/state/c/0/0/0")).unlink()
    assert command("verify", folder).returncode == 1
    assert f"made again: {unit}\n" in command("repair", folder).stdout
    assert command("verify", folder).returncode == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--shards", "3/3"], "shards = 3/3 has to be i/N, with i from 0 to N - 1"),
        (["--shards", "x"], "shards = 'x' has to be i/N, such as 0/10"),
        (["--workers", "0"], "workers = 0 has to be at least 1"),
    ],
)
def test_refusals(tmp_path, command, options, message):
    """F24."""
    run = command("generate", "pendulum", *options, "--out", tmp_path / "x")
    assert (run.returncode, message in run.stderr, run.stderr.count("\n")) == (2, True, 1), run.stderr
    assert not (tmp_path / "x").exists()


def test_shards_do_not_depend_on_how_many_there_are():
    """Sequence i lies in shard i // rows, whatever the size of the split."""
    few, many = (Plan(replace(FEW, train=n), formats.named("zarr")).units[0] for n in (5000, 10**6))
    assert (few.first, few.stop) == (many.first, many.stop)


@each_format
def test_a_certificate_is_measured_on_what_is_stored(form, tmp_path, monkeypatch):
    """It is that of the same sequences made once more, for which processes' parent would compile their program."""
    with monkeypatch.context() as patch:
        patch.setattr(certificate, "_first", None)
        generate(SMALL, tmp_path / "stored", format=form)
    monkeypatch.setattr(finish, "measured", lambda *_: None)
    generate(SMALL, tmp_path / "again", format=form)
    assert tree(tmp_path / "stored") == tree(tmp_path / "again")
