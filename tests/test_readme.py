"""Every code block of the README and of docs/ runs as a reader runs them: in order, in one folder, with what the page
has told to install until there."""

import re
import runpy
import shlex
import sys
from functools import partial
from pathlib import Path

import pytest

from slvm_data import cache, cli

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SIZES = {"train": 80, "val": 20, "test": 20}  # of datasets that a page makes
SMALL = [word for split, size in SIZES.items() for word in (f"--{split}", str(size))]
SETUP = "python3 -m venv .venv && "  # run by .ci/run, each on an empty folder
OTHERS = {"grain", "webdataset"}  # that a page may tell to install
INSTALL = r"pip install\s+'?([\w.-]*)(?:\[([\w,]+)\])?"
PART = re.compile(rf"^```(sh|python)\n(.*?)^```|{INSTALL}", re.M | re.S)


def parts(page):
    """The blocks of a page, with the extras and packages that it has told to install before each of them."""
    installed = set()
    for language, text, package, extras in PART.findall(page.read_text()):
        if language:
            yield language, text, set(installed)
        for name, those in re.findall(INSTALL, text) if language else [(package, extras)]:
            installed |= {name} & OTHERS
            installed |= set(filter(None, those.split(",")))


def run_commands(text, ended):
    for line in text.replace("\\\n", "").strip().splitlines():
        command = line.split("#")[0].strip()
        if command.startswith(SETUP):
            assert command in (ROOT / ".ci/run").read_text()
            command = command.split("&& .venv/bin/")[-1]
        if command.startswith(("pip ", "pytest")):
            continue
        if command.startswith("python3 "):
            script = next((ROOT / "src/slvm_data/datasets").rglob(Path(command.split()[1]).name))
            main, words = partial(runpy.run_path, str(script), run_name="__main__"), shlex.split(command)[2:]
        else:
            assert command.startswith("slvm-data "), command
            main, words = cli.main, shlex.split(command)[1:]
        if "generate" in command or command.startswith("python3"):
            words += SMALL
        assert ended(main, *words) == 0, command


def run_python(text, monkeypatch):
    """Save the lines under the name that they begin with, and run them."""
    named = re.match(r"# (\w+\.py)\n", text)
    path = Path(named[1] if named else "snippet.py")
    path.write_text(text)
    monkeypatch.setattr(sys, "argv", [path.name])
    try:
        runpy.run_path(str(path), run_name="__main__")
    except SystemExit as end:
        assert not end.code


@pytest.mark.parametrize("page", [page for page in PAGES if list(parts(page))], ids=lambda page: page.name)
def test_a_page_runs_in_order(page, tmp_path, monkeypatch, ended, only):
    """In this process, which takes half of the time; `test_cli.py` runs commands in processes of their own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLVM_DATA_HOME", str(tmp_path / "home"))
    changed = cache._changed
    monkeypatch.setattr(cache, "_changed", lambda recipe, changes: changed(recipe, SIZES | changes))
    pytest.importorskip("lightning")  # which looks for packages when it is imported, and would find those hidden here
    for language, text, installed in parts(page):
        with only(installed):
            run_commands(text, ended) if language == "sh" else run_python(text, monkeypatch)
