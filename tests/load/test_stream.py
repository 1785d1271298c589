"""The stream: the sequences of the files, without files, for whoever takes turns at it."""

import dataclasses
import gc
import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from torchdata.stateful_dataloader import StatefulDataLoader

from slvm_data import View, generate
from slvm_data.load import Sequences, Stream, stream
from slvm_data.load.buffers import BufferPool
from slvm_data.load.windows import Windows

SCRIPT = Path(__file__).parent / "stream_in_workers.py"


def take(batches, count):
    return list(itertools.islice(batches, count))


def joined(batches):
    return {name: torch.cat([batch[name] for batch in batches]) for name in batches[0]}


def assert_equal(found, expected):
    assert found.keys() == expected.keys()
    for name in found.keys() - {"index"}:
        np.testing.assert_array_equal(found[name].numpy(), expected[name].numpy(), err_msg=name)
        assert found[name].dtype == expected[name].dtype


def test_the_first_thousand_are_those_of_the_file(small, tmp_path):
    recipe = dataclasses.replace(small("pendulum"), train=1008, val=0, test=0)
    dataset = Sequences(generate(recipe, tmp_path / "x"))
    found = joined(take(Stream(recipe, batch=12), 84))  # batches as in `test_sequences.py`
    assert found["index"].tolist() == list(range(1008))
    assert_equal(found, dataset.__getitems__(range(1008)).collated())


# In this module pendulum3 comes in batches of 8: other sizes would need another program each.
@pytest.mark.parametrize(("name", "batch"), [("pendulum3", 8), ("mixed_physics_iclr2025", 16)])
def test_element_i_is_sequence_i_by_k_of_task_i_mod_k(make, small, monkeypatch, name, batch):
    """12 of each task; a batch size that the number of tasks does not divide."""
    dataset, recipe = Sequences(make(name)), small(name)
    if len(recipe.tasks) > 3:  # the four programs of the file, for 512 sequences at a time, serve the stream too
        monkeypatch.setattr(stream, "ROWS", 342)
    tasks = len(recipe.tasks)
    found = joined(take(Stream(recipe, batch=batch), 12 * tasks // batch))
    elements = found["index"].numpy()
    assert elements.tolist() == list(range(len(elements)))
    assert_equal(found, dataset.__getitems__(elements % tasks * 12 + elements // tasks).collated())


def test_windows_of_separate_trajectories(small, tmp_path):
    recipe = small("three_mode")
    recipe = dataclasses.replace(recipe, windows=dataclasses.replace(recipe.windows, separate=True))
    dataset = Windows(generate(recipe, tmp_path / "x"))
    assert len(dataset[0]["path"].shape) == 0
    assert_equal(joined(take(Stream(recipe, batch=4), 3)), dataset.__getitems__(range(12)).collated())
    pixels = dataclasses.replace(recipe, view=View())
    dataset = Windows(generate(pixels, tmp_path / "y"))
    assert_equal(take(Stream(pixels, batch=8), 1)[0], dataset.__getitems__(range(8)).collated())


def test_it_goes_beyond_the_recipe_and_stays_in_bounds(small):
    """Groups of batches are made ahead in buffers that are used again: no batch may change behind the reader's back."""
    recipe = dataclasses.replace(small("bouncingball"), steps=2, record=())
    batches = take(Stream(recipe, batch=128), 32)
    again = take(Stream(recipe, batch=64), 64)
    assert joined(batches)["index"].tolist() == list(range(4096))
    assert_equal(joined(batches), joined(again))
    assert len(np.unique(joined(batches)["state"].flatten(1).numpy(), axis=0)) == 4096


def test_resume(small):
    recipe = small("pendulum3")
    whole = take(Stream(recipe, batch=8), 9)
    begun = Stream(recipe, batch=8)
    take(begun, 4)
    other = Stream(recipe, batch=8)
    other.load_state_dict(json.loads(json.dumps(begun.state_dict())))
    assert_equal(joined(take(other, 5)), joined(whole[4:]))
    assert_equal(joined(take(begun, 5)), joined(whole[4:]))  # a pass goes on where the one before it stopped


@pytest.mark.filterwarnings("ignore:'set_vital' is deprecated")
def test_resume_with_torchdata(small):
    recipe = small("pendulum3")
    whole = take(Stream(recipe, batch=8), 9)
    begun = StatefulDataLoader(Stream(recipe, batch=8), batch_size=None)
    batches = iter(begun)
    take(batches, 4)
    state = begun.state_dict()
    restored = StatefulDataLoader(Stream(recipe, batch=8), batch_size=None)
    restored.load_state_dict(state)
    assert_equal(joined(take(restored, 5)), joined(whole[4:]))


def test_ranks_and_workers_take_turns(small):
    """Four ranks together are one process, and two workers of a rank give its batches in its order."""
    recipe = small("pendulum3")
    whole = [batch["index"].tolist() for batch in take(Stream(recipe, batch=8), 8)]
    ranks = [take(Stream(recipe, batch=8, rank=rank, ranks=4), 2) for rank in range(4)]
    assert [ranks[n % 4][n // 4]["index"].tolist() for n in range(8)] == whole
    run = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["ranks and workers"] == [whole[n] for n in (1, 3, 5, 7)]
    assert "multiprocessing_context='spawn'" in found["fork"]


def test_another_seed_is_another_stream(small):
    recipe = small("pendulum3")
    first, other = (take(Stream(recipe, batch=8, seed=seed), 1)[0]["state"] for seed in (None, 5))
    assert not torch.equal(first, other)
    assert torch.equal(other, take(Stream(dataclasses.replace(recipe, seed=5), batch=8), 1)[0]["state"])


def test_fields(small):
    (batch,) = take(Stream(small("pendulum3"), batch=8, fields=("image", "param_g")), 1)
    assert list(batch) == ["image", "param_g"]
    assert batch["param_g"].tolist() == [2, 3, 4, 2, 3, 4, 2, 3]
    with pytest.raises(ValueError, match="'nothing' is not among the arrays of pendulum3: index, image"):
        take(Stream(small("pendulum3"), batch=8, fields=("nothing",)), 1)


def test_frames_that_stay_on_the_device_get_to_torch_without_a_copy(small, monkeypatch):
    """As on a GPU: JAX draws by the reference, and torch reads JAX's memory. Here both are the processor's."""
    recipe = small("pendulum3")
    expected = take(Stream(recipe, batch=8), 3)
    seen = []
    from_dlpack = torch.from_dlpack

    def watched(array):
        tensor = from_dlpack(array)
        at = array.ctypes.data if isinstance(array, np.ndarray) else array.unsafe_buffer_pointer()
        seen.append((type(array).__module__.split(".")[0], at == tensor.data_ptr()))
        return tensor

    monkeypatch.setattr(stream, "on_accelerator", lambda: True)
    monkeypatch.setattr(torch, "from_dlpack", watched)
    assert_equal(joined(take(Stream(recipe, batch=8, device="cpu"), 3)), joined(expected))
    assert set(seen) == {("jaxlib", True)}
    seen.clear()
    take(Stream(recipe, batch=8), 1)  # without a device, batches are on the CPU, whatever JAX computes on
    assert set(seen) == {("numpy", True)}


def test_a_device_is_where_batches_go(small):
    (batch,) = take(Stream(small("pendulum3"), batch=8, device="meta"), 1)
    assert {array.device.type for array in batch.values()} == {"meta"}


def test_as_a_dataset_of_a_dataloader(small):
    loader = DataLoader(Stream(small("pendulum3"), batch=8), batch_size=None)
    assert [batch["image"].shape for batch in take(loader, 2)] == [(8, 30, 1, 32, 32)] * 2


def test_batches_of_batches_are_refused(small):
    with pytest.raises(ValueError, match=r"a Stream gives whole batches, .* use batch_size=None"):
        next(iter(DataLoader(Stream(small("pendulum3"), batch=8), batch_size=8)))


def test_refusals(small):
    with pytest.raises(ValueError, match="batch = 2 has to be at least 3 sequences, one of each task"):
        Stream(small("pendulum3"), batch=2)
    with pytest.raises(ValueError, match="cuts windows from one trajectory, which ends"):
        Stream(small("nascar"))
    with pytest.raises(ValueError, match="cannot be streamed"):
        Stream(small("pendulum-original"))
    with pytest.raises(ValueError, match=r"recipe = 'pendulum' has to be a Recipe, such as slvm_data\.RECIPES"):
        Stream("pendulum")
    with pytest.raises(ValueError, match="fields = 'image' has to be a list"):
        Stream(small("pendulum"), fields="image")
    with pytest.raises(ValueError, match="batches = -5 has to be at least 0"):
        Stream(small("pendulum")).load_state_dict({"batches": -5})
    with pytest.raises(ValueError, match="rank = 4 has to be between 0 and 3"):
        Stream(small("pendulum"), rank=4, ranks=4)


def test_streams_that_are_left_keep_no_memory(small):
    """A stream whose pass was left has no buffers, though it may be continued."""
    gc.collect()
    before = sum(type(one) is BufferPool for one in gc.get_objects())
    streams = [Stream(small("pendulum3"), batch=8) for _ in range(5)]
    for own in streams:
        assert len(list(itertools.islice(own, 3))) == 3
    gc.collect()
    assert sum(type(one) is BufferPool for one in gc.get_objects()) == before
    assert next(iter(streams[0]))["index"].tolist() == list(range(24, 32))
