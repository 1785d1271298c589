"""The page in a real browser: it shows what is in the files, and needs no mouse and no network."""

import dataclasses
import shlex
import time

import numpy as np
import pytest
import typer

from slvm_data import RECIPES, View, generate, sample
from slvm_data.cli import app
from slvm_data.store import card, formats, zarr
from slvm_data.store.manifest import read
from slvm_data.view import saved
from slvm_data.view.dataset import of_folder, of_recipe
from slvm_data.view.server import UNKNOWN

T = 30


@pytest.mark.parametrize(("name", "store"), [("pendulum3", "npz"), ("two_body", "zarr"), ("gravity", "npz")])
def test_pixels_are_those_of_the_file(name, store, folder, visit, to_frame, pixels):
    where = folder(name, store, ("energy", "events") if name == "gravity" else ())
    page = visit(of_folder(where), "#sequence/0/val/2")
    path = min(where.rglob(f"val.{store}"))
    stored = formats.store_of(path).read(path, np.array([2]))["image"][0]
    upright = stored if name == "gravity" else stored[..., ::-1, :]
    for t in (0, 5, T - 1):
        to_frame(page, t)
        frame = upright[t] if stored.ndim == 4 else np.tile(upright[t], (3, 1, 1))
        np.testing.assert_array_equal(pixels(page, ".stage canvas"), 255 * frame.transpose(1, 2, 0))
    assert page.locator(".stage canvas").evaluate("(c) => c.getBoundingClientRect().width / c.width % 1") == 0
    assert page.locator(".stage canvas").evaluate("(c) => getComputedStyle(c).imageRendering") == "pixelated"


def test_the_grid_shows_each_sequence(folder, visit, to_frame, pixels):
    page = visit(of_folder(folder("two_body", "zarr")))
    with_index = {}
    to_frame(page, 7)
    for i in (0, 13, 63):
        with_index[i] = pixels(page, f".cell >> nth={i} >> canvas")
    image = zarr.read(folder("two_body", "zarr") / "train.zarr")["image"][:, 7, :, ::-1]
    for i, shown in with_index.items():
        np.testing.assert_array_equal(shown, 255 * image[i].transpose(1, 2, 0))


def test_play_advances_and_the_cursor_follows(folder, visit, to_frame):
    page = visit(of_folder(folder("pendulum3")), "#sequence/1/train/0")
    place = page.locator(".place")
    for t in (3, 9):
        to_frame(page, t)
        assert place.inner_text() == f"frame {t} of {T}"
        for cursor in page.locator(".u-cursor-x").all():
            x, width = cursor.evaluate(
                "(c) => [new DOMMatrix(getComputedStyle(c).transform).e, c.parentNode.clientWidth]"
            )
            assert x == pytest.approx(width * t / (T - 1), abs=1.5)
        assert f"frame {t} " in page.locator(".now").inner_text()
    page.get_by_label("frames/s").select_option("60")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => document.querySelector('.place').textContent.startsWith('frame 1 ')")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="One frame forward").click()
    here = place.inner_text()
    page.locator(".u-over").first.click(position={"x": 2, "y": 20})
    assert place.inner_text() == f"frame 0 of {T}" != here


def test_filters_count_and_sort(folder, visit):
    page = visit(of_folder(folder("pendulum3")))
    made = [of_folder(folder("pendulum3")).parameters(k, "train") for k in range(3)]
    count = page.locator(".count")
    assert count.inner_text() == "210 sequences"
    page.get_by_text("Filter by parameters").click()
    page.get_by_label("m at least").fill("0.7")
    page.get_by_label("m at least").press("Enter")
    fits = [np.flatnonzero(m["m"] >= np.float32(0.7)) for m in made]
    page.wait_for_function(f"() => document.querySelector('.count').textContent === '{sum(map(len, fits))} sequences'")
    page.get_by_label("Task", exact=True).select_option("1")
    page.wait_for_function(f"() => document.querySelector('.count').textContent === '{len(fits[1])} sequences'")
    page.get_by_label("Sort by").select_option("-l")
    page.wait_for_function("() => document.querySelector('.cell').textContent.includes(' l ')")
    best = fits[1][np.argmax(made[1]["l"][fits[1]])]
    assert f"#{best} " in page.locator(".cell").first.inner_text()
    page.get_by_label("Split", exact=True).select_option("val")
    with np.load(folder("pendulum3") / "dataset_1/val.npz") as data:
        held = data["param_m"] >= np.float32(0.7)
    page.wait_for_function(f"() => document.querySelector('.count').textContent === '{held.sum()} sequences'")


def test_pages_and_tasks_side_by_side(folder, visit):
    page = visit(of_folder(folder("pendulum3")))
    first = page.locator(".group").first
    assert [cell.inner_text() for cell in first.locator(".cell").all()] == ["g 2", "g 3", "g 4"]
    assert page.locator(".cell").count() == 63
    page.get_by_role("button", name="Next page").click()
    page.wait_for_function("() => document.querySelector('.group h3').textContent === '#21'")
    page.get_by_label("tasks side by side").uncheck()
    page.wait_for_selector(".grid")
    assert page.locator(".cell").first.inner_text() == "task 0 · #0"


def test_a_query_stands_beside_its_context(folder, visit):
    page = visit(of_folder(folder("pendulum3")), "#sequence/2/train/69")
    assert page.locator(".context figcaption").all_inner_texts() == [f"#{i}" for i in range(5)]
    page.get_by_role("button", name="Draw others").press("Enter")
    page.wait_for_selector(".context figcaption:text('#9')")
    assert page.locator(".context figcaption").all_inner_texts() == [f"#{i}" for i in range(5, 10)]
    assert page.evaluate("document.activeElement.textContent") == "Draw others"
    assert page.locator("h2").inner_text() == "train #69 of task 2: g 4"


def test_impacts_are_told(folder, visit):
    with np.load(folder("gravity", "npz", ("energy", "events")) / "train.npz") as data:
        index = int(np.argmax((data["event_wall"] >= 0).sum(axis=1)))
        walls = [("left", "right", "top", "bottom")[wall] for wall in data["event_wall"][index] if wall >= 0]
    page = visit(of_folder(folder("gravity", "npz", ("energy", "events"))), f"#sequence/0/train/{index}")
    told = page.locator("dt:text('impacts') + dd").inner_text()
    assert len(walls) > 1
    assert [word.split()[-1] for word in told.split(", ")] == walls


def test_a_slider_changes_frames_and_command(visit, to_frame, pixels, tmp_path, monkeypatch):
    recipe = dataclasses.replace(RECIPES["pendulum3"], train=5, val=0, test=0)
    page = visit(of_recipe(recipe), "#sequence/0/train/4")
    to_frame(page, T - 1)
    before = pixels(page, ".stage canvas")
    command = page.locator(".command code").first.inner_text()
    for name, presses in (("g", 30), ("l", 12)):
        page.get_by_role("slider", name=name, exact=True).focus()
        for _ in range(presses):
            page.keyboard.press("ArrowRight" if name == "g" else "ArrowLeft")
        moved = page.locator(f".slider:has(input[aria-label='{name}']) output").inner_text()
        page.wait_for_function(f"() => document.querySelector('.command code').textContent.includes(' {name}={moved}')")
    to_frame(page, T - 1)
    after, changed = pixels(page, ".stage canvas"), page.locator(".command code").first.inner_text()
    assert (after != before).any()
    assert changed != command
    monkeypatch.chdir(tmp_path)
    typer.main.get_command(app)(shlex.split(changed)[1:], standalone_mode=False)
    with np.load("pendulum3/train.npz") as data:
        frame = data["image"][4, T - 1, ::-1]
        assert (data["param_g"] == data["param_g"][0]).all()
    np.testing.assert_array_equal(after, np.tile(255 * frame[..., None], 3))


def test_what_cannot_be_is_said_in_a_sentence(visit):
    page = visit(of_recipe(dataclasses.replace(RECIPES["pendulum3"], train=5, val=0, test=0)))
    refused = {"status": 400, "body": '{"error": "it <b>left</b> the scene"}', "content_type": "application/json"}
    page.route("**/about?set=*", lambda route: route.fulfill(**refused))
    page.get_by_role("slider", name="g", exact=True).press("Home")
    page.wait_for_selector("#trouble:not([hidden])")
    assert page.locator("#trouble").inner_text() == "it <b>left</b> the scene"
    page.unroute("**/about?set=*")
    page.get_by_role("button", name="Reset").click()
    page.wait_for_selector("#trouble[hidden]", state="attached")
    assert page.locator(".cell").count() == 15
    page.complaints[:] = [text for text in page.complaints if "400" not in text]  # the browser's own line of it


def test_the_address_that_a_browser_is_started_with_leads_to_the_page(serving, opening):
    with serving(of_recipe(RECIPES["pendulum3"])) as server:
        page = opening(server.url_once)
        assert page.url == server.url
        assert page.locator(".cell").count() > 3


def test_a_page_of_a_server_that_was_started_again_says_so(serving, opening):
    """On the same port, but with another token."""
    with serving(of_recipe(RECIPES["pendulum3"])) as server:
        page = opening(server.url)
        server.token = "another"
        page.goto(page.url + "#report")
        page.wait_for_selector("#trouble:not([hidden])")
        assert page.locator("#trouble").inner_text() == UNKNOWN
    page.complaints[:] = [text for text in page.complaints if "403" not in text]  # the browser's own line of it


def test_windows_of_signals(folder, visit, to_frame):
    page = visit(of_folder(folder("nascar")), "#sequence/0/train/69")
    with np.load(folder("nascar") / "train.npz") as data:
        regime = data["labels"][69, 3]
    to_frame(page, 3)
    assert f"regime {regime}" in page.locator(".now").inner_text()
    assert page.locator(".context canvas").count() == 3
    assert [caption.strip() for caption in page.locator(".curves figcaption").all_inner_texts()] == [
        "Latents",
        "Signal",
    ]
    drawn = page.locator(".context canvas").first
    assert drawn.evaluate("(c) => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v) => v)")


def test_the_validation_report(folder, visit):
    page = visit(of_folder(folder("pendulum3")), "#report")
    page.wait_for_selector(".report")
    certificate = of_folder(folder("pendulum3")).content.certificate[0]
    cells = page.locator("tbody tr").first.locator("td").all_inner_texts()
    assert float(cells[1]) == pytest.approx(certificate.energy_drift, rel=0.05)
    assert float(cells[2]) == pytest.approx(certificate.error, rel=0.05)
    bar = page.locator("svg.bars").first
    counts = list(certificate.coverage["m"].counts)
    assert [int(t.split(": ")[1]) for t in bar.locator("title").all_text_contents()] == counts
    with np.load(folder("pendulum3") / "dataset_2/train.npz") as data:
        lit = data["image"][:64].sum(axis=(2, 3)).ravel()
    last = page.locator("svg.bars").last.locator("title").all_text_contents()
    assert sum(int(text.split(": ")[1]) for text in last) == lit.size
    assert int(last[0].split()[0]) == lit.min()
    assert "dataset_0/train.npz" in page.locator("#report").inner_text()


def test_transitions_are_a_matrix_and_regimes_have_a_legend(folder, visit):
    page = visit(of_folder(folder("nascar")), "#report")
    page.wait_for_selector(".matrix")
    counts = of_folder(folder("nascar")).content.certificate[0].regimes.transition_counts
    shown = [cell.replace(",", "") for cell in page.locator(".matrix td").all_inner_texts()]
    assert list(map(int, shown)) == [count for row in counts for count in row]
    page.goto(page.url.replace("#report", "#sequences"))
    page.wait_for_selector(".cell")
    assert [text.strip() for text in page.locator(".legend .regime").all_inner_texts()] == ["0", "1", "2", "3"]


def test_the_dataset_tab_tells_what_is_in_the_folder(folder, visit):
    """Its arrays, sizes and title, and lines that load it as they stand there."""
    where = folder("pendulum3")
    page = visit(of_folder(where), "#dataset")
    page.wait_for_selector(".dataset")
    assert page.locator("h1").inner_text() == where.name
    rows = page.locator("[aria-label=Arrays] tbody tr").all()
    assert [row.locator("td").all_inner_texts() for row in rows] == card.array_rows(read(where))
    assert ["seed", "0"] in [row.locator("td").all_inner_texts() for row in page.locator("tbody tr").all()[:7]]
    lines = page.get_by_label("Lines of Python").locator("code").inner_text()
    assert len(lines.strip().splitlines()) == 5
    printed = []
    exec(lines, {"print": printed.append})
    assert printed[0]["image"] == (64, 30, 1, 32, 32)
    link = page.locator(".links a")
    assert link.get_attribute("href").startswith("https://example.org/long")
    assert link.get_attribute("rel") == "noopener noreferrer"


def test_units_are_shown(folder, visit):
    page = visit(of_folder(folder("pendulum3")), "#sequence/1/train/0")
    legend = page.locator(".u-legend").all_inner_texts()
    assert "q [rad]" in legend[0]
    assert "p [kg m²/s]" in legend[0]
    assert "H [J]" in legend[1]
    assert page.locator("dt:text-is('g') + dd").inner_text() == "3 m/s²"


def test_a_parameter_that_tells_tasks_apart_moves_in_each(visit):
    """The page says that one value joins the tasks, and offers the other way; the title says what was changed."""
    recipe = dataclasses.replace(RECIPES["pendulum3"], train=5, val=0, test=0)
    page = visit(of_recipe(recipe))
    page.get_by_role("slider", name="m", exact=True).press("ArrowRight")
    page.wait_for_function("() => document.querySelector('h1').textContent.includes('m=')")
    assert page.locator(".apart").is_hidden()
    page.get_by_role("slider", name="g", exact=True).press("ArrowRight")
    page.wait_for_function("() => document.querySelector('h1').textContent.includes(' g=3.01')")
    assert "Tasks differ in g: one value for all joins them." in page.locator(".apart").inner_text()
    assert page.locator(".group").count() == 0
    page.get_by_role("button", name="Move g in each task").click()
    page.wait_for_selector(".group")
    assert " g=2.01,3.01,4.01" in page.locator(".command code").first.inner_text()
    assert page.locator(".group").first.locator(".cell").all_inner_texts() == ["g 2.01", "g 3.01", "g 4.01"]
    assert page.locator(".slider:has(input[aria-label='g']) output").inner_text() == "2.01, 3.01, 4.01"
    page.get_by_role("button", name="Reset").click()
    page.wait_for_function("() => !document.querySelector('h1').textContent.includes('g=')")
    assert page.locator(".apart").is_hidden()


def test_markup_is_text(folder, visit, markup):
    page = visit(of_folder(folder("pendulum3")), "#dataset")
    page.wait_for_selector(".dataset")
    assert page.locator("#about").text_content() == markup.strip()
    assert markup.split()[0] in page.locator("#dataset").inner_text()
    assert not page.complaints


FOCUSED = """() => { const e = document.activeElement;
    return e === document.body ? "" : (e.dataset.seen ??= String(Math.random())); }"""
REACHABLE = """() => [...document.querySelectorAll("button, select, input, summary, [tabindex='0']")]
    .filter((e) => e.checkVisibility() && !e.disabled && e.tabIndex >= 0 && !e.dataset.seen).map((e) => e.outerHTML)"""


@pytest.mark.parametrize("part", ["", "#sequence/0/train/1", "#report", "#dataset"])
def test_everything_is_reached_by_keyboard(part, visit):
    recipe = dataclasses.replace(RECIPES["pendulum3"], train=3, val=2, test=2)
    page = visit(of_recipe(recipe), part)
    page.evaluate("document.activeElement.blur()")
    reached = [""]
    while (now := reached[-1]) == "" or now not in reached[:-1]:  # once around, through the browser's own parts
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUSED))
        assert len(reached) < 100
    assert page.evaluate(REACHABLE) == []
    assert len(reached) > 5


def test_keys_alone_do_everything(folder, visit):
    page = visit(of_folder(folder("pendulum3")))
    page.locator(".cell").first.focus()
    ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert ring == "solid"
    page.keyboard.press("Enter")
    page.wait_for_selector(".sequence")
    page.keyboard.press("Escape")
    page.wait_for_selector(".group")
    page.locator("#main").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.locator(".place").inner_text() == f"frame 2 of {T}"
    page.keyboard.press("End")
    assert page.locator(".place").inner_text() == f"frame {T - 1} of {T}"
    page.keyboard.press(" ")
    assert page.get_by_role("button", name="Pause").count() == 1
    page.keyboard.press(" ")
    page.get_by_role("tab", name="Sequences").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".report")
    assert page.get_by_role("tab", name="Validation report").get_attribute("aria-selected") == "true"


@pytest.mark.parametrize("part", ["", "#sequence/0/train/1", "#report", "#dataset"])
def test_nothing_sticks_out_of_a_narrow_screen(part, folder, visit):
    page = visit(of_folder(folder("pendulum3")), part)
    page.set_viewport_size({"width": 360, "height": 700})
    try:
        page.wait_for_function("() => document.documentElement.scrollWidth <= 360", timeout=5000)
    finally:
        page.set_viewport_size({"width": 1280, "height": 720})


def test_colours_follow_the_system_or_the_button(folder, visit):
    page = visit(of_folder(folder("pendulum3")))
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(paper)
    page.emulate_media(color_scheme="light")
    page.locator("#theme button").click()
    page.locator("#theme button").click()
    assert page.evaluate(paper) == dark != light


def test_motion_begins_only_where_it_is_wanted(folder, visit):
    page = visit(of_folder(folder("pendulum3")))
    assert page.get_by_role("button", name="Play").count() == 1  # this page prefers reduced motion
    page.emulate_media(reduced_motion="no-preference")
    try:
        page.reload()
        page.wait_for_selector("html[data-ready]")
        assert page.get_by_role("button", name="Pause").count() == 1
    finally:
        page.emulate_media(reduced_motion="reduce")


def test_a_saved_page_is_small_and_quick_and_needs_nothing(opening, to_frame, pixels, markup, tmp_path):
    recipe = dataclasses.replace(RECIPES["pendulum3"], about=markup)
    path = tmp_path / "page.html"
    size = saved.save(of_recipe(recipe), path, 64)
    assert size == path.stat().st_size < 1_000_000
    page = opening(path.as_uri())
    page.context.set_offline(True)
    try:
        quickest = min(int(opening(path.as_uri()).locator("html").get_attribute("data-ready")) for _ in range(3))
        assert quickest < 1000
        page.goto(f"{path.as_uri()}#sequence/0/test/1")
        to_frame(page, 29)
        frame = sample(recipe, "test", slice(1, 2))["image"][0, 29, ::-1]
        np.testing.assert_array_equal(pixels(page, ".stage canvas"), np.tile(255 * frame[..., None], 3))
        page.goto(f"{path.as_uri()}#report")
        page.wait_for_selector(".report")
    finally:
        page.context.set_offline(False)


def test_many_sequences_open_as_fast_as_few(tmp_path, visit):
    """A hundred times as many: the page and its last sequence are there as soon."""
    taken = []
    for count in (500, 50_000):
        recipe = dataclasses.replace(RECIPES["pendulum"], train=count, val=1, test=1, steps=3, view=View(size=8))
        folder = generate(recipe, tmp_path / str(count), format="zarr")
        visit(of_folder(folder))  # compiles what the other one needs too
        start = time.monotonic()
        page = visit(of_folder(folder), f"#sequence/0/train/{count - 1}")
        page.wait_for_selector(".sequence")
        page.goto(page.url.split("#")[0] + "#sequences")
        page.wait_for_selector(".cell >> nth=63")
        taken.append(time.monotonic() - start)
    assert taken[1] < 2 * taken[0] + 0.3, taken


def test_a_missing_browser_is_an_error_in_continuous_integration(lacking, monkeypatch):
    """Elsewhere the tests that need it are skipped."""
    monkeypatch.setenv("SLVM_CI", "1")
    with pytest.raises(pytest.fail.Exception, match="it is missing"):
        lacking("it is missing")
    monkeypatch.delenv("SLVM_CI")
    with pytest.raises(pytest.skip.Exception, match="it is missing"):
        lacking("it is missing")


def test_nothing_was_asked_of_anyone_else(tab):
    """It is last: of everything that the page asked for in the tests before."""
    assert len(tab.asked) > 50
    foreign = [url for url in tab.asked if not url.startswith(("http://127.0.0.1:", "file:///", "data:", "about:"))]
    assert not foreign
    assert not tab.complaints
