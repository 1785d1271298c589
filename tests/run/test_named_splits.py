"""Files of named splits: none changes another, each follows its own law, and every command takes them."""

import dataclasses
import shutil
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from slvm_data import RECIPES, Recipe, Split, View, generate, hole, ring, sample, shell, times, uniform
from slvm_data.core.errors import DamageError
from slvm_data.core.keys import exact, sequence_keys, streams
from slvm_data.core.types import SPLITS
from slvm_data.observe.modifiers import Missing
from slvm_data.run.combination import combine
from slvm_data.run.conversion import convert
from slvm_data.run.repair import mend
from slvm_data.run.verification import faults
from slvm_data.simulation.batch import prepare
from slvm_data.simulation.certificate import distances
from slvm_data.store import manifest
from slvm_data.systems import BallBox, MassSpring, Pendulum
from slvm_data.systems.parameters import Uniform
from slvm_data.systems.system import draw, shares

SIZES = {"train": 6, "val": 2, "test": 5}
SYSTEM = MassSpring(k=uniform(1.0, 2.0), m=uniform(0.5, 0.6))
BASE = Recipe(name="springs", tasks=(SYSTEM,), view=View(size=8, extent=2.2), steps=4, **SIZES)
MORE = {
    "far": Split(count=3, change={"k": uniform(3.0, 4.0)}),
    "long": Split(count=3, steps=times(2), paired="test"),
    "missing": Split(count=5, observe=(Missing(p=0.5, keep=1),), paired="test"),
    "near": Split(count=3, change={"k": shell(0.0, 0.5)}),
    "starts": Split(count=3, change={"radii": ring(0.0, 0.5)}),
}


def arrays_of(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.rglob("*.npz")}


@pytest.fixture(scope="module")
def every(tmp_path_factory):
    """A dataset with all of these splits."""
    return generate(dataclasses.replace(BASE, splits=MORE), tmp_path_factory.mktemp("every") / "springs")


@given(st.lists(st.sampled_from(sorted(MORE)), unique=True))
@settings(max_examples=6)
def test_a_split_changes_no_byte_of_the_others(every, tmp_path_factory, names):
    """Whichever splits are there, and in whatever order they are given."""
    recipe = dataclasses.replace(BASE, splits={name: MORE[name] for name in names})
    folder = generate(recipe, tmp_path_factory.mktemp("some") / "springs")
    found, expected = arrays_of(folder), arrays_of(every)
    assert found.keys() == {f"{name}.npz" for name in (*SPLITS, *names)}
    assert found == {name: expected[name] for name in found}


def test_tasks_that_are_held_out_change_no_byte_of_the_others(every, tmp_path):
    other = dataclasses.replace(SYSTEM, k=5.0)
    splits = {"new": Split(count=2, tasks=(1,))}
    recipe = dataclasses.replace(BASE, tasks=(SYSTEM, other), held_out=(1,), splits=splits)
    folder = generate(recipe, tmp_path / "two")
    assert {path.name for path in (folder / "dataset_1").iterdir()} == {"new.npz"}
    expected = arrays_of(every)
    for split in SPLITS:
        assert (folder / "dataset_0" / f"{split}.npz").read_bytes() == expected[f"{split}.npz"]


def test_tasks_that_are_held_out_do_not_lengthen_arrays_of_the_others():
    """Arrays of impacts are as long as the population with most of them needs, of those that a split has."""
    slow, fast = BallBox(g=(0.0, 1.0)), BallBox(g=(0.0, 4000.0))
    base = Recipe(name="balls", tasks=(slow,), view=View(size=8), steps=4, record=("events",), **SIZES)
    splits = {"new": Split(count=2, tasks=(1,))}
    recipe = dataclasses.replace(base, tasks=(slow, fast), held_out=(1,), splits=splits)
    alone, beside, new = sample(base), sample(recipe), sample(recipe, "new", task=1)
    for name in alone:
        np.testing.assert_array_equal(alone[name], beside[name], err_msg=name)
    assert new["event_time"].shape[1] > alone["event_time"].shape[1]


def test_splits_of_other_names_have_other_draws():
    """Also if they are defined alike: the root of their keys is the name."""
    alike = {name: Split(count=3, change={"k": uniform(3.0, 4.0)}) for name in ("one", "two")}
    recipe = dataclasses.replace(BASE, splits=alike)
    one, two, train = (sample(recipe, split, slice(0, 3)) for split in ("one", "two", "train"))
    for a, b in ((one, two), (one, train), (two, train)):
        assert not (a["state"][:, 0, 0] == b["state"][:, 0, 0]).any()
        assert not (a["param_m"] == b["param_m"]).any()
    assert not (one["param_k"] == two["param_k"]).any()


def test_paired_splits_share_all_draws_but_the_changed_ones(every):
    test, long, missing = (np.load(every / f"{name}.npz") for name in ("test", "long", "missing"))
    for name in ("state", "time", "image"):
        np.testing.assert_array_equal(test[name][:3], long[name][:, :4], err_msg=name)
    for name in ("param_k", "param_m", "label", "state"):
        np.testing.assert_array_equal(test[name], missing[name], err_msg=name)
    mask = missing["mask"]
    assert not mask.all()
    np.testing.assert_array_equal(test["image"][mask], missing["image"][mask])
    assert not missing["image"][~mask].any()


def test_paired_tasks_have_the_same_starts():
    tasks = tuple(Pendulum(g=g, l=uniform(0.8, 1.0)) for g in (1.0, 2.0, 3.0))
    recipe = Recipe(name="own", tasks=tasks, view=View(size=8, extent=1.5), steps=4, paired=True)
    one, two, three = (sample(recipe, task=i) for i in range(3))
    for other in (two, three):
        np.testing.assert_array_equal(one["state"][:, 0], other["state"][:, 0])
        np.testing.assert_array_equal(one["param_l"], other["param_l"])
        assert (one["state"][:, 1] != other["state"][:, 1]).any()
    apart = [sample(dataclasses.replace(recipe, paired=False), task=i)["state"][:, 0] for i in range(2)]
    assert (apart[0] != apart[1]).any()


def test_every_command_takes_named_splits(every, tmp_path):
    folder = tmp_path / "springs"
    shutil.copytree(every, folder)
    content, recipe = manifest.read(folder), dataclasses.replace(BASE, splits=MORE)
    assert list(content.files) == [f"{name}.npz" for name in (*SPLITS, *sorted(MORE))]
    assert list(faults(folder, recipe, content, 4, bit_exact=True)) == []
    whole = (folder / "near.npz").read_bytes()
    (folder / "near.npz").write_bytes(whole[:-9])
    assert len(list(faults(folder, recipe, content, 4, bit_exact=True))) == 1
    assert mend(folder, recipe, content) == ["near.npz"]
    assert (folder / "near.npz").read_bytes() == whole
    assert "combined_near.npz" in combine(folder)
    zarr = convert(folder, tmp_path / "springs.zarr")
    assert "near.zarr" in manifest.read(zarr).files
    back = convert(zarr, tmp_path / "back", to="npz")
    assert arrays_of(back).items() >= {"near.npz": whole}.items()


def test_the_certificate_measures_each_split(every):
    content = manifest.read(every)
    by_split = {entry.split: entry for entry in content.certificate}
    assert by_split.keys() == {"", *MORE}
    assert by_split[""].apart is None
    k = {name: np.load(every / f"{name}.npz")["param_k"].astype(float) for name in (*SPLITS, *MORE)}
    trained = np.concatenate([k[name] for name in SPLITS])
    low, high = trained.min(), trained.max()
    assert by_split["far"].apart == pytest.approx({"friction": 0, "k": k["far"].min() - high, "m": 0})
    below, above = k["near"][k["near"] < 1.5], k["near"][k["near"] > 1.5]
    gaps = [low - below.max(initial=-np.inf), above.min(initial=np.inf) - high]
    assert by_split["near"].apart == pytest.approx({"friction": 0, "k": min(gaps), "m": 0})
    assert by_split["long"].apart == {"friction": 0, "k": 0, "m": 0}
    assert by_split["far"].coverage["k"].low == 3.0
    text = (every / "README.md").read_text(encoding="utf-8")
    assert "| near | 3 | 0 | `k=shell(inner=0,outer=0.5)` |" in text
    assert "| long | 3 | 0 | `steps=times(k=2) paired=test` |" in text


def test_a_forged_manifest_with_an_unknown_split_is_damaged(every, tmp_path):
    folder = tmp_path / "springs"
    shutil.copytree(every, folder)
    content = manifest.read(folder)
    entry = dataclasses.replace(content.files["near.npz"], split="nowhere")
    object.__setattr__(content, "files", {**content.files, "near.npz": entry})
    manifest.write(folder, content)
    with pytest.raises(DamageError, match="split = 'nowhere' is unknown; there are train, val, test, far, long"):
        manifest.read(folder)


NAMED = [pytest.param(name, split, id=f"{name}-{split}") for name, recipe in RECIPES.items() for split in recipe.splits]


def parts_of(value: object, size: int) -> list[tuple[tuple[float, float], ...]]:
    """The parts of the range of each component of a parameter."""
    each = value if isinstance(value, tuple) else (value,)
    found = [own.parts() if isinstance(own, Uniform) else ((own, own),) for own in each]
    return found * (size if len(found) == 1 else 1)


def cdf(parts: tuple[tuple[float, float], ...]):
    """The distribution of a number that is uniform over these parts together."""
    total = sum(high - low for low, high in parts)

    def share(x: np.ndarray) -> np.ndarray:
        return sum(np.clip(x - low, 0, high - low) for low, high in parts) / total

    return share


def drawn(recipe: Recipe, split: str, task: int, n: int = 2_000) -> dict[str, np.ndarray]:
    """Parameters [n …] of the first sequences, drawn as in a batch but without simulating anything."""
    inputs = prepare(recipe, task, split)
    index = np.arange(n, dtype=np.uint32)
    shapes = {name: np.shape(low) for name, (low, *_) in inputs.ranges.items()}
    keys = streams(sequence_keys(inputs.key, index, np.zeros_like(index)), ["constants"])["constants"]
    with exact():
        each = jax.vmap(lambda own: draw(inputs.ranges, own))(shares(shapes, keys))
        return {name: np.asarray(values) for name, values in each.items()}


def test_what_is_drawn_here_is_what_is_stored(every):
    recipe = dataclasses.replace(BASE, splits=MORE)
    for split in ("train", "near", "long"):
        stored, here = np.load(every / f"{split}.npz"), drawn(recipe, split, 0, recipe.count(split))
        for name in ("k", "m"):
            np.testing.assert_array_equal(stored[f"param_{name}"], here[name].astype(np.float32))


def test_a_parameter_that_is_0_in_training_does_not_decide_which_task_is_nearest():
    """Its size there is no measure, so that of the split stands for it."""

    def tally(**values: float) -> SimpleNamespace:
        return SimpleNamespace(system=0, ends={name: np.full((1, 1, 2), value) for name, value in values.items()})

    trained = [tally(a=0.0, b=1.0), tally(a=0.1, b=5.0)]
    assert distances(tally(a=0.2, b=1.0), trained) == pytest.approx({"a": 0.2, "b": 0.0})
    assert distances(tally(a=0.2, b=5.0), trained) == pytest.approx({"a": 0.1, "b": 0.0})


@pytest.mark.parametrize(("name", "split"), NAMED)
def test_parameters_follow_their_own_law_and_stay_out_of_train(name, split):
    """Kolmogorov–Smirnov for each component, or how often it has the higher one of two values, and never others.

    And in some parameter no draw of train lies where the split draws.
    """
    recipe = RECIPES[name]
    own = recipe.of_split(split)
    for task in own.tasks_of(split)[:2]:
        system, found = own.tasks[task], drawn(recipe, split, task)
        for key in system.parameters():
            values = found[key].reshape(len(found[key]), -1)
            for column, parts in zip(values.T, parts_of(getattr(system, key), values.shape[1]), strict=True):
                assert sum(((column >= low) & (column <= high)).astype(int) for low, high in parts).all(), key
                if len(parts) == 2 and all(low == high for low, high in parts):
                    assert stats.binomtest(int((column == parts[1][0]).sum()), len(column)).pvalue > 1e-4, key
                elif parts[-1][1] > parts[0][0]:
                    assert stats.kstest(column, cdf(parts)).pvalue > 1e-4, key
        if not (recipe.splits[split].change or task in recipe.held_out):
            continue  # it is not held out from anything
        for label in recipe.tasks_of("train"):
            trained = recipe.tasks[label]
            if type(trained) is type(system) and getattr(trained, "radii", 0) == getattr(system, "radii", 0):
                seen = drawn(recipe, "train", label)
                apart = [key for key in system.parameters() if _no_draw_in(seen[key], own, task, key)]
                assert apart, f"draws of task {label} lie in {split}"


def _no_draw_in(values: np.ndarray, own: Recipe, task: int, key: str) -> bool:
    """Whether some component has no draw of train where the split draws."""
    columns = values.reshape(len(values), -1).T
    every = parts_of(getattr(own.tasks[task], key), len(columns))
    return any(
        not any(((column > low) & (column < high)).any() or (low == high and (column == low).any())
                for low, high in parts)
        for column, parts in zip(columns, every, strict=True)
    )  # fmt: skip


def test_a_hole_is_in_no_draw_of_train():
    system = Pendulum(g=uniform(2.0, 4.0), l=uniform(0.8, 1.0))
    splits = {"gap": Split(count=9, change={"g": hole(0.2)})}
    recipe = Recipe(name="own", tasks=(system,), splits=splits)
    for split in SPLITS:
        g = drawn(recipe, split, 0, 5_000)["g"]
        assert not ((g > 2.8 + 1e-6) & (g < 3.2 - 1e-6)).any()
        assert stats.kstest(g, cdf(((2.0, 2.8), (3.2, 4.0)))).pvalue > 1e-4
    g = drawn(recipe, "gap", 0, 5_000)["g"]
    assert stats.kstest(g, cdf(((2.8, 3.2),))).pvalue > 1e-4


def test_starts_of_a_ring_lie_outside_those_of_train():
    recipe, keys = RECIPES["two_body_ood"], jax.random.split(jax.random.key(0), 2_000)
    for split, (low, high) in {"train": (0.5, 1.5), "near_start": (1.5, 1.6), "far_start": (1.6, 1.8)}.items():
        system = recipe.of_split(split).tasks[0]
        with exact():
            first = np.asarray(jax.vmap(system.start)(keys))[:, :2]
        for column in first.T:
            assert stats.kstest(column, cdf(((low, high),))).pvalue > 1e-4


def test_a_split_keeps_the_camera_of_training():
    """A longer rod looks longer; without that, a pendulum of any length would look the same."""
    tasks = (Pendulum(l=1.0, radii=uniform(0.0, 0.0)),)  # at rest, straight down
    splits = {"long_rod": Split(count=2, change={"l": 1.5})}
    recipe = Recipe(name="own", tasks=tasks, view=View(size=64, extent=2.0), steps=1, splits=splits)
    row = [np.argwhere(sample(recipe, split, [0])["image"][0, 0]).mean(axis=0) for split in ("train", "long_rod")]
    assert row[0][1] == pytest.approx(31.5, abs=0.6)
    assert row[0][0] == pytest.approx(32 - 16 - 0.5, abs=0.6)  # 1 m is 16 pixels
    assert row[1][0] == pytest.approx(32 - 24 - 0.5, abs=0.6)
