"""A browser, and pages of datasets in it."""

import dataclasses
import importlib
import json
import os
import re
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest

from slvm_data import RECIPES, arrays, generate
from slvm_data.arrays import ArrayInfo, Role
from slvm_data.view.dataset import Dataset
from slvm_data.view.server import Server

CHROMIUM = Path("/usr/bin/chromium")
OURS = "willReadFrequently"  # a remark of Chromium on tests that read pixels


def _lacking(what):
    """A browser that is missing is an error where SLVM_CI is set, as in continuous integration; elsewhere a skip."""
    (pytest.fail if os.environ.get("SLVM_CI") else pytest.skip)(what)


@pytest.fixture
def lacking():
    """The reaction to a missing browser."""
    return _lacking


@pytest.fixture(scope="package")
def browser():
    """Chromium, until the last of these tests: no longer, since its event loop keeps others from running."""
    if not CHROMIUM.exists():
        _lacking(f"{CHROMIUM} is missing: apt-get install chromium")
    try:
        api = importlib.import_module("playwright.sync_api")
    except ModuleNotFoundError:
        _lacking("playwright is missing: pip install -e '.[test]'")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def tab(browser):
    """One page for a module's tests, with the addresses that it `asked` for, and its `complaints`."""
    page = browser.new_page(reduced_motion="reduce")
    page.asked, page.complaints = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda message: page.complaints.append(message.text) if OURS not in message.text else None)
    page.on("dialog", lambda dialog: (page.complaints.append(dialog.message), dialog.dismiss()))
    yield page
    page.close()


@contextmanager
def _serving(dataset):
    with Server(dataset) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def serving():
    """A server of a dataset, as a context."""
    return _serving


@pytest.fixture(scope="module")
def opening(tab):
    """Open an address in the page, and wait until it can be used."""

    def open_page(url):
        tab.goto("about:blank")
        tab.goto(url)
        tab.wait_for_selector("html[data-ready]", timeout=60_000)
        return tab

    return open_page


@pytest.fixture(scope="module")
def visit(serving, opening):
    """Serve a dataset for the rest of the module, and open a part of its page."""
    with ExitStack() as stack:
        yield lambda dataset, part="": opening(stack.enter_context(serving(dataset)).url + part)


@pytest.fixture(scope="module")
def to_frame():
    """Bring the page to a frame, and wait until it is drawn."""

    def seek(page, frame):
        page.get_by_label("Frame", exact=True).fill(str(frame))
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    return seek


@pytest.fixture(scope="module")
def pixels():
    """The pixels of a canvas [H W 3]."""

    def read(page, selector):
        script = """(canvas) => { const { width, height } = canvas;
            return [height, width, ...canvas.getContext("2d").getImageData(0, 0, width, height).data]; }"""
        height, width, *flat = page.locator(selector).first.evaluate(script)
        return np.array(flat, np.uint8).reshape(height, width, 4)[..., :3]

    return read


MARKUP = "<script>alert(1)</script></script><img src=x onerror=alert(2)> & \u2028"


SOURCE = f"{MARKUP} https://example.org/{'long' * 20}"


@pytest.fixture(scope="session")
def markup():
    """A text with markup in it, such as a dataset may have for `about`."""
    return MARKUP


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Folders of small datasets by name, format, recorded arrays and fields; by default of 70, 4 and 3 sequences."""
    place, made = tmp_path_factory.mktemp("sets"), {}

    def make(name, store="npz", record=(), **fields):
        key = (name, store, record, *fields.items())
        if key not in made:
            small = {"train": 70, "val": 4, "test": 3, "steps": 1000 if RECIPES[name].windows else 30}
            recipe = dataclasses.replace(RECIPES[name], **small | fields, about=MARKUP, source=SOURCE, record=record)
            made[key] = generate(recipe, place / str(len(made)), format=store)
        return made[key]

    return make


@pytest.fixture(scope="session")
def saved_data():
    """The data in a saved page."""
    return lambda text: json.loads(re.search(r'id="data">(.*?)</script>', text, re.S)[1])


@pytest.fixture
def listed(monkeypatch):
    """Put an array with these axes into the table of all arrays."""

    def put(name, axes):
        info = ArrayInfo(name=name, axes=axes, dtype="float32", role=Role.TRUTH, meaning="of a test")
        monkeypatch.setitem(arrays.TABLE, name, info)

    return put


@pytest.fixture
def driven(monkeypatch, listed):
    """Three sequences with irregular times, control, drift and truths of modifiers, as a dataset would have them."""
    rows = {
        "time": np.tile([0.0, 0.1, 0.25, 0.9, 1.0, 1.05, 1.3, 1.4, 1.6, 1.7, 1.8, 2.5], (3, 1)),
        "control": np.random.default_rng(0).normal(size=(3, 12, 1)).astype(np.float32),
        "drift_g": np.linspace([2.0] * 3, [4.0] * 3, 12, axis=1, dtype=np.float32),
        "drift_time": np.array([[1.2], [np.nan], [0.7]]),
        "noise_factor": np.random.default_rng(1).random((3, 12, 4), np.float32),
        "occluder": np.tile(np.arange(12), (3, 1)),
        "distractors": np.zeros((3, 12, 2, 3), np.float32),
    }
    table = {"control": "N T U", "drift_g": "N T", "drift_time": "N J", "occluder": "N T", "distractors": "N T O G"}
    for name, axes in (table | {"noise_factor": "N T (Q)"}).items():
        listed(name, axes)
    monkeypatch.setattr(type(RECIPES["pendulum"].tasks[0]), "inputs", ("torque",), raising=False)
    monkeypatch.setattr(type(RECIPES["pendulum"].tasks[0]), "input_units", ("N m",), raising=False)
    stored = Dataset.rows

    def with_more(self, task, split, index):
        return stored(self, task, split, index) | {name: array[list(index)] for name, array in rows.items()}

    monkeypatch.setattr(Dataset, "rows", with_more)
    return rows
