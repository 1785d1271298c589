"""A forecast on the page, at the end of its whole way: generate, train, forecast, evaluate, look at it in a browser."""

import json
from base64 import b64decode
from dataclasses import replace

import numpy as np
import pytest
import torch
import typer

from slvm_data import evaluate
from slvm_data.cli import app
from slvm_data.load import Sequences, forecast
from slvm_data.view import saved
from slvm_data.view.dataset import of_folder
from slvm_data.view.forecasts import forecast_of, open_forecasts

T, SEEN, N = 12, 4, 9
ORANGE, BLUE = (230, 159, 0), (86, 180, 233)


def command(*words):
    typer.main.get_command(app)([str(word) for word in words], standalone_mode=False)


def trained(dataset):
    """A linear model of the frames after the first ones; its latents are 16 principal components of these."""
    image = Sequences(dataset, fields=("image",))[:][0]
    seen, later = image[:, :SEEN].flatten(1), image[:, SEEN:].flatten(1)
    middle, mean = seen.mean(dim=0), later.mean(dim=0)
    axes = torch.linalg.svd(seen - middle, full_matrices=False)[2][:16].T
    weights = torch.linalg.lstsq((seen - middle) @ axes, later - mean).solution

    def model(batch, count):
        first = batch["image"][:, :count]
        latent = (first.flatten(1) - middle) @ axes
        frames = (latent @ weights + mean).clamp(0, 1).unflatten(1, (T - SEEN, 1, 32, 32))
        return {"image": torch.cat([first, frames], dim=1), "latent": latent[:, None].expand(-1, T, -1)}

    return model


def last(batch, seen):
    image = batch["image"]
    return torch.cat([image[:, :seen], image[:, seen - 1 : seen].expand(-1, T - seen, -1, -1, -1)], dim=1)


@pytest.fixture(scope="module")
def piped(tmp_path_factory):
    """A small dataset, and the folder of a trained model's forecast."""
    place = tmp_path_factory.mktemp("piped")
    dataset = place / "pendulum"
    command("generate", "pendulum", "--train", 100, "--val", 20, "--test", N, "--steps", T, "--out", dataset)
    for name, model in (("model", trained(dataset)), ("last", last)):
        for split in ("val", "test"):
            forecast(model, dataset, place / name, seen=SEEN, split=split)
    return dataset, place / "model"


@pytest.fixture(scope="module")
def shown(piped):
    dataset = of_folder(piped[0])
    return replace(dataset, forecasts=open_forecasts(piped[1], dataset, None))


@pytest.fixture(scope="module")
def stored(piped):
    with np.load(piped[0] / "test.npz") as truth, np.load(piped[1] / "test.npz") as found:
        return truth["image"], found["image"][:, :, 0]


def test_a_trained_model_is_better_than_the_last_frame(piped, tmp_path, capsys):
    dataset, model = piped
    errors = []
    for name in (model, model.parent / "last"):
        command("evaluate", name, dataset, "--split", "val", "--split", "test", "--out", tmp_path / "report.json")
        found = json.loads((tmp_path / "report.json").read_text())["splits"]
        errors.append(found["val"]["metrics"]["mse"])
        assert found["test"]["frames"] == [SEEN, T - 1]
    assert errors[0]["high"] < errors[1]["low"]
    assert capsys.readouterr().out.count(f"frames {SEEN} to {T - 1}\n") == 2


def test_truth_forecast_and_difference_stand_side_by_side(shown, stored, visit, to_frame, pixels):
    page, index = visit(shown, "#sequence/0/test/3"), 3
    captions = page.locator(".stages figcaption").all_inner_texts()
    assert captions == ["truth", "forecast", "difference: orange too bright, blue too dark"]
    truth, found = (own[index, :, ::-1].astype(float) for own in stored)
    for t in (0, SEEN, T - 1):
        to_frame(page, t)
        drawn = [pixels(page, f".stages figure:nth-child({k}) canvas").astype(float) for k in (1, 2, 3)]
        np.testing.assert_array_equal(drawn[0], np.repeat(255 * truth[t][..., None], 3, axis=2))
        np.testing.assert_allclose(drawn[1], np.repeat(255 * found[t][..., None], 3, axis=2), atol=0.51)
        off = (found - truth)[t][..., None]
        np.testing.assert_allclose(drawn[2], np.abs(off) * np.where(off > 0, ORANGE, BLUE), atol=1.01)
        assert ("given to the model" in page.locator(".now").inner_text()) == (t < SEEN)
    titles = page.locator(".curves figcaption").all_inner_texts()
    assert titles[:4] == ["Error: mse", *(f"{name}, read from the latents" for name in ("sin q", "cos q", "p"))]
    assert not page.complaints


def test_the_report_of_the_forecast(piped, shown, visit):
    page = visit(shown, "#forecast")
    page.wait_for_selector("#forecast .horizon")
    own = evaluate(piped[1], piped[0]).columns["test"]
    rows = {row[0]: row for row in (line.locator("td").all_inner_texts() for line in page.locator("tbody tr").all())}
    for name, number in own.numbers.items():
        unit = f" [{number.metric.unit}]" if number.metric.unit else ""
        assert float(rows[name + unit][2]) == pytest.approx(number.whole.mean, rel=1e-3)
    assert page.locator(".scatter").count() == 3
    mse = own.numbers["mse"].by_frame
    label = page.locator(".horizon .curve").get_attribute("aria-label")
    assert label == f"mse from frame {SEEN} ({mse[0].mean:.4g}) to frame {T - 1} ({mse[-1].mean:.4g})"
    page.get_by_label("Over the horizon").select_option("psnr")
    assert page.locator(".horizon .curve").get_attribute("aria-label").startswith(f"psnr from frame {SEEN} ")
    page.get_by_label("Split of the forecast").select_option("val")
    assert "20 sequences of val" in page.locator("#forecast .note").first.inner_text()
    assert not page.complaints


def order_of(stored):
    truth, found = stored
    return np.argsort(((found - truth)[:, SEEN:] ** 2).mean(axis=(1, 2, 3)))


def test_sequences_are_listed_and_sorted_by_their_error(shown, stored, visit):
    order = order_of(stored).tolist()
    page = visit(shown, "#forecast")
    page.wait_for_selector("#forecast .links")
    best, worst = (line.locator("a").all_inner_texts() for line in page.locator("#forecast .links").all())
    assert [int(word.split()[0][1:]) for word in best] == order[:8]
    assert [int(word.split()[0][1:]) for word in worst] == order[::-1][:8]
    page.locator("#forecast .links a").first.click()
    page.wait_for_function(f"() => document.querySelector('h2')?.textContent === 'test #{order[0]}'")
    page.get_by_role("button", name="All sequences").click()
    page.get_by_label("Split", exact=True).select_option("test")
    page.get_by_label("Sort by").select_option("-mse")
    page.wait_for_function("() => document.querySelector('.cell').textContent.includes(' mse ')")
    shown_order = [int(cell.split()[0][1:]) for cell in page.locator(".cell").all_inner_texts()]
    assert shown_order == order[::-1]
    page.get_by_label("Split", exact=True).select_option("train")  # which has no forecast
    page.wait_for_function("() => document.querySelector('.cell').textContent.endsWith('mse –')")
    assert not page.complaints


def test_a_saved_page_has_the_forecast(shown, stored, tmp_path, opening):
    saved.save(shown, tmp_path / "page.html", 9)
    page = opening(f"file://{tmp_path / 'page.html'}#forecast")
    page.wait_for_selector("#forecast .horizon")
    links = page.locator("#forecast .links").first
    assert links.locator("a").count() == sum(int(i) < 3 for i in order_of(stored)[:8])
    page.goto(f"file://{tmp_path / 'page.html'}#sequence/0/test/2")
    page.wait_for_selector(".stages")
    assert page.locator(".stages figure").count() == 3
    page.goto(f"file://{tmp_path / 'page.html'}#sequence/0/train/0")
    page.wait_for_function("() => document.querySelector('h2')?.textContent === 'train #0'")
    assert page.locator(".stages").count() == 0
    page.get_by_role("button", name="All sequences").click()
    page.get_by_label("Split", exact=True).select_option("test")
    page.get_by_label("Sort by").select_option("+mse")
    page.wait_for_function("() => document.querySelector('.cell').textContent.includes(' mse ')")
    assert not page.complaints


def test_a_narrow_page_does_not_scroll_sideways(shown, visit):
    for part in ("#forecast", "#sequence/0/test/3"):
        page = visit(shown, part)
        page.set_viewport_size({"width": 390, "height": 800})
        page.wait_for_selector("#forecast .horizon" if part == "#forecast" else ".stages")
        page.wait_for_function("() => document.documentElement.scrollWidth === 390")  # once the plots have followed
        page.set_viewport_size({"width": 1280, "height": 720})


def test_without_a_forecast_there_is_no_tab_of_it(piped, visit):
    page = visit(of_folder(piped[0]), "#forecast")
    assert "Forecast" not in page.locator("#tabs button").all_inner_texts()
    assert page.locator("#sequences").is_visible()


def test_regimes_stand_above_each_other(folder, tmp_path, visit, pixels, to_frame):
    dataset = of_folder(folder("nascar"))
    with np.load(folder("nascar") / "test.npz") as data:
        labels = data["labels"]
    other = (labels + 1) % 4 + 5
    other[1, 3:] = 99
    np.savez(tmp_path / "test.npz", regime=other)
    page = visit(replace(dataset, forecasts=open_forecasts(tmp_path, dataset, None)), "#sequence/0/test/1")
    to_frame(page, 0)
    strip = pixels(page, ".strips")
    step = strip.shape[1] / labels.shape[1]
    columns = ((np.arange(1, labels.shape[1]) + 0.5) * step).astype(int)
    above, below = strip[3, columns], strip[-3, columns]
    assert (above[:2] == below[:2]).all()
    assert (above[2:] != below[2:]).any(axis=1).all()
    label = page.locator(".strips").get_attribute("aria-label")
    assert label == f"regimes: truth and forecast: the same in 3 of {labels.shape[1]} frames"


def test_frames_and_sequences_that_are_not_forecast(piped, stored, tmp_path):
    """A part of the frames stands where it belongs, in the sequence that `index` names."""
    _, found = stored
    order = np.array([5, 2, 7])
    np.savez(tmp_path / "test.npz", image=found[order][:, 6:10], index=order, frame=np.arange(6, 10))
    dataset = of_folder(piped[0])
    own = open_forecasts(tmp_path / "test.npz", dataset, None).of(0, "test")
    assert forecast_of(dataset, own, 3) is None
    answer = forecast_of(dataset, own, 2)
    assert answer["there"] == [False] * 6 + [True] * 4 + [False] * 2
    errors = np.frombuffer(b64decode(answer["plots"][0]["numbers"]["f4"]), "<f4")
    expected = ((found[2] - stored[0][2]) ** 2).mean(axis=(1, 2))
    np.testing.assert_allclose(errors[6:10], expected[6:10], rtol=1e-5)
    assert np.isnan(errors[[*range(6), 10, 11]]).all()
    assert np.isnan(own.scores["mse"]).sum() == N - 3
    assert own.scores["mse"][7] == pytest.approx(((found[7] - stored[0][7]) ** 2)[6:10].mean(), rel=1e-5)
