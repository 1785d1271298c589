"""A sequence is a pure function of its address: recipe, seed, task, split, index."""

import dataclasses
from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest

from slvm_data import (
    RECIPES,
    BallBox,
    Balls,
    MassSpring,
    Pendulum,
    Recipe,
    View,
    generate,
    render,
    sample,
    simulate,
    uniform,
)
from slvm_data.arrays import info
from slvm_data.recipe.overrides import override
from slvm_data.simulation.batch import batch_size, frame_buffer, make, prepare
from slvm_data.simulation.sequences import forms
from slvm_data.store.manifest import Form, read

pytestmark = pytest.mark.usefixtures("compiled_for_users")


def load(path):
    with np.load(path, allow_pickle=False) as data:
        return dict(data)


@cache
def stored(recipe, task):
    """The recipe with all that it can record, and sequences 0 … 39 and 253 … 255 of a batch of 256, [43 …] each."""
    recipe = dataclasses.replace(recipe, record=recipe.recordable())
    arrays = sample(recipe, "test", slice(0, 256), task)
    return recipe, {name: array[np.r_[:40, 253:256]] for name, array in arrays.items()}


def equal(a, b, rows=slice(None)):
    assert a.keys() == b.keys()
    for name in a:
        assert a[name].dtype == b[name].dtype
        np.testing.assert_array_equal(a[name][rows], b[name][rows], err_msg=name)


def test_the_first_hundred_are_the_same_however_many_are_made(tmp_path):
    recipe = dataclasses.replace(RECIPES["pendulum"], train=100, val=3, test=2)
    many = dataclasses.replace(recipe, train=1_000, val=0, test=7)
    a, b = (load(generate(r, tmp_path / str(r.train)) / "train.npz") for r in (recipe, many))
    equal(a, b, slice(0, 100))
    equal(load(tmp_path / "100/test.npz"), load(tmp_path / "1000/test.npz"), slice(0, 2))
    alone = sample(many, index=77)
    for name, value in alone.items():
        np.testing.assert_array_equal(value, b[name][77], err_msg=name)


def test_size_of_a_batch_changes_no_bit(task_of_each_kind):
    (recipe, many), number = stored(*task_of_each_kind), task_of_each_kind[1]
    assert batch_size(recipe) > 256
    inputs = prepare(recipe, number, "test")
    few = make(recipe, number, "test", inputs, np.arange(253, 256), frame_buffer(recipe, 3)).arrays
    equal(few, {name: array[40:] for name, array in many.items()})


def test_files_do_not_depend_on_the_batch(tmp_path):
    recipe = dataclasses.replace(RECIPES["two_body"], train=40, val=7, test=0)
    folders = [generate(recipe, tmp_path / str(batch), batch=batch) for batch in (1, None)]
    names = [sorted(p.relative_to(f).as_posix() for p in f.rglob("*") if p.is_file()) for f in folders]
    assert names[0] == names[1]
    assert {"dataset.json", "README.md", "preview.gif"} < set(names[0])
    for file in names[0]:
        assert len({(folder / file).read_bytes() for folder in folders}) == 1, file


def test_seeds_tasks_and_splits_differ(tiny):
    starts = [
        sample(dataclasses.replace(tiny, seed=seed), split, task=task)["state"][:2, 0]
        for seed in (0, 1, 2**40, 2**63 - 1)
        for split in ("train", "val", "test")
        for task in (0, 1)
    ]
    assert len(np.unique(np.concatenate(starts), axis=0)) == 2 * len(starts)


def test_recording_more_changes_nothing_else():
    more, every = stored(RECIPES["pendulum"], 0)
    a, b = sample(RECIPES["pendulum"], "test", slice(0, 40)), {name: array[:40] for name, array in every.items()}
    assert list(b) == [*a, *more.record]
    assert list(a) == ["image", "state", "label", "time", "param_friction", "param_m", "param_g", "param_l"]
    equal(a, {name: b[name] for name in a})


def test_arrays_are_as_documented(task, in_the_table):
    (recipe, arrays), number = stored(*task), task[1]
    in_the_table(arrays, 43, recipe.steps)
    system, channels = recipe.tasks[number], (3,) if recipe.view_of(number).palette > 1 else ()
    assert arrays["image"].shape == (43, recipe.steps, *channels, 32, 32)
    assert arrays["image"].dtype == np.uint8
    levels = set(np.unique(arrays["image"]))
    assert levels == {0, 1} if recipe.view_of(number).binary else {0, 255} < levels
    assert arrays["state"].shape == (43, recipe.steps, len(system.state))
    assert arrays["state"].dtype == np.float32
    np.testing.assert_array_equal(arrays["label"], np.full((43, 1), number))
    assert arrays["label"].dtype == np.int64
    dt = 0.25 if isinstance(system, BallBox) else 1.0 if isinstance(system, Balls) else 0.1
    if not recipe.time:
        np.testing.assert_array_equal(arrays["time"], np.tile(np.arange(30) * dt, (43, 1)))
    assert arrays["time"].dtype == np.float64
    for name, bounds in system.parameters().items():
        count = bounds.count(system.bodies_drawn)
        assert arrays[f"param_{name}"].shape == ((43, count) if count else (43,))
        assert arrays[f"param_{name}"].dtype == np.float32


def test_what_is_stored_can_be_simulated_and_drawn_again(task):
    """From the file's own numbers, bit for bit: frame t shows state t."""
    (recipe, arrays), number = stored(*task), task[1]
    population, view = recipe.tasks[number], recipe.view_of(number)
    seen = {"jitter": view.jitter, "palette": view.palette, "style": view.style}
    for i in range(40):
        parameters = {n.removeprefix("param_"): arrays[n][i] for n in arrays if n.startswith("param_")}
        states = simulate(population, parameters, arrays["state"][i, 0], arrays["time"][i])
        np.testing.assert_array_equal(states.astype(np.float32), arrays["state"][i])
        seen |= {"offset": arrays["offset"][i], "colors": arrays["color_index"][i]}
        frames = render(population, parameters, arrays["state"][i], color=view.color, **seen)
        np.testing.assert_array_equal(frames, arrays["image"][i])


def test_frames_show_the_rounded_state():
    """At a size where the rounding to float32 would move some pixel of an edge."""
    recipe = dataclasses.replace(RECIPES["pendulum"], view=View(size=512))
    arrays = sample(recipe, index=slice(0, 8))
    for state, image in zip(arrays["state"], arrays["image"], strict=True):
        np.testing.assert_array_equal(render(recipe.tasks[0], {}, state, size=512, color="binary"), image)


def test_frames_of_other_sizes_and_in_color():
    recipe = dataclasses.replace(RECIPES["two_body"], steps=3, view=View(palette=2, size=50), record=("color_index",))
    arrays = sample(recipe)
    population = recipe.tasks[0]
    parameters = {"m": arrays["param_m"][0], "g": 1.0}
    seen = {"size": 50, "palette": 2, "colors": arrays["color_index"][0]}
    full = render(population, parameters, arrays["state"][0], **seen)
    np.testing.assert_array_equal(arrays["image"][0], full.transpose(0, 3, 1, 2) >= 115)
    grey = dataclasses.replace(recipe, view=View(palette=2, size=50, color="rgb"))
    np.testing.assert_array_equal(sample(grey)["image"][0], full.transpose(0, 3, 1, 2))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Runaway(MassSpring):
    """A spring that some members stretch beyond the canvas."""

    def bodies(self, x):
        centres, radii = super().bodies(x)
        return centres * 1.5, radii


def test_rejection_draws_the_same_index_again():
    easy = dataclasses.replace(RECIPES["mass_spring"], name="runaway", tasks=(Runaway(),))
    inputs = prepare(easy, 0, "train")
    batch = make(easy, 0, "train", inputs, np.arange(200))
    assert 20 < batch.rejected < 400
    q = batch.arrays["state"][..., 0]
    assert np.abs(q * 1.5).max() <= easy.tasks[0].extent()
    alone = sample(easy, index=131)
    np.testing.assert_array_equal(alone["state"], batch.arrays["state"][131])
    first_try = sample(dataclasses.replace(easy, tasks=(MassSpring(),)), index=slice(0, 200))
    kept = (first_try["state"][:, 0] == batch.arrays["state"][:, 0]).all(axis=1)
    assert kept.sum() + batch.rejected >= 200  # those that were valid at once have not moved
    assert 0.3 < kept.mean() < 0.95


@dataclasses.dataclass(frozen=True, kw_only=True)
class Unstable(Pendulum):
    """Energy that explodes for a member with more than 0.9 kg."""

    def energy(self, q, p):
        return super().energy(q, p) + jnp.sum(jnp.exp(jnp.where(self.m > 0.9, 1e3, 0.0) * q**2))


def test_a_sequence_that_goes_to_infinity_is_drawn_again(tmp_path):
    """As every sequence that leaves the scene; if all do, the error says what they do."""
    recipe = Recipe(name="unstable", tasks=(Unstable(m=uniform(0.5, 1.0)),), train=70, val=0, test=0, steps=4)
    folder = generate(recipe, tmp_path / "x")
    assert np.load(folder / "train.npz")["param_m"].max() <= 0.9
    assert 0.05 < read(folder).certificate[0].rejection_rate < 0.5
    always = dataclasses.replace(recipe, tasks=(Unstable(m=1.0),))
    with pytest.raises(ValueError, match=r"unstable: sequence 0 of train, task 0, is not finite with .*m = 1\.0"):
        generate(always, tmp_path / "y")
    assert not (tmp_path / "y").exists()


def test_nothing_global_is_touched(tiny):
    """Neither NumPy's nor JAX's global state, and none of theirs changes a bit."""
    import random

    import jax

    before = np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    expected = sample(tiny)
    assert (np.random.get_state()[1].tolist(), random.getstate()) == before  # noqa: NPY002
    assert jnp.ones(1).dtype == jnp.float32
    with jax.threefry_partitionable(False), jax.default_prng_impl("rbg"):
        equal(sample(tiny), expected)
    with jax.enable_x64(True):
        equal(sample(tiny), expected)


def test_sample_asks_for_what_exists(tiny):
    with pytest.raises(ValueError, match="split = 'training' is unknown"):
        sample(tiny, "training")
    with pytest.raises(ValueError, match="task = 3 does not exist; pendulum3 has 3"):
        sample(tiny, task=3)
    for name in ("pendulum", RECIPES, None, tiny.tasks[0]):
        with pytest.raises(ValueError, match=r"has to be a Recipe, such as slvm_data\.RECIPES\['pendulum'\]"):
            sample(name)
    nothing = (-6, 2**32, 2**70, 1.5, True, "3", None, [], [[1]], [1.5], [0, -6], ["a"], [[1], [1, 2]], {})
    for index in (*nothing, slice(4, 4), slice(0, 4, 0), slice("a"), slice(0, 4, 1.5)):
        with pytest.raises(ValueError, match="names no sequence: give a whole number from -5 to"):
            sample(tiny, index=index)


def test_a_longer_sequence_begins_as_the_shorter_one(tiny):
    long, short = sample(dataclasses.replace(tiny, steps=30)), sample(tiny)
    equal({name: array[:, :4] if info(name).per_frame else array for name, array in long.items()}, short)


def test_the_same_seed_gives_paired_draws(tiny):
    plain, changed = sample(tiny), sample(override(tiny, ["friction=0.2", "g=7"]))
    for name in ("param_m", "param_l"):
        np.testing.assert_array_equal(plain[name], changed[name])
    np.testing.assert_array_equal(plain["state"][:, 0], changed["state"][:, 0])
    assert (plain["state"][:, 1:] != changed["state"][:, 1:]).all()


def test_sample_takes_what_a_list_takes(tiny):
    every = sample(tiny, index=slice(None))
    slices = [slice(*ends) for ends in ((-3, None), (None, -3), (None, None, 2), (4, 1, -1), (None, None, -1), (-9, 2))]
    for index in (*slices, [1, 2, 3], [4, 1, 1], range(1, 3), np.array([2, 0]), [-1, 0], -1, np.int64(3), np.uint8(2)):
        equal(sample(tiny, index=index), {name: array[index] for name, array in every.items()}, ...)
    beyond = sample(tiny, index=slice(3, 7))
    equal({name: array[:2] for name, array in beyond.items()}, {name: array[3:] for name, array in every.items()})


@pytest.mark.parametrize(
    ("name", "size"), [("pendulum", 20), ("pendulum", 31), ("two_body", 31), ("double_pendulum", 20)]
)
def test_frames_are_drawn_with_eight_pixels_per_byte(name, size):
    """One disc, two that lie apart and two that touch, in one or three channels, which need not end with a byte."""
    recipe = dataclasses.replace(RECIPES[name], view=dataclasses.replace(RECIPES[name].view, size=size))
    inputs, numbers, rows = prepare(recipe, 0, "train"), np.arange(70), batch_size(RECIPES[name])
    reference = np.asarray(make(recipe, 0, "train", inputs, numbers, on_device=True).arrays["image"])
    plain, packed = (
        make(recipe, 0, "train", inputs, numbers, frame_buffer(recipe, rows, packed=one)).arrays["image"]
        for one in (False, True)
    )
    np.testing.assert_array_equal(plain, reference)
    np.testing.assert_array_equal(packed, np.packbits(reference.reshape(70, 30, -1), axis=-1))


def test_forms_are_those_of_what_is_made(task):
    (recipe, made), number = stored(*task), task[1]
    found, uncut = forms(recipe, number, "test")
    assert {n: Form.of(array) for n, array in found.items()} == {n: Form.of(array, 1) for n, array in made.items()}
    assert (list(found), uncut) == (list(made), {})
