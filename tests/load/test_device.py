"""Batches that are made on a device equal those of the processor, bit for bit.

Where there is no GPU, its way of unpacking is tried on the processor.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from slvm_data import RECIPES, generate
from slvm_data.load import Ahead, DataModule, Episodes, Sequences, Windows, column, map_dataset
from slvm_data.load.buffers import BufferPool
from slvm_data.load.column import Column, packed_size
from slvm_data.observe.modifiers import Missing

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
KINDS = {
    "pendulum-zarr": (Sequences, {}),
    "gravity3": (Episodes, {"context": 4}),
    "nascar": (Windows, {}),
    "double_pendulum": (Sequences, {"window": 7, "stride": 3}),
    "pendulum": (Sequences, {}),
    "mixed_physics_iclr2025": (Sequences, {"tasks": [0, 6]}),
    "gravity-original": (Sequences, {}),
    "nascar-pixels": (Windows, {}),
}


@pytest.fixture(params=DEVICES)
def device(request, monkeypatch):
    """A device, which unpacks as a GPU does."""
    monkeypatch.setattr(column, "by_processor", lambda _: False)
    return request.param


def same(found, expected, device):
    """The same arrays, bit for bit, on this device."""
    assert found.keys() == expected.keys()
    for name, array in found.items():
        assert array.device.type == device, name
        assert array.dtype == expected[name].dtype, name
        np.testing.assert_array_equal(array.cpu(), expected[name], err_msg=name)


@pytest.mark.few(4)
@pytest.mark.parametrize("name", KINDS)
def test_batches_are_those_of_the_processor(make, name, device, monkeypatch):
    kind, options = KINDS[name]
    plain, dataset = kind(make(name), **options), kind(make(name), **options)
    with monkeypatch.context() as by_table:
        by_table.setattr(column, "by_processor", lambda _: True)
        expected = plain[list(range(len(plain)))]
    assert dataset.to(device) is dataset
    assert dataset.device.type == device
    assert dataset.size > 0
    same(dataset[list(range(len(dataset)))], expected, device)
    batches = list(DataLoader(dataset, batch_size=5))
    same({key: torch.cat([batch[key] for batch in batches]) for key in batches[0]}, expected, device)
    same(dataset.to("cpu")[[1]], {key: array[[1]] for key, array in expected.items()}, "cpu")


@pytest.mark.parametrize("frame", [(1, 32, 32), (3, 5, 7), (1, 1, 1), (1, 3, 16)])
@pytest.mark.parametrize("packed", [True, False])
def test_every_pattern_of_bits(frame, packed):
    size = packed_size(int(np.prod(frame))) if packed else int(np.prod(frame))
    data = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (6, 4, size), np.uint8))
    own = Column(data, frame, packed, per_frame=True)
    table = own.take(torch.arange(6), BufferPool())
    found = own.unpacked(data)
    assert found.dtype == torch.float32
    assert torch.equal(found, table)


def test_missing_frames_are_filled_there(tmp_path, device):
    recipe = replace(RECIPES["pendulum"], observe=(Missing(p=0.5),), train=6, val=0, test=0, steps=8)
    folder = generate(recipe, tmp_path / "x")
    plain, dataset = Sequences(folder, missing="nan"), Sequences(folder, missing="nan").to(device)
    same(dataset[:], plain[:], device)
    assert dataset[:]["image"].isnan().any()


def test_workers_say_that_they_cannot(make, monkeypatch):
    dataset = Sequences(make("pendulum"))
    dataset.device = torch.device("cuda")
    monkeypatch.setattr(map_dataset, "get_worker_info", lambda: "a worker")
    with pytest.raises(RuntimeError, match=r"^workers of a DataLoader cannot .* on cuda: leave num_workers at 0$"):
        dataset.__getitems__([0])


@pytest.mark.parametrize("device", ["gpu", "", 3.5, None, "cuda:x"])
def test_what_is_no_device_is_refused(make, device):
    for call in (Sequences(make("pendulum")).to, lambda device: Ahead([], device)):
        with pytest.raises(ValueError, match=r"^device = .* has to be "):
            call(device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what PyTorch says without a GPU")
def test_a_gpu_that_is_not_there(make):
    dataset = Sequences(make("pendulum"))
    with pytest.raises((RuntimeError, AssertionError)):
        dataset.to("cuda")
    assert dataset.device.type == "cpu"
    assert dataset[0]["image"].device.type == "cpu"


def test_too_little_memory_is_said_before_anything_is_read(make, monkeypatch):
    dataset = Sequences(make("pendulum-zarr"))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (1000, 2000))
    with pytest.raises(MemoryError, match=r"needs .* GB of cuda, which has 1e-06 GB free: ask for less"):
        dataset.to("cuda")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("fields", [None, ("image", "state")])
def test_batches_come_ahead_in_order(make, device, fields):
    loader = DataLoader(Sequences(make("pendulum"), fields=fields), batch_size=5)
    ahead = Ahead(loader, device)
    assert len(ahead) == len(loader) == 3
    for _ in range(2):
        for found, expected in zip(ahead, loader, strict=True):
            pairs = zip(found, expected, strict=True) if fields else ((found[k], expected[k]) for k in expected)
            assert all(a.device.type == device and torch.equal(a.cpu(), b) for a, b in pairs)


def test_lightning_keeps_what_fits_on_its_gpu(make, monkeypatch):
    monkeypatch.setattr(DataModule, "_gpu", lambda _: torch.device("cpu"))
    moved = []
    monkeypatch.setattr(Sequences, "to", lambda self, place: moved.append(place) or self)
    for free, workers, expected in ((10**9, 0, 1), (1000, 0, 0), (10**9, 1, 0)):
        moved.clear()
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _, free=free: (free, 10**10))
        DataModule(make("pendulum"), workers=workers).dataset("train")
        assert len(moved) == expected
