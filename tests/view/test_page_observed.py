"""The page of modified observations: clean frames beside the observed ones, gaps, curves against time, sliders."""

import dataclasses

import numpy as np
import pytest

from slvm_data import RECIPES, View, sample
from slvm_data.observe.modifiers import Missing, PixelNoise
from slvm_data.view.dataset import of_recipe

GREY = dataclasses.replace(
    RECIPES["pendulum"],
    train=3,
    val=1,
    test=1,
    steps=12,
    view=View(color="grey"),
    observe=(PixelNoise(sigma=0.2), Missing(p=0.5, keep=2)),
)
INDEX = 1
ALPHAS = """(canvas, places) => places.map((x) => canvas.getContext("2d").getImageData(
    Math.round(x * canvas.width), canvas.height - 2, 1, 1).data[3])"""
COLUMN = """() => { const plot = document.querySelector(".uplot"), canvas = plot.querySelector("canvas");
    const [over, all] = [plot.querySelector(".u-over"), canvas].map((e) => e.getBoundingClientRect());
    const y = Math.round(over.y - all.y + over.height - 2), x = Math.round(over.x - all.x);
    return [...canvas.getContext("2d").getImageData(x, y, Math.round(over.width), 1).data]; }"""


@pytest.fixture(scope="module")
def made():
    return sample(dataclasses.replace(GREY, record=("clean",)), "train", INDEX)


@pytest.fixture
def page(visit):
    return visit(of_recipe(GREY), f"#sequence/0/train/{INDEX}")


def test_the_observed_frame_stands_beside_the_clean_one(page, made, to_frame, pixels):
    mask = made["mask"]
    assert not mask.all()
    assert page.locator(".stages figcaption").all_inner_texts() == ["observed", "clean"]
    for t in (0, int(np.argmin(mask)), 11):
        to_frame(page, t)
        for place, name in ((1, "image"), (2, "clean")):
            shown = pixels(page, f".stages figure:nth-child({place}) canvas")
            np.testing.assert_array_equal(shown, np.repeat(made[name][t, ::-1, :, None], 3, axis=2))
        assert page.locator(".stages .missing").first.is_visible() == (not mask[t])
        assert page.locator(".stages .missing").last.is_hidden()
        assert ("missing" in page.locator(".now").inner_text()) == (not mask[t])
    assert page.locator("dt:text('missing') + dd").inner_text() == f"{(~mask).sum()} of 12 frames"


def test_missing_frames_are_gaps(page, made, to_frame):
    to_frame(page, 0)
    timeline = page.locator(".left > .timeline")
    middles = [(t + 0.5) / 12 for t in range(1, 12)]
    assert [alpha > 0 for alpha in timeline.evaluate(ALPHAS, middles)] == made["mask"][1:].tolist()
    marked = timeline.bounding_box()
    last = int(np.flatnonzero(made["mask"])[-1])
    timeline.click(position={"x": marked["width"] * (last + 0.5) / 12, "y": 5})
    assert page.locator(".place").inner_text() == f"frame {last} of 12"


def test_in_the_grid_missing_frames_are_marked(visit, to_frame):
    page = visit(of_recipe(GREY))
    masks = sample(GREY, "train", slice(0, 3))["mask"]
    t = int(np.argmin(masks.sum(axis=0)))
    to_frame(page, t)
    assert page.locator(".cell .missing:visible").count() == (~masks[:, t]).sum() > 0


def test_a_slider_of_a_modifier_changes_frames_and_command(page, to_frame, pixels):
    assert page.locator(".moving summary").inner_text() == "Parameters and modifiers"
    page.get_by_role("slider", name="missing p", exact=True).press("Home")
    page.get_by_role("slider", name="missing keep", exact=True).press("ArrowRight")
    said = "--observe 'missing(p=0,keep=3)'"
    page.wait_for_function(f'() => document.querySelector(".command code").textContent.includes("{said}")')
    to_frame(page, 11)
    changed = dataclasses.replace(GREY, observe=(PixelNoise(sigma=0.2), Missing(p=0, keep=3)))
    expected = sample(changed, "train", INDEX)["image"][11, ::-1, :, None]
    np.testing.assert_array_equal(pixels(page, ".stages canvas"), np.repeat(expected, 3, axis=2))
    assert page.locator("dt:text('missing') + dd").inner_text() == "0 of 12 frames"
    assert page.locator(".timeline").count() == 0  # nothing to tell


def test_curves_of_everything_stand_against_its_own_time(driven, page, made, to_frame):
    page.reload()
    page.wait_for_selector("html[data-ready]")
    titles = page.locator(".curves figcaption").all_inner_texts()
    assert titles == ["State", "Control", "Drift of g", "Energy", "noise_factor", "occluder"]
    legend = page.locator(".curves > figure >> nth=1 >> .u-legend").inner_text()
    assert "torque [N m]" in legend
    assert "g [m/s²]" in page.locator(".curves > figure >> nth=2 >> .u-legend").inner_text()
    time = driven["time"][INDEX]
    share = (time - time[0]) / (time[-1] - time[0])
    for t in (3, 8):
        to_frame(page, t)
        cursor = page.locator(".u-cursor-x").first
        x, width = cursor.evaluate("(c) => [new DOMMatrix(getComputedStyle(c).transform).e, c.parentNode.clientWidth]")
        assert x == pytest.approx(width * share[t], abs=1.5)
    row = np.array(page.evaluate(COLUMN)).reshape(-1, 4)
    dark = (row[:, 3] > 200) & (row[:, :3].sum(axis=1) < 400)
    for t in range(1, 11):
        near = dark[int(share[t] * (len(row) - 1)) - 1 :][:3]
        assert near.any() == made["mask"][t]


def test_the_dataset_tab_tells_what_is_seen(visit):
    page = visit(of_recipe(GREY), "#dataset")
    lines = page.locator(".lines li").all_inner_texts()
    assert lines[0] == "Frames are grey: of 0 to 255, in one channel."
    assert lines[2].startswith("missing(keep=2): Frames are missing")
    assert page.locator(".lines code").first.inner_text() == "pixel_noise(sigma=0.2)"


def test_two_frames_fit_on_a_narrow_screen(page):
    page.set_viewport_size({"width": 360, "height": 700})
    try:
        page.reload()
        page.wait_for_selector("html[data-ready]")
        page.wait_for_function("() => document.documentElement.scrollWidth <= 360")
        right = [page.locator(part).bounding_box() for part in (".stages", ".left > .timeline")]
        assert all(box["x"] + box["width"] <= 360 for box in right)
    finally:
        page.set_viewport_size({"width": 1280, "height": 720})


def test_nothing_was_complained_of(tab):
    assert tab.complaints == []
