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

RECIPE = replace(RECIPES["pendulum"], train=30_000, val=10, test=10)
SHARDS = 30 + 1 + 1
COMMAND = [sys.executable, "-m", "slvm_data", "generate", "pendulum", "--format", "zarr"]
SIZES = ["--train", "30000", "--val", "10", "--test", "10"]


def tree(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def serial(tmp_path_factory):
    """The dataset as one process makes it, shard after shard."""
    folder = tmp_path_factory.mktemp("serial") / "pendulum"
    plan = shards.Plan(RECIPE)
    shards.begin(plan, folder)
    for shard in plan.shards():
        shards.make_shard(plan, folder, shard)
    shards.finish(plan, folder)
    return tree(folder)


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
    assert sum(".shards/" in name for name in serial) == SHARDS + 3  # and the rest of each group
    assert {"dataset.json", "README.md", "train.zarr/image/c/29/0/0", "val.zarr/zarr.json"} <= serial.keys()
    assert "plan.json" not in serial


def test_threads_parts_and_any_order_give_the_same(serial, tmp_path):
    assert tree(generate(RECIPE, tmp_path / "threads", form="zarr")) == serial
    for part in (2, 0, 1):
        carry_out(RECIPE, tmp_path / "parts", False, 1, (part, 3))
        assert status(tmp_path / "parts")["complete"] == (part == 1)
    assert tree(tmp_path / "parts") == serial


def test_processes_give_the_same(serial, tmp_path, begun):
    run = begun(tmp_path / "x", "--workers", "2")
    assert run.wait(timeout=200) == 0, (tmp_path / "errors").read_text()
    assert tree(tmp_path / "x") == serial


@pytest.mark.parametrize("seed", range(4))
def test_a_run_that_is_killed_goes_on(serial, tmp_path, begun, seed):
    """F2, with F21's signals: at a random time from when the first files are there."""
    rng, folder = random.Random(seed), tmp_path / "pendulum"
    run = begun(folder, *(["--workers", "2"] if seed % 2 else []))
    while run.poll() is None and not (folder / "plan.json").is_file():
        time.sleep(0.01)
    time.sleep(rng.uniform(0, 0.8))
    kill = [signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT][seed]
    if run.poll() is None:
        os.killpg(run.pid, kill)
        run.wait(timeout=60)
        assert run.returncode in (-kill, 128 + kill, 0)
        assert "Traceback" not in (tmp_path / "errors").read_text()
    if (folder / "plan.json").is_file():
        assert 0 <= status(folder)["done"] <= SHARDS
        with pytest.raises(DamageError, match="is not complete: run the command that began it again"):
            manifest.read(folder)
    generate(RECIPE, folder, form="zarr")
    assert tree(folder) == serial
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_workers_that_are_killed_cost_only_their_shards(tmp_path, begun):
    """F1: twenty of them, each at a random time after it has come; and F2, as the run gives up now and then."""
    rng, folder, sizes, killed = random.Random(0), tmp_path / "x", ("--train", "60000"), 0
    run = begun(folder, "--workers", "2", *sizes)
    while killed < 20 and not (folder / manifest.NAME).is_file():
        if run.poll() is not None:
            assert run.returncode == 0 or "run the same command again" in (tmp_path / "errors").read_text()
            run = begun(folder, "--workers", "2", *sizes)
        time.sleep(rng.uniform(0.1, 0.6))
        workers = _workers(run.pid) if (folder / "plan.json").is_file() else []
        if workers:
            done = status(folder)["done"]
            rng.choice(workers).kill()
            killed += 1
            assert status(folder)["done"] >= done
    run.wait(timeout=100)
    whole = replace(RECIPE, train=60_000)
    assert killed >= 10
    generate(whole, folder, form="zarr")
    assert tree(folder) == tree(generate(whole, tmp_path / "y", form="zarr"))


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


def test_another_run_may_have_finished_meanwhile(tmp_path, monkeypatch):
    """It clears away what it takes for left over; without a marker that is an error."""
    folder = generate(RECIPE, tmp_path / "x", form="zarr")
    plan = shards.Plan(RECIPE)
    shard = plan.shards()[2]

    def gone(path):
        raise FileNotFoundError(2, "No such file", str(path))

    monkeypatch.setattr(shards, "whole", gone)
    shards.make_shard(plan, folder, shard)
    (folder / "train.shards/sequences-2.json").unlink()
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
    (folder / "train.shards/sequences-3.json").unlink()
    os.truncate(folder / "train.zarr/state/c/3/0/0", 100)
    (folder / "train.shards/sequences-1.json").write_text("{")
    (folder / "train.shards/sequences-7.json").write_text("[1]")
    os.truncate(folder / "train.zarr/image/c/5/0/0", 0)  # F4, before the dataset is finished
    (folder / "train.shards/tally-6").unlink()  # the certificate wants it
    (folder / "train.zarr/image/c/1/0/0.abc.partial").write_text("half")
    assert [shard.number for shard in plan.missing(folder, plan.shards())] == [1, 3, 5, 6, 7]
    generate(RECIPE, folder, form="zarr")
    assert tree(folder) == serial


def test_what_is_complete_is_left_alone(serial, tmp_path):
    folder = generate(RECIPE, tmp_path / "x", form="zarr")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    generate(RECIPE, folder, form="zarr")
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


@pytest.mark.parametrize("complete", [True, False])
def test_another_dataset_is_refused(tmp_path, complete):
    """F11: which one the folder holds, and which was asked for."""
    small = replace(RECIPE, train=5)
    if complete:
        generate(small, tmp_path / "x", form="zarr")
    else:
        shards.begin(shards.Plan(small), tmp_path / "x")
    before = tree(tmp_path / "x")
    with pytest.raises(ValueError, match="holds pendulum with seed = 0, and seed = 7 was asked for: choose another"):
        generate(replace(small, seed=7), tmp_path / "x", form="zarr")
    assert tree(tmp_path / "x") == before
    generate(replace(small, seed=7), tmp_path / "x", form="zarr", overwrite=True)
    assert tree(tmp_path / "x") == tree(generate(replace(small, seed=7), tmp_path / "y", form="zarr"))


def test_files_of_the_user_stay(tmp_path):
    """F25."""
    (tmp_path / "x").mkdir()
    (tmp_path / "x/notes.txt").write_text("mine")
    small = replace(RECIPE, train=5)
    with pytest.raises(ValueError, match=r"already holds 'notes\.txt'"):
        generate(small, tmp_path / "x", form="zarr")
    generate(small, tmp_path / "x", form="zarr", overwrite=True)
    found = tree(tmp_path / "x")
    assert found.pop("notes.txt") == b"mine"
    assert found == tree(generate(small, tmp_path / "y", form="zarr"))


def test_a_run_removes_no_file_but_its_own(tmp_path):
    """F25, also of files that are called as ours are for a moment."""
    names = ("film.partial", ".draft.tmp", "sub/big.iso.partial", "train.zarr/mine.partial")
    for name in names:
        (tmp_path / "x" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "x" / name).write_text("mine")
    (tmp_path / "x/train.zarr").rename(tmp_path / "x/other.zarr")
    generate(replace(RECIPE, train=5), tmp_path / "x", form="zarr", overwrite=True)
    assert [(tmp_path / "x" / name).is_file() for name in (*names[:3], "other.zarr/mine.partial")] == [True] * 4


def test_overwrite_goes_on_where_it_was_begun(serial, tmp_path):
    """A job that is put back into the queue says the same again."""
    plan, folder = shards.Plan(RECIPE), generate(replace(RECIPE, train=5), tmp_path / "x", form="zarr")
    assert shards.begin(plan, folder, overwrite=True)
    shards.make_shard(plan, folder, plan.shards()[3])
    assert shards.begin(plan, folder, overwrite=True)
    assert status(folder)["done"] == 1
    assert tree(generate(RECIPE, folder, form="zarr", overwrite=True)) == serial
    with pytest.raises(ValueError, match="overwrite is not for shards = 0/2: a job would remove"):
        generate(RECIPE, folder, form="zarr", overwrite=True, part=(0, 2))


OTHERS = {
    "versions": lambda plan: plan | {"versions": plan["versions"] | {"jax": "0.0.1"}},
    "machine": lambda plan: plan | {"machine": {"backend": "cpu", "cpu": "arm64 NEON"}},
    "sources": lambda plan: plan | {"sources": {"wells.py": "0"}},
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_was_begun_by_other_software_is_not_mixed(tmp_path, what):
    """Nor what another machine began, whose last bits differ, nor another text of a system of one's own."""
    small = replace(RECIPE, train=5)
    folder = tmp_path / "x"
    shards.begin(shards.Plan(small), folder)
    content = json.loads((folder / manifest.PLAN).read_text())
    kept = {key: value for key, value in content.items() if not key.startswith("format") and key != "sha256"}
    manifest.write(folder, OTHERS[what](kept), manifest.PLAN)
    with pytest.raises(ValueError, match=f"x holds the same dataset, begun by other {what}: .* or add --overwrite"):
        generate(small, folder, form="zarr")
    assert tree(generate(small, folder, form="zarr", overwrite=True)) == tree(
        generate(small, tmp_path / "y", form="zarr")
    )


def test_a_system_that_was_changed_meanwhile(tmp_path, own_system):
    file, command = tmp_path / "mine.py", [sys.executable, "-m", "slvm_data", "generate", "mine.py", "--format", "zarr"]
    command += ["--train", "4", "--val", "1", "--test", "1"]
    file.write_text(own_system)
    subprocess.run([*command, "--shards", "0/9"], cwd=tmp_path, check=True, capture_output=True)
    file.write_text(own_system.replace("/ 2\n", "/ 3\n", 1))
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (again.returncode, again.stderr.count("\n")) == (2, 1), again.stderr
    assert "elastic holds the same dataset, begun by other sources: {'mine.py': " in again.stderr


@pytest.mark.parametrize("harm", ["bit", "cut", "gone", "marker", "tally", "number"])
def test_what_was_begun_is_mended_before_it_goes_on(serial, tmp_path, harm):
    plan, folder = shards.Plan(RECIPE), tmp_path / "x"
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
        (folder / "train.shards/rest.json").write_text("{")
    elif harm == "tally":
        os.truncate(tally, 0)
    else:
        tally.write_text(tally.read_text().replace("1", "2"))
    assert tree(generate(RECIPE, folder, form="zarr")) == serial


def test_a_folder_on_another_disk(small_disk, tmp_path):
    """By a link, and as the top of a disk itself."""
    small = replace(RECIPE, train=5)
    (small_disk / "far").mkdir()
    (tmp_path / "link").symlink_to(small_disk / "far")
    expected = tree(generate(small, tmp_path / "y", form="zarr"))
    assert tree(generate(small, tmp_path / "link", form="zarr")) == expected
    shutil.rmtree(small_disk / "far")
    assert tree(generate(small, small_disk, form="zarr")) == expected


def test_a_folder_whose_parent_must_not_be_written(tmp_path):
    own = tmp_path / "locked/own"
    own.mkdir(parents=True)
    own.parent.chmod(0o555)
    command = [*COMMAND, "--train", "5", "--val", "1", "--test", "1", "--out", str(own)]
    if os.geteuid() == 0:
        command = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override", *command]
    run = subprocess.run(command, capture_output=True, text=True, timeout=100)
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
    pass
shards.begin(plan, Path(sys.argv[1]) / "x")
"""


def test_of_several_that_create_at_once_one_does(tmp_path):
    """F12, and F10 with what follows."""
    room = tmp_path / "room"
    room.mkdir()
    runs = [subprocess.Popen([sys.executable, "-c", CREATE, str(room), str(i)]) for i in range(3)]
    while len(list(room.glob("ready*"))) < 3:
        assert all(run.poll() is None for run in runs)
        time.sleep(0.1)
    (room / "go").touch()
    assert [run.wait(timeout=60) for run in runs] == [0, 0, 0]
    assert not list(room.glob(".*"))
    small = replace(RECIPE, train=5)
    assert tree(generate(small, room / "x", form="zarr")) == tree(generate(small, tmp_path / "y", form="zarr"))


def test_who_is_slower_to_create_finds_the_other(tmp_path, monkeypatch):
    """F11 and F12 at once: between a look at the folder and the plan another process has written its own."""
    small, folder, look = replace(RECIPE, train=5), tmp_path / "x", shards.replaceable

    def slowly(*arguments):
        monkeypatch.setattr(shards, "replaceable", look)
        shards.begin(shards.Plan(replace(small, seed=7)), folder)
        return []

    monkeypatch.setattr(shards, "replaceable", slowly)
    with pytest.raises(ValueError, match="holds pendulum with seed = 7, and seed = 0 was asked for"):
        shards.begin(shards.Plan(small), folder)
    assert manifest.read(folder, manifest.PLAN)["recipe"]["seed"] == 7
    assert not list(folder.glob(".*"))


def test_two_runs_at_once_give_the_same(serial, tmp_path, begun):
    """F10."""
    runs = [begun(tmp_path / "x") for _ in range(2)]
    assert [run.wait(timeout=100) for run in runs] == [0, 0], (tmp_path / "errors").read_text()
    assert tree(tmp_path / "x") == serial


@pytest.fixture
def small_disk(tmp_path):
    """A disk of twenty megabytes, where one may be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "none", place], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize(("form", "copies"), [("zarr", 1), ("npz", 2)])
def test_a_disk_that_is_too_small_is_seen_beforehand(small_disk, tmp_path, form, copies):
    """F5: before anything is written; an .npz is put together from files of its arrays."""
    factor, one = 100, replace(RECIPE, train=3000, val=0, test=0)
    with pytest.raises(ValueError, match=r"has 0\.021 GB free: choose another place with --out, make room") as error:
        generate(replace(one, train=factor * one.train), small_disk / "x", form=form)
    told = float(re.search(r"disk/x takes about (0\.\d+) GB, and its disk", str(error.value))[1])
    size = sum(entry["bytes"] for entry in manifest.read(generate(one, tmp_path / "x", form=form))["files"].values())
    assert told == pytest.approx(copies * factor * size / 1e9, rel=0.1)
    assert not list(small_disk.iterdir())


def test_overwrite_counts_what_it_frees(tmp_path, monkeypatch):
    """F5: and keeps the old dataset where the new one has no room."""
    one = replace(RECIPE, train=3000, val=0, test=0)
    folder = generate(one, tmp_path / "x", form="zarr")
    usage, before = shutil.disk_usage(tmp_path), tree(folder)
    monkeypatch.setattr(space.shutil, "disk_usage", lambda _: usage._replace(free=500_000))
    with pytest.raises(ValueError, match=r"y takes about .* make room"):
        generate(one, tmp_path / "y", form="zarr")
    with pytest.raises(ValueError, match=r"x takes about .* make room"):
        generate(replace(one, train=9000), folder, form="zarr", overwrite=True)
    assert tree(folder) == before
    generate(replace(one, seed=7), folder, form="zarr", overwrite=True)
    assert tree(folder).keys() == before.keys()


def test_what_is_left_has_to_have_room_and_no_more(tmp_path, monkeypatch):
    """F5: of what was begun, most is there."""
    one, folder = replace(RECIPE, train=3000, val=0, test=0), tmp_path / "x"
    plan = shards.Plan(one)
    shards.begin(plan, folder)
    for shard in plan.shards()[:2]:
        shards.make_shard(plan, folder, shard)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(space.shutil, "disk_usage", lambda _: usage._replace(free=700_000))
    with pytest.raises(ValueError, match=r"y takes about .* make room"):
        generate(one, tmp_path / "y", form="zarr")
    assert (generate(one, folder, form="zarr") / manifest.NAME).is_file()


def test_a_disk_that_fills_up(serial, small_disk, tmp_path, begun):
    """F5: others have taken the room that was there; once they are gone the run goes on."""
    run = begun(small_disk / "x")
    while not (small_disk / "x/train.shards/sequences-0.json").is_file():
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
    assert 0 < status(small_disk / "x")["done"] < SHARDS
    assert tree(generate(RECIPE, small_disk / "x", form="zarr")) == serial


@pytest.mark.parametrize("form", ["zarr", "npz"])
def test_a_file_that_may_not_grow(serial, tmp_path, form):
    """F5, by a limit of the system on the size of a file."""
    command = f"ulimit -f 100; exec {' '.join([*COMMAND[:-1], form, *SIZES, '--out', str(tmp_path / 'x')])}"
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=100)
    assert (run.returncode, run.stderr.count("\n")) == (2, 1), run.stderr
    assert "File too large" in run.stderr
    if form == "npz":
        assert not (tmp_path / "x").exists()
    else:
        assert f"{tmp_path / 'x'}: File too large, at train.zarr shard" in run.stderr
        assert tree(generate(RECIPE, tmp_path / "x", form="zarr")) == serial


@pytest.mark.parametrize("options", [["zarr"], ["zarr", "--workers", "2"], ["npz"]])
def test_a_folder_that_must_not_be_written(tmp_path, options):
    """F6: one line, also where several processes meet with it."""
    (tmp_path / "locked").mkdir(mode=0o555)
    command = [*COMMAND[:-1], *options, *SIZES, "--out", str(tmp_path / "locked/x")]
    if os.geteuid() == 0:  # whom no permission stops, unless he lays his powers down
        command = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override", *command]
    run = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert (run.returncode, run.stderr.count("\n")) == (2, 1), run.stderr
    assert "Permission denied" in run.stderr
    assert str(tmp_path / "locked") in run.stderr
    assert not list((tmp_path / "locked").iterdir())


DIVERGES = """
import jax.numpy as jnp
from slvm_data import Pendulum, Recipe

class Bursts(Pendulum):
    def energy(self, q, p):
        return super().energy(q, p) * jnp.where(q[0] > 1.65, jnp.nan, 1.0)

RECIPE = Recipe(name="bursts", tasks=(Bursts(),), train=3000, val=0, test=0, steps=3)
"""


@pytest.mark.parametrize("options", [[], ["--workers", "2"], ["--dask", "local", "--workers", "1"]])
def test_a_simulation_that_diverges(tmp_path, options):
    """F13, F14, from a thread, a process, and a worker of Dask; of a system of the user's own."""
    (tmp_path / "bursts.py").write_text(DIVERGES)
    command = [*COMMAND[:4], str(tmp_path / "bursts.py"), "--format", "zarr", "--out", str(tmp_path / "x"), *options]
    run = subprocess.run(command, capture_output=True, text=True, timeout=100)
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
        generate(recipe, tmp_path / "x", form="zarr")


def broken(folder, form):
    """Damage to four files of a dataset; what is made again for it."""
    end = "" if form == "npz" else "/image/c/0/0/0"
    (folder / f"dataset_0/train.{form}{end}").write_bytes(b"nothing")
    (folder / f"dataset_1/val.{form}{end}").unlink()
    if form == "zarr":
        (folder / "dataset_2/test.zarr/state/zarr.json").unlink()
        (folder / "dataset_2/train.shards/sequences-0.json").unlink()
    return 2 if form == "npz" else 4


@pytest.mark.parametrize("form", ["npz", "zarr"])
def test_repair_makes_again_what_is_damaged_and_no_more(tmp_path, form):
    """F4."""
    recipe = replace(RECIPES["gravity3"], train=20, val=3, test=3, steps=4)
    folder = generate(recipe, tmp_path / "x", form=form)
    before, content = tree(folder), manifest.read(folder)
    assert mend(folder, recipe, content) == []
    count = broken(folder, form)
    untouched = {path: path.stat().st_mtime_ns for path in folder.rglob("test.*") if "dataset_2" not in path.parts}
    assert len(mend(folder, recipe, content)) == count
    assert tree(folder) == before
    assert all(path.stat().st_mtime_ns == when for path, when in untouched.items())


WINDOWED = {
    "parts of one path": ("nascar", {}),
    "paths that are kept": ("three_mode", {"series": True}),
    "whole paths": ("lorenz", {"whole": True, "series": True}),
}


@pytest.mark.parametrize("which", WINDOWED)
def test_windows_in_shards(tmp_path, monkeypatch, which):
    """By whomever made, they are what an .npz of them holds; with the same certificate."""
    name, cut = WINDOWED[which]
    monkeypatch.setattr(zarr, "SHARD", 1)
    windows = replace(RECIPES[name].windows, **cut)
    sizes = {"train": 300, "val": 70, "test": 10, "steps": 100 if name == "lorenz" else 2000}
    recipe = replace(RECIPES[name], windows=windows, **sizes)
    folder = generate(recipe, tmp_path / "x", form="zarr")
    for part in (1, 0):
        carry_out(recipe, tmp_path / "parts", False, None, (part, 2))
    assert tree(tmp_path / "parts") == tree(folder)
    plain = generate(recipe, tmp_path / "plain")
    for split in ("train", "val", "test"):
        found = zarr.read(folder / f"{split}.zarr")
        with np.load(plain / f"{split}.npz") as data:
            assert found.keys() == set(data)
            for key, array in found.items():
                np.testing.assert_array_equal(array, data[key])
    assert manifest.read(folder)["certificate"] == manifest.read(plain)["certificate"]
    assert status(folder)["shards"] == len(shards.Plan(recipe).shards()) >= 8


def test_repair_of_windows(tmp_path):
    recipe = replace(RECIPES["three_mode"], train=20, val=3, test=3)
    recipe = replace(recipe, windows=replace(recipe.windows, series=True))
    folder = generate(recipe, tmp_path / "x", form="zarr")
    before = tree(folder)
    (folder / "train.zarr/queries/c/0/0/0").unlink()
    (folder / "val.shards/rest.json").unlink()
    os.truncate(folder / "test.zarr/signal/c/0/0/0", 10)
    made = ["train.zarr shard 0", "val.zarr metadata", "test.zarr path 0"]
    assert mend(folder, recipe, manifest.read(folder)) == made
    assert tree(folder) == before


OF_A_MARKER = [("files", "filer"), ("sha256", "shb256"), ("bytes", "bytec"), ("zarr", "zasr"), ("{", "[")]
OF_A_SHARD = [("first", "figst"), ("stop", "suop"), ('"first": 0', '"first": 1'), ('"stop": 5', '"stop": 7')]


@pytest.fixture(scope="module")
def five(tmp_path_factory):
    return generate(replace(RECIPE, train=5, val=2, test=0), tmp_path_factory.mktemp("five") / "x", form="zarr")


@pytest.mark.parametrize("name", ["rest", "sequences-0"])
def test_a_flipped_bit_in_a_marker(five, tmp_path, name):
    """F7: it is named, whatever it hits, and that shard or the metadata made again."""
    folder, before = shutil.copytree(five, tmp_path / "x"), tree(five)
    marker = folder / f"train.shards/{name}.json"
    good, rng = marker.read_bytes(), random.Random(0)
    flips = OF_A_MARKER if name == "rest" else [*OF_A_MARKER[:3], *OF_A_SHARD]
    bad = [good.replace(old.encode(), new.encode(), 1) for old, new in flips]
    assert good not in bad
    bad += [b"[1]", b'{"files": []}', b"[" * 10**5]
    for _ in range(20):
        at = rng.randrange(len(good))
        bad.append(good[:at] + bytes([good[at] ^ 1 << rng.randrange(8)]) + good[at + 1 :])
    content, recipe = manifest.read(folder), replace(RECIPE, train=5, val=2, test=0)
    for data in bad:
        marker.write_bytes(data)
        assert "the markers in" in (zarr.fault(folder / "train.zarr", content["files"]["train.zarr"]) or "")
        if name == "rest":
            with pytest.raises(DamageError, match=r"train\.shards tells \(slvm-data repair\)"):
                Reader(folder / "train.zarr", {})
        made = "train.zarr metadata" if name == "rest" else "train.zarr shard 0"
        assert mend(folder, recipe, content) == [made], data
        assert tree(folder) == before


def test_a_dataset_is_not_finished_with_a_marker_that_is_none(tmp_path):
    """F7, before the end."""
    recipe = replace(RECIPE, train=5, val=0, test=0)
    plan = shards.Plan(recipe)
    shards.begin(plan, tmp_path / "x")
    shards.make_shard(plan, tmp_path / "x", plan.shards()[0])
    rest = tmp_path / "x/train.shards/rest.json"
    rest.write_bytes(rest.read_bytes().replace(b"files", b"filer"))
    with pytest.raises(DamageError, match=r"train\.shards/rest\.json is damaged: .* --overwrite"):
        shards.finish(plan, tmp_path / "x")
    folder = generate(recipe, tmp_path / "x", form="zarr")
    assert tree(folder) == tree(generate(recipe, tmp_path / "y", form="zarr"))


def test_repair_by_what_gives_other_bytes_is_refused(tmp_path):
    recipe = replace(RECIPE, train=5)
    folder = generate(recipe, tmp_path / "x", form="zarr")
    (folder / "train.zarr/state/c/0/0/0").unlink()
    with pytest.raises(DamageError, match="though made again: by other software than wrote it"):
        mend(folder, replace(recipe, seed=1), manifest.read(folder))


def command(*words):
    return subprocess.run([sys.executable, "-m", "slvm_data", *words], capture_output=True, text=True, timeout=120)


def test_the_commands(tmp_path):
    folder, small = str(tmp_path / "x"), ["--train", "5", "--val", "2", "--test", "2"]
    assert (
        "others are missing: slvm-data status"
        in command(*COMMAND[3:], *small, "--out", folder, "--shards", "0/2").stdout
    )
    assert f"{folder}: 2 of 3 shards of pendulum; not complete" in command("status", folder).stdout
    assert json.loads(command("status", folder, "--json").stdout) == {
        "name": "pendulum", "complete": False, "done": 2, "shards": 3,
    }  # fmt: skip
    failed = command("verify", folder)
    assert (failed.returncode, failed.stderr.count("\n")) == (1, 1)
    assert "is not complete" in failed.stderr
    assert command(*COMMAND[3:], *small, "--out", folder, "--shards", "1/2").returncode == 0
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
        (["--format", "npz", "--workers", "2"], "workers, shards and dask are of --format zarr"),
    ],
)
def test_refusals(tmp_path, options, message):
    """F24."""
    run = command(*COMMAND[3:], *options, "--out", str(tmp_path / "x"))
    assert (run.returncode, message in run.stderr, run.stderr.count("\n")) == (2, True, 1), run.stderr
    assert not (tmp_path / "x").exists()


def test_shards_do_not_depend_on_how_many_there_are():
    """Sequence i lies in shard i // rows, whatever the size of the split."""
    few, many = (shards.Plan(replace(RECIPE, train=n)).shards()[0] for n in (5000, 10**6))
    assert (few.first, few.stop) == (many.first, many.stop)
