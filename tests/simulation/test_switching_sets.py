"""The switching datasets as files: keys, splits, seeds, certificate, and what a reader finds in them."""

import dataclasses
import json
from itertools import pairwise

import numpy as np
import pytest
import torch

from slvm_data import RECIPES, BouncingBall1D, Lorenz, Pendulum, Recipe, generate, parameter, render, sample, simulate
from slvm_data.cli import find
from slvm_data.core.json_tree import from_json, to_json
from slvm_data.core.types import SPLITS
from slvm_data.observe.windowing import Windowing
from slvm_data.recipe.outline import StoredRecipe
from slvm_data.recipe.overrides import override
from slvm_data.recipe.serialisation import from_stored, to_stored
from slvm_data.run import verification
from slvm_data.run.combination import combine
from slvm_data.run.verification import faults
from slvm_data.simulation.batch import batch_size, shared_parameters
from slvm_data.simulation.regimes import RegimeCounts
from slvm_data.store import manifest
from slvm_data.store.manifest import Form

SWITCHING = {name: recipe for name, recipe in RECIPES.items() if recipe.windows}
WIDTH = {"nascar": 10, "lorenz": 10, "switching_double_pendulum": 8, "three_mode": 1, "bouncing_ball_1d": 1}
LATENTS = {"nascar": 2, "lorenz": 3, "switching_double_pendulum": 4, "three_mode": 2, "bouncing_ball_1d": 2}
STEPS = {"nascar": 400, "lorenz": 600, "switching_double_pendulum": 400, "three_mode": 230, "bouncing_ball_1d": 190}


def small(name, **windows):
    """A dataset of four separate trajectories, some hundred frames each; of each system one program serves them all."""
    return override(RECIPES[name], (), {"steps": STEPS[name], "trajectories": 4, **windows})


def load(path):
    with np.load(path, allow_pickle=False) as data:
        return dict(data)


@pytest.fixture(scope="module", params=SWITCHING)
def written(request, tmp_path_factory):
    """A dataset as its script writes it, but for at most 2,000 windows to train on."""
    recipe = RECIPES[request.param]
    recipe = dataclasses.replace(recipe, train=min(recipe.train, 2_000))
    return recipe, generate(recipe, tmp_path_factory.mktemp("sets") / recipe.name)


CUT = [(name, separate) for name in SWITCHING for separate in (False, True)]
CUT = [(name, s) for name, s in CUT if s or not SWITCHING[name].windows.separate]  # of some datasets they are anyway


@pytest.fixture(scope="module", params=CUT, ids=lambda cut: f"{cut[0]}-{'separate' if cut[1] else 'parts'}")
def kept(request, tmp_path_factory):
    """A small dataset with its uncut trajectories: parts of one, or separate ones."""
    name, separate = request.param
    if separate:
        recipe = small(name, series=True)
    else:
        recipe = dataclasses.replace(override(RECIPES[name], (), {"series": True}), train=200, val=20, test=20)
    return recipe, generate(recipe, tmp_path_factory.mktemp("kept") / name)


def read_as_the_field_does(folder, split):
    """Queries, domains and labels as a reader of switching sets takes them."""
    with np.load(f"{folder}/{split}.npz", allow_pickle=False) as npz:
        kinds = {"queries": np.float32, "domains": np.float32, "labels": np.int16}
        return [torch.from_numpy(npz[key].astype(kind)) for key, kind in kinds.items()]


@pytest.mark.few(3)
def test_keys_shapes_and_the_fields_reader(written, in_the_table, units_are_the_systems):
    recipe, folder = written
    W, C, D, d = recipe.windows.length, recipe.windows.contexts, WIDTH[recipe.name], LATENTS[recipe.name]
    regimes = recipe.tasks[0].regimes()
    units_are_the_systems(folder, recipe)
    for split in SPLITS:
        n, data = recipe.count(split), load(folder / f"{split}.npz")
        in_the_table(data, n, W)
        shapes = {"queries": (n, W, D), "domains": (n, C, W, D), "labels": (n, W), "latents": (n, W, d)}
        shapes |= {"time": (n, W), "path": (n,), "label": (n, 1)}
        types = {"labels": np.int64, "label": np.int64, "path": np.int64, "time": np.float64}
        for name, shape in shapes.items():
            assert data[name].shape == shape, name
            assert data[name].dtype == types.get(name, np.float32), name
        assert {name for name in data if not name.startswith("param_")} == set(shapes)
        assert data["labels"].min() >= 0
        assert data["labels"].max() < regimes
        queries, domains, labels = read_as_the_field_does(folder, split)
        assert (queries.dtype, domains.dtype, labels.dtype) == (torch.float32, torch.float32, torch.int16)
        assert torch.isfinite(queries).all()
        assert torch.isfinite(domains).all()


def shown(recipe, data):
    """Trajectory and frame of every frame that windows of a file show, contexts included, as one number each."""
    windows, frame = recipe.windows, np.rint(data["time"] / recipe.dt_of(0)).astype(int)
    contexts = [frame - windows.length - i * windows.spacing for i in range(windows.contexts)]
    return np.unique(data["path"][:, None, None] * 10**6 + np.stack([frame, *contexts], axis=1))


def no_frame_is_in_two_splits(recipe, folder):
    """By trajectory and time, in the files themselves."""
    frames = {split: shown(recipe, load(folder / f"{split}.npz")) for split in SPLITS}
    for a, b in (("train", "val"), ("train", "test"), ("val", "test")):
        assert len(frames[a])
        assert not len(np.intersect1d(frames[a], frames[b]))
    assert manifest.read(folder).certificate[0].regimes.leakage == 0


def test_no_frame_of_a_test_window_is_in_a_train_window(written):
    no_frame_is_in_two_splits(*written)


@pytest.mark.few(4)
def test_no_frame_is_in_two_splits_of_parts_or_separate_trajectories(kept):
    no_frame_is_in_two_splits(*kept)


def test_the_certificate_finds_a_leak(monkeypatch, tmp_path):
    """Parts that overlap by 30 frames."""
    recipe = override(RECIPES["lorenz"], (), {"steps": 600, "gap": 0})
    honest = Windowing.part
    leaky = {"train": 0, "val": 30, "test": 0}

    def part(self, split, steps):
        found = honest(self, split, steps)
        return slice(found.start - leaky[split], found.stop)

    monkeypatch.setattr(Windowing, "part", part)
    folder = generate(recipe, tmp_path / "x")
    assert manifest.read(folder).certificate[0].regimes.leakage == 30


def test_context_comes_right_before_the_query(kept):
    """In the uncut trajectory: the last context ends one frame before the query, the others `spacing` earlier."""
    recipe, folder = kept
    data, uncut = load(folder / "train.npz"), load(folder / "series-train.npz")
    W, C = recipe.windows.length, recipe.windows.contexts
    spacing = {"three_mode": 20, "bouncing_ball_1d": 50}.get(recipe.name, 1)
    for i in range(0, recipe.train, 7):
        (number,) = np.flatnonzero(uncut["path"] == data["path"][i])
        row = uncut["signal"][number]
        at = np.searchsorted(uncut["time"][number], data["time"][i, 0] - recipe.dt_of(0) / 2)
        np.testing.assert_array_equal(data["queries"][i], row[at : at + W])
        for j in range(C):
            begin = at - W - (C - 1 - j) * spacing
            np.testing.assert_array_equal(data["domains"][i, j], row[begin : begin + W])


def test_the_emission_explains_all_but_the_noise(written):
    """Regression of signals on latents, of each regime by itself where it has an emission of its own."""
    recipe, folder = written
    noise = {"nascar": np.sqrt(1e-5), "lorenz": 1e-3, "three_mode": 0.2, "bouncing_ball_1d": 0.1}.get(recipe.name, 0.0)
    data = load(folder / "train.npz")
    latents, queries, labels = (data[name] for name in ("latents", "queries", "labels"))
    own = recipe.name == "three_mode"
    squares = count = 0
    for k in range(recipe.tasks[0].regimes() if own else 1):
        here = labels == k if own else np.ones_like(labels, bool)
        x = np.column_stack([latents[here].astype(float), np.ones(here.sum())])
        _, residual, *_ = np.linalg.lstsq(x, queries[here].astype(float), rcond=None)
        squares, count = squares + residual.sum(), count + residual.size * here.sum()
    found = np.sqrt(squares / count)
    print(f"{recipe.name}: noise {found:.3g}, set {noise:.3g}")
    assert abs(found - noise) <= max(0.05 * noise, 1e-6)


def test_noise_is_independent():
    """From channel to channel, and from frame to frame."""
    found = sample(dataclasses.replace(RECIPES["nascar"], windows=None), index=0)
    C = shared_parameters(RECIPES["nascar"], 0)["C"]
    noise = found["signal"] - found["latent"].astype(float) @ C
    assert np.abs(np.corrcoef(noise.T) - np.eye(10)).max() < 0.05
    assert max(abs(np.corrcoef(n[:-1], n[1:])[0, 1]) for n in noise.T) < 0.05
    assert np.abs(np.corrcoef(noise.T, found["state"].T)[:10, 10:]).max() < 0.05


def test_noise_is_as_set():
    recipe = override(RECIPES["switching_double_pendulum"], ["observation_noise=0.05"], {"train": 2_000})
    data = sample(recipe, index=slice(0, 2_000, 7))
    x, y = data["latents"].reshape(-1, 4).astype(float), data["queries"].reshape(-1, 8).astype(float)
    residual = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    np.testing.assert_allclose(residual.std(), 0.05, rtol=0.05)


def test_lorenz_is_normalised_by_the_training_part_alone(tmp_path):
    recipe = dataclasses.replace(RECIPES["lorenz"], windows=dataclasses.replace(RECIPES["lorenz"].windows, series=True))
    folder = generate(recipe, tmp_path / "x")
    train, uncut = load(folder / "series-train.npz")["signal"][0], load(folder / "series-test.npz")
    test = uncut["signal"][0]
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(train.std(axis=0), 1, atol=1e-3)
    assert np.abs(test.std(axis=0) - 1).max() > 0.01
    used = manifest.read(folder).shared_parameters[0]
    latents = uncut["state"][0].astype(float)
    C, mean, deviation = (np.array(used[name]) for name in ("C", "mean", "deviation"))
    residual = test - (latents @ C - mean) / deviation
    np.testing.assert_allclose(residual.std(), 0.001, rtol=0.05)
    # neither more of it nor other splits change the scale
    few = dataclasses.replace(recipe, train=3, val=0, test=5)
    np.testing.assert_array_equal(sample(few, "test", 4)["queries"], load(folder / "test.npz")["queries"][4])


def test_parts_are_of_one_trajectory(tmp_path):
    """From the first state of the training part the motion leads on to the validation and the test part, to the bit."""
    recipe = override(RECIPES["lorenz"], (), {"steps": STEPS["lorenz"], "series": True})
    folder = generate(recipe, tmp_path / "x")
    parts, first = {split: load(folder / f"series-{split}.npz") for split in SPLITS}, load(folder / "train.npz")
    parameters = {name: first[f"param_{name}"][0] for name in ("sigma", "rho", "beta")}
    states = simulate(recipe.tasks[0], parameters, parts["train"]["state"][0, 0], np.arange(recipe.steps) * 0.01)
    for split, data in parts.items():
        part = recipe.windows.part(split, recipe.steps)
        assert not data["path"].any()
        np.testing.assert_array_equal(data["state"][0], states[part].astype(np.float32))


def test_separate_trajectories_are_normalised_by_the_first_to_train_on(tmp_path):
    folder = generate(small("lorenz", series=True), tmp_path / "x")
    train, test = (load(folder / f"series-{split}.npz")["signal"] for split in ("train", "test"))
    assert train.shape == (2, 600, 10)
    np.testing.assert_allclose(train[0].mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(train[0].std(axis=0), 1, atol=1e-3)
    assert min(np.abs(signal.mean(axis=0)).max() for signal in (*train[1:], *test)) > 0.01


def test_shared_parameters_are_in_the_manifest(written):
    recipe, folder = written
    used = manifest.read(folder).shared_parameters[0]
    names = {"nascar": "C A b R r", "three_mode": "C A b d transitions", "lorenz": "C mean deviation"}
    assert set(used) == set(names.get(recipe.name, "C").split())
    drawn = shared_parameters(recipe, 0)
    for name, value in drawn.items():
        np.testing.assert_array_equal(used[name], value)
    other = shared_parameters(dataclasses.replace(recipe, seed=1), 0)
    assert recipe.name == "bouncing_ball_1d" or (other["C"] != drawn["C"]).all()


def test_series_are_the_uncut_trajectories(kept, in_the_table):
    """Windows are slices of them, by `path` and `time`; in the file of a split only what belongs to it."""
    recipe, folder = kept
    name, W, dt = recipe.name, recipe.windows.length, recipe.dt_of(0)
    for split in SPLITS:
        data, uncut = load(folder / f"{split}.npz"), load(folder / f"series-{split}.npz")
        part = recipe.windows.part(split, recipe.steps)
        P, T = recipe.trajectories(split), part.stop - part.start
        assert list(uncut) == ["signal", "state", "mode", "time", "label", "path"]
        in_the_table(uncut, P, T)
        assert not {"signal", "state", "mode"} & set(data)
        assert uncut["signal"].shape == (P, T, WIDTH[name])
        assert uncut["state"].shape == (P, T, len(recipe.tasks[0].state))
        assert uncut["mode"].shape == (P, T)
        np.testing.assert_allclose(uncut["time"], np.tile(np.arange(part.start, part.stop) * dt, (P, 1)))
        np.testing.assert_array_equal(uncut["path"], np.unique(data["path"]))
        assert not uncut["label"].any()
        for i in range(0, recipe.count(split), 9):
            (row,) = np.flatnonzero(uncut["path"] == data["path"][i])
            at = np.searchsorted(uncut["time"][row], data["time"][i, 0] - dt / 2)
            np.testing.assert_array_equal(data["queries"][i], uncut["signal"][row, at : at + W])
            np.testing.assert_array_equal(data["labels"][i], uncut["mode"][row, at : at + W])
    assert not list(faults(folder, recipe, manifest.read(folder), 8, True))


def test_segments_of_the_double_pendulum_follow_each_other(tmp_path):
    """One ordinary step leads from each segment to the next; no window crosses a border."""
    recipe = dataclasses.replace(
        RECIPES["switching_double_pendulum"],
        windows=dataclasses.replace(RECIPES["switching_double_pendulum"].windows, series=True),
    )
    folder = generate(recipe, tmp_path / "x")
    data, uncut = load(folder / "train.npz"), load(folder / "series-train.npz")
    np.testing.assert_array_equal(np.diff(uncut["time"]).round(9), 0.05)
    parameters = {name: data[f"param_{name}"][0] for name in ("m", "l", "g")}
    state = uncut["state"][0]
    for border in range(200, len(state) - 1, 1_000):
        one = simulate(recipe.tasks[0], parameters, state[border - 1], [0.0, 0.05])[1]
        np.testing.assert_allclose(state[border], one, atol=1e-4)
    frame = np.rint(data["time"] / 0.05).astype(int)
    first = frame[:, 0] - recipe.windows.lead
    np.testing.assert_array_equal(first // 200, frame[:, -1] // 200)
    assert len(np.unique(first // 200)) == len(np.unique(frame // 200)) > 40


def test_a_window_depends_on_its_address_alone():
    """Not on how many there are, in which order they are asked for, on other splits, or on the size of a batch."""
    recipe = small("nascar", trajectories=10)
    few = dataclasses.replace(recipe, train=2, val=1, test=4)
    assert batch_size(few) < batch_size(recipe)
    for split in ("train", "test"):
        every, some = sample(recipe, split, slice(0, 4)), sample(few, split, slice(1, 4, 2))
        for key, value in some.items():
            np.testing.assert_array_equal(value, every[key][1:4:2], err_msg=key)
    far = recipe.train - 1
    alone, among = sample(few, "train", far), sample(recipe, "train", slice(far - 3, far + 1))
    for key, value in alone.items():
        np.testing.assert_array_equal(value, among[key][3], err_msg=key)


@pytest.mark.parametrize("name", ["nascar", "switching_double_pendulum"])
def test_files_do_not_depend_on_the_batch(name, tmp_path):
    recipe = dataclasses.replace(small(name), train=300, val=2, test=3)
    a, b = (generate(recipe, tmp_path / str(batch), batch=batch) for batch in (2, 8))
    assert sorted(path.name for path in a.iterdir()) == sorted(path.name for path in b.iterdir())
    for path in a.iterdir():
        assert path.read_bytes() == (b / path.name).read_bytes(), path.name


@pytest.mark.parametrize("name", SWITCHING)
def test_seeds_splits_and_trajectories_differ(name):
    """Signals of the first window of two trajectories each."""
    recipe = small(name)
    per = len(recipe.windows.starts("train", recipe.steps))
    first = [
        sample(dataclasses.replace(recipe, seed=seed), split, slice(0, 2 * per, per))
        for seed in (0, 1)
        for split in SPLITS
    ]
    assert len(np.unique(np.concatenate([window["queries"][:, :, 0] for window in first]), axis=0)) == 12
    for key in ("queries", "latents"):
        assert len(np.unique(np.concatenate([window[key][:, 0] for window in first]), axis=0)) == 12
    assert [tuple(np.unique(window["path"])) for window in first] == 2 * [(0, 3), (1, 4), (2, 5)]


@pytest.mark.parametrize("name", SWITCHING)
def test_pixels_show_the_latent_position(name, in_the_table):
    """Frames of queries and contexts, as `render` draws the states; labels and latents as without frames."""
    recipe = dataclasses.replace(small(name, series=True), observation="pixels")
    system = recipe.tasks[0]
    data = sample(recipe, "val", slice(0, 12))
    in_the_table(data, 12, recipe.windows.length)
    signals = sample(dataclasses.replace(recipe, observation="signals"), "val", slice(0, 12))
    assert set(data) - set(signals) == {"image", "domain_image"}
    for key, value in signals.items():
        np.testing.assert_array_equal(value, data[key])
    W = recipe.windows.length
    assert data["image"].shape == (12, W, 32, 32)
    assert data["domain_image"].shape == (12, recipe.windows.contexts, W, 32, 32)
    lit = data["image"].reshape(12 * W, -1).sum(axis=1)
    assert set(np.unique(data["image"])) == {0, 1}
    assert lit.min() > 10
    if name != "switching_double_pendulum":  # whose latents are not its state
        parameters = {n.removeprefix("param_"): data[n][3] for n in data if n.startswith("param_")}
        frames = render(system, parameters, data["latents"][3], color="binary")
        np.testing.assert_array_equal(frames, data["image"][3])
        rows, columns = (np.arange(32) + 0.5) / 16 - 1, (np.arange(32) + 0.5) / 16 - 1
        centre = {"nascar": (0, 1), "lorenz": (0, 2), "three_mode": (0, 1), "bouncing_ball_1d": (0, None)}[name]
        middle = {"lorenz": (0, 25.0), "bouncing_ball_1d": (5.0, 0)}.get(name, (0, 0))
        frame, latent = data["image"][5, 0], data["latents"][5, 0]
        x = (frame.sum(0) * columns).sum() / frame.sum() * system.half_width + middle[0]
        y = (frame.sum(1) * rows).sum() / frame.sum() * system.half_width + middle[1]
        assert abs(x - latent[centre[0]]) < system.half_width / 32
        assert centre[1] is None or abs(y - latent[centre[1]]) < system.half_width / 32
    else:
        x = data["latents"][3].astype(float)
        pixel = ((x[0].reshape(2, 2) / system.half_width + 1) * 16).astype(int)
        assert all(data["image"][3, 0, row, column] for column, row in pixel)


def test_the_certificate_counts_regimes(tmp_path):
    """Against a count of the uncut trajectories by hand."""
    recipe = small("three_mode", series=True)
    folder = generate(recipe, tmp_path / "x")
    found = manifest.read(folder).certificate[0].regimes
    parts = [load(folder / f"series-{split}.npz") for split in SPLITS]
    mode = np.concatenate([part["mode"] for part in parts])
    transitions, visits = np.zeros((3, 3), int), np.zeros(3, int)
    for row in mode:
        visits[row[0]] += 1
        for a, b in pairwise(row):
            transitions[a, b] += 1
            visits[b] += a != b
    frames = np.bincount(mode.ravel(), minlength=3)
    assert found.transition_counts == tuple(map(tuple, transitions.tolist()))
    np.testing.assert_allclose(found.occupancy, frames / mode.size)
    np.testing.assert_allclose(found.mean_dwell_time, frames / visits)
    signal = np.concatenate([part["signal"] for part in parts]).astype(float)
    ratio = (signal.var() - 0.04) / 0.04
    np.testing.assert_allclose(found.signal_to_noise_db, 10 * np.log10(ratio), rtol=1e-5)


def test_sums_do_not_depend_on_the_batch():
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(60, 20, 3)) * 10 ** rng.uniform(-6, 6, (60, 20, 3))  # sums of these are never exact
    mode, signal = rng.integers(0, 2, (60, 20)), signal.astype(np.float32)
    noise, found = rng.uniform(0.1, 0.2, 60), []
    for size in (1, 7, 60):
        regimes = RegimeCounts(2)
        for i in range(0, 60, size):
            regimes.add(mode[i : i + size], signal[i : i + size], noise[i : i + size])
        found.append((regimes.statistics(), np.concatenate(regimes.sums).tolist()))
    assert found[0] == found[1] == found[2]


def test_certificate_of_motion(written):
    recipe, folder = written
    found = manifest.read(folder).certificate[0]
    if recipe.tasks[0].integrated():
        assert found.error < 1e-8
        assert found.substeps >= 1
    else:
        assert found.error is found.substeps is None
    if recipe.name == "switching_double_pendulum":
        assert found.energy_drift < 1e-8
    else:
        assert found.energy_drift is None
    assert recipe.name == "nascar" or found.rejection_rate == 0


def test_verify_and_the_card(written, capsys):
    recipe, folder = written
    content = manifest.read(folder)
    assert not list(faults(folder, recipe, content, 8, True))
    tree = json.loads(json.dumps(to_json(to_stored(recipe))))
    assert from_stored(content.recipe) == recipe == from_stored(from_json(StoredRecipe, tree, "recipe"))
    assert find(str(folder / "dataset.json")) == recipe
    card = (folder / "README.md").read_text()
    for words in ("## Windows", "## Regimes", "`queries`", "`domains`", "more than one split, by task: 0"):
        assert words in card
    block = card.split("```python\n")[1].split("```")[0]
    names: dict = {}
    exec(block.replace('"train.npz"', repr(str(folder / "train.npz"))), names)
    assert len(names["queries"]) == len(names["labels"]) == recipe.train


def test_a_window_that_was_changed_is_found(tmp_path):
    recipe = dataclasses.replace(small("nascar"), train=9, val=2, test=2)
    folder = generate(recipe, tmp_path / "x")
    content = manifest.read(folder)
    other = dataclasses.replace(recipe, seed=1)
    assert any("differs in queries" in fault for fault in faults(folder, other, content, 4, True))


def test_another_machine_cannot_follow_chaos(tmp_path):
    """There, windows of other draws stand for what the last bit may do in the end."""
    for name, compared in (("nascar", True), ("lorenz", False)):
        recipe = dataclasses.replace(small(name), train=9, val=2, test=2)
        folder = generate(recipe, tmp_path / name)
        other = dataclasses.replace(recipe, seed=1)
        assert bool(list(faults(folder, other, manifest.read(folder), 2, False))) is compared
        assert list(faults(folder, other, manifest.read(folder), 2, True))


def test_wrong_modes_are_named():
    """Of a system of one's own."""

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Odd(Lorenz):
        kind: str = "float"

        def mode(self, x, key):
            return x[:, 0] if self.kind == "float" else x[0, 0] > 0

    for kind, message in (("float", r"Odd.mode .* float64 \[40\]"), ("one", r"bool \[\]")):
        recipe = Recipe(name="odd", tasks=(Odd(kind=kind, normalised=False),), train=2, val=0, test=0, steps=40)
        with pytest.raises(ValueError, match=message):
            sample(recipe, index=slice(0, 2))


def test_a_regime_beyond_the_last_is_named(tmp_path):
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Many(BouncingBall1D):
        def mode(self, x, key):
            return 7 + 0 * x[:, 0].astype(int)

    recipe = Recipe(name="many", tasks=(Many(),), train=2, val=0, test=0, steps=4)
    with pytest.raises(ValueError, match="there are 2 regimes, but mode gave 7"):
        generate(recipe, tmp_path / "x")


def test_tasks_share_their_emission(tmp_path):
    recipe = override(RECIPES["lorenz"], ["rho=24,28"], {"steps": 400})
    a, b = (shared_parameters(recipe, task)["C"] for task in (0, 1))
    np.testing.assert_array_equal(a, b)


def test_a_schema_that_is_not_what_was_promised_is_found(tmp_path):
    recipe = dataclasses.replace(small("nascar", series=True), train=9, val=2, test=2)
    folder = generate(recipe, tmp_path / "x")
    content = manifest.read(folder)
    for kind, name, form in (
        ("files", "latents", Form((2, 7, 2), "float64")),
        ("series", "signal", Form((1, 400, 9), "float32")),
    ):
        every = getattr(content, kind)
        file = next(file for file, entry in every.items() if entry.split == "test")
        entry = dataclasses.replace(every[file], arrays=every[file].arrays | {name: form})
        assert entry != every[file]
        forged = dataclasses.replace(content, **{kind: every | {file: entry}})
        (fault,) = faults(folder, recipe, forged, 2, True)
        assert f"{file} holds" in fault
        assert "instead of" in fault


def test_several_tasks_and_their_combination(tmp_path):
    """A folder for each, and all in one file per split; also with uncut trajectories, which it leaves out."""
    recipe = override(RECIPES["lorenz"], ["rho=24,28,32"], {"steps": STEPS["lorenz"], "series": True})
    folder = generate(recipe, tmp_path / "x")
    assert len(manifest.read(folder).shared_parameters) == len(manifest.read(folder).certificate) == 3
    combine(folder, shuffle=True, seed=3)
    both = load(folder / "combined_test.npz")
    parts = [load(folder / f"dataset_{i}/test.npz") for i in range(3)]
    n = sum(len(part["queries"]) for part in parts)
    assert set(both) == set(parts[0])
    assert len(both["queries"]) == len(both["time"]) == n
    np.testing.assert_array_equal(np.bincount(both["label"][:, 0]), [len(part["queries"]) for part in parts])
    order = np.lexsort((both["time"][:, 0], both["label"][:, 0]))
    np.testing.assert_array_equal(both["queries"][order], np.concatenate([part["queries"] for part in parts]))
    assert not list(faults(folder, recipe, manifest.read(folder), 2, True))


def test_signals_of_different_widths_are_not_combined(tmp_path):
    recipe = override(small("bouncing_ball_1d"), ["channels=1,2"], {"train": 4, "val": 0, "test": 0})
    with pytest.raises(ValueError, match="signals of different shapes cannot stand in one array"):
        combine(generate(recipe, tmp_path / "x"))


def test_windows_without_context_are_combined(tmp_path):
    recipe = override(
        RECIPES["nascar"], ["process_noise=0.01,0.02"], {"steps": 400, "gap": 5, "train": 9, "contexts": 0}
    )
    combine(folder := generate(recipe, tmp_path / "x"), shuffle=True)
    assert load(folder / "combined_train.npz")["domains"].shape == (18, 0, 7, 10)


def test_a_series_that_is_not_what_the_seed_gives_is_found(tmp_path, monkeypatch):
    recipe = override(small("nascar", series=True), (), {"train": 4, "val": 2, "test": 2})
    folder = generate(recipe, tmp_path / "x")
    honest = verification.first_series
    monkeypatch.setattr(verification, "first_series", lambda *where: {n: 1 + a for n, a in honest(*where).items()})
    assert any("differs in signal" in fault for fault in faults(folder, recipe, manifest.read(folder), 2, True))


def test_a_normalised_system_with_a_parameter_in_its_emission():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Gained(Lorenz):
        gain: float = parameter(2.0)

        def emission(self, latent, mode):
            return self.gain * super().emission(latent, mode)

    recipe = dataclasses.replace(RECIPES["lorenz"], tasks=(Gained(),), steps=600, train=9, val=0, test=0)
    plain = dataclasses.replace(recipe, tasks=(Lorenz(),))
    np.testing.assert_allclose(sample(recipe)["queries"], sample(plain)["queries"], atol=1e-2)


def test_frames_hold_what_is_far_apart():
    """Long links and wide boxes widen the scene."""
    for name, change in (("switching_double_pendulum", "l=3"), ("bouncing_ball_1d", "side=20")):
        recipe = dataclasses.replace(override(small(name), [change]), observation="pixels")
        lit = sample(recipe, index=slice(0, 9))["image"].reshape(-1, 32 * 32).sum(axis=1)
        assert lit.min() > 3


def test_trajectories_of_switching_systems(tmp_path, in_the_table):
    """Without windows: frames, states, regimes, latents and signals of each trajectory."""
    recipe = Recipe(name="uncut", tasks=(BouncingBall1D(channels=3),), train=5, val=0, test=2, steps=12, dt=0.2)
    folder = generate(recipe, tmp_path / "x")
    data = load(folder / "train.npz")
    in_the_table(data, 5, 12)
    assert data["image"].shape == (5, 12, 32, 32)
    assert data["signal"].shape == (5, 12, 3)
    assert data["mode"].shape == (5, 12)
    assert not list(faults(folder, recipe, manifest.read(folder), 2, True))
    signals = dataclasses.replace(recipe, observation="signals")
    assert "image" not in sample(signals)
    assert "signal" in (generate(signals, tmp_path / "y") / "README.md").read_text()
    with pytest.raises(ValueError, match="observation = 'sounds' is unknown; there are pixels, signals"):
        dataclasses.replace(recipe, observation="sounds")


def test_no_context(tmp_path):
    recipe = dataclasses.replace(small("nascar", contexts=0), train=9, val=2, test=2)
    folder = generate(recipe, tmp_path / "x")
    assert load(folder / "train.npz")["domains"].shape == (9, 0, 7, 10)
    assert not list(faults(folder, recipe, manifest.read(folder), 4, True))


def test_recorded_arrays_are_cut_too(in_the_table):
    """Windows with all that there is to record, and frames."""
    recipe = small("switching_double_pendulum")
    recipe = dataclasses.replace(recipe, record=recipe.recordable(), observation="pixels")
    data = sample(recipe, "test", slice(0, 40, 13))
    assert {"energy", "dx_dt", "angles", "offset", "color_index"} == set(recipe.recordable()) < set(data)
    in_the_table(data, 4, recipe.windows.length)
    assert data["energy"].shape == (4, 7)
    assert data["dx_dt"].shape == (4, 7, 4)
    np.testing.assert_allclose(data["energy"], data["energy"][:, :1].repeat(7, 1), rtol=1e-8)
    assert RECIPES["nascar"].recordable() == ("offset", "color_index")


def test_a_car_that_cannot_stay_is_given_up():
    recipe = override(small("nascar"), ["process_noise=3"])
    with pytest.raises(ValueError, match=r"sequence 0 of train.*went beyond ±\(5.5, 3.5\).*in each of 100 attempts"):
        sample(recipe)


def test_an_extreme_emission_is_named():
    with pytest.raises(ValueError, match="is not finite with"):
        sample(override(small("three_mode"), ["observation_noise=1e39"]))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("nascar", "reach=[1]", "reach = .* has to be 2 numbers above 0"),
        ("nascar", "reach=[a,b]", "reach = .* is neither a number nor a range"),
        ("nascar", "b=5", "b is an array of numbers"),
        ("nascar", "channels=3.5", "channels = 3.5 has to be a whole number"),
        ("three_mode", "durations=[1,2]", "durations = .* has to be pairs for each regime"),
        ("three_mode", "first=[1,2,3]", "A = .* has to be 3 x 3 x 3"),
        ("nascar", "C=[1,2]", "C is an array of numbers: give it in a .py file"),
        ("nascar", "spread=-1", "spread = -1.0 has to be at least 0"),
        ("lorenz", "spread=nan", "spread = nan has to be finite"),
        ("lorenz", "first=[0,0]", "first = .* has to be 3 numbers"),
        ("switching_double_pendulum", "angles=[1,2,3]", "angles = .* has to be 2 numbers"),
        ("bouncing_ball_1d", "side=-5", "side = -5.0 has to be above 0"),
        ("lorenz", "rho=-1", "rho = -1.0 has to be at least 0"),
    ],
)
def test_changes_that_cannot_be_are_refused(name, change, message):
    with pytest.raises(ValueError, match=message):
        override(RECIPES[name], [change])


def test_there_is_no_original_of_a_switching_system():
    from slvm_data.recipe.original import as_original

    with pytest.raises(ValueError, match="no original of Rslds"):
        as_original(RECIPES["nascar"])


def test_whole_trajectories_know_no_windows():
    assert to_stored(RECIPES["pendulum"]).windows is None
    assert isinstance(RECIPES["pendulum"].tasks[0], Pendulum)
