"""Datasets in shards: whoever makes them, however often they are cut off, the bytes are those of one quiet run."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from slvm_data import RECIPES, TwoBody, generate
from slvm_data.core.errors import DamageError
from slvm_data.run import shards, space
from slvm_data.run.executors import carry_out
from slvm_data.run.repair import mend
from slvm_data.store import manifest, zarr
from slvm_data.store.folder import status
from slvm_data.store.zarr_reader import Reader

RECIPE = replace(RECIPES["pendulum"], train=12_000, val=10, test=10)
SHARDS = 12 + 1 + 1
FEW = replace(RECIPE, train=3000)  # three shards of train
SMALL = replace(RECIPE, train=5)
WORDS = ["generate", "pendulum", "--format", "zarr"]
COMMAND = [sys.executable, "-m", "slvm_data", *WORDS]
SIZES = ["--train", "12000", "--val", "10", "--test", "10"]
POWERLESS = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"]  # root as anyone else


def tree(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def quiet(recipe, folder):
    """The dataset as one process makes it, shard after shard."""
    plan = shards.Plan(recipe)
    shards.begin(plan, folder)
    for shard in plan.shards():
        shards.make_shard(plan, folder, shard)
    shards.finish(plan, folder)
    return tree(folder)


@pytest.fixture(scope="module")
def serial(tmp_path_factory):
    return quiet(RECIPE, tmp_path_factory.mktemp("serial") / "pendulum")


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    return quiet(FEW, tmp_path_factory.mktemp("few") / "pendulum")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return quiet(SMALL, tmp_path_factory.mktemp("small") / "pendulum")


@pytest.fixture
def begun(tmp_path):
    """Begins a run in a process group of its own, whose errors go to a file."""
    runs = []

    def begin(folder, *options, **more):
        with (tmp_path / "errors").open("w") as errors:
            command = [*COMMAND, *SIZES, "--out", str(folder), *options]
            streams = {"stdout": subprocess.DEVNULL, "stderr": errors}
            runs.append(subprocess.Popen(command, **streams, text=True, start_new_session=True, **more))
        return runs[-1]

    yield begin
    for run in runs:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()


def test_the_dataset_has_these_files(serial):
    assert sum(".shards/" in name for name in serial) == SHARDS + 3  # and the metadata of each group
    assert {"dataset.json", "README.md", "train.zarr/image/c/11/0/0", "val.zarr/zarr.json"} <= serial.keys()
    assert "plan.json" not in serial


def test_threads_parts_and_any_order_give_the_same(serial, tmp_path):
    assert tree(generate(RECIPE, tmp_path / "threads", format="zarr")) == serial
    for part in (2, 0, 1):
        carry_out(RECIPE, tmp_path / "parts", False, 1, (part, 3))
        assert status(tmp_path / "parts").complete == (part == 1)
    assert tree(tmp_path / "parts") == serial


def test_processes_give_the_same(serial, tmp_path, begun):
    run = begun(tmp_path / "x", "--workers", "2")
    assert run.wait(timeout=200) == 0, (tmp_path / "errors").read_text()
    assert tree(tmp_path / "x") == serial


@pytest.mark.parametrize(
    ("kill", "done", "options"),
    [
        (signal.SIGKILL, 0, []),
        (signal.SIGKILL, 3, ["--workers", "2"]),
        (signal.SIGTERM, 5, []),
        (signal.SIGINT, 1, ["--workers", "2"]),
    ],
)
def test_a_run_that_is_killed_goes_on(serial, tmp_path, begun, kill, done, options):
    """F2, with F21's signals: when so many shards are there."""
    folder = tmp_path / "place/pendulum"
    for _ in range(3):  # it may be through before it is killed
        run = begun(folder, *options)
        while run.poll() is None and not ((folder / "plan.json").is_file() and status(folder).done >= done):
            time.sleep(0.005)
        if run.poll() is None:
            os.killpg(run.pid, kill)
            run.wait(timeout=60)
        assert "Traceback" not in (tmp_path / "errors").read_text()
        if run.returncode:
            break
        shutil.rmtree(folder)
    assert run.returncode in (-kill, 128 + kill)
    assert done <= status(folder).done < SHARDS
    with pytest.raises(DamageError, match="is not complete: run the command that began it again"):
        manifest.read(folder)
    generate(RECIPE, folder, format="zarr")
    assert tree(folder) == serial
    assert [path.name for path in folder.parent.iterdir()] == ["pendulum"]


@pytest.mark.slow
def test_workers_that_are_killed_cost_only_their_shards(tmp_path, begun):
    """F1: every other one while it is at work, the rest at any time; and F2, as the run gives up now and then."""
    rng, folder, sizes, killed = random.Random(0), tmp_path / "x", ("--train", "20000"), 0
    run = begun(folder, "--workers", "2", *sizes)

    def done():
        return status(folder).done if (folder / "plan.json").is_file() else 0

    while killed < 6 and not (folder / manifest.NAME).is_file():
        before = done()
        while run.poll() is None and not (workers := _workers(run.pid)):
            time.sleep(0.02)
        while killed % 2 and run.poll() is None and done() == before:
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.1 if killed % 2 else 0.6))
        if run.poll() is not None:
            assert run.returncode == 0 or "run the same command again" in (tmp_path / "errors").read_text()
            run = begun(folder, "--workers", "2", *sizes)
        elif workers := _workers(run.pid):
            made = done()
            rng.choice(workers).kill()
            killed += 1
            assert done() >= made
            assert made or killed % 2
    assert killed == 6
    assert run.wait(timeout=100) == 0 or "run the same command again" in (tmp_path / "errors").read_text()
    whole = replace(RECIPE, train=20_000)
    generate(whole, folder, format="zarr")
    assert tree(folder) == tree(generate(whole, tmp_path / "y", format="zarr"))


def test_workers_end_with_the_process_that_began_them(tmp_path, begun):
    """F2, where it alone is killed: they would make shards for nobody."""
    run = begun(tmp_path / "x", "--workers", "2")
    while not (workers := _workers(run.pid)) or not (tmp_path / "x/plan.json").is_file():
        assert run.poll() is None
        time.sleep(0.05)
    run.kill()
    run.wait()
    assert not psutil.wait_procs(workers, timeout=30)[1]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--workers", "2"], "processes died 3 times in a row, while train.zarr shard 0 was to be made"),
        (["--dask", "local", "--workers", "1"], "train.zarr shard 0: worker after worker died making it"),
    ],
)
def test_work_that_kills_whoever_does_it_is_given_up(tmp_path, own_system, options, says):
    """F2: the error names the folder, the shard, and what to do."""
    one_task = re.sub(r"tasks=.*\)\)\)", "tasks=(ElasticPendulum(),))", own_system)
    deadly = "\nimport multiprocessing, os\n\nif multiprocessing.parent_process():\n    os._exit(9)\n"
    (tmp_path / "deadly.py").write_text(one_task + deadly)
    command = [sys.executable, "-m", "slvm_data", "generate", "deadly.py", "--format", "zarr", *options, "--out", "x"]
    command += ["--train", "4", "--val", "0", "--test", "0"]
    once = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    run = subprocess.run(command, cwd=tmp_path, env=once, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert f"x: {says}" in " ".join(run.stderr.split())
    assert "run the same command again" in run.stderr
    assert "Traceback" not in run.stderr


def test_another_run_may_have_finished_meanwhile(few, tmp_path, monkeypatch):
    """It clears away what it takes for left over; without a marker that is an error."""
    folder = generate(FEW, tmp_path / "x", format="zarr")
    plan = shards.Plan(FEW)
    shard = plan.shards()[2]

    def gone(path):
        raise FileNotFoundError(2, "No such file", str(path))

    monkeypatch.setattr(shards, "atomic", gone)
    shards.make_shard(plan, folder, shard)
    assert tree(folder) == few
    (folder / "train.shards/2.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"train\.zarr shard 2: mend this, and run the same command again"):
        shards.make_shard(plan, folder, shard)


def _workers(pid):
    """Processes that make shards for this one."""
    try:
        children = psutil.Process(pid).children()
        return [child for child in children if "spawn_main" in " ".join(child.cmdline())]
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []


def test_data_without_a_marker_are_made_again(serial, tmp_path):
    """F3, F4, and files that were cut short before their marker came."""
    folder = tmp_path / "x"
    plan = shards.Plan(RECIPE)
    shards.begin(plan, folder)
    for shard in plan.shards():
        shards.make_shard(plan, folder, shard)
    (folder / "train.shards/3.json").unlink()
    os.truncate(folder / "train.zarr/state/c/3/0/0", 100)
    (folder / "train.shards/1.json").write_text("{")
    (folder / "train.shards/7.json").write_text("[1]")
    os.truncate(folder / "train.zarr/image/c/5/0/0", 0)  # F4, before the dataset is finished
    (folder / "train.shards/tally-6").unlink()  # the certificate wants it
    (folder / "train.zarr/image/c/1/0/0.abc.partial").write_text("half")
    assert [shard.number for shard in plan.missing(folder, plan.shards())] == [1, 3, 5, 6, 7]
    generate(RECIPE, folder, format="zarr")
    assert tree(folder) == serial


def test_what_is_complete_is_left_alone(tmp_path):
    folder = generate(FEW, tmp_path / "x", format="zarr")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    generate(FEW, folder, format="zarr")
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


@pytest.mark.parametrize("complete", [True, False])
def test_another_dataset_is_refused(tmp_path, complete):
    """F11: which one the folder holds, and which was asked for."""
    if complete:
        generate(SMALL, tmp_path / "x", format="zarr")
    else:
        shards.begin(shards.Plan(SMALL), tmp_path / "x")
    before = tree(tmp_path / "x")
    with pytest.raises(ValueError, match="holds pendulum with seed = 0, and seed = 7 was asked for: choose another"):
        generate(replace(SMALL, seed=7), tmp_path / "x", format="zarr")
    assert tree(tmp_path / "x") == before
    generate(replace(SMALL, seed=7), tmp_path / "x", format="zarr", overwrite=True)
    assert tree(tmp_path / "x") == tree(generate(replace(SMALL, seed=7), tmp_path / "y", format="zarr"))


def test_files_of_the_user_stay(small, tmp_path):
    """F25."""
    (tmp_path / "x").mkdir()
    (tmp_path / "x/notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"already holds 'notes\.txt'"):
        generate(SMALL, tmp_path / "x", format="zarr")
    found = tree(generate(SMALL, tmp_path / "x", format="zarr", overwrite=True))
    assert found.pop("notes.txt") == b"mine"
    assert found == small


def test_a_run_removes_no_file_but_its_own(tmp_path):
    """F25, also of files that are called as ours are for a moment."""
    names = ("mine.partial", ".draft.tmp", "sub/big.iso.partial", "train.zarr/mine.partial")
    for name in names:
        (tmp_path / "x" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "x" / name).write_text("mine")
    (tmp_path / "x/train.zarr").rename(tmp_path / "x/other.zarr")
    generate(SMALL, tmp_path / "x", format="zarr", overwrite=True)
    assert [(tmp_path / "x" / name).is_file() for name in (*names[:3], "other.zarr/mine.partial")] == [True] * 4


def test_overwrite_goes_on_where_it_was_begun(few, tmp_path):
    """A job that is put back into the queue says the same again."""
    plan, folder = shards.Plan(FEW), generate(SMALL, tmp_path / "x", format="zarr")
    assert shards.begin(plan, folder, overwrite=True)
    shards.make_shard(plan, folder, plan.shards()[1])
    assert shards.begin(plan, folder, overwrite=True)
    assert status(folder).done == 1
    assert tree(generate(FEW, folder, format="zarr", overwrite=True)) == few
    with pytest.raises(ValueError, match="overwrite is not for shards = 0/2: a job would remove"):
        generate(FEW, folder, format="zarr", overwrite=True, part=(0, 2))


OTHERS = {
    "versions": lambda plan: {"versions": plan.versions | {"jax": "0.0.1"}},
    "machine": lambda plan: {"machine": {"backend": "cpu", "cpu": "arm64 NEON"}},
    "sources": lambda plan: {"sources": {"wells.py": "0"}},
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_was_begun_by_other_software_is_not_mixed(small, tmp_path, what):
    """Nor what another machine began, whose last bits differ, nor another text of a system of one's own."""
    folder = tmp_path / "x"
    shards.begin(shards.Plan(SMALL), folder)
    plan = manifest.read_plan(folder)
    (folder / manifest.PLAN).unlink()
    manifest.write_plan(folder, replace(plan, **OTHERS[what](plan)))
    with pytest.raises(ValueError, match=f"x holds the same dataset, begun by other {what}: .* or add --overwrite"):
        generate(SMALL, folder, format="zarr")
    assert tree(generate(SMALL, folder, format="zarr", overwrite=True)) == small


def test_a_system_that_was_changed_meanwhile(tmp_path, own_system, command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file, words = tmp_path / "mine.py", ["generate", "mine.py", "--format", "zarr"]
    words += ["--train", "4", "--val", "1", "--test", "1"]
    file.write_text(own_system)
    assert command(*words, "--shards", "0/9").returncode == 0
    file.write_text(own_system.replace("/ 2\n", "/ 3\n", 1))
    again = command(*words)
    assert (again.returncode, again.stderr.count("\n")) == (2, 1), again.stderr
    assert "elastic holds the same dataset, begun by other sources: {'mine.py': " in again.stderr


@pytest.mark.parametrize("harm", ["bit", "cut", "gone", "marker", "tally", "number"])
def test_what_was_begun_is_mended_before_it_goes_on(few, tmp_path, harm):
    plan, folder = shards.Plan(FEW), tmp_path / "x"
    shards.begin(plan, folder)
    shards.make_shard(plan, folder, plan.shards()[2])
    meta, tally = folder / "train.zarr/image/zarr.json", folder / "train.shards/tally-2"
    if harm == "bit":
        meta.write_text(meta.read_text().replace('"level": 3', '"level": 1'))
    elif harm == "cut":
        os.truncate(folder / "val.zarr/state/zarr.json", 0)
    elif harm == "gone":
        meta.unlink()
    elif harm == "marker":
        (folder / "train.shards/metadata.json").write_text("{")
    elif harm == "tally":
        os.truncate(tally, 0)
    else:
        tally.write_text(tally.read_text().replace("1", "2"))
    assert tree(generate(FEW, folder, format="zarr")) == few


def test_a_folder_on_another_disk(small, small_disk, tmp_path):
    """By a link, and as the top of a disk itself."""
    (small_disk / "far").mkdir()
    (tmp_path / "link").symlink_to(small_disk / "far")
    assert tree(generate(SMALL, tmp_path / "link", format="zarr")) == small
    shutil.rmtree(small_disk / "far")
    assert tree(generate(SMALL, small_disk, format="zarr")) == small


def powerless(*words):
    """A command by someone whom permissions stop."""
    return [*(POWERLESS if os.geteuid() == 0 else []), *words]


def test_a_folder_whose_parent_must_not_be_written(tmp_path):
    own = tmp_path / "locked/own"
    own.mkdir(parents=True)
    own.parent.chmod(0o555)
    sizes = ["--train", "5", "--val", "1", "--test", "1"]
    run = subprocess.run(powerless(*COMMAND, *sizes, "--out", own), capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stderr


CREATE = """
import sys, time
from dataclasses import replace
from pathlib import Path
from slvm_data import RECIPES
from slvm_data.run import shards
plan = shards.Plan(replace(RECIPES["pendulum"], train=5, val=10, test=10))
plan.layouts  # compiled before the race
(Path(sys.argv[1]) / f"ready{sys.argv[2]}").touch()
while not (Path(sys.argv[1]) / "go").exists():
    time.sleep(0.001)
shards.begin(plan, Path(sys.argv[1]) / "x")
"""


def test_of_several_that_create_at_once_one_does(small, tmp_path):
    """F12, and F10 with what follows."""
    place = tmp_path / "place"
    place.mkdir()
    runs = [subprocess.Popen([sys.executable, "-c", CREATE, str(place), str(i)]) for i in range(3)]
    while len(list(place.glob("ready*"))) < 3:
        assert all(run.poll() is None for run in runs)
        time.sleep(0.02)
    (place / "go").touch()
    assert [run.wait(timeout=60) for run in runs] == [0, 0, 0]
    assert not list(place.glob(".*"))
    assert tree(generate(SMALL, place / "x", format="zarr")) == small


def test_who_is_slower_to_create_finds_the_other(tmp_path, monkeypatch):
    """F11 and F12 at once: between a look at the folder and the plan another process has written its own."""
    folder, look = tmp_path / "x", shards.replaceable

    def slowly(*arguments):
        monkeypatch.setattr(shards, "replaceable", look)
        shards.begin(shards.Plan(replace(SMALL, seed=7)), folder)
        return []

    monkeypatch.setattr(shards, "replaceable", slowly)
    with pytest.raises(ValueError, match="holds pendulum with seed = 7, and seed = 0 was asked for"):
        shards.begin(shards.Plan(SMALL), folder)
    assert manifest.read_plan(folder).recipe.seed == 7
    assert not list(folder.glob(".*"))


def test_two_runs_at_once_give_the_same(serial, tmp_path, begun):
    """F10."""
    runs = [begun(tmp_path / "x") for _ in range(2)]
    assert [run.wait(timeout=100) for run in runs] == [0, 0], (tmp_path / "errors").read_text()
    assert tree(tmp_path / "x") == serial


MOUNT = ["mount", "-t", "tmpfs", "-o", "size=20m", "none"]


@pytest.fixture
def small_disk(tmp_path, missing):
    """A disk of twenty megabytes: mounted here, or in a namespace of its own, which needs no root."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run([*MOUNT, place], capture_output=True, text=True)
    if mounted.returncode == 0:
        yield place
        subprocess.run(["umount", place], check=True)
        return
    script = f'{" ".join(MOUNT)} "$0" && echo mounted && read _'  # there as long as this process reads
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(["unshare", "-Urm", "sh", "-c", script, place], **pipes, text=True) as holder:
        if holder.stdout.readline() != "mounted\n":
            missing(f"no disk can be mounted here: {mounted.stderr.strip()}; {holder.communicate()[1].strip()}")
        yield Path(f"/proc/{holder.pid}/root{place}")
        holder.stdin.close()


@pytest.mark.parametrize(("form", "copies"), [("zarr", 1), ("npz", 2)])
def test_a_disk_that_is_too_small_is_seen_beforehand(small_disk, tmp_path, form, copies):
    """F5: before anything is written; an .npz is put together from files of its arrays."""
    factor, one = 100, replace(RECIPE, train=3000, val=0, test=0)
    with pytest.raises(ValueError, match=r"has 0\.021 GB free: choose another place with --out, make room") as error:
        generate(replace(one, train=factor * one.train), small_disk / "x", format=form)
    told = float(re.search(r"disk/x takes about (0\.\d+) GB, and its disk", str(error.value))[1])
    size = sum(entry.bytes for entry in manifest.read(generate(one, tmp_path / "x", format=form)).files.values())
    assert told == pytest.approx(copies * factor * size / 1e9, rel=0.1)
    assert not list(small_disk.iterdir())


def test_overwrite_counts_what_it_frees(tmp_path, monkeypatch):
    """F5: and keeps the old dataset where the new one has no space."""
    one = replace(RECIPE, train=3000, val=0, test=0)
    folder = generate(one, tmp_path / "x", format="zarr")
    usage, before = shutil.disk_usage(tmp_path), tree(folder)
    monkeypatch.setattr(space.shutil, "disk_usage", lambda _: usage._replace(free=500_000))
    with pytest.raises(ValueError, match=r"y takes about .* make room"):
        generate(one, tmp_path / "y", format="zarr")
    with pytest.raises(ValueError, match=r"x takes about .* make room"):
        generate(replace(one, train=9000), folder, format="zarr", overwrite=True)
    assert tree(folder) == before
    generate(replace(one, seed=7), folder, format="zarr", overwrite=True)
    assert tree(folder).keys() == before.keys()


def test_what_is_left_has_to_have_space_and_no_more(tmp_path, monkeypatch):
    """F5: of what was begun, most is there."""
    one, folder = replace(RECIPE, train=3000, val=0, test=0), tmp_path / "x"
    plan = shards.Plan(one)
    shards.begin(plan, folder)
    for shard in plan.shards()[:2]:
        shards.make_shard(plan, folder, shard)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(space.shutil, "disk_usage", lambda _: usage._replace(free=700_000))
    with pytest.raises(ValueError, match=r"y takes about .* make room"):
        generate(one, tmp_path / "y", format="zarr")
    assert (generate(one, folder, format="zarr") / manifest.NAME).is_file()


def test_a_disk_that_fills_up(serial, small_disk, tmp_path, begun):
    """F5: others have taken the space that was there; once they are gone the run goes on."""
    run = begun(small_disk / "x")
    while not (small_disk / "x/train.shards/0.json").is_file():
        assert run.poll() is None, (tmp_path / "errors").read_text()
        time.sleep(0.01)
    with (small_disk / "filler").open("wb") as file, suppress(OSError):
        while True:
            file.write(bytes(2**16))
            file.flush()
    assert run.wait(timeout=60) == 2
    error = (tmp_path / "errors").read_text()
    assert error.count("\n") == 1
    assert f"{small_disk}/x: No space left on device, at train.zarr shard" in error
    assert "run the same command again to go on" in error
    assert not (small_disk / "x" / manifest.NAME).exists()
    (small_disk / "filler").unlink()
    assert 0 < status(small_disk / "x").done < SHARDS
    assert tree(generate(RECIPE, small_disk / "x", format="zarr")) == serial


@pytest.mark.parametrize("form", ["zarr", "npz"])
def test_a_file_that_may_not_grow(few, tmp_path, form):
    """F5, by a limit of the system on the size of a file."""
    sizes = ["--train", "3000", "--val", "10", "--test", "10"]
    words = f"ulimit -f 100; exec {' '.join([*COMMAND[:-1], form, *sizes, '--out', str(tmp_path / 'x')])}"
    run = subprocess.run(["bash", "-c", words], capture_output=True, text=True, timeout=100)
    assert (run.returncode, run.stderr.count("\n")) == (2, 1), run.stderr
    assert "File too large" in run.stderr
    if form == "npz":
        assert not (tmp_path / "x").exists()
    else:
        assert f"{tmp_path / 'x'}: File too large, at train.zarr shard" in run.stderr
        assert tree(generate(FEW, tmp_path / "x", format="zarr")) == few


@pytest.mark.parametrize("form", ["zarr", "npz"])
def test_a_folder_that_must_not_be_written(tmp_path, form):
    """F6: one line."""
    (tmp_path / "locked").mkdir(mode=0o555)
    run = subprocess.run(
        powerless(*COMMAND[:-1], form, *SIZES, "--out", tmp_path / "locked/x"),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (run.returncode, run.stderr.count("\n")) == (2, 1), run.stderr
    assert "Permission denied" in run.stderr
    assert str(tmp_path / "locked") in run.stderr
    assert not list((tmp_path / "locked").iterdir())


def test_shards_that_must_not_be_written(few, tmp_path):
    """F6: one line, also where several processes meet with it."""
    folder = tmp_path / "x"
    shards.begin(shards.Plan(FEW), folder)
    (folder / "train.zarr/state").chmod(0o555)
    sizes = ["--train", "3000", "--val", "10", "--test", "10", "--workers", "2"]
    run = subprocess.run(powerless(*COMMAND, *sizes, "--out", folder), capture_output=True, text=True, timeout=100)
    assert (run.returncode, run.stderr.count("\n")) == (2, 1), run.stderr
    assert f"{folder}: Permission denied, at train.zarr shard" in run.stderr
    (folder / "train.zarr/state").chmod(0o755)
    assert tree(generate(FEW, folder, format="zarr")) == few


DIVERGES = """
import jax.numpy as jnp
from slvm_data import Pendulum, Recipe

class Bursts(Pendulum):
    def energy(self, q, p):
        return super().energy(q, p) * jnp.where(q[0] > 1.65, jnp.nan, 1.0)

RECIPE = Recipe(name="bursts", tasks=(Bursts(),), train=3000, val=0, test=0, steps=3)
"""


@pytest.mark.parametrize("options", [[], ["--workers", "2"], ["--dask", "local", "--workers", "1"]])
def test_a_simulation_that_diverges(tmp_path, command, options):
    """F13, F14, from a thread, a process, and a worker of Dask; of a system of the user's own."""
    (tmp_path / "bursts.py").write_text(DIVERGES)
    run = command("generate", tmp_path / "bursts.py", "--format", "zarr", "--out", tmp_path / "x", *options)
    assert run.returncode == 2, run.stderr
    error = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
    assert len(error) == 1
    assert f"{tmp_path / 'x'}, train.zarr shard " in error[0]
    assert "m = " in error[0]
    assert not (tmp_path / "x" / manifest.NAME).exists()


def test_an_impossible_rule_is_refused_by_its_name(tmp_path):
    """F14, from a thread."""
    recipe = replace(RECIPES["two_body"], tasks=(TwoBody(half_width=0.01),), train=5, val=0, test=0)
    with pytest.raises(ValueError, match=r"left the scene .* in each of 100 attempts"):
        generate(recipe, tmp_path / "x", format="zarr")


def broken(folder, form):
    """Damage to four files of a dataset; what is made again for it."""
    end = "" if form == "npz" else "/image/c/0/0/0"
    (folder / f"dataset_0/train.{form}{end}").write_bytes(b"nothing")
    (folder / f"dataset_1/val.{form}{end}").unlink()
    if form == "zarr":
        (folder / "dataset_2/test.zarr/state/zarr.json").unlink()
        (folder / "dataset_2/train.shards/0.json").unlink()
    return 2 if form == "npz" else 4


@pytest.mark.parametrize("form", ["npz", "zarr"])
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


WINDOWED = {
    "parts of one trajectory": ("nascar", {}, {"steps": 2000}),
    "trajectories that are kept": ("three_mode", {"series": True}, {"steps": 2000}),
    "separate trajectories": ("lorenz", {"separate": True, "series": True}, {"train": 150, "steps": 100}),
}


@pytest.mark.parametrize("which", WINDOWED)
def test_windows_in_shards(tmp_path, monkeypatch, which):
    """By whomever made, they are what an .npz of them holds; with the same certificate."""
    name, cut, more = WINDOWED[which]
    monkeypatch.setattr(zarr, "SHARD", 1)
    windows = replace(RECIPES[name].windows, **cut)
    recipe = replace(RECIPES[name], windows=windows, **{"train": 300, "val": 70, "test": 10} | more)
    folder = generate(recipe, tmp_path / "x", format="zarr")
    for part in (1, 0):
        carry_out(recipe, tmp_path / "parts", False, None, (part, 2))
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
    assert status(folder).shards == len(shards.Plan(recipe).shards()) >= 7


def test_trajectories_lie_in_files_of_their_own(tmp_path):
    """One row for each, by the number that their windows have as their path."""
    recipe = replace(RECIPES["three_mode"], train=20, val=3, test=3, steps=2000)
    recipe = replace(recipe, windows=replace(recipe.windows, series=True, separate=True))
    folder = generate(recipe, tmp_path / "x", format="zarr")
    content = manifest.read(folder)
    for split in recipe.splits():
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
    for data in bad:
        marker.write_bytes(data)
        assert "the markers in" in (zarr.fault(folder / "train.zarr", content.files["train.zarr"]) or "")
        if name == "metadata":
            with pytest.raises(DamageError, match=r"train\.shards tells \(slvm-data repair\)"):
                Reader(folder / "train.zarr", {})
        made = "train.zarr metadata" if name == "metadata" else "train.zarr shard 0"
        assert mend(folder, recipe, content) == [made], data
        assert tree(folder) == before


def test_a_dataset_is_not_finished_with_a_marker_that_is_none(tmp_path):
    """F7, before the end."""
    recipe = replace(RECIPE, train=5, val=0, test=0)
    plan = shards.Plan(recipe)
    shards.begin(plan, tmp_path / "x")
    shards.make_shard(plan, tmp_path / "x", plan.shards()[0])
    marker = tmp_path / "x/train.shards/metadata.json"
    marker.write_bytes(marker.read_bytes().replace(b"files", b"filer"))
    with pytest.raises(DamageError, match=r"train\.shards/metadata\.json is damaged: .* --overwrite"):
        shards.finish(plan, tmp_path / "x")
    folder = generate(recipe, tmp_path / "x", format="zarr")
    assert tree(folder) == tree(generate(recipe, tmp_path / "y", format="zarr"))


def test_repair_by_what_gives_other_bytes_is_refused(tmp_path):
    folder = generate(SMALL, tmp_path / "x", format="zarr")
    (folder / "train.zarr/state/c/0/0/0").unlink()
    with pytest.raises(DamageError, match="though made again: by other software than wrote it"):
        mend(folder, replace(SMALL, seed=1), manifest.read(folder))


def test_the_commands(tmp_path, command):
    folder, words = str(tmp_path / "x"), [*WORDS, "--train", "5", "--val", "2", "--test", "2", "--out", tmp_path / "x"]
    assert "others are missing: slvm-data status" in command(*words, "--shards", "0/2").stdout
    assert f"{folder}: 2 of 3 shards of pendulum; not complete" in command("status", folder).stdout
    assert json.loads(command("status", folder, "--json").stdout) == {
        "name": "pendulum", "complete": False, "done": 2, "shards": 3,
    }  # fmt: skip
    failed = command("verify", folder)
    assert (failed.returncode, failed.stderr.count("\n")) == (1, 1)
    assert "is not complete" in failed.stderr
    assert command(*words, "--shards", "1/2").returncode == 0
    assert "3 of 3 shards of pendulum; complete" in command("status", folder).stdout
    (Path(folder) / "val.zarr/state/c/0/0/0").unlink()
    assert command("verify", folder).returncode == 1
    assert "made again: val.zarr shard 0" in command("repair", folder).stdout
    assert command("verify", folder).returncode == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--shards", "3/3"], "shards = 3/3 has to be i/N, with i from 0 to N - 1"),
        (["--shards", "x"], "shards = 'x' has to be i/N, such as 0/10"),
        (["--workers", "0"], "workers = 0 has to be at least 1"),
        (["--format", "npz", "--workers", "2"], "workers, shards and dask need --format zarr"),
    ],
)
def test_refusals(tmp_path, command, options, message):
    """F24."""
    run = command(*WORDS, *options, "--out", tmp_path / "x")
    assert (run.returncode, message in run.stderr, run.stderr.count("\n")) == (2, True, 1), run.stderr
    assert not (tmp_path / "x").exists()


def test_shards_do_not_depend_on_how_many_there_are():
    """Sequence i lies in shard i // rows, whatever the size of the split."""
    few, many = (shards.Plan(replace(RECIPE, train=n)).shards()[0] for n in (5000, 10**6))
    assert (few.first, few.stop) == (many.first, many.stop)
