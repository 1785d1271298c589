"""Units made by Dask: on this machine, by a scheduler that runs elsewhere, by jobs of SLURM."""

import contextlib
import functools
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace

import dask
import psutil
import pytest

from slvm_data import RECIPES, generate
from slvm_data.store import formats, manifest
from slvm_data.store.journal import status, units_of
from slvm_data.store.testing import tree

FEW = {  # of three units, and of nine
    "zarr": replace(RECIPES["pendulum"], train=4500, val=0, test=0),
    "npz": replace(RECIPES["pendulum3"], train=20, val=10, test=10),
}
COMMAND = [sys.executable, "-m", "slvm_data", "generate"]
SIZES = ["--val", "10", "--test", "10"]
LONG = [*COMMAND, "pendulum", "--format", "zarr", "--train", "15000", *SIZES]


def finished(folder):
    """Number of finished units of a dataset that is not complete."""
    return len(list(units_of(folder).glob("*.json")))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The datasets of `FEW`, by one quiet process."""
    place = tmp_path_factory.mktemp("small")
    return functools.cache(lambda form: tree(generate(FEW[form], place / form, format=form)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "name", "train"), [("zarr", "pendulum", 15_000), ("npz", "mixed_physics_iclr2025", 10)]
)
def test_three_workers_of_which_one_is_killed_every_few_seconds(tmp_path, form, name, train):
    """F1: each time when they are at work; the dataset is, byte for byte, that of one quiet process."""
    folder, rng, killed = tmp_path / "x", random.Random(0), 0
    with (tmp_path / "errors").open("w") as errors:
        command = [*COMMAND, name, "--format", form, "--train", str(train), *SIZES, "--out", str(folder)]
        command += ["--dask", "local", "--workers", "3"]
        run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
    while run.poll() is None:
        time.sleep(0.01)
        done = finished(folder)
        if done > 4 * killed < 12 and (workers := _workers(run.pid)) and run.poll() is None:
            rng.choice(workers).kill()
            killed += 1
            assert finished(folder) >= done
    assert run.returncode == 0, (tmp_path / "errors").read_text()
    assert killed == 3
    recipe = replace(RECIPES[name], train=train, val=10, test=10)
    assert tree(folder) == tree(generate(recipe, tmp_path / "y", format=form))


def _workers(pid):
    try:
        children = psutil.Process(pid).children(recursive=True)
        return [child for child in children if "spawn_main" in " ".join(child.cmdline())]
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []


@contextlib.contextmanager
def begun_in(place, workers):
    """Address and process of a scheduler with workers, which know of a recipe no more than they are sent."""
    dask, meeting, there = [sys.executable, "-m", "dask"], place / "scheduler.json", place / "there"
    there.mkdir()
    with (place / "log").open("w") as log:
        streams = {"stdout": log, "stderr": log, "cwd": there}
        begin = [*dask, "scheduler", "--scheduler-file", meeting, "--port", "0", "--no-dashboard"]
        processes = [subprocess.Popen([*begin, "--host", "127.0.0.1"], **streams)]
        worker = [*dask, "worker", "--scheduler-file", meeting, "--no-dashboard"]
        processes.append(subprocess.Popen([*worker, "--nworkers", workers, "--nthreads", "1"], **streams))
    try:
        while not meeting.is_file() or not meeting.read_text().strip():
            assert processes[0].poll() is None, (place / "log").read_text()
            time.sleep(0.02)
        yield json.loads(meeting.read_text())["address"], processes[0]
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(timeout=30)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """The address of one that stays."""
    with begun_in(tmp_path_factory.mktemp("scheduler"), "2") as (address, _):
        yield address


@pytest.mark.parametrize("form", formats.OWN)
def test_a_scheduler_that_runs_elsewhere(small, tmp_path, scheduler, form):
    assert tree(generate(FEW[form], tmp_path / "x", format=form, dask=scheduler)) == small(form)


BESIDE = """
from mysys import Mine
from slvm_data import Recipe

RECIPE = Recipe(name="mine", tasks=(Mine(),), train=20, val=5, test=0, steps=4)
"""
MINE = "from slvm_data import Pendulum\n\nclass Mine(Pendulum):\n    pass\n"


def test_a_system_that_is_defined_beside_the_recipe(tmp_path, scheduler):
    """It goes along to other machines; what is not installed there is said in one sentence."""
    for name, text in (("mine/recipe.py", BESIDE), ("mine/mysys.py", MINE), ("site-packages/rare.py", "SIZE = 1\n")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    def made(name):
        command = [*COMMAND, "mine/recipe.py", "--dask", scheduler, "--out", name]
        env = {**os.environ, "PYTHONPATH": str(tmp_path / "site-packages")}
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env, timeout=100)

    run = made("x")
    assert run.returncode == 0, run.stderr
    assert manifest.read(tmp_path / "x").files["train.npz"].rows == 20
    uses = "def energy(self, q, p):\n        return rare.SIZE * super().energy(q, p)"
    (tmp_path / "mine/mysys.py").write_text(f"import rare\n\n{MINE.replace('pass', uses)}")
    error = refused(made("y"), tmp_path / "y")
    assert "No module named 'rare' on " in error
    assert error.endswith("install what defines the system there too")


def test_a_scheduler_that_goes_away(tmp_path):
    """F2: one sentence, and the same command goes on."""
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    with begun_in(tmp_path, "1") as (address, process):
        command = [*LONG, "--out", "x", "--dask", address]
        with subprocess.Popen(command, cwd=tmp_path, **streams) as run:
            _wait_for_a_unit(run, tmp_path / "x")
            process.kill()
            errors = run.communicate(timeout=100)[1]
    errors = [line for line in errors.splitlines() if "it/s" not in line]
    assert run.returncode == 1, errors
    assert len(errors) == 1, errors
    assert f"x: the scheduler at {address} went away: run the same command again to go on" in errors[0]
    assert 0 < status(tmp_path / "x").done < status(tmp_path / "x").units


def test_interrupted(tmp_path):
    """F21: workers of this machine say nothing, and are gone."""
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    command = [*LONG, "--out", str(tmp_path / "x"), "--dask", "local", "--workers", "2"]
    with subprocess.Popen(command, **streams) as run:
        _wait_for_a_unit(run, tmp_path / "x")
        workers = _workers(run.pid)
        os.killpg(run.pid, signal.SIGINT)
        errors = run.communicate(timeout=100)[1]
    assert run.returncode == 130
    assert "Traceback" not in errors
    assert len(workers) == 2
    assert not [worker for worker in workers if worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE]


def _wait_for_a_unit(run, folder):
    while not finished(folder):
        assert run.poll() is None
        time.sleep(0.02)


SBATCH = """#!/bin/sh
for last; do :; done
cp "$last" "$last.kept"
sh "$last.kept" > {place}/job-$$ 2>&1 &
echo "Submitted batch job $!"
"""
SLURM = {
    "DASK_JOBQUEUE__SLURM__CORES": "1",
    "DASK_JOBQUEUE__SLURM__MEMORY": "2GB",
    "DASK_JOBQUEUE__SLURM__INTERFACE": "lo",
    "DASK_JOBQUEUE__SLURM__SCHEDULER_OPTIONS": "{'dashboard_address': ''}",
}


def test_jobs_of_slurm(small, tmp_path):
    """Of a stand-in for its two commands, which starts and ends jobs on this machine."""
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "sbatch").write_text(SBATCH.format(place=tmp_path))
    (commands / "scancel").write_text('#!/bin/sh\nkill "$@"\n')
    for command in commands.iterdir():
        command.chmod(0o755)
    env = {**os.environ, **SLURM, "PATH": f"{commands}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)}
    words = ["pendulum", "--format", "zarr", "--train", "4500", "--val", "0", "--test", "0"]
    command = [*COMMAND, *words, "--out", str(tmp_path / "x"), "--dask", "slurm", "--workers", "2"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env, timeout=150)
    jobs = list(tmp_path.glob("job-*"))
    assert run.returncode == 0, run.stderr + "".join(job.read_text() for job in jobs)
    assert len(jobs) >= 2
    assert tree(tmp_path / "x") == small("zarr")


def refused(run, folder):
    """The sentence of a run that was refused."""
    (error,) = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
    assert run.returncode == 2, run.stderr
    assert not folder.exists()
    return error


def test_refusals(tmp_path, command):
    """F24."""
    words = ["pendulum", *SIZES, "--out", tmp_path / "x", "--dask"]
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        run = command("generate", *words, "tcp://127.0.0.1:1")
    assert "dask = tcp://127.0.0.1:1: no scheduler answers there" in refused(run, tmp_path / "x")
    run = subprocess.run([*COMMAND, *words, "slurm"], capture_output=True, text=True, timeout=100)
    assert "dask = slurm: " in (error := refused(run, tmp_path / "x"))
    assert "describe a job in ~/.config/dask/jobqueue.yaml" in error


@pytest.mark.parametrize(
    ("package", "extra", "where"), [("distributed", "dask", "local"), ("dask_jobqueue", "slurm", "slurm")]
)
def test_without_the_packages(tmp_path, monkeypatch, package, extra, where):
    monkeypatch.setitem(sys.modules, package, None)
    for name in ("dask_cluster", "slurm"):
        monkeypatch.delitem(sys.modules, f"slvm_data.run.executors.{name}", raising=False)
    with pytest.raises(ValueError, match=rf"{extra} needs a package .* pip install 'slvm-data\[{extra}\]'"):
        generate(replace(FEW["npz"], train=5), tmp_path / "x", dask=where)
    assert not (tmp_path / "x").exists()
