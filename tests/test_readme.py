"""Every code block of the README and of docs/ runs."""

import dataclasses
import re
import runpy
import shlex
import shutil
import sys
from functools import partial
from pathlib import Path

import pytest

from slvm_data import RECIPES, cli, generate

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SMALL = ["--train", "6", "--val", "2", "--test", "2", "--steps", "4"]
SWITCHING = {name for name, recipe in RECIPES.items() if recipe.windows}
SETUP = "python3 -m venv .venv && "  # run by .ci/run, each on an empty folder


def blocks(language):
    for page in PAGES:
        for i, text in enumerate(re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.M | re.S)):
            yield pytest.param(text, id=f"{page.name}-{i}")


@pytest.mark.parametrize("text", list(blocks("sh")))
def test_commands(text, tmp_path, own_system, monkeypatch, ended):
    """In this process, which takes half of the time; `test_cli.py` runs commands in processes of their own."""
    monkeypatch.chdir(tmp_path)
    for line in text.strip().splitlines():
        if line.startswith(SETUP):
            assert line in (ROOT / ".ci/run").read_text()
            continue
        command = line.split("#")[0].strip()
        (tmp_path / "my_dataset.py").write_text(own_system)
        if command.startswith("python3 "):
            name = command.split()[1]
            script = next((ROOT / "src/slvm_data/datasets").rglob(Path(name).name), ROOT / name)
            main, words = partial(runpy.run_path, str(script), run_name="__main__"), shlex.split(command)[2:]
        else:
            assert command.startswith("slvm-data "), command
            main, words = cli.main, shlex.split(command)[1:]
        if "generate" in command or command.startswith("python3"):
            words += SMALL[: 6 if SWITCHING & set(words) else None]  # windows need the steps of their path
        assert ended(main, *words) == 0, command


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    """A folder with the datasets that pages speak of."""
    place = tmp_path_factory.mktemp("datasets")
    generate(dataclasses.replace(RECIPES["pendulum3"], train=80, val=20, test=20), place / "pendulum3")
    generate(dataclasses.replace(RECIPES["nascar"], train=80, val=2, test=2), place / "nascar")
    return place


@pytest.mark.parametrize("text", list(blocks("python")))
def test_python(text, tmp_path, monkeypatch, datasets):
    shutil.copytree(datasets, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["snippet.py"])
    (tmp_path / "snippet.py").write_text(text)
    try:
        runpy.run_path("snippet.py", run_name="__main__")
    except SystemExit as end:
        assert not end.code
