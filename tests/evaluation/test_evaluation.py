"""Reports of forecasts: their numbers, what does not change them, and what becomes a sentence."""

import json
import math

import numpy as np
import pytest
import torch
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slvm_data import cli, evaluate, metrics
from slvm_data.evaluation import containers, pairs
from slvm_data.evaluation.scores import TABLE

T, N = 8, 9
KINDS = ("image", "signal", "state", "latent", "mode", "param_")


def numbers(report, split="test"):
    return report.columns[split].numbers


def perfect(stored, name):
    """The truth as a forecast of itself; its states and parameters are latents too."""
    truth = stored(name)
    renamed = {"queries": "signal", "labels": "mode", "clean": "image", "latents": "latent"}
    found = {renamed.get(key, key): own for key, own in truth.items() if key != "image" or "clean" not in truth}
    forecast = {key: own for key, own in found.items() if key.startswith(KINDS)}
    if "state" in truth:
        drawn = [own for key, own in truth.items() if key.startswith("param_") and own.ndim == 1]
        forecast["latent"] = np.dstack([truth["state"], *(np.repeat(own[:, None], T, axis=1) for own in drawn)])
    return forecast


@pytest.mark.parametrize("name", ["mass_spring", "nascar", "clean", "grey"])
def test_a_perfect_forecast_gets_the_best_of_every_metric(name, made, stored):
    forecast = perfect(stored, name)
    if name in ("clean", "grey"):
        del forecast["latent"]  # an angle is no linear function of its sine
    found = numbers(evaluate(forecast, made(name), slow=True))
    found = {metric: own for metric, own in found.items() if not metric.endswith("mlp")}  # which is no exact map
    loose = {"energy_drift": 1e-5}
    for metric, number in found.items():
        assert number.whole.mean == pytest.approx(number.best, abs=loose.get(metric, 1e-5)), metric
        assert number.whole.low == pytest.approx(number.best, abs=10 * loose.get(metric, 1e-5)), metric


def test_every_metric_of_the_table_is_in_a_report(made, stored, noisy):
    """Those of samples apart, which have a test of their own."""
    reports = [evaluate(noisy("pendulum"), made("pendulum")), evaluate(noisy("nascar"), made("nascar"))]
    reports.append(evaluate(perfect(stored, "mass_spring"), made("mass_spring"), slow=True))
    found = {metric for report in reports for metric in numbers(report)}
    assert {m.name for m in TABLE if "crps" not in m.name and "coverage" not in m.name} == found


def test_the_numbers_are_those_of_the_metrics(made, stored, noisy):
    truth, forecast = stored("pendulum"), noisy("pendulum")
    found = numbers(evaluate(forecast, made("pendulum"), start=5, slow=True))
    image, true = forecast["image"][:, 5:], truth["image"][:, 5:]
    for name in ("mse", "ssim", "iou", "wasserstein"):
        by_frame = getattr(metrics, name)(image, true)
        expected = metrics.interval(by_frame.mean(axis=1))
        np.testing.assert_allclose(found[name].whole, expected, rtol=1e-6)
        np.testing.assert_allclose(found[name].by_frame[2], metrics.interval(by_frame[:, 2]), rtol=1e-6)
    for name in ("vpt", "vpt_relative_first", "vpt_absolute_last", "vpd"):
        assert found[name].whole == metrics.interval(getattr(metrics, name)(image, true))
        assert found[name].best == T - 5
    assert found["psnr"].whole.mean == pytest.approx(-10 * math.log10(found["mse"].whole.mean))
    distance = metrics.centre_distance(image, true)[..., 0]
    assert found["centre_distance"].whole.mean == pytest.approx(distance.mean(axis=1).mean())
    error = metrics.state_error(forecast["state"][:, 5:], truth["state"][:, 5:], angles=[0])
    assert found["state_error"].whole.mean == pytest.approx(error.mean())
    phase = metrics.phase_error(forecast["state"][:, 5:], truth["state"][:, 5:])
    assert found["phase_error"].whole.mean == pytest.approx(phase.mean())


def test_probes_are_fitted_on_val_and_equal_the_metrics(made, stored, noisy, tmp_path):
    for split in ("val", "test"):
        np.savez(tmp_path / f"{split}.npz", **noisy("pendulum", split))
    report = evaluate(tmp_path, made("pendulum"))
    assert list(report.columns) == ["val", "test"]
    assert [own.fitted_on for own in report.columns.values()] == ["the other half", "val"]
    fit, test = (noisy("pendulum", split)["latent"] for split in ("val", "test"))
    fit_state, state = (stored("pendulum", split)["state"] for split in ("val", "test"))
    found = numbers(report)
    for kind in ("linear", "mlp"):
        expected = metrics.probe(fit, fit_state, test, state, kind=kind, angles=[0])
        shown = found[f"probe_{kind}"].by_component
        assert list(shown) == ["sin q", "cos q", "p"]
        np.testing.assert_allclose([own.mean for own in shown.values()], expected, rtol=1e-9)
    for kind in ("pearson", "spearman"):
        expected = metrics.mcc(test, state, fit_latent=fit, fit_state=fit_state, kind=kind)
        assert found[f"mcc_{kind}"].whole.mean == pytest.approx(expected, rel=1e-9)


def test_regimes_equal_the_metrics(made, stored, noisy):
    truth, forecast = stored("nascar"), noisy("nascar")
    found = numbers(evaluate({"mode": forecast["regime"], "latent": forecast["latent"]}, made("nascar")))
    assert found["accuracy"].whole.mean == pytest.approx(metrics.accuracy(forecast["regime"], truth["labels"]).mean())
    for name in ("f1", "nmi", "ari"):
        expected = getattr(metrics, name)(forecast["regime"], truth["labels"])
        assert found[name].whole.mean == pytest.approx(expected, abs=1e-12)
        assert found[name].whole.low <= expected <= found[name].whole.high
    switches = metrics.switch_error(forecast["regime"], truth["labels"])
    for name, own in (("distance", "frames"), ("missed", "missed"), ("spurious", "spurious")):
        assert found[f"switch_{name}"].whole.mean == pytest.approx(switches[own], nan_ok=True)


def test_samples_have_crps_and_coverage(made, stored):
    rng, truth = np.random.default_rng(0), stored("pendulum")
    state = truth["state"] + rng.normal(size=(20, *truth["state"].shape)).astype(np.float32)
    image = rng.random((4, *truth["image"].shape), np.float32)
    report = evaluate({"state": state, "image": image}, made("pendulum"))
    found = numbers(report)
    assert found["state_crps"].whole.mean == pytest.approx(metrics.crps(state, truth["state"]).mean(), rel=1e-6)
    assert found["state_coverage"].whole.mean == pytest.approx(metrics.coverage(state, truth["state"]))
    assert found["crps"].whole.mean == pytest.approx(metrics.crps(image, truth["image"]).mean(), rel=1e-6)
    assert found["mse"].whole.mean == pytest.approx(metrics.mse(image.mean(axis=0), truth["image"]).mean(), rel=1e-5)
    assert report.columns["test"].notes[0].startswith("state has 20 samples")


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(N)), kept=st.integers(2, N), batch=st.sampled_from([1, 20_000, 2**22]))
def test_neither_order_nor_batch_changes_a_report(order, kept, batch, made, noisy):
    """Of all sequences, or of a part of them, that `index` names."""
    forecast = noisy("pendulum")
    some = np.array(order)[:kept]
    expected = evaluate({k: v[np.sort(some)] for k, v in forecast.items()} | {"index": np.sort(some)}, made("pendulum"))
    with pytest.MonkeyPatch.context() as small:
        small.setattr(pairs, "BATCH", batch)
        found = evaluate({k: v[some] for k, v in forecast.items()} | {"index": some}, made("pendulum"))
    assert found.to_json() == expected.to_json()


@pytest.mark.parametrize("name", ["pendulum", "grey", "nascar"])
def test_all_containers_give_the_same_report(name, made, noisy, tmp_path):
    forecast = noisy(name)
    if name == "grey":  # most bytes of a few sequences are 0 or 1: shades are told by all of them
        shades = np.minimum(np.arange(N), 2).astype(np.uint8)
        forecast = {"image": np.broadcast_to(shades[:, None, None, None], (N, T, 16, 16)).copy()}
    np.savez(tmp_path / "a.npz", **forecast)
    np.savez_compressed(tmp_path / "b.npz", **forecast)
    group = zarr.open_group(tmp_path / "c.zarr", mode="w")
    for key, own in forecast.items():
        group.create_array(key, data=own, chunks=(2, *own.shape[1:]))
    reports = [evaluate(tmp_path / file, made(name)) for file in ("a.npz", "b.npz", "c.zarr")]
    reports.append(evaluate({key: torch.tensor(own) for key, own in forecast.items()}, made(name)))
    assert all(report.to_json() == reports[0].to_json() for report in reports)


def test_samples_in_files_are_read_like_those_in_memory(made, stored, tmp_path, monkeypatch):
    monkeypatch.setattr(pairs, "BATCH", 1)  # a sequence at a time
    image = np.random.default_rng(0).integers(0, 256, (3, *stored("pendulum")["image"].shape), np.uint8)
    np.savez_compressed(tmp_path / "a.npz", image=image)
    zarr.open_group(tmp_path / "b.zarr", mode="w").create_array("image", data=image, chunks=(1, 2, *image.shape[2:]))
    every = (tmp_path / "a.npz", tmp_path / "b.zarr", {"image": image})
    reports = [evaluate(one, made("pendulum")).to_json() for one in every]
    assert reports[0] == reports[1] == reports[2]


def test_a_part_of_the_frames(made, noisy):
    forecast = noisy("pendulum")
    part = {k: v if k.startswith("param") else v[:, 3:] for k, v in forecast.items()} | {"frame": np.arange(3, T)}
    expected = evaluate(forecast, made("pendulum"), start=3)
    assert evaluate(part, made("pendulum")).to_json() == expected.to_json()
    seen = forecast | {"seen": np.full(N, 3)}
    assert evaluate(seen, made("pendulum")).to_json() == expected.to_json()
    assert evaluate(seen, made("pendulum"), start=0).to_json() == evaluate(forecast, made("pendulum")).to_json()


def test_one_channel_is_the_same_with_and_without_its_axis(made, noisy):
    image = noisy("pendulum")["image"]
    expected = evaluate({"image": image}, made("pendulum")).to_json()
    assert evaluate({"image": image[:, :, None]}, made("pendulum")).to_json() == expected


def test_missing_frames_of_the_truth_are_left_out(made, stored):
    truth = stored("gaps")
    wrong = np.where(truth["mask"][..., None, None], truth["image"], 1 - truth["image"])
    report = evaluate({"image": wrong}, made("gaps"))
    assert numbers(report)["mse"].whole == (0, 0, 0)
    assert "vpt" not in numbers(report)
    assert any(note.startswith("frames are missing in the truth") for note in report.columns["test"].notes)


def test_clean_frames_are_the_truth_where_they_are_kept(made, stored):
    truth = stored("clean")
    found = numbers(evaluate({"image": truth["image"]}, made("clean")))
    assert found["mse"].whole.mean == pytest.approx(metrics.mse(truth["image"], truth["clean"]).mean(), rel=1e-6)
    assert found["mse"].whole.mean > 0
    assert found["vpt"].best == T


def test_tasks_are_scored_one_by_one_and_their_mean_is_shown(made, tmp_path):
    for task in (0, 1):
        with np.load(made("pendulum3") / f"dataset_{task}/test.npz") as data:
            (tmp_path / f"dataset_{task}").mkdir()
            np.savez(tmp_path / f"dataset_{task}/test.npz", image=data["image"] if task else 0 * data["image"])
    own = evaluate(tmp_path, made("pendulum3")).columns["test"]
    assert own.sequences == 2 * N
    assert own.tasks[1]["mse"].whole.mean == 0 < own.tasks[0]["mse"].whole.mean
    assert own.numbers["mse"].whole.mean == pytest.approx(own.tasks[0]["mse"].whole.mean / 2)


def test_named_splits_have_a_column_each_and_lengths_of_their_own(made, noisy, tmp_path):
    for split in ("val", "long", "far"):
        np.savez(tmp_path / f"{split}.npz", **noisy("named", split))
    columns = evaluate(tmp_path, made("named"), start=2).columns
    assert {split: own.sequences for split, own in columns.items()} == {"val": 6, "far": 5, "long": 4}
    assert {split: own.frames.stop for split, own in columns.items()} == {"val": T, "far": T, "long": 12}
    assert columns["long"].numbers["vpt"].best == 10
    assert columns["long"].fitted_on == columns["far"].fitted_on == "val"
    alone = evaluate(tmp_path / "far.npz", made("named"), start=2).columns  # the name of the file says the split
    assert alone["far"].numbers["mse"] == columns["far"].numbers["mse"]


def test_pictures_are_read_some_sequences_at_a_time(made, noisy, tmp_path, monkeypatch):
    np.savez(tmp_path / "test.npz", image=noisy("pendulum")["image"])
    monkeypatch.setattr(pairs, "BATCH", 3 * T * 32 * 32)
    most, read = [], containers.Archive.rows
    monkeypatch.setattr(containers.Archive, "rows", lambda *words: most.append(len(words[2])) or read(*words))
    evaluate(tmp_path / "test.npz", made("pendulum"))
    assert most == [3, 3, 3]


def test_the_command_prints_a_table_and_writes_json(made, noisy, tmp_path, ended, capsys):
    for split in ("val", "test"):
        np.savez(tmp_path / f"{split}.npz", **noisy("pendulum", split))
    out = tmp_path / "report.json"
    assert ended(cli.main, "evaluate", tmp_path, made("pendulum"), "--from", 3, "--out", out) == 0
    text, found = capsys.readouterr().out, json.loads(out.read_text())
    head = next(line for line in text.splitlines() if "N = 6" in line)
    assert head.split() == ["best", "val", "(N", "=", "6)", "test", "(N", "=", "9)"]
    line = next(line for line in text.splitlines() if line.startswith("mse "))
    mse = found["splits"]["test"]["metrics"]["mse"]
    assert line.endswith(f"{mse['mean']:.4g} [{mse['low']:.4g}, {mse['high']:.4g}]")
    assert len(mse["by_frame"]) == T - 3
    assert found["splits"]["test"]["frames"] == [3, T - 1]
    assert found["splits"]["test"]["metrics"]["psnr"]["best"] == "Infinity"
    assert ended(cli.main, "evaluate", tmp_path, made("pendulum"), "--split", "test") == 0
    assert "val (N" not in capsys.readouterr().out


IMAGE = (N, T, 32, 32)
COUNT = "and test has 9: give all in order, or add index [N], their numbers"
FRAMES = "and sequences of test have 8"
REAL = "and has to be of bool, uint8 or floats"
ROW = "has to hold numbers in a row, such as 5, 6, 7, from 0 to 7"
TWO = ", of which there have to be at least 2"
WIDTH = "and has to have [9 8 2], or [S 9 8 2] with samples"
FITS = "a forecast is an .npz with arrays of numbers, a folder of them, or a Zarr group"


def changed(**arrays):
    return lambda forecast: forecast | arrays


def spoilt(name, place, value):
    def change(forecast):
        array = forecast[name].copy()
        array[place] = value
        return forecast | {name: array}

    return change


MISTAKES = {
    "count": (changed(image=np.zeros((5, *IMAGE[1:]))), f"image has 5 sequences, {COUNT}"),
    "count and index": (
        lambda forecast: {"latent": forecast["latent"], "index": np.arange(4)},
        "latent has 9 sequences, and index 4: give one number for each",
    ),
    "more frames": (changed(image=np.zeros((N, 12, 32, 32))), f"image has 12 frames, {FRAMES}: leave out the others"),
    "fewer frames": (
        changed(state=np.zeros((N, 5, 2))),
        f"state has 5 frames, {FRAMES}: give all of them, or add frame [T], their numbers",
    ),
    "frames and numbers": (
        lambda forecast: {"latent": forecast["latent"], "frame": np.arange(3)},
        "latent has 8 frames, and frame 3: give one number for each",
    ),
    "size": (
        changed(image=np.zeros((N, T, 16, 16))),
        "image has the shape [9 8 16 16], and has to have [9 8 32 32], or [S 9 8 32 32] with samples",
    ),
    "axes": (changed(state=np.zeros((N, T))), f"state has the shape [9 8], {WIDTH}"),
    "width": (changed(state=np.zeros((N, T, 3))), f"state has the shape [9 8 3], {WIDTH}"),
    "no latents": (changed(latent=np.zeros((N, T, 0))), f"latent has the shape [9 8 0], {WIDTH.replace('2', 'K')}"),
    "one sample": (changed(state=np.zeros((1, N, T, 2))), f"state has samples{TWO}, and not 1"),
    "nan": (spoilt("image", (3, 7, 0, 12), np.nan), "image[3, 7, 0, 12] is nan, and numbers have to be finite"),
    "infinite": (spoilt("latent", (8, 0, 2), -np.inf), "latent[8, 0, 2] is -inf, and numbers have to be finite"),
    "nan of a parameter": (spoilt("param_g", 2, np.nan), "param_g[2] is nan, and numbers have to be finite"),
    "whole pixels": (changed(image=np.zeros(IMAGE, np.int64)), f"image is of int64, {REAL}"),
    "wide pixels": (changed(image=np.zeros(IMAGE, np.uint16)), f"image is of uint16, {REAL}"),
    "regimes": (changed(mode=np.zeros((N, T), int)), "mode cannot be scored: test has no mode, but "),
    "parameter": (changed(param_k=np.zeros(N)), "param_k cannot be scored: test has no param_k, but "),
    "index beyond": (changed(index=np.arange(1, N + 1)), "index has 9, and sequences of test have the numbers 0 … 8"),
    "index below": (changed(index=np.arange(N) - 1), "index has -1, and sequences of test have the numbers 0 … 8"),
    "index twice": (changed(index=np.arange(N) % 8), "index has 0 more than once: each sequence can be there once"),
    "index of floats": (changed(index=np.arange(9.0)), "index is of float64, and has to be of whole numbers"),
    "index of pairs": (changed(index=np.zeros((N, 1), int)), "index has the shape [9 1], and has to have [N]"),
    "too long an index": (changed(index=np.zeros(10, int)), "index has 10 numbers, and has to have from 1 to 9"),
    "an empty index": (changed(index=np.zeros(0, int)), "index has 0 numbers, and has to have from 1 to 9"),
    "steps": (changed(frame=np.arange(0, 16, 2)), f"frame {ROW}"),
    "frame beyond": (changed(frame=np.arange(1, 9)), f"frame {ROW}"),
    "seen": (changed(seen=np.full(N, 99)), "seen has 99, and sequences of test have 8 frames"),
    "seen of few": (changed(seen=np.zeros(2, int)), "seen has 2 numbers for 9 sequences: give one number for each"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_forecast_that_does_not_fit_is_refused_in_a_sentence(case, made, noisy, tmp_path):
    """In memory and in a file, which the sentence names."""
    change, expected = MISTAKES[case]
    forecast = change(noisy("pendulum"))
    np.savez(tmp_path / "test.npz", **forecast)
    zarr.save_group(str(tmp_path / "other.zarr"), **forecast)
    for one, where in ((forecast, "the forecast"), (tmp_path / "test.npz",) * 2, (tmp_path / "other.zarr",) * 2):
        found, full = refused(one, made("pendulum")), f"{where}: {expected}"
        assert found == full if not full.endswith("but ") else found.startswith(full)


REGIMES = {
    "floats": ({"mode": np.zeros((30, 7))}, "mode is of float64, and has to be of whole numbers"),
    "samples": ({"mode": np.zeros((4, 30, 7), int)}, "mode has the shape [4 30 7], and has to have [30 7]"),
}


@pytest.mark.parametrize("case", REGIMES)
def test_regimes_that_do_not_fit(case, made):
    forecast, expected = REGIMES[case]
    assert refused(forecast, made("nascar")) == f"the forecast: {expected}"


def refused(*words, **options):
    with pytest.raises(ValueError) as error:
        evaluate(*words, **options)
    return str(error.value)


def test_nothing_to_score_and_the_same_twice(made, noisy):
    regime, one = noisy("nascar")["regime"], made("pendulum")
    names = "image, signal, state, latent, mode, param_…, index, frame, seen"
    some = f"which cannot be scored: a forecast has some of {names}"
    assert refused({"loss": np.zeros(3)}, one) == f"the forecast has only loss, {some}"
    assert refused({}, one) == f"the forecast is empty, {some}"
    expected = "the forecast has mode and regime, which mean the same: leave one out"
    assert refused({"mode": regime, "regime": regime}, made("nascar")) == expected
    expected = "from = 8 leaves no frame of the forecast, whose last one is 7"
    assert refused(noisy("pendulum"), one, start=8) == expected
    assert refused(noisy("pendulum"), one, start=-1) == "start = -1 has to be at least 0"


def unreadable(path, what, reason):
    return f"{path} cannot be read, at {what}: {reason}; {FITS}"


def test_files_that_are_no_forecast(made, noisy, tmp_path):
    """Nothing of them is unpickled, and sizes are compared before anything is read."""
    forecast, path = noisy("pendulum"), tmp_path / "test.npz"
    cases = {
        "objects": (np.array([{}, {}]), "it holds objects of Python, which are never read: save arrays of numbers"),
        "words": (np.array(["a", "b"]), "dtype = '<U1' is not that of numbers"),
        "complex": (np.zeros((N, T, 2), complex), "dtype = 'complex128' is not that of numbers"),
        "one number": (np.array(3), "shape = [] is not that of rows"),
        "order": (
            np.asfortranarray(forecast["state"]),
            "its axes are in Fortran's order: save numpy.ascontiguousarray of it",
        ),
    }
    for array, reason in cases.values():
        np.savez(path, allow_pickle=True, state=array)
        assert refused(path, made("pendulum")) == unreadable(path, "state", reason)
    path.write_bytes(b"no archive")
    assert refused(path, made("pendulum")) == unreadable(path, "its directory", "File is not a zip file")
    np.savez(path, **forecast)
    data = bytearray(path.read_bytes())
    place = data.index(forecast["latent"].tobytes()[:64])
    data[place + 40] ^= 255
    path.write_bytes(data)
    assert refused(path, made("pendulum")) == unreadable(path, "latent", "Bad CRC-32 for file 'latent.npy'")


def test_places_that_hold_no_forecast(made, noisy, tmp_path):
    one, several, file, other = made("pendulum"), made("pendulum3"), tmp_path / "file.npz", tmp_path / "file.txt"
    np.savez(file, **noisy("pendulum"))
    other.write_text("")
    (tmp_path / "broken.zarr").mkdir()
    lacks, tasks = "is missing: a forecast of test has a file for each task", "dataset_0/test.npz, dataset_1/test.npz"
    usual = "a forecast is a file, or a folder with such files as test.npz"
    assert refused(tmp_path / "none", one) == f"{tmp_path / 'none'} is missing: {usual}"
    assert refused(tmp_path, one) == f"{tmp_path} holds no forecast: it has to have test.npz"
    assert refused(tmp_path, one, splits=["test"]) == f"{tmp_path / 'test.npz'} {lacks}"
    wanted = f"{file} is of one task, and pendulum3 has several: give a folder with {tasks}, …"
    assert refused(file, several) == wanted
    wanted = f"{file} is of one split, and not of val, test: give one split, or a folder"
    assert refused(file, one, splits=["val", "test"]) == wanted
    wanted = "split = 'ood' has no sequences in pendulum, which has train, val, test"
    assert refused(file, one, splits=["ood"]) == wanted
    assert refused(other, one) == f"{other} ends in none of .npz, .zarr: {FITS}"
    broken = tmp_path / "broken.zarr"
    assert refused(broken, one).startswith(f"{broken} cannot be read as a Zarr group: ")
    (tmp_path / "dataset_0").mkdir()
    np.savez(tmp_path / "dataset_0/test.npz", **noisy("pendulum3"))
    assert refused(tmp_path, several) == f"{tmp_path / 'dataset_1/test.npz'} {lacks}"


def test_the_command_refuses_with_a_sentence(made, tmp_path, ended, capsys):
    np.savez(tmp_path / "test.npz", image=np.zeros((3, T, 32, 32)))
    out = tmp_path / "report.json"
    assert ended(cli.main, "evaluate", tmp_path / "test.npz", made("pendulum"), "--out", out) == 2
    expected = f"error: {tmp_path / 'test.npz'}: image has 3 sequences, {COUNT}\n"
    assert capsys.readouterr().err == expected
    assert not out.exists()
