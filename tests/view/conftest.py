"""A browser, and pages of datasets in it."""

import dataclasses
import json
import re
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest

from slvm_data import RECIPES, generate
from slvm_data.view.server import Server

CHROMIUM = Path("/usr/bin/chromium")
OURS = "willReadFrequently"  # what Chromium says of tests that read pixels


@pytest.fixture(scope="module")
def browser():
    """Chromium; a test that needs it is skipped where there is none."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not there: apt-get install chromium")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def seen(browser):
    """One page for a module's tests, which says what it asked for, and what it complained of."""
    page = browser.new_page(reduced_motion="reduce")
    page.asked, page.complaints = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda message: page.complaints.append(message.text) if OURS not in message.text else None)
    page.on("dialog", lambda dialog: (page.complaints.append(dialog.message), dialog.dismiss()))
    yield page
    page.close()


@contextmanager
def _serving(films):
    with Server(films) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def serving():
    """Servers of films, as a context."""
    return _serving


@pytest.fixture(scope="module")
def opening(seen):
    """Open an address in the page, and wait until it can be used."""

    def open_page(url):
        seen.goto("about:blank")
        seen.goto(url)
        seen.wait_for_selector("html[data-ready]", timeout=60_000)
        return seen

    return open_page


@pytest.fixture(scope="module")
def visit(serving, opening):
    """Serve films for the rest of the module, and open a part of their page."""
    with ExitStack() as stack:
        yield lambda films, part="": opening(stack.enter_context(serving(films)).url + part)


@pytest.fixture(scope="module")
def to_frame():
    """Bring the page to a frame, and wait until it is drawn."""

    def seek(page, frame):
        page.get_by_label("Frame", exact=True).fill(str(frame))
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    return seek


@pytest.fixture(scope="module")
def pixels():
    """What a canvas shows [H W 3]."""

    def read(page, selector):
        script = """(canvas) => { const { width, height } = canvas;
            return [height, width, ...canvas.getContext("2d").getImageData(0, 0, width, height).data]; }"""
        height, width, *flat = page.locator(selector).first.evaluate(script)
        return np.array(flat, np.uint8).reshape(height, width, 4)[..., :3]

    return read


MARKUP = "<script>alert(1)</script></script><img src=x onerror=alert(2)> & \u2028"


@pytest.fixture(scope="session")
def markup():
    """What a dataset may say of itself."""
    return MARKUP


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Folders of small datasets by name, format and what is recorded: 70, 4 and 3 sequences."""
    place, made = tmp_path_factory.mktemp("sets"), {}

    def make(name, form="npz", record=()):
        if (name, form, record) not in made:
            steps = 1000 if RECIPES[name].windows else 30
            recipe = dataclasses.replace(
                RECIPES[name], train=70, val=4, test=3, steps=steps, about=MARKUP, source=MARKUP, record=record
            )
            made[name, form, record] = generate(recipe, place / f"{name}_{form}_{len(record)}", form=form)
        return made[name, form, record]

    return make


@pytest.fixture(scope="session")
def saved_data():
    """The data in a saved page."""
    return lambda text: json.loads(re.search(r'id="data">(.*?)</script>', text, re.S)[1])
