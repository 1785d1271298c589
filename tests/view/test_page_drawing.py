"""Drawings of the page: shades of 8 bits, regimes where they are, and lines that are told apart without colour."""

import dataclasses
import json

import numpy as np
import pytest

from slvm_data import RECIPES, generate
from slvm_data.store import zarr
from slvm_data.view.dataset import of_folder

SAID = """const own = CanvasRenderingContext2D.prototype.fillText; window.said = [];
CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...rest) {
    const { canvas } = this;
    said.push({ text: String(text), x, y, right: x + this.measureText(text).width, canvas, ...rest });
    return own.call(this, text, x, y, ...rest); };"""
ENDS = """(names) => said.filter(({ text, canvas }) => names.includes(text) && canvas.isConnected && !canvas.matches(
    '.portrait')).map(({ text, x, y, right, canvas }) => ({ text, x, y, right, w: canvas.width, h: canvas.height }))"""
STRIP = """(times) => { const plot = document.querySelector(".uplot"), canvas = plot.querySelector("canvas");
    const [over, all] = [plot.querySelector(".u-over"), canvas].map((e) => e.getBoundingClientRect());
    const [left, top, context] = [over.x - all.x, over.y - all.y, canvas.getContext("2d")];
    return times.map((t) => [...context.getImageData(left + t * over.width, top + 1, 1, 1).data]); }"""
COLOR = """(k) => { const c = document.createElement("canvas").getContext("2d");
    c.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(`--line-${k}`); c.fillRect(0, 0, 1, 1);
    return [...c.getImageData(0, 0, 1, 1).data]; }"""


@pytest.mark.parametrize(("name", "grey"), [("pendulum", False), ("gravity", True)])
def test_shades_are_those_of_the_file(name, grey, tmp_path, visit, to_frame, pixels):
    view = dataclasses.replace(RECIPES[name].view, color="rgb")
    recipe = dataclasses.replace(RECIPES[name], train=3, val=1, test=1, view=view)
    where = generate(recipe, tmp_path / name, format="zarr")
    page = visit(of_folder(where), "#sequence/0/train/2")
    stored = zarr.read(where / "train.zarr")["image"][2]  # [T 3 H W]
    assert (stored[:, 0] == stored[:, 1]).all() == grey
    assert len(np.unique(stored)) > 20
    upright = stored if name == "gravity" else stored[:, :, ::-1]
    for t in (0, 29):
        to_frame(page, t)
        np.testing.assert_array_equal(pixels(page, ".stage canvas"), upright[t].transpose(1, 2, 0))


@pytest.fixture(scope="module")
def changing(folder):
    """The first window whose regime changes in its last frame alone, to one that is not 0; and its regimes."""
    with np.load(folder("nascar") / "train.npz") as data:
        labels = data["labels"]
    last = (labels[:, :-1] == labels[:, :1]).all(axis=1) & (labels[:, -1] != labels[:, 0]) & (labels[:, -1] != 0)
    index = int(np.argmax(last))
    assert last[index]
    return index, labels[index].tolist()


def test_regimes_reach_from_half_a_frame_before_to_half_a_frame_after(changing, folder, visit):
    index, regimes = changing
    page = visit(of_folder(folder("nascar")), f"#sequence/0/train/{index}")
    last = len(regimes) - 1
    times = [t + half for t in range(last + 1) for half in (-0.4, 0.4) if 0 <= t + half <= last]
    expected = [page.evaluate(COLOR, regimes[int(np.rint(t))]) for t in times]
    assert page.evaluate(STRIP, [t / last for t in times]) == expected


def test_the_last_mark_of_a_portrait_is_seen(changing, folder, visit, to_frame, pixels):
    index, regimes = changing
    page = visit(of_folder(folder("nascar")), f"#sequence/0/train/{index}")
    color = page.evaluate(COLOR, regimes[-1])[:3]
    to_frame(page, len(regimes) - 1)
    assert (pixels(page, ".portrait") == color).all(axis=-1).sum() > 10


@pytest.fixture(scope="module")
def ends(tab):
    """Where these names are written beside the ends of curves: the last time that each of them was."""
    tab.add_init_script(SAID)

    def read(names):
        return {each["text"]: each for each in tab.evaluate(ENDS, list(names))}

    return read


def test_ten_lines_are_told_apart_without_colour(folder, visit, ends):
    page = visit(of_folder(folder("nascar")), "#sequence/0/train/3")
    names = [f"y{i + 1}" for i in range(10)]
    written = ends(names)
    assert set(written) == set(names)
    heights = np.sort([end["y"] for end in written.values()])
    assert np.diff(heights).min() >= 10.9
    assert all(5 <= end["y"] <= end["h"] - 26 for end in written.values())  # above the numbers of the axis
    lines = page.locator(".u-legend >> nth=1").locator("line")
    dashes = lines.evaluate_all("(lines) => lines.map((line) => line.getAttribute('stroke-dasharray'))")
    assert len(set(dashes)) == 10


@pytest.mark.parametrize("width", [1280, 360])
def test_long_names_end_before_the_page_does(width, folder, visit, ends):
    dataset = of_folder(folder("pendulum3"))
    page = visit(dataset)
    names = ["position", "momentum"]

    def renamed(route):
        about = route.fetch().json()
        about["tasks"] = [{**task, "state": names} for task in about["tasks"]]
        route.fulfill(body=json.dumps(about), content_type="application/json")

    page.route("**/about?*", renamed)
    page.set_viewport_size({"width": width, "height": 700})
    try:
        page = visit(dataset, "#sequence/0/train/1")
        page.wait_for_timeout(100)
        written = ends(names)
        assert set(written) == set(names)
        assert all(end["right"] <= end["w"] for end in written.values())
    finally:
        page.unroute("**/about?*")
        page.set_viewport_size({"width": 1280, "height": 720})


@pytest.mark.parametrize("width", [800, 1280])
def test_no_blank_stands_above_the_portrait(width, folder, visit):
    page = visit(of_folder(folder("pendulum3")), "#sequence/0/train/1")
    page.set_viewport_size({"width": width, "height": 700})
    try:
        page.wait_for_timeout(50)
        left, curves, plane = (page.locator(part).bounding_box() for part in (".left", ".curves", ".plane"))
        beside = plane["x"] >= curves["x"] + curves["width"]
        assert beside == (width > 1100)
        assert plane["y"] == pytest.approx(curves["y"] if beside else curves["y"] + curves["height"], abs=30)
        assert left["y"] == pytest.approx(curves["y"], abs=1)
    finally:
        page.set_viewport_size({"width": 1280, "height": 720})


def test_nothing_was_complained_of(tab):
    assert tab.complaints == []
