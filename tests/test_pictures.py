"""The page of the datasets and its pictures are what the scripts make."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from slvm_data import RECIPES
from slvm_data.datasets import NAMES
from slvm_data.observe.modifiers import Modifier
from slvm_data.recipe.bibliography import address

ROOT = Path(__file__).parents[1]
SOME = ("pendulum", "gravity", "two_body", "three_mode")


@pytest.fixture(scope="module")
def script():
    """A script, imported as it is when it runs: its folder leads the path."""
    sys.path.insert(0, str(ROOT / "scripts"))
    yield importlib.import_module
    sys.path.remove(str(ROOT / "scripts"))


def test_the_page_is_up_to_date(script):
    """Otherwise run scripts/datasets_page.py."""
    assert (ROOT / "docs/datasets.md").read_text() == script("datasets_page").page()


def test_the_table_of_arrays_is_up_to_date(script):
    """Otherwise run scripts/format_page.py."""
    assert (ROOT / "docs/format.md").read_text() == script("format_page").page()


def test_the_page_has_every_dataset_once(script):
    page = (ROOT / "docs/datasets.md").read_text()
    for name, recipe in RECIPES.items():
        assert page.count(f"\n### {name}\n") == page.count(f"\nslvm-data generate {name}\n") == 1
        assert f"({address(recipe.source)})" in page
    assert "| `m` | 0.5 … 1 kg |\n| `g` | 2; 3; 4 m/s² |" in page
    assert {path.stem for path in (ROOT / "docs/pictures/datasets").iterdir()} == set(RECIPES)


@pytest.mark.parametrize("name", SOME)
def test_pictures_are_up_to_date(script, name):
    """But for the few colours that a .png keeps; otherwise run contact_sheet.py and datasets_page.py of scripts."""
    picture = np.asarray(script("pictures").picture(name), float)
    committed = [np.asarray(Image.open(ROOT / f"docs/pictures/datasets/{name}.png").convert("RGB"), float)]
    shown = script("contact_sheet").SHOWN
    if name in shown:
        x, y = script("contact_sheet").place(shown.index(name))
        sheet = np.asarray(Image.open(ROOT / "docs/pictures/datasets.png").convert("RGB"), float)
        committed.append(sheet[y : y + picture.shape[0], x : x + picture.shape[1]])
    for own in committed:
        assert own.shape == picture.shape
        assert np.mean(np.abs(own - picture) > 40) < 0.01
    assert np.mean(picture > 40) > 0.02


def test_the_sheet_has_every_family(script):
    shown = script("contact_sheet").SHOWN
    assert all(set(names) & set(shown) for names in NAMES.values())
    assert len(set(shown) & set(SOME)) > 2


def test_a_sheet_of_a_few(script):
    image, (x, y) = script("contact_sheet").sheet(["gravity"]), script("contact_sheet").place(0)
    assert image.size == (992, 138)
    picture = script("pictures").picture("gravity")
    assert image.crop((x, y, x + picture.width, y + picture.height)).tobytes() == picture.tobytes()


def test_the_picture_of_the_modifiers_is_up_to_date(script):
    """Otherwise run scripts/observed_sheet.py."""
    observed = script("observed_sheet")
    sheet = np.asarray(Image.open(observed.TARGET).convert("RGB"), float)
    assert sheet.shape == (observed.HEIGHT, observed.WIDTH, 3)
    names = {text.partition("(")[0] for text in observed.ROWS if text} | {"signal_noise"}
    assert names == {name for name, kind in Modifier.members.items() if kind.__module__.startswith("slvm_data.")}
    for number in (0, observed.ROWS.index("background(kind=gradient)")):
        row, (x, y) = np.asarray(observed.row(observed.ROWS[number]), float), observed.place(number)
        committed = sheet[y : y + row.shape[0], x : x + row.shape[1]]
        assert np.mean(np.abs(committed - row) > 40) < 0.01
