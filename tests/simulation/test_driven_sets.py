"""Datasets with irregular times, control and drift: the same bytes on every road, and truths that fit each other."""

import dataclasses

import numpy as np
import pytest
import torch

from slvm_data import RECIPES, generate, render, sample, simulate, uniform
from slvm_data.cli import find, main
from slvm_data.load import Episodes, Sequences, Stream
from slvm_data.observe.windowing import Windowing
from slvm_data.simulation.batch import frame_buffer, make, prepare
from slvm_data.simulation.certificate import Tally, certify
from slvm_data.simulation.member import drift_of, energies
from slvm_data.simulation.sequences import forms
from slvm_data.store import manifest
from slvm_data.systems import drift
from slvm_data.systems.control import Held
from slvm_data.systems.drift import Jump, Ramp
from slvm_data.systems.timing import Jittered
from slvm_data.view import plot
from slvm_data.view.command_line import command
from slvm_data.view.dataset import of_folder, of_recipe
from slvm_data.view.payload import numbers, payload

WORDS = (
    *("--time", "jittered(share=0.9)", "--control", "held(low=-1,high=1,steps=3)"),
    *("--drift", "jump(of=l,to=1.2..1.5,at=0.3..0.7)", "--drift", "sine(of=m,to=0.3,cycles=1..2)"),
    *("--record", "energy,dx_dt", "--train", 80, "--val", 0, "--test", 0, "--steps", 12),
)
DRIVEN = dataclasses.replace(
    RECIPES["pendulum"],
    tasks=(dataclasses.replace(RECIPES["pendulum"].tasks[0], friction=0.05),),
    time=Jittered(share=0.9),
    control=Held(steps=3),
    drift=(Jump(of="l", to=uniform(1.2, 1.5)), drift.Sine(of="m", to=0.3, cycles=uniform(1.0, 2.0))),
    record=("energy", "dx_dt"),
    train=80,
    val=0,
    test=0,
    steps=12,
)
BALLS = dataclasses.replace(
    RECIPES["gravity"],
    control=Held(low=-3.0, high=3.0),
    drift=(Jump(of="g", to=(0.0, uniform(-4.0, 0.0))),),
    record=("events", "energy", "dx_dt"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return generate(DRIVEN, tmp_path_factory.mktemp("driven") / "npz")


@pytest.fixture(scope="module")
def rows(folder):
    """All sequences, and a list of each for itself."""
    with np.load(folder / "train.npz") as data:
        every = dict(data)
    return every, [{name: array[i] for name, array in every.items()} for i in range(80)]


def test_the_command_line_writes_the_same(folder, tmp_path, ended):
    assert ended(main, "generate", "pendulum", "friction=0.05", *WORDS, "--out", tmp_path / "x") == 0
    assert (tmp_path / "x/train.npz").read_bytes() == (folder / "train.npz").read_bytes()
    assert find(str(folder / "dataset.json")) == DRIVEN
    made = of_folder(tmp_path / "x")
    assert made.recipe.drift == DRIVEN.drift
    rules = "--time 'jittered(share=0.9)' --control 'held(steps=3)' --drift 'jump(of=l,to=1.2..1.5)' --drift 'sine("
    assert rules in command(made)


def test_one_sequence_is_the_same_alone_in_any_batch_and_in_every_format(rows, folder, tmp_path):
    every, _ = rows
    found = [sample(DRIVEN, index=[77])]
    inputs = prepare(DRIVEN, 0, "train")
    for size in (3, 512):
        made = make(DRIVEN, 0, "train", inputs, np.arange(75, 78), frame_buffer(DRIVEN, size)).arrays
        found.append({name: array[2:] for name, array in made.items()})
    zarr = of_folder(generate(DRIVEN, tmp_path / "x", format="zarr")).rows(0, "train", [77])
    found.append(zarr)
    for one in found:
        assert one.keys() == every.keys()
        for name, array in every.items():
            np.testing.assert_array_equal(one[name], array[77:78], err_msg=name)
    assert list(every)[3:8] == ["time", "param_friction", "param_m", "param_g", "param_l"]
    assert [name for name in every if "drift" in name or name == "control"] == [
        *("control", "drift_l", "drift_m", "drift_time", "drift_to_l", "drift_to_m")
    ]


def test_verify_and_repair(folder, tmp_path, ended):
    copy = generate(DRIVEN, tmp_path / "x")
    whole = (copy / "train.npz").read_bytes()
    assert ended(main, "verify", copy) == 0
    (copy / "train.npz").write_bytes(whole[:-100])
    assert ended(main, "verify", copy) == 1
    assert ended(main, "repair", copy) == 0
    assert (copy / "train.npz").read_bytes() == whole == (folder / "train.npz").read_bytes()


def test_arrays_are_as_documented(rows, folder, in_the_table):
    every, _ = rows
    in_the_table(every, 80, 12)
    arrays = manifest.read(folder).arrays
    assert [arrays[name].unit for name in ("control", "drift_l", "drift_to_m", "time")] == ["N m", "m", "kg", "s"]
    text = (folder / "README.md").read_text()
    for rule in ("jittered(share=0.9)", "held(steps=3)", "jump(of=l,to=1.2..1.5)"):
        assert f"\n* `{rule}" in text


def test_parameters_go_where_they_say(rows):
    _, each = rows
    for row in each:
        t, (jump, first) = row["time"], row["drift_time"]
        assert 0.3 * t[-1] - 1e-6 <= jump <= 0.7 * t[-1] + 1e-6
        np.testing.assert_array_equal(row["drift_l"], np.where(t < jump, row["param_l"], row["drift_to_l"]))
        share = (1 - np.cos(np.pi * t / first)) / 2
        wanted = row["param_m"] + (row["drift_to_m"].astype(float) - row["param_m"]) * share
        np.testing.assert_allclose(row["drift_m"], wanted, rtol=1e-7)
        assert 1 - 1e-6 <= t[-1] / (2 * first) <= 2 + 1e-6


def test_what_is_stored_can_be_simulated_and_drawn_again(rows):
    """Bit for bit, with the numbers of the file alone."""
    population = DRIVEN.reach(0)
    for row in rows[1][:20]:
        own = {name: row[f"param_{name}"] for name in population.parameters()}
        acting = {"control": row["control"], "drift": drift_of(DRIVEN.drift, row)}
        states = simulate(population, own, row["state"][0], row["time"], **acting)
        np.testing.assert_array_equal(states.astype(np.float32), row["state"])
        moving = {"l": row["drift_l"], "m": row["drift_m"]}
        np.testing.assert_array_equal(render(population, own, row["state"], drift=moving, color="binary"), row["image"])
        np.testing.assert_allclose(energies(population, own, row["state"], moving), row["energy"], rtol=1e-5, atol=1e-6)


def test_energy_and_slope_are_what_one_writes_by_hand(rows):
    every, _ = rows
    (q, p), m, l = every["state"].astype(float).transpose(2, 0, 1), every["drift_m"], every["drift_l"]
    energy = m * 3 * l * (1 - np.cos(q)) + p**2 / (2 * m * l**2)
    np.testing.assert_allclose(every["energy"], energy, rtol=1e-5, atol=1e-6)
    turn = p / (m * l**2)
    push = -m * 3 * l * np.sin(q) - 0.05 * turn + every["control"][..., 0]
    np.testing.assert_allclose(every["dx_dt"], np.stack([turn, push], axis=-1), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("recipe", [DRIVEN, BALLS], ids=["pendulum", "balls"])
def test_energy_changes_by_friction_control_and_drift_alone(recipe):
    entry = certify(recipe, 0, "train", Tally(recipe.tasks[0]))
    assert entry.energy_drift < 1e-8
    assert entry.error is None or entry.error < 1e-8


def test_balls_have_their_impacts_and_the_view_finds_them_again():
    arrays = sample(BALLS, index=slice(0, 16))
    bare = of_recipe(dataclasses.replace(BALLS, record=())).rows(0, "train", list(range(16)))
    assert (arrays["event_wall"] >= 0).sum() > 16
    assert (arrays["event_wall"][:, -1] == -1).all()
    n = arrays["event_wall"].shape[1]
    for name in ("event_time", "event_wall", "event_before", "event_after"):
        np.testing.assert_allclose(bare[name][:, :n], arrays[name], rtol=1e-6, err_msg=name)
    np.testing.assert_allclose(bare["energy"], arrays["energy"], rtol=1e-5)
    few = make(BALLS, 0, "train", prepare(BALLS, 0, "train"), np.arange(13, 16), frame_buffer(BALLS, 3)).arrays
    for name, array in few.items():
        np.testing.assert_array_equal(array, arrays[name][13:], err_msg=name)
    g = arrays["drift_g"] + arrays["control"]
    np.testing.assert_allclose(arrays["dx_dt"][..., 2:], g, rtol=1e-6, atol=1e-6)  # no ball lies on a wall
    assert not np.array_equal(*BALLS.reach(0).range_of("g"))


@pytest.mark.usefixtures("streams_as_files")
def test_loaders_and_the_stream_hand_everything(folder, rows):
    every, _ = rows
    dataset = Sequences(folder)
    batch = dataset.__getitems__(range(80)).collated()
    names = ["time", "control", "drift_l", "drift_m", "drift_time", "drift_to_l"]
    for name in names:
        np.testing.assert_array_equal(batch[name].numpy(), every[name])
    streamed = next(iter(Stream(DRIVEN, batch=128)))
    for name in batch.keys() - {"index"}:
        assert torch.equal(streamed[name][:80], batch[name]), name
    window = Sequences(folder, window=5, stride=5)[1]
    for name in ("time", "control", "drift_l", "state"):
        np.testing.assert_array_equal(window[name].numpy(), every[name][0, 5:10])
    episode = Episodes(folder, context=2)[0]
    assert episode["context_time"].shape == (2, 12)
    assert episode["context_control"].shape == (2, 12, 1)


def test_windows_keep_their_times_and_drifts():
    """Cut from a trajectory whose times and arms are its own."""
    recipe = dataclasses.replace(
        RECIPES["switching_double_pendulum"],
        steps=60,
        train=9,
        val=0,
        test=0,
        windows=Windowing(length=7, contexts=2, spacing=5, shares=(1.0, 0.0, 0.0), gap=0, series=True),
        time=Jittered(share=0.8),
        drift=(Ramp(of="l", to=1.4),),
    )
    arrays, (_, uncut) = sample(recipe, index=slice(0, 9)), forms(recipe, 0, "train")
    assert {"time", "drift_l", "drift_time", "drift_to_l"} <= uncut.keys()
    time, lead = arrays["time"], recipe.windows.lead
    assert time[0, 0] > 0.5 * lead * recipe.dt
    np.testing.assert_array_equal(time[1:, :-1], time[:-1, 1:])  # one frame from window to window
    np.testing.assert_array_equal(arrays["domain_time"][7, 1], time[0])  # the last context ends where its query begins
    np.testing.assert_array_equal(arrays["domain_time"][5:, 0], arrays["domain_time"][:-5, 1])
    l1, l2 = arrays["drift_l"][..., 0], arrays["drift_l"][..., 1]
    x1, y1, x2, y2 = arrays["latents"].astype(float).transpose(2, 0, 1)
    np.testing.assert_allclose(np.hypot(x1, y1), l1, rtol=1e-6)
    np.testing.assert_allclose(np.hypot(x2 - x1, y2 - y1), l2, rtol=1e-6)
    assert 1.05 < l1.min() < l1.max() < 1.4
    (shown,) = payload(of_recipe(recipe), 0, "train", [7])
    assert [one["time"] for one in shown["context"]] == [numbers(time) for time in arrays["domain_time"][7]]
    shapes = [np.shape(own.get_array()) for axes in plot(recipe, index=7).axes for own in axes.collections]
    assert (8, recipe.windows.lead + 7) in shapes  # the signal, each column as wide as its time
