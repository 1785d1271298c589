"""The page of a dataset with named splits: sequences of a chosen one, and its parameters beside those of train."""

import dataclasses

import numpy as np
import pytest

from slvm_data import RECIPES, Split, View, generate, times
from slvm_data.view import animate, plot
from slvm_data.view.dataset import of_folder

BASE = RECIPES["pendulum3"]
SMALL = {"train": 9, "val": 3, "test": 3, "steps": 4}
SPLITS = {
    "far": Split(count=5, change={"m": 1.5}),
    "long": Split(count=4, steps=times(2)),
    "new": Split(count=3, tasks=(2,)),
}
RECIPE = dataclasses.replace(BASE, **SMALL, held_out=(2,), splits=SPLITS, view=View(jitter=0.4, extent=2.0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return generate(RECIPE, tmp_path_factory.mktemp("named") / "pendulum3")


def count(page, sequences):
    page.wait_for_function(f"() => document.querySelector('.count').textContent === '{sequences} sequences'")


def test_a_split_is_chosen_and_compared_with_train(folder, visit):
    page = visit(of_folder(folder))
    count(page, 2 * 9)
    chooser = page.get_by_label("Split", exact=True)
    assert chooser.locator("option").all_inner_texts() == [
        *("train", "val", "test", "far: m=1.5", "long: steps=times(k=2)", "new: tasks=[2]"),
    ]
    chooser.select_option("far")
    count(page, 2 * 5)
    chooser.select_option("new")
    count(page, 3)
    assert page.locator(".cell").first.inner_text() == "task 2 · #0"
    chooser.select_option("long")
    count(page, 2 * 4)
    page.locator(".cell").first.click()
    page.wait_for_function("() => document.querySelector('.place').textContent.endsWith(' of 8')")


def test_where_parameters_lie_is_drawn(folder, visit):
    page = visit(of_folder(folder), "#report")
    pictures = page.locator("svg.places")
    assert pictures.count() == 3
    far = np.load(folder / "dataset_0/far.npz")["param_m"]
    assert len(far) == 5
    assert pictures.first.locator("circle").count() == 2 * 9 + 2 * 5
    assert pictures.first.get_attribute("aria-label").startswith("Parameters of far (across: m; up: g): m 1.5 to 1.5")
    assert page.locator("table caption, h3").filter(has_text="Accuracy").count() == 1
    rows = page.locator("tr").all_inner_texts()
    assert sum(", far" in row for row in rows) == 2


def test_pictures_of_a_named_split(folder, tmp_path):
    frames = animate(folder, tmp_path / "new.gif", split="new")
    assert len(frames) == 4
    assert len(animate(folder, tmp_path / "long.gif", split="long")) == 8
    assert plot(folder, "long", 3, 1).get_suptitle().startswith("pendulum3, long 3 of task 1")
    with pytest.raises(ValueError, match="index = 0 does not exist: new of task 0 has 0 sequences"):
        plot(folder, "new", 0, 0)
