"""The documentation site: built strictly, it needs no network, and its search finds the datasets."""

import functools
import os
import re
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import slvm_data
from slvm_data import RECIPES, load, metrics

ROOT = Path(__file__).parents[2]
LOADED = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)=[\"']?((?:https?:)?//[^\"' >]*)")
FOUND = {  # by name, paper, system and task
    "pendulum": "#pendulum_colors",
    "KVAE": "#kvae_polygon",
    "BallBox": "#gravity6",
    "few-shot": "#gravity16",
}


class Quiet(SimpleHTTPRequestHandler):
    """A server of files that reports nothing."""

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site; a link that leads nowhere, and a page that is in no menu, are errors."""
    if not os.environ.get("SLVM_CI"):
        pytest.importorskip("mkdocstrings")
    place = tmp_path_factory.mktemp("docs") / "site"
    words, told = ["sh", ROOT / "scripts/docs", "-d", place], os.environ | {"PYTHON": sys.executable}
    done = subprocess.run(words, env=told, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return place


@pytest.fixture
def address(site):
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_nothing_is_loaded_from_elsewhere(site):
    for page in site.rglob("*.html"):
        assert not LOADED.findall(page.read_text().replace('rel="canonical"', "")), page
    for style in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import\s*)[\"']?(?:https?:)?//", style.read_text()), style


def test_every_dataset_and_every_public_name_has_its_place(site):
    places = set(re.findall(r'\bid="([^"]*)"', "".join(page.read_text() for page in site.rglob("*.html"))))
    assert set(RECIPES) <= places
    entries = {place.rpartition(".")[2] for place in places if place.startswith("slvm_data.")}
    public = {*slvm_data.__all__, *load.__all__, *(name for name in vars(metrics) if name[0].islower())}
    modules = {name for name in vars(metrics) if type(getattr(metrics, name)) is type(re)}
    assert not public - modules - {"RECIPES"} - entries


def test_the_search_finds_datasets(tab, address):
    tab.goto(f"{address}/index.html")
    search = tab.get_by_role("textbox", name="Search")
    for words, place in FOUND.items():
        search.fill("")
        search.press_sequentially(words)
        tab.locator(f".md-search-result__link[href$='{place}']").first.wait_for(state="attached")
    tab.locator(f".md-search-result__link[href$='{place}']").first.evaluate("(link) => link.click()")
    tab.locator(place).wait_for()
    assert "/datasets.html" in tab.url
    assert {url.split("/")[2] for url in tab.asked} == {address.split("/")[2]}
    assert not tab.complaints
