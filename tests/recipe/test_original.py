"""Datasets as the original scripts write them, and readers in use on those that are written without `--original`."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.stats import binomtest

from slvm_data import RECIPES, BallBox, Hamiltonian, Recipe, System, generate, render, sample, simulate
from slvm_data.datasets import NAMES
from slvm_data.recipe.original import as_original
from slvm_data.recipe.serialisation import from_stored, to_stored
from slvm_data.simulation.batch import batch_size, make, prepare

WITHOUT_WINDOWS = {
    name: recipe
    for name, recipe in RECIPES.items()
    if recipe.windows is None and recipe.has_frames() and not recipe.splits and not recipe.observe
    if name not in NAMES["fields"]  # whose sequences take seconds
}
REMOVED = {"gravity": (249 / 16_000, 16_000), "bouncingball": (0.0, 4_000)}  # share of candidates, and how many here


def test_shapes_and_types_are_the_originals(task_of_each_kind, in_the_table):
    if not isinstance(system := task_of_each_kind[0].tasks[0], BallBox | Hamiltonian):
        with pytest.raises(ValueError, match=f"there is no original of {type(system).__name__}"):
            as_original(task_of_each_kind[0])
        return
    recipe, task = as_original(task_of_each_kind[0]), task_of_each_kind[1]
    arrays = sample(recipe, index=slice(0, 3), task=task)
    ball = isinstance(recipe.tasks[task], BallBox)
    in_the_table(arrays, 3, 30, original=True)
    assert list(arrays) == ["image", "state", "label"]
    assert arrays["image"].shape == ((3, 30, 32, 32) if ball else (3, 30, 3, 32, 32))
    assert arrays["state"].shape == (3, 30, len(recipe.tasks[task].state))
    assert [str(a.dtype) for a in arrays.values()] == ["float64", "float32", "int64"]
    assert set(np.unique(arrays["image"])) == {0.0, 1.0}
    np.testing.assert_array_equal(arrays["label"], np.full((3, 1), task))


@pytest.mark.parametrize("name", ["bouncingball", "gravity"])
def test_frames_of_balls_show_the_state_before(name):
    recipe = as_original(RECIPES[name])
    arrays, draws = sample(recipe, index=slice(0, 100)), sample(RECIPES[name], index=slice(0, 100))
    ball, kept = recipe.tasks[0], 0
    for i in range(100):
        start = draws["state"][i, 0]
        states = simulate(ball, {}, start, np.arange(31) * 0.25)
        if not np.array_equal(states[1:].astype(np.float32), arrays["state"][i]):
            assert (render(ball, {}, states[:-1], style="debug", color="binary").max(axis=(1, 2)) == 0).any()
            continue
        kept += 1
        shown = render(ball, {}, np.float32(states[:-1]), style="debug", color="binary")
        np.testing.assert_array_equal(arrays["image"][i], shown)
    assert kept >= 94


@pytest.mark.few(1)
@pytest.mark.parametrize("name", REMOVED)
def test_as_many_candidates_are_removed_as_in_the_original(name):
    (share, count), recipe = REMOVED[name], as_original(RECIPES[name])
    inputs, size, removed, made = prepare(recipe, 0, "train"), batch_size(recipe), 0, 0
    while made < count:
        batch = make(recipe, 0, "train", inputs, np.arange(made, made + size))
        removed, made = removed + batch.rejected, made + size
        assert (batch.arrays["image"].sum(axis=(2, 3)) > 0).all()
    print(f"{name}: {removed} of {made + removed} candidates removed")
    assert binomtest(removed, made + removed, max(share, 1e-9)).pvalue > 1e-3


def test_a_window_begins_at_the_first_or_the_second_frame():
    draws = sample(RECIPES["pendulum"], index=slice(0, 400))
    arrays = sample(as_original(RECIPES["pendulum"]), index=slice(0, 400))
    second = (arrays["state"][:, 0] != draws["state"][:, 0]).any(axis=1)
    assert binomtest(int(second.sum()), 400).pvalue > 1e-3
    np.testing.assert_array_equal(arrays["state"][second, :-1], draws["state"][second, 1:])
    np.testing.assert_array_equal(arrays["state"][~second], draws["state"][~second])
    np.testing.assert_array_equal(arrays["image"][second, :-1, 0], draws["image"][second, 1:])
    np.testing.assert_array_equal(arrays["image"][~second, :, 0], draws["image"][~second])
    assert not arrays["image"][:, :, 1:].any()


def test_colors_are_those_of_the_three_channels():
    draws, arrays = (sample(r, index=slice(0, 9)) for r in (RECIPES["two_body"], as_original(RECIPES["two_body"])))
    same = (arrays["state"][:, 0] == draws["state"][:, 0]).all(axis=1)
    assert same.any()
    np.testing.assert_array_equal(arrays["image"][same], draws["image"][same])


@pytest.mark.parametrize("name", ["mass_spring", "mass_spring3"])
def test_a_spring_is_shifted_along_the_diagonal_and_to_the_right(name):
    recipe = dataclasses.replace(RECIPES[name], record=("offset",))
    x, y = sample(as_original(recipe), index=slice(0, 400))["offset"].T.astype(float)
    _, before = sample(recipe, index=slice(0, 400))["offset"].T
    if name == "mass_spring":
        assert not x.any()
        assert not y.any()
        return
    np.testing.assert_array_equal(y.astype(np.float32), before)  # the same draw
    assert 0 <= (x - y).min() < 0.02
    assert 0.98 < (x - y).max() <= 1
    assert abs((x - y).mean() - 0.5) < 0.06


def test_an_original_has_a_manifest_and_can_be_made_again(tmp_path):
    recipe = as_original(dataclasses.replace(RECIPES["pendulum3"], train=3, val=1, test=1, folder="{name}_{i}"))
    assert from_stored(to_stored(recipe)) == recipe
    folder = generate(recipe, tmp_path / "x")
    with np.load(folder / "pendulum_2/train.npz", allow_pickle=False) as data:
        np.testing.assert_array_equal(data["image"], sample(recipe, index=slice(0, 3), task=2)["image"])


# Readers in use, by the rule each of them reads by.


def read_as_meta_learners_do(folder, version, tasks, mode):
    """Tasks stacked along the first axis: image float32, label int16, two numbers of the state."""
    images, labels, states = [], [], []
    for task in range(tasks):
        with np.load(f"{folder}/{version}{task}/{mode}.npz", allow_pickle=False) as npz:
            images.append(torch.from_numpy(npz["image"].astype(np.float32)))
            labels.append(torch.from_numpy(npz["label"].astype(np.int16)))
            states.append(torch.from_numpy(npz["state"].astype(np.float32)[:, :, :2]))
    return torch.vstack(images), torch.vstack(labels), torch.vstack(states)


def read_as_single_sets_are(folder, mode):
    with np.load(f"{folder}/{mode}.npz", allow_pickle=False) as npz:
        return [torch.from_numpy(npz[key].astype(np.float32)) for key in ("image", "state", "label")]


FEW = ("pendulum3", "gravity3", "mixed_physics_iclr2023")  # of each kind one; the others with `-m slow`


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[pytest.mark.slow] * (name not in FEW))
    for name, recipe in WITHOUT_WINDOWS.items() if len(recipe.tasks) > 1
])  # fmt: skip
def test_readers_of_many_tasks_take_every_set(name, tmp_path, units_are_the_systems):
    recipe = dataclasses.replace(RECIPES[name], train=4, val=2, test=2, folder="{name}_{i}")
    units_are_the_systems(generate(recipe, tmp_path / "x"), recipe)
    version, tasks = f"{recipe.alias or recipe.name}_", len(recipe.tasks)
    expected = "grav_" if "gravity" in name else "mixed_" if "mixed" in name else f"{name[:-1]}_"
    assert version == expected
    image, label, state = read_as_meta_learners_do(tmp_path / "x", version, tasks, "train")
    assert image.shape == (4 * tasks, 30, 32, 32)
    assert state.shape == (4 * tasks, 30, 2)
    assert image.unique().tolist() == [0, 1]
    np.testing.assert_array_equal(label[:, 0], np.repeat(np.arange(tasks), 4))


FIRST = "pendulum", "acrobot"  # binary; in colour, with a control
ONE_TASK = [name for name, recipe in WITHOUT_WINDOWS.items() if len(recipe.tasks) == 1]


@pytest.mark.few(len(FIRST))
@pytest.mark.parametrize("name", dict.fromkeys([*FIRST, *ONE_TASK]))
def test_readers_of_one_task_take_every_set(name, tmp_path, units_are_the_systems):
    recipe = dataclasses.replace(RECIPES[name], train=4, val=2, test=2)
    units_are_the_systems(generate(recipe, tmp_path / name), recipe)
    image, state, label = read_as_single_sets_are(tmp_path / name, "test")
    assert image.shape[:2] == state.shape[:2] == (2, recipe.steps)
    assert not label.any()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Drift(System):
    """A point that moves on."""

    state = ("x",)

    def start(self, key):
        return np.zeros(1)

    def velocity(self, x):
        return np.ones(1)

    def bodies(self, x):
        return x[None, [0, 0]], np.ones(1)

    def extent(self):
        return 10.0


def test_what_no_script_has_has_no_original():
    with pytest.raises(ValueError, match="there is no original of Drift"):
        as_original(Recipe(name="drift", tasks=(Drift(),)))
