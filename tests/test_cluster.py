"""Shards made by Dask: on this machine, by a scheduler that runs elsewhere, by jobs of SLURM."""

import json
import os
import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from slvm_data import RECIPES, generate
from slvm_data.store import manifest
from slvm_data.store.folder import status

RECIPE = replace(RECIPES["pendulum"], train=40_000, val=10, test=10)
COMMAND = [sys.executable, "-m", "slvm_data", "generate", "pendulum", "--format", "zarr"]
COMMAND += ["--train", "40000", "--val", "10", "--test", "10"]
SMALL = ["--train", "3000", "--val", "0", "--test", "0"]


def tree(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """What the commands with these sizes have to give."""
    recipe = replace(RECIPE, train=3000, val=0, test=0)
    return tree(generate(recipe, tmp_path_factory.mktemp("small") / "x", form="zarr"))


@pytest.mark.slow
def test_three_workers_of_which_one_is_killed_every_few_seconds(tmp_path):
    """F1: the dataset is, byte for byte, that of one quiet process."""
    folder, rng, killed = tmp_path / "x", random.Random(0), 0
    with (tmp_path / "errors").open("w") as errors:
        command = [*COMMAND, "--out", str(folder), "--dask", "local", "--workers", "3"]
        run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
    while run.poll() is None:
        time.sleep(2)
        workers = _workers(run.pid) if (folder / "plan.json").is_file() else []
        if workers and run.poll() is None:
            done = status(folder)["done"]
            rng.choice(workers).kill()
            killed += 1
            assert status(folder)["done"] >= done
    assert run.returncode == 0, (tmp_path / "errors").read_text()
    assert killed >= 3
    assert tree(folder) == tree(generate(RECIPE, tmp_path / "y", form="zarr"))


def _workers(pid):
    try:
        children = psutil.Process(pid).children(recursive=True)
        return [child for child in children if "spawn_main" in " ".join(child.cmdline())]
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []


def test_a_scheduler_that_runs_elsewhere(small, tmp_path):
    """Two workers of its own, which know of the recipe no more than they are sent."""
    dask, meeting = str(Path(sys.executable).parent / "dask"), tmp_path / "scheduler.json"
    with (tmp_path / "log").open("w") as log:
        streams = {"stdout": log, "stderr": log, "cwd": tmp_path}
        begin = [dask, "scheduler", "--scheduler-file", meeting, "--port", "0", "--no-dashboard"]
        processes = [subprocess.Popen([*begin, "--host", "127.0.0.1"], **streams)]
        worker = [dask, "worker", "--scheduler-file", meeting, "--no-dashboard", "--nworkers", "2", "--nthreads", "1"]
        processes.append(subprocess.Popen(worker, **streams))
    try:
        while not meeting.is_file() or not meeting.read_text().strip():
            assert processes[0].poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.1)
        address = json.loads(meeting.read_text())["address"]
        command = [*COMMAND, *SMALL, "--out", "x", "--dask", address]
        run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=100)
        assert run.returncode == 0, run.stderr + (tmp_path / "log").read_text()
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(timeout=30)
    assert tree(tmp_path / "x") == small


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
    command = [*COMMAND, *SMALL, "--out", str(tmp_path / "x"), "--dask", "slurm", "--workers", "2"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env, timeout=150)
    jobs = list(tmp_path.glob("job-*"))
    assert run.returncode == 0, run.stderr + "".join(job.read_text() for job in jobs)
    assert len(jobs) >= 2
    assert tree(tmp_path / "x") == small


def refused(tmp_path, *options, **more):
    run = subprocess.run(
        [*COMMAND, *SMALL, "--out", "x", *options], capture_output=True, text=True, cwd=tmp_path, timeout=100, **more
    )
    errors = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
    assert (run.returncode, len(errors)) == (2, 1), run.stderr
    assert not (tmp_path / "x" / manifest.NAME).exists()
    return errors[0]


def test_refusals(tmp_path):
    """F24."""
    impatient = {**os.environ, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "1s"}
    error = refused(tmp_path, "--dask", "tcp://127.0.0.1:1", env=impatient)
    assert "dask = tcp://127.0.0.1:1: no scheduler answers there" in error
    assert "dask = slurm: " in (error := refused(tmp_path, "--dask", "slurm"))
    assert "describe a job in ~/.config/dask/jobqueue.yaml" in error


def test_without_the_packages(tmp_path, monkeypatch):
    for name, extra, where in (("distributed", "dask", "local"), ("dask_jobqueue", "slurm", "slurm")):
        monkeypatch.setitem(sys.modules, name, None)
        sys.modules.pop("slvm_data.cluster", None)
        with pytest.raises(ValueError, match=rf"dask = {where} needs a package .* pip install 'slvm-data\[{extra}\]'"):
            generate(replace(RECIPE, train=5), tmp_path / "x", form="zarr", dask=where)
        monkeypatch.undo()
    assert not (tmp_path / "x").exists()
