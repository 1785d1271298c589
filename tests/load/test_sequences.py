"""Sequences and windows: what NumPy reads, and nothing else."""

import copy
import pickle
import subprocess
import sys
from dataclasses import replace
from queue import Queue
from threading import Thread

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import BatchSampler, ConcatDataset, DataLoader, Subset

from slvm_data import RECIPES, View, generate, sample
from slvm_data.load import Episodes, Sequences, Stream, Windows
from slvm_data.load.buffers import BufferPool
from slvm_data.load.column import Column, packed_size
from slvm_data.recipe.recipe import mixed

# One of each kind: a single task, several with impacts, colours, different widths, originals of one channel and three;
# windows of one trajectory, of segments, of separate trajectories, and with frames.
SEQUENCES = ["pendulum", "gravity3", "mixed_physics_iclr2025"]
ORIGINALS = ["gravity-original", "pendulum3-original"]
WINDOWS = ["nascar", "switching_double_pendulum", "three_mode", "nascar-pixels"]


def channels(name, array):
    """Frames as the loaders give them: floats with an axis of channels."""
    lead = {"image": 2, "domain_image": 3}.get(name)
    if lead is None:
        return array
    return (array if array.ndim == lead + 3 else np.expand_dims(array, lead)).astype(np.float32)


def equal(found, expected):
    """Equal in every bit, but for filling behind what is expected."""
    found = found.numpy()
    own = found[tuple(slice(0, n) for n in expected.shape) + (0,) * (found.ndim - expected.ndim)]
    np.testing.assert_array_equal(own, expected)
    assert own.dtype == expected.dtype
    return found.size == own.size


@pytest.mark.few(3)
@pytest.mark.parametrize("name", [*SEQUENCES, *ORIGINALS])
def test_every_field_of_every_sequence_is_what_numpy_reads(make, name, arrays):
    folder = make(name)
    for split in ("train", "test"):
        dataset, number = Sequences(folder, split), 0
        tasks = arrays(folder, split)
        assert len(dataset) == sum(len(task["label"]) for task in tasks)
        batch = next(iter(DataLoader(dataset, batch_size=len(dataset))))
        for task in tasks:
            rows = slice(number, number + len(task["label"]))
            for key, array in task.items():
                full = equal(batch[key][rows], channels(key, array))
                assert full or len(tasks) > 1
            for key in batch.keys() - task.keys() - {"index", "state_mask"}:
                missing = batch[key][rows]
                assert torch.isnan(missing).all() if missing.is_floating_point() else (missing == -1).all()
            number = rows.stop
        assert batch["index"].tolist() == list(range(len(dataset)))
        for i in (0, len(dataset) - 1):
            item = dataset[i]
            assert item.keys() == batch.keys()
            assert all(torch.equal(item[key].nan_to_num(), batch[key][i].nan_to_num()) for key in item)


@pytest.mark.few(2)
@pytest.mark.parametrize("name", WINDOWS)
def test_every_field_of_every_window_is_what_numpy_reads(make, name, arrays):
    folder = make(name)
    dataset, (data,) = Windows(folder, "val"), arrays(folder, "val")
    batch = next(iter(DataLoader(dataset, batch_size=len(dataset))))
    assert batch.keys() == data.keys() | {"index"}
    for key, array in data.items():
        assert equal(batch[key], channels(key, array))
    wanted = ("index", "queries", "domains", "labels")
    row = Windows(folder, "val", fields=wanted)[1]
    assert [a.shape for a in row[1:]] == [data[key].shape[1:] for key in wanted[1:]]


@pytest.mark.few(3)
@pytest.mark.parametrize("name", [*SEQUENCES, "gravity-original", "nascar-pixels"])
def test_zarr_is_read_as_npz_is(make, name):
    kind = Windows if name in WINDOWS else Sequences
    one, other = (kind(make(name + ending)) for ending in ("", "-zarr"))
    a, b = (dataset.__getitems__(range(len(dataset))).collated() for dataset in (one, other))
    assert a.keys() == b.keys()
    for key in a:
        np.testing.assert_array_equal(a[key].numpy(), b[key].numpy())
    few, same = kind(make(name + "-zarr"), fraction=0.3), kind(make(name), fraction=0.3)
    assert len(few) == len(same) < len(one)
    assert all(torch.equal(few[-1][key].nan_to_num(), same[-1][key].nan_to_num()) for key in a)


def test_the_uncut_trajectories_of_windows_are_not_items(tmp_path, small):
    recipe = small("three_mode")
    folder = generate(replace(recipe, windows=replace(recipe.windows, series=True)), tmp_path / "x")
    assert not {"signal", "state", "mode"} & Windows(folder)[0].keys()


def test_states_of_different_width_are_padded(make):
    dataset = Sequences(make("mixed_physics_iclr2025"))
    batch = dataset.__getitems__(range(len(dataset))).collated()
    widths = batch["state_mask"].sum(-1)
    assert sorted(set(widths.tolist())) == [2, 4, 8]
    for name in ("state", "dx_dt"):
        assert (batch[name][~batch["state_mask"][:, None].expand_as(batch[name])] == 0).all()
    assert (batch["color_index"][:, 1] >= 0).equal(batch["label"][:, 0] >= 9)  # two bodies in the last three tasks


def test_tasks_that_are_held_out_have_the_same_shapes(make):
    balls, bodies = (Sequences(make("mixed_physics_iclr2025"), tasks=tasks) for tasks in ([0, 2], [10]))
    assert {k: v.shape for k, v in balls[0].items()} == {k: v.shape for k, v in bodies[0].items()}
    assert {int(item["label"]) for item in map(balls.__getitem__, range(len(balls)))} == {0, 2}


def test_tasks_come_in_the_order_asked_for(pendulums):
    dataset = Sequences(pendulums, tasks=[2, 0])
    assert (int(dataset[0]["label"]), int(dataset[-1]["label"])) == (2, 0)
    assert float(dataset[0]["param_g"]) == 4.0


def test_fields_are_tuples_in_order(pendulums):
    dataset = Sequences(pendulums, fields=("label", "image", "index"))
    label, image, index = dataset[51]
    assert isinstance(dataset[51], tuple)
    assert (label.item(), image.shape, index.item()) == (1, (4, 1, 32, 32), 51)
    labels, images, indices = next(iter(DataLoader(dataset, batch_size=8)))
    assert (labels.shape, images.shape, indices.tolist()) == ((8, 1), (8, 4, 1, 32, 32), list(range(8)))
    assert set(dataset._columns.columns) == {"label", "image"}  # nothing else is read


@given(a=st.floats(0.001, 1), b=st.floats(0.001, 1))
@settings(max_examples=10)
def test_fractions_are_nested(pendulums, a, b):
    few, many = (
        {(int(item["label"]), item["state"].numpy().tobytes()) for item in map(d.__getitem__, range(len(d)))}
        for d in (Sequences(pendulums, fraction=f) for f in sorted((a, b)))
    )
    assert few <= many
    assert {label for label, _ in few} == {0, 1, 2}


def test_a_fraction_is_a_smaller_dataset(pendulums):
    recipe = RECIPES["pendulum3"]
    made = sample(replace(recipe, steps=4), "train", slice(0, 5), task=1)
    dataset = Sequences(pendulums, fraction=0.1)
    assert len(dataset) == 15
    np.testing.assert_array_equal([dataset[5 + i]["state"].numpy() for i in range(5)], made["state"])


@pytest.mark.parametrize("ending", ["npz", "zarr"])
def test_a_fraction_of_files_that_are_read_in_pieces(tmp_path, ending):
    """Three megabytes of frames to a task: what lies behind the fraction must not reach the next task's place."""
    recipe = replace(RECIPES["pendulum3"], train=100, val=0, test=0)
    dataset = Sequences(generate(recipe, tmp_path / "x", format=ending), fraction=0.5)
    assert len(dataset) == 150
    for task in range(3):
        made, found = sample(recipe, "train", slice(0, 50), task), dataset[50 * task : 50 * task + 50]
        np.testing.assert_array_equal(found["image"][:, :, 0], made["image"])
        np.testing.assert_array_equal(found["state"], made["state"])


@pytest.mark.parametrize(("window", "stride"), [(1, 1), (2, 1), (3, 5), (30, 1), (2, 2)])
def test_windows_of_sequences(make, window, stride, arrays):
    folder = make("gravity3")
    dataset = Sequences(folder, window=window, stride=stride)
    starts, data = range(0, 30 - window + 1, stride), arrays(folder, "train")[1]
    assert len(dataset) == 36 * len(starts)
    for k, start in enumerate(starts):
        item = dataset[(12 + 7) * len(starts) + k]
        for key in ("state", "dx_dt", "energy"):
            np.testing.assert_array_equal(item[key], data[key][7, start : start + window])
        np.testing.assert_array_equal(item["image"][:, 0], data["image"][7, start : start + window])
        np.testing.assert_array_equal(item["time"], data["time"][7, start : start + window])
        np.testing.assert_array_equal(item["event_time"], data["event_time"][7])  # impacts of the whole sequence


@pytest.mark.parametrize("wrapped", [lambda d: Subset(d, range(3, 40)), lambda d: ConcatDataset([d, d])])
def test_wrappers_give_the_same_batches(pendulums, wrapped):
    for fields in (None, ("state", "label")):
        dataset = wrapped(Sequences(pendulums, fields=fields))
        batch, items = next(iter(DataLoader(dataset, batch_size=8))), [dataset[i] for i in range(8)]
        keys = batch if fields is None else range(len(fields))
        for key in keys:
            assert torch.equal(batch[key], torch.stack([item[key] for item in items]))


def test_a_copy_is_the_same(pendulums):
    dataset = Sequences(pendulums)
    for other in (copy.deepcopy(dataset), pickle.loads(pickle.dumps(dataset))):
        assert all(torch.equal(a, b) for a, b in zip(dataset[7].values(), other[7].values(), strict=True))


@pytest.mark.parametrize("index", [150, -151])
def test_beyond_the_last(pendulums, index):
    dataset = Sequences(pendulums)
    assert dataset[-1]["index"] == 149
    with pytest.raises(IndexError, match=f"index {index} of 150 items in train"):
        dataset[index]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "valid"}, "split = 'valid' is unknown; there are train, val, test"),
        ({"tasks": [3]}, r"tasks = 3 does not exist in .*, whose tasks in train are 0 … 2"),
        ({"tasks": []}, "has to name at least one task"),
        ({"tasks": [1, 1]}, "each once"),
        ({"fields": ("images",)}, "'images' is not among the arrays of .*: index, image, state, label"),
        ({"fields": "image"}, r"fields = 'image' has to be a list of names, such as \['image'\]"),
        ({"fields": ()}, "fields is empty"),
        ({"fraction": 0}, "fraction = 0.0 has to lie above 0"),
        ({"fraction": 1.5}, "at most 1"),
        ({"window": 5}, "window = 5 has to be between 1 and 4 frames"),
        ({"window": 2.0}, r"window = 2\.0 has to be a whole number"),
        ({"tasks": 1}, r"tasks = 1 has to be a list of whole numbers, such as \[1\]"),
        ({"tasks": [1.5]}, r"tasks = 1\.5 has to be a whole number"),
        ({"fraction": "0.1"}, r"fraction = '0\.1' has to be a number"),
        ({"window": 0}, "window = 0"),
        ({"stride": 5}, "stride = 5 is between windows: give window too"),
        ({"window": 2, "stride": 0}, "stride = 0 has to be at least 1 frames"),
    ],
)
def test_refusals(pendulums, options, message):
    with pytest.raises(ValueError, match=message):
        Sequences(pendulums, **options)


def test_the_wrong_kind_says_which_is_right(make, pendulums):
    with pytest.raises(ValueError, match=r"open it with slvm_data\.load\.Windows"):
        Sequences(make("nascar"))
    with pytest.raises(ValueError, match=r"open it with slvm_data\.load\.Sequences"):
        Windows(pendulums)
    with pytest.raises(ValueError, match=r"is a task of a dataset: open .*pendulum3, with tasks=\[1\]"):
        Sequences(pendulums / "dataset_1")


def test_frames_of_different_shapes_are_refused(tmp_path, small):
    parts = [small(name) for name in ("gravity-original", "pendulum-original")]
    folder = generate(mixed(parts, name="two", original=True, train=2, val=0, test=0), tmp_path / "x")
    with pytest.raises(ValueError, match="image differs in shape between tasks"):
        Sequences(folder)
    assert Sequences(folder, tasks=[1])[0]["image"].shape == (30, 3, 32, 32)


def test_a_list_of_indices_is_a_batch(pendulums):
    """PyTorch's way of fetching a batch at once."""
    dataset = Sequences(pendulums, window=2)
    sampler = BatchSampler(range(len(dataset)), 8, drop_last=False)
    batch = next(iter(DataLoader(dataset, sampler=sampler, batch_size=None)))
    assert torch.equal(batch["state"], dataset[list(range(8))]["state"])
    assert batch["image"].shape == (8, 2, 1, 32, 32)
    assert dataset[4:6]["index"].tolist() == [4, 5]
    assert [int(item["index"]) for item in dataset.__getitems__([4, 5, 6])[:2]] == [4, 5]


@pytest.mark.parametrize("index", [1.7, "a", None])
def test_what_is_no_index(pendulums, index):
    with pytest.raises(IndexError, match="are no numbers of items"):
        Sequences(pendulums)[index]


def test_a_subclass_may_do_more_to_an_item(pendulums):
    class Inverted(Sequences):
        def __getitem__(self, index):
            item = super().__getitem__(index)
            item["image"] = 1 - item["image"]
            return item

    dataset, plain = Inverted(pendulums), Sequences(pendulums)
    (batch,) = list(DataLoader(dataset, batch_size=150))
    assert torch.equal(batch["image"], 1 - plain[:]["image"])
    assert torch.equal(dataset[3]["image"], batch["image"][3])


def test_what_it_says_of_itself(pendulums):
    assert repr(Sequences(pendulums, fields=("image", "state"))).endswith("'train'): 150 items of image, state")
    assert "index, image, state, label" in repr(Sequences(pendulums))


def test_frames_of_odd_sizes_are_contiguous(tmp_path, small):
    recipe = replace(small("pendulum"), view=View(size=9, palette=2))
    dataset = Sequences(generate(recipe, tmp_path / "x"))
    batch = dataset[[0, 1, 2]]
    assert batch["image"].shape == (3, 30, 3, 9, 9)
    assert batch["image"].is_contiguous()
    np.testing.assert_array_equal(batch["image"], sample(recipe, "train", slice(0, 3))["image"])


def test_another_default_device_changes_nothing(pendulums):
    with torch.device("meta"):
        batch = Sequences(pendulums, window=2)[[1, 2]]
        item = Episodes(pendulums, context=2).split_()[0]
    assert {a.device.type for a in (*batch.values(), *item.values())} == {"cpu"}


def test_memory_comes_back_from_other_threads():
    """Whoever lets go of a batch may be another thread, in the middle of our search."""
    pool, lent, interval = BufferPool(), Queue(64), sys.getswitchinterval()

    def give_back():
        while lent.get() is not None:
            pass

    threads = [Thread(target=give_back) for _ in range(3)]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for i in range(20_000):
            tensor = pool.take(size := (100, 190, 1000, 64)[i % 4])
            assert len(tensor) == size
            lent.put(tensor)
            del tensor
    finally:
        sys.setswitchinterval(interval)
        for _ in threads:
            lent.put(None)
    for thread in threads:
        thread.join()


@given(st.integers(1, 7), st.integers(1, 9), st.integers(0, 2**32))
@settings(max_examples=50)
def test_packed_frames_of_any_size_come_back(height, width, seed):
    bits = np.random.default_rng(seed).integers(0, 2, (5, 3, height * width)).astype(np.uint8)
    packed = np.zeros((5, 3, packed_size(height * width)), np.uint8)
    rows = np.packbits(bits, axis=-1)
    packed[..., : rows.shape[-1]] = rows
    column = Column(torch.from_numpy(packed), (1, height, width), packed=True)
    np.testing.assert_array_equal(
        column.take(torch.tensor([4, 0]), BufferPool()).numpy(), bits[[4, 0]].reshape(2, 3, 1, height, width)
    )


@pytest.mark.parametrize(
    ("color", "ending"),
    [
        ("grey", ".zarr"),
        ("rgb", ""),
        pytest.param("grey", "", marks=pytest.mark.slow),
        pytest.param("rgb", ".zarr", marks=pytest.mark.slow),
    ],
)
def test_frames_of_bytes_become_floats_from_0_to_1(tmp_path, small, color, ending):
    recipe = replace(small("pendulum"), view=View(color=color))
    folder = generate(recipe, tmp_path / f"shades{ending}")
    data = sample(recipe, index=slice(0, 12))["image"]
    assert (data.ndim, data.max()) == ((4, 254) if color == "grey" else (5, 254))
    expected = np.float32(data.reshape(12, data.shape[1], -1, 32, 32)) * np.float32(1 / 255)
    np.testing.assert_array_equal(next(iter(DataLoader(Sequences(folder), batch_size=12)))["image"], expected)
    np.testing.assert_array_equal(next(iter(Stream(recipe, batch=12)))["image"], expected)


def test_memory_is_used_again_only_when_nobody_holds_it():
    pool = BufferPool()
    first = pool.take(1000)
    first.fill_(1.0)
    view, address = first[:10], first.data_ptr()
    del first
    second = pool.take(1000)
    second.fill_(2.0)
    assert (view == 1).all()
    assert second.data_ptr() != address
    del view, second
    addresses = {pool.take(1000).data_ptr() for _ in range(20)}
    assert len(addresses) <= 2
    assert address in addresses


def test_batches_that_are_held_are_not_overwritten(pendulums):
    loader = DataLoader(Sequences(pendulums, fields=("image",)), batch_size=50)
    held = [image for (image,) in loader]
    again = [image.clone() for (image,) in loader]
    assert all(map(torch.equal, held, again))


def test_neither_jax_nor_lightning_is_loaded():
    names = "l.Sequences, l.Episodes, l.EpisodeSampler, l.Windows"
    check = f"import sys, slvm_data.load as l; {names}; assert not {{'jax', 'lightning'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)
