"""Sequences that are read from their shards when they are asked for: as those in memory, by whichever library."""

import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from slvm_data.load import DamageError, Sequences, Shuffled
from slvm_data.load import shards as load_shards
from slvm_data.store import tensors
from slvm_data.store import zarr_reader as reader

NAMES = (
    *("pendulum-zarr", "double_pendulum-zarr", "gravity3-zarr"),
    *("mixed_physics_iclr2025-zarr", "gravity-original-zarr"),
)
COUNT = 300  # sequences of a task, in shards of 64


@pytest.fixture(params=["tensorstore", "zarr"])
def library(request, monkeypatch):
    """The library that reads; zarr-python does in a forked process."""
    monkeypatch.setattr(tensors, "works", lambda: request.param == "tensorstore")
    return request.param


def same(batch, other):
    assert batch.keys() == other.keys()
    for name, array in other.items():
        torch.testing.assert_close(batch[name], array, rtol=0, atol=0, equal_nan=True)
        assert batch[name].dtype == array.dtype


@pytest.mark.parametrize("name", NAMES)
def test_every_array_is_that_of_memory(make, library, name):
    dataset, memory = Sequences(make(name)), Sequences(make(name)).to_memory()
    everything = list(range(len(dataset)))
    same(dataset[everything], memory[everything])
    same(dataset[5], memory[5])
    assert repr(dataset) == repr(memory)


@pytest.mark.parametrize("cache", [0, 10**5])
@pytest.mark.parametrize(
    "options", [{}, {"window": 3}, {"fraction": 0.3}, {"tasks": [1], "fields": ["image", "index"]}]
)
def test_any_rows_in_any_order(sharded, library, monkeypatch, cache, options):
    """Single rows, several of one shard, twice the same, negative ones; shards that stay and shards that do not."""
    monkeypatch.setattr(load_shards, "CACHE", cache)
    dataset, memory = Sequences(sharded, **options), Sequences(sharded, **options).to_memory()
    rng = np.random.default_rng(0)
    for size in (1, 7, 64):
        for _ in range(4):
            rows = rng.integers(-len(dataset), len(dataset), size).tolist()
            found, expected = dataset.__getitems__(rows).collated(), memory.__getitems__(rows).collated()
            if "fields" in options:
                found, expected = (dict(zip(options["fields"], batch, strict=True)) for batch in (found, expected))
            same(found, expected)


def test_shuffled_reads_each_shard_once(sharded, library, monkeypatch):
    """Three shards at a time, with room for these and the next three."""
    read, shard = [], reader.Reader.shard

    def counted(self, number):
        read.append((self.path, number))
        return shard(self, number)

    monkeypatch.setattr(reader.Reader, "shard", counted)
    monkeypatch.setattr(load_shards, "MIXED", 3)
    dataset = Sequences(sharded)
    shards = dataset._columns.shards
    monkeypatch.setattr(load_shards, "CACHE", 2 * 3 * 64 * shards.row_size)
    order = Shuffled(dataset, seed=5)
    first, second = list(order), list(order)
    assert sorted(first) == sorted(second) == list(range(2 * COUNT))
    assert first != second
    again = Shuffled(Sequences(sharded), seed=5)
    again.set_epoch(1)
    assert list(again) == second
    blocks, mixed = dataset.blocks()
    assert (len(blocks), mixed) == (10, 3)
    owner = np.concatenate([np.full(b - a, i) for i, (a, b) in enumerate(blocks)])
    parts = [set(owner[part].tolist()) for part in _parts(first, owner)]
    assert sorted(map(len, parts)) == [1, 3, 3, 3]
    assert set().union(*parts) == set(range(10))
    assert [max(part) - min(part) for part in parts] != [2, 2, 2, 0]  # not those that follow each other
    for batch in DataLoader(dataset, batch_size=50, sampler=again):
        assert len(batch["image"])
    assert len(read) == len(set(read)) == len(blocks)


def _parts(order, owner):
    """The order cut where a fourth shard begins, and a seventh, and so on."""
    seen, parts = [], [[]]
    for item in order:
        if owner[item] not in seen:
            seen.append(owner[item])
            if len(seen) % 3 == 1 and len(seen) > 1:
                parts.append([])
        parts[-1].append(item)
    return parts


def test_shuffled_globally(sharded):
    dataset = Sequences(sharded)
    order = list(Shuffled(dataset, globally=True))
    assert sorted(order) == list(range(2 * COUNT))
    assert order == list(Shuffled(dataset.to_memory()))


def test_what_is_kept_is_bounded(sharded, monkeypatch):
    monkeypatch.setattr(load_shards, "CACHE", 50_000)
    dataset = Sequences(sharded)
    for start in range(0, len(dataset), 50):
        dataset[list(range(start, start + 50))]
    shards = dataset._columns.shards
    kept = sum(array.nbytes for rows in shards.cache._shards.values() for array in rows.values())
    assert 0 < kept <= 50_000
    assert kept == shards.cache._size


def test_what_was_used_last_stays(sharded, monkeypatch):
    dataset = Sequences(sharded)
    shards = dataset._columns.shards
    monkeypatch.setattr(load_shards, "CACHE", 2 * 64 * shards.row_size)
    for number in (0, 1, 0, 2):
        dataset[list(range(64 * number, 64 * number + 64))]
    assert list(shards.cache._shards) == [(0, 0), (0, 2)]


def test_few_rows_of_a_shard_are_read_alone(sharded, library, monkeypatch):
    """Where not everything fits in memory; several are read with their shard, which stays."""
    whole, shard = [], reader.Reader.shard
    monkeypatch.setattr(reader.Reader, "shard", lambda self, number: whole.append(number) or shard(self, number))
    monkeypatch.setattr(load_shards, "CACHE", 200_000)
    dataset = Sequences(sharded)
    dataset[[0, 1, 2, 70, 300, 500]]
    assert not whole
    dataset[[64, 65, 66, 67, 0]]
    dataset[[68]]
    assert whole == [1]


def test_a_copy_has_no_handle_and_no_shard(sharded):
    dataset = Sequences(sharded)
    dataset[list(range(100))]
    data = pickle.dumps(dataset)
    assert len(data) < 20_000
    same(pickle.loads(data)[[3, 400]], dataset[[3, 400]])


FORKED = """
import sys, warnings
import torch
from torch.utils.data import DataLoader
from slvm_data.load import Sequences
from slvm_data.load import shards as load_shards
from slvm_data.store import tensors
warnings.simplefilter("ignore")
load_shards.CACHE = 0
dataset = Sequences(sys.argv[1], fields=["state"])
rows = [0, 70, 140, 210]
(expected,) = dataset[rows]
assert tensors.works()
loader = DataLoader(dataset, sampler=rows, batch_size=4, num_workers=1, multiprocessing_context="fork", timeout=40)
((found,),) = list(loader)
assert torch.equal(found, expected)
"""


def test_a_forked_process_reads_too(sharded):
    """After its parent has read by tensorstore, whose threads it has not got."""
    done = subprocess.run([sys.executable, "-c", FORKED, str(sharded)], capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr


def test_odd_folder_names(sharded, library, tmp_path):
    """F19: and what a URL would take for more than a name."""
    place = Path(shutil.copytree(sharded, tmp_path / "a b%20c#d?é"))
    same(Sequences(place)[[0, 599]], Sequences(sharded)[[0, 599]])


def test_no_flipped_bit_is_silent(sharded, library, tmp_path, monkeypatch):
    """F7, in any file of a group: an error that names the group, or what was written."""
    monkeypatch.setattr(load_shards, "CACHE", 0)
    folder = Path(shutil.copytree(sharded, tmp_path / "x"))
    good = Sequences(folder, tasks=[1])[[0, 70, 71, 72, 73, 299]]
    group, rng, caught = folder / "dataset_1/train.zarr", np.random.default_rng(0), 0
    files = sorted(path for path in group.rglob("*") if path.is_file())
    for _ in range(60):
        path = files[int(rng.integers(len(files)))]
        data = path.read_bytes()
        at, bit = int(rng.integers(len(data))), int(rng.integers(8))
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :])
        try:
            same(Sequences(folder, tasks=[1])[[0, 70, 71, 72, 73, 299]], good)
        except DamageError as error:
            caught += 1
            assert str(group) in str(error)
        path.write_bytes(data)
    assert caught >= 30


def test_damage_of_the_metadata_is_found_at_once(sharded, tmp_path):
    folder = Path(shutil.copytree(sharded, tmp_path / "x"))
    path = folder / "dataset_0/train.zarr/state/zarr.json"
    path.write_text(path.read_text().replace("[300, 4, 2]", "[300,4,2]"))
    path.write_text(path.read_text() + " ")
    with pytest.raises(DamageError, match=r"train\.zarr/state/zarr\.json has \d+ bytes instead of \d+"):
        Sequences(folder)


@pytest.mark.parametrize("name", ["image", "state", "label"])
def test_a_file_that_shrinks_after_it_was_compared(sharded, library, tmp_path, monkeypatch, name):
    """To any length, or to nothing, while its shard is full: an error, or what was there; never zeros."""
    monkeypatch.setattr(load_shards, "CACHE", 0)
    folder = Path(shutil.copytree(sharded, tmp_path / "x"))
    file = next(path for path in (folder / f"dataset_1/train.zarr/{name}/c/1").rglob("*") if path.is_file())
    whole, expected = file.read_bytes(), Sequences(sharded)
    for length in (0, 1, len(whole) // 2, len(whole) - 5, len(whole) - 1, None):
        file.write_bytes(whole)
        data = Sequences(folder)
        assert torch.equal(data[COUNT + 64][name], expected[COUNT + 64][name])
        file.write_bytes(whole[:length]) if length is not None else file.unlink()
        for rows in ([COUNT + 64 + 40], list(range(COUNT + 64, COUNT + 128))):
            try:
                found = data.__getitems__(rows).collated()
            except DamageError as error:
                assert str(folder) in str(error)
                continue
            assert torch.equal(found[name], expected.__getitems__(rows).collated()[name])


@pytest.mark.filterwarnings("ignore:os.fork")
@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow), "forkserver"])
def test_a_full_shard_that_is_emptied_gives_no_zeros(sharded, tmp_path, monkeypatch, method):
    """In workers that were started after the parent has read an item of that shard."""
    monkeypatch.setattr(load_shards, "CACHE", 0)
    folder = Path(shutil.copytree(sharded, tmp_path / "x"))
    data = Sequences(folder)
    data[64]
    (folder / "dataset_0/train.zarr/image/c/1/0/0").write_bytes(b"")
    loader = DataLoader(data, 16, num_workers=1, multiprocessing_context=method)
    with pytest.raises(DamageError, match=r"image/c/1/0/0 has 0 bytes instead of \d+"):
        for _ in loader:
            pass


def test_grain_reads_sequences(sharded):
    """As they are, in threads of its own; one function makes NumPy of the tensors of an item."""
    import grain

    dataset, expected = Sequences(sharded, window=3), Sequences(sharded, window=3).to_memory()
    source = grain.MapDataset.source(dataset).shuffle(seed=0)
    arrays = source.map(lambda item: {name: array.numpy() for name, array in item.items()})
    seen = []
    for batch in arrays.to_iter_dataset().batch(100):
        seen += batch["index"].tolist()
        for name, array in expected[batch["index"]].items():
            np.testing.assert_array_equal(batch[name], array.numpy())
    assert sorted(seen) == list(range(len(dataset)))
