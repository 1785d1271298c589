"""Modifiers in a dataset: what is stored, whoever makes it, in batches of any size and in every way to read it."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from slvm_data import RECIPES, View, generate, sample
from slvm_data.arrays import info, pictures
from slvm_data.core.draws import Draws
from slvm_data.load import Sequences, Stream
from slvm_data.observe.modifiers import (
    Background,
    BitFlips,
    CameraWalk,
    Clutter,
    CorrelatedNoise,
    Distractors,
    Emission,
    Light,
    Missing,
    MissingBlock,
    Modifier,
    Occluder,
    PixelNoise,
    Sector,
    SignalNoise,
    StateNoise,
)
from slvm_data.observe.windowing import Windowing
from slvm_data.recipe.serialisation import from_stored
from slvm_data.run.repair import mend
from slvm_data.run.verification import faults
from slvm_data.simulation.batch import make, prepare
from slvm_data.simulation.certificate import Tally
from slvm_data.store import manifest
from slvm_data.view.dataset import of_folder, of_recipe
from slvm_data.view.figure import plot
from slvm_data.view.payload import payload
from slvm_data.view.summary import summary

PLAIN = dataclasses.replace(
    RECIPES["pendulum"], train=90, val=2, test=1, steps=6, view=View(size=12, color="grey"), seed=5
)
OBSERVE = (
    *(StateNoise(), Background(kind="moving"), Clutter(n=2), Distractors(n=2, clean=2), Light(), CameraWalk()),
    *(CorrelatedNoise(quarters=True, clean=1), PixelNoise(), PixelNoise(sigma=0.02), Occluder(moving=True), Sector()),
    *(Emission(kind="mlp", channels=3), SignalNoise(), Missing(keep=1), MissingBlock(length=2)),
)
ALL = dataclasses.replace(PLAIN, observe=OBSERVE, record=("clean", "energy"))
FORMS = ("npz", "zarr")


@pytest.fixture(scope="module", params=FORMS)
def written(request, tmp_path_factory):
    """A dataset with all modifiers that grey frames have."""
    return generate(ALL, tmp_path_factory.mktemp("observed") / request.param, format=request.param)


def equal(found, expected):
    assert found.keys() == expected.keys()
    for name in expected:
        assert found[name].dtype == expected[name].dtype
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


def test_all_modifiers_are_here():
    kinds = {type(one) for one in OBSERVE}
    own = {kind for kind in Modifier.members.values() if kind.__module__.startswith("slvm_data.")}
    assert own == kinds | {BitFlips}


@pytest.mark.usefixtures("streams_as_files")
def test_sequence_77_alone_is_that_of_the_file_and_of_the_stream(written, in_the_table):
    rows = of_folder(written).rows(0, "train", range(90))
    in_the_table({name: rows[name] for name in rows}, 90, 6)
    equal(sample(ALL, index=77), {name: array[77] for name, array in rows.items()})
    loaded, batches = Sequences(written), list(itertools.islice(Stream(ALL, batch=32), 3))
    streamed = {name: torch.cat([batch[name] for batch in batches])[:90] for name in batches[0]}
    every = loaded.__getitems__(range(90)).collated()
    for name in every.keys() - {"index"}:
        assert torch.equal(streamed[name], every[name]), name
        stored = rows[name] * np.float32(1 / 255) if pictures(name) else rows[name]
        np.testing.assert_array_equal(every[name].numpy().reshape(stored.shape), stored, err_msg=name)
    assert {one for kind in OBSERVE for one in kind.recorded} | {"clean", "clean_signal"} <= every.keys()


def test_files_do_not_depend_on_the_batch_and_are_repaired_and_verified(written, tmp_path):
    form = manifest.read(written).format.name
    few = generate(ALL, tmp_path / "few", format=form, batch=3)
    files = sorted(path.relative_to(few) for path in few.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(written) for path in written.rglob("*") if path.is_file())
    for file in files:
        assert (few / file).read_bytes() == (written / file).read_bytes(), file
    damaged = few / ("train.npz" if form == "npz" else "train.zarr/mask/c/0/0")
    damaged.write_bytes(b"nothing")
    assert mend(few, ALL, manifest.read(few))
    assert damaged.read_bytes() == (written / damaged.relative_to(few)).read_bytes()
    content = manifest.read(few)
    assert list(faults(few, from_stored(content.recipe), content, 8, True)) == []


def test_modifiers_change_the_observation_alone():
    """States, parameters and the clean frames are those of the recipe without modifiers."""
    plain, observed = sample(PLAIN, index=slice(0, 20)), sample(ALL, index=slice(0, 20))
    np.testing.assert_array_equal(observed["clean"], plain["image"])
    for name in plain.keys() - {"image"}:
        np.testing.assert_array_equal(observed[name], plain[name])
    assert (observed["image"] != plain["image"]).mean() > 0.9


def test_a_modifier_draws_the_same_whatever_stands_beside_it():
    """And two of a kind draw different numbers; two masks are joined."""
    alone = sample(dataclasses.replace(PLAIN, observe=(Missing(),)), index=slice(0, 20))
    beside = sample(dataclasses.replace(PLAIN, observe=(Light(), Occluder(), Missing())), index=slice(0, 20))
    twice = sample(dataclasses.replace(PLAIN, observe=(Missing(p=0.4, keep=0),) * 2), index=slice(0, 20))
    np.testing.assert_array_equal(alone["mask"], beside["mask"])
    once = sample(dataclasses.replace(PLAIN, observe=(Missing(p=0.4, keep=0),)), index=slice(0, 20))["mask"]
    assert (twice["mask"] <= once).all()
    assert (twice["mask"] < once).any()
    assert (twice["image"].any(axis=(2, 3)) == twice["mask"]).all()


def test_noise_on_states_moves_what_is_drawn_by_as_much():
    """The middle of the disc, from 5,000 frames: l σ on a circle, where the disc is seen from the front."""
    view = View(size=32, color="grey")
    recipe = dataclasses.replace(PLAIN, view=view, observe=(StateNoise(sigma=0.05),), record=("clean",))
    arrays = sample(recipe, index=slice(0, 850))
    assert (arrays["state"] == sample(dataclasses.replace(PLAIN, view=view), index=slice(0, 850))["state"]).all()
    places = []
    for name in ("image", "clean"):
        weight = arrays[name].astype(float) - 87
        row, column = np.arange(32)[:, None], np.arange(32)
        middle = [(weight * axis).sum(axis=(2, 3)) / weight.sum(axis=(2, 3)) for axis in (column, row)]
        places.append(np.stack(middle) / 31 * 2 * RECIPES["pendulum"].tasks[0].extent())  # m
    turned = np.hypot(*(places[0] - places[1]))
    assert np.sqrt((turned**2).mean()) == pytest.approx(0.05, rel=0.05)


SIGNALS = dataclasses.replace(
    PLAIN, observation="signals", observe=(Emission(channels=4), SignalNoise(), Missing(keep=1)), record=("clean",)
)


def test_every_system_has_signals(tmp_path):
    """A pendulum: its weights stand in the manifest, and give the clean signal from the states."""
    folder = generate(SIGNALS, tmp_path / "signals")
    content, batch = manifest.read(folder), Sequences(folder).__getitems__(range(90)).collated()
    (shared,) = content.shared_parameters
    clean = batch["state"].double() @ torch.tensor(shared["emission_C"], dtype=torch.float64)
    torch.testing.assert_close(batch["clean_signal"].double(), clean, rtol=0, atol=1e-5)
    assert "image" not in batch
    lines = (folder / "README.md").read_text().split("\n* `")
    assert [line.split("`")[0] for line in lines[-3:]] == ["emission(channels=4)", "signal_noise", "missing(keep=1)"]
    missing = ~batch["mask"]
    assert (batch["signal"][missing] == 0).all()
    noise = (batch["signal"] - batch["clean_signal"])[batch["mask"]]
    assert noise.std().item() == pytest.approx(0.05, rel=0.1)
    assert list(faults(folder, SIGNALS, content, 8, True)) == []
    other_seed = sample(dataclasses.replace(SIGNALS, seed=6), index=0)["clean_signal"]
    assert not np.allclose(other_seed, batch["clean_signal"][0])
    weights = Emission(channels=4).weights(2, np.array([1, 2], np.uint32))
    assert list(weights) == list(shared)
    for dataset in (of_folder(folder), of_recipe(SIGNALS)):
        described = summary(dataset)
        assert described["frames"] is False
        assert (
            "--observe 'emission(channels=4)' --observe signal_noise --observe 'missing(keep=1)'"
            in described["command"]
        )
        assert payload(dataset, 0, "train", [3])[0]["signal"]["shape"] == [6, 4]
        plot(dataset)


BALL = dataclasses.replace(
    RECIPES["bouncing_ball_1d"],
    observation="pixels",
    view=View(size=8, color="grey"),
    train=60,
    steps=60,
    record=("clean",),
    windows=Windowing(length=10, contexts=1, spacing=10, separate=True),
    observe=(
        CorrelatedNoise(),
        CameraWalk(),
        MissingBlock(length=3, count=6, fill=0.5),
        SignalNoise(sigma=5),
        Sector(),
    ),
)


def test_windows_show_the_modified_frames_of_their_trajectory():
    """Frames of the same trajectory and time are the same in every window, with their mask and their truths."""
    recipe, windows = BALL, BALL.windows
    found = sample(recipe, index=slice(0, 60))
    assert found["sector"].shape == (60,)
    frames, several = {}, 0
    per_frame = [name for name in found if info(name).per_frame and found[name].shape[1] == windows.length]
    names = [name for name in per_frame if name not in ("domains", "domain_image", "time")]
    assert {"image", "clean", "mask", "noise_factor", "camera_walk", "queries", "clean_signal", "labels"} <= {*names}
    for i, t in itertools.product(range(60), range(windows.length)):
        place = int(found["path"][i]), round(float(found["time"][i, t]) / recipe.dt_of(0))
        row = {name: found[name][i, t] for name in names}
        for name, other in frames.setdefault(place, row).items():
            np.testing.assert_array_equal(row[name], other, err_msg=name)
            several += row is not frames[place]
    assert several
    gone = ~found["mask"]
    assert gone.any()
    hidden = np.unique(found["image"][gone])
    assert set(hidden.tolist()) <= {0, 128}  # 0 in the sector, which lies before everything


def test_the_signal_to_noise_ratio_is_that_of_the_system():
    counts = []
    for recipe in (BALL, dataclasses.replace(BALL, observe=(), record=())):
        tally, inputs = Tally(recipe.tasks[0]), prepare(recipe, 0, "train")
        tally.add(make(recipe, 0, "train", inputs, np.arange(2)))
        counts.append(tally.regimes.statistics())
    assert counts[0] == counts[1]
    assert counts[0].signal_to_noise_db > 0


def test_draws_are_those_of_philox_and_go_on_where_they_ended():
    """Bits of NumPy's generator of this key, whose numbers never change."""
    bits = np.random.Philox(key=(7 << 32) | 9).random_raw(12)
    draws = Draws(np.array([7, 9], np.uint32))
    np.testing.assert_array_equal(draws.words(2), bits[:2])
    np.testing.assert_array_equal(draws.uniform(2, 2, low=-1, high=3), 4 * (bits[2:6] >> 11).reshape(2, 2) / 2**53 - 1)
    np.testing.assert_array_equal(draws.shorts(5), bits[6:8].astype("<u8").view("<u2")[:5])
    np.testing.assert_array_equal(draws.below(10, 4), [(int(b) >> 32) * 10 >> 32 for b in bits[8:12]])


@pytest.mark.parametrize(
    ("name", "color", "how"),
    [
        *(("pendulum", "grey", "patches"), ("two_body", "rgb", "patches"), ("gravity", "grey", "all pixels")),
    ],
)
def test_missing_frames_are_as_if_they_had_been_drawn(monkeypatch, name, color, how):
    """They are not, unless another modifier, or who wants frames without modifiers, sees them before."""
    view = dataclasses.replace(RECIPES[name].view, color=color, size=32 if how == "patches" else 9)
    missing = Missing(p=0.6, keep=2, fill=0.5)
    plain = dataclasses.replace(RECIPES[name], steps=30, view=view, observe=(missing,))
    noisy = dataclasses.replace(plain, observe=(PixelNoise(), missing))
    some = [sample(recipe, index=range(9)) for recipe in (plain, noisy)]
    kept = sample(dataclasses.replace(plain, record=("clean",)), index=range(9))
    monkeypatch.setattr(Missing, "hidden", Modifier.hidden)
    for arrays, recipe in zip(some, (plain, noisy), strict=True):
        every = sample(recipe, index=range(9))
        assert not every["mask"].all()
        assert all(np.array_equal(array, every[key]) for key, array in arrays.items())
    assert np.array_equal(kept["image"], some[0]["image"])
    assert np.array_equal(kept["clean"], sample(dataclasses.replace(plain, observe=()), index=range(9))["image"])
