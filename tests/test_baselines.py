"""The baselines run on tiny datasets, and `evaluate` takes what they write; the page is written from reports."""

import copy
import dataclasses
import importlib
import importlib.util
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from slvm_data import RECIPES, Split, View, evaluate, generate, uniform
from slvm_data.metrics import probes
from slvm_data.observe.modifiers import Missing
from slvm_data.systems.timing import Thinned

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "examples/baselines"
SMALL = {"train": 24, "val": 4, "test": 6}
GREY = {"view": View(color="grey"), "record": ("clean",)}
SETS = {
    "pendulum": {"splits": {"far": Split(count=4, change={"g": uniform(4.0, 5.0)}, steps=36)}},
    "coloured": {"view": View(palette=3)},
    "gaps": {"observe": (Missing(p=0.5, keep=5),), "time": Thinned(share=0.5), **GREY},
    "mixed_physics_held_out": {"tasks": None},
    "nascar": {
        "steps": 6000,
        "train": 200,
        "test": 20,
        "windows": dataclasses.replace(RECIPES["nascar"].windows, length=20, stride=20),
    },
}


@pytest.fixture(autouse=True)
def quick_probes(monkeypatch):
    """Few rounds of the small network: its quality is tested with the metrics."""
    monkeypatch.setattr(probes, "ROUNDS", 10)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Folders of tiny datasets, by name."""
    place = tmp_path_factory.mktemp("sets")
    for name, changes in SETS.items():
        recipe = RECIPES.get(name, RECIPES["pendulum"])
        if name == "mixed_physics_held_out":  # a task with each system; the last one is held out
            tasks = [recipe.tasks[i] for i in (0, 4, 8)]
            new = {"new_system": Split(count=4, tasks=(2,))}
            changes = {"tasks": tuple(tasks), "dt": (0.25, 0.1, 0.1), "view": recipe.view_of(4)}
            changes |= {"held_out": (2,), "splits": new}
        generate(dataclasses.replace(recipe, **SMALL | changes), place / name)
    return lambda name: place / name


@pytest.fixture
def train(monkeypatch, tmp_path):
    """Runs a baseline in this process, as a script, and returns the folder of its forecasts."""
    monkeypatch.syspath_prepend(str(FOLDER))  # as the folder of a script leads the path
    threads = torch.get_num_threads()

    def run(name, folder, *words):
        out = tmp_path / "forecast"
        monkeypatch.setattr(sys, "argv", [name, str(folder), "--out", str(out), *map(str, words)])
        runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
        return out

    yield run
    torch.set_num_threads(threads)
    for name in ("training", "networks"):
        sys.modules.pop(name, None)


SPLITS = {"pendulum": {"far"}, "mixed_physics_held_out": {"new_system"}}


def error(out, folder, name, start=5):
    """Mean error on test, after a check that all splits but train have a forecast."""
    report = evaluate(out, folder, start=start)
    assert set(report.columns) == {"val", "test"} | SPLITS.get(name, set())
    numbers = report.columns["test"].numbers
    return numbers["signal_error" if name == "nascar" else "mse"].whole.mean


@pytest.mark.parametrize("name", ["pendulum", "gaps", "mixed_physics_held_out", "nascar"])
def test_the_last_frame_and_linear_dynamics(data, train, name):
    """Without gaps, what a model is shown it repeats; linear dynamics of signals beat the last of them."""
    words = ("--seen", 0 if name == "gaps" else 5)
    last = error(train("last_frame", data(name), *words), data(name), name)
    linear = error(train("dmd", data(name), *words), data(name), name)
    assert 0 < last < 0.3 if name != "nascar" else linear < 0.5 * last


def test_the_last_frame_is_the_last_that_is_there(data, train):
    folder = data("gaps")
    with np.load(train("last_frame", folder, "--seen", 0) / "test.npz") as found, np.load(folder / "test.npz") as truth:
        image, clean, mask = found["image"][:, :, 0], truth["clean"], truth["mask"]
    for i, t in np.ndindex(*mask.shape):
        before = max(s for s in range(t + 1) if mask[i, s])
        np.testing.assert_allclose(image[i, t], clean[i, before] / 255, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gaps", ("--seen", 0)),
        ("mixed_physics_held_out", ("--context", 2)),
        ("pendulum", ()),
        ("coloured", ()),
        ("nascar", ()),
    ],
)
@pytest.mark.parametrize("baseline", ["rssm", "latent_ode"])
@pytest.mark.few(7)
def test_a_model_that_is_trained(data, train, capsys, baseline, name, words):
    """Two steps each: that models learn is what docs/baselines.md shows."""
    out = train(baseline, data(name), "--steps", 2, "--batch", 4, *words)
    assert error(out, data(name), name) > 0
    assert capsys.readouterr().out.count("loss") == 2


@pytest.mark.parametrize("baseline", ["rssm", "latent_ode"])
def test_a_forecast_depends_on_the_seed_alone(data, train, baseline):
    def latents(seed):
        out = train(baseline, data("nascar"), "--steps", 2, "--batch", 4, "--seed", seed)
        with np.load(out / "test.npz", allow_pickle=False) as found:
            return found["latent"]

    first = latents(0)
    np.testing.assert_array_equal(first, latents(0))
    assert (first != latents(1)).any()


def test_clusters_as_regimes(data, train):
    out = train("regimes", data("nascar"), "--seen", 0, "--fit", "kmeans")
    report = evaluate(out, data("nascar"), start=0)
    assert report.columns["test"].numbers["accuracy"].whole.mean > 0.5


@pytest.mark.skipif(not importlib.util.find_spec("dynamax"), reason="dynamax is not installed")
def test_linear_dynamics_as_regimes(data, tmp_path):
    """In a process of its own, since what dynamax imports warns."""
    command = [sys.executable, str(FOLDER / "regimes.py"), str(data("nascar")), "--seen", "0", "--out", str(tmp_path)]
    subprocess.run(command, check=True, timeout=300, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert evaluate(tmp_path, data("nascar"), start=0).columns["test"].numbers["accuracy"].whole.mean > 0.9


@pytest.fixture(scope="module")
def script():
    """A script, imported as it is when it runs: its folder leads the path."""
    sys.path.insert(0, str(ROOT / "scripts"))
    yield importlib.import_module
    sys.path.remove(str(ROOT / "scripts"))


def run_of(errors, seconds=60.0):
    """A report of one seed, as `scripts/baselines.py` keeps it: `mse` by split, and its curve over three frames."""
    return {"seconds": seconds, "splits": {
        split: {"sequences": 8, "frames": [5, 7], "metrics": {"mse": [x, 0.9 * x, 1.1 * x]}, "curves": {"mse": [x] * 3}}
        for split, x in errors.items()
    }}  # fmt: skip


def reports(far=(0.03, 0.05)):
    """Reports of two protocols."""
    last = {"command": "last_frame.py data", "start": None, "seeds": {"0": run_of({"test": 0.1}, 2.0)}}
    model = {
        "command": "rssm.py data",
        "start": None,
        "seeds": {"0": run_of({"test": 0.01}), "1": run_of({"test": 0.02})},
    }
    ood = [run_of({"test": 0.01, "far_length": far[0], "far_gravity": 0.03}),
           run_of({"test": 0.02, "far_length": far[1], "far_gravity": 0.03})]  # fmt: skip
    about = {"start": 5}
    return {
        "pendulum": about | {"generate": "pendulum --out data", "rows": {"last frame": last, "RSSM": model}},
        "pendulum_ood": about
        | {"generate": "pendulum_ood --out data", "rows": {"RSSM": model | {"seeds": {"0": ood[0], "1": ood[1]}}}},
    }


def test_the_page_of_fixed_reports(script, tmp_path):
    module = script("baselines_page")
    module.write(reports(), tmp_path)
    page = (tmp_path / "baselines.md").read_text()
    assert "| RSSM | 0.015 [0.009, 0.022] | 2 | 60 |" in page
    assert "Incomplete" not in page
    assert "| last frame | 0.1 [0.09, 0.11] | 1 | 2 |" in page
    assert "On `pendulum`, RSSM beats the last frame: its `mse` is 0.15 of that of the last frame." in page
    assert "RSSM falls behind on `far_length`, where its `mse` is 2.75 [2.50, 3.00] times that on `test`" in page
    assert "| RSSM | 0.015 | × 2.75 [2.50, 3.00] | × 2.25 [1.50, 3.00] |" in page
    assert "python3 rssm.py data   # seeds 0, 1" in page
    assert "Training took 4 minutes" in page
    assert json.loads((tmp_path / "baselines.json").read_text()) == reports()
    assert {path.name for path in (tmp_path / "pictures/baselines").iterdir()} == {"pendulum.png", "pendulum_ood.png"}


def test_the_page_says_so_where_a_baseline_does_not_do_what_is_asked(script):
    content = reports(far=(0.01, 0.05))
    content["pendulum"]["rows"]["RSSM"]["seeds"]["1"] = run_of({"test": 0.095})
    page = script("baselines_page").page(content)
    assert "RSSM does not beat the last frame" in page
    assert "RSSM does not clearly fall behind on `far_length`" in page


def test_the_page_names_the_weak_spots(script):
    """A forecast of less error whose bodies are farther away, and one that linear dynamics beat."""
    content = reports()
    rows = content["pendulum"]["rows"]
    for row, centre in ((rows["last frame"], 3.0), (rows["RSSM"], 9.0)):
        for run in row["seeds"].values():
            run["splits"]["test"]["metrics"]["centre_distance"] = [centre, centre, centre]
    rows["linear"] = copy.deepcopy(rows["last frame"])
    for run in rows["linear"]["seeds"].values():
        run["splits"]["test"]["metrics"]["mse"] = [0.001, 0.001, 0.001]
    page = script("baselines_page").page(content)
    assert "On `pendulum`, RSSM mostly blurs" in page
    assert "its bodies are 9 px from their places, and those of the last frame 3 px" in page
    assert "On `pendulum`, linear dynamics have a lower `mse` than RSSM" in page
    assert "mostly blurs" not in script("baselines_page").page(reports())


def test_the_jobs_and_what_is_kept_of_a_report(script, data, train, tmp_path):
    module = script("baselines")
    jobs = list(module.jobs())
    assert len({job.name for job in jobs}) == len(jobs)
    assert {job.seed for job in jobs if job.label == "RSSM"} == {0, 1, 2}
    assert {job.seed for job in jobs if job.label == "linear"} == {0}
    evaluate(train("last_frame", data("pendulum")), data("pendulum")).write(tmp_path / "report.json")
    found = module.short(json.loads((tmp_path / "report.json").read_text()))
    assert set(found) == {"test", "far"}
    assert len(found["far"]["curves"]["mse"]) == 31
    assert found["test"]["metrics"]["mse"][0] == pytest.approx(np.mean(found["test"]["curves"]["mse"]), rel=1e-3)


def test_the_page_is_up_to_date(script):
    """Otherwise run scripts/baselines_page.py."""
    content = json.loads((ROOT / "docs/baselines.json").read_text())
    assert (ROOT / "docs/baselines.md").read_text() == script("baselines_page").page(content)
    assert (ROOT / "docs/baselines.json").stat().st_size < 200_000
