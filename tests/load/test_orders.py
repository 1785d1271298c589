"""F34: every pass sees what an uninterrupted run would have seen, whoever loads, resumes or divides it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from torch.utils.data import DataLoader, DistributedSampler

from slvm_data.load import Episodes, EpisodeSampler, Sequences, Shuffled
from slvm_data.load import shards as load_shards
from slvm_data.load.samplers import InOrder

HERE = Path(__file__).parent


def script(name, *arguments):
    """The JSON that a script beside this one prints."""
    command = [sys.executable, str(HERE / name), *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.parametrize(("extent", "cases"), [("some", 148), pytest.param("every", 160, marks=pytest.mark.slow)])
def test_plain_and_stateful_loaders(pendulums, sharded, extent, cases):
    """Workers 0 and 2, persistent or not, one rank of one or two; whole, resumed in an epoch and between epochs."""
    found = script("orders.py", extent, pendulums, sharded)
    assert found["failed"] == []
    assert found["cases"] == cases


BOTH = ("pytorch_lightning", "lightning.pytorch")
EVERY = [pytest.param(package, "every", 24, marks=pytest.mark.slow) for package in BOTH]


@pytest.mark.parametrize(("package", "extent", "cases"), [("pytorch_lightning", "some", 12), *EVERY])
def test_lightning_resumes(pendulums, package, extent, cases):
    """Workers or not, loaders made anew for each epoch or not; from the middle of an epoch, its last step, its end."""
    found = script("lightning_orders.py", package, pendulums, extent)
    assert found["failed"] == []
    assert found["cases"] == cases


def test_lightning_with_two_ranks(pendulums):
    """They divide training, validation and prediction, with Lightning's default of `use_distributed_sampler`."""
    found = script("lightning_orders.py", "lightning.pytorch", pendulums, "ranks")
    for name, ranks in found.items():
        assert len(ranks) == 2
        steps, val, predicted = ([rank[which] for rank in ranks] for which in range(3))
        assert [len(every) for every in steps] == [10 if name == "episodes" else 6] * 2
        for one, other in zip(*steps, strict=True):
            assert one[0] == other[0]
            assert not set(one[1]) & set(other[1])
        for every, epochs in ((val, 2), (predicted, 1)):  # each item once
            items = [i for rank in every for batch in rank for i in batch]
            assert len(items) == epochs * len(set(items)) == epochs * (48 if name == "episodes" else 60)
    for epoch in (0, 1):
        items = [i for train, _, _ in found["sequences"] for at, batch in train if at == epoch for i in batch]
        assert sorted(items) == list(range(150))


@pytest.mark.parametrize("ranks", [2, 3, 7, 8])
@pytest.mark.parametrize("in_memory", [True, False])
def test_ranks_divide_the_shards(sharded, monkeypatch, ranks, in_memory):
    """Each has as many items, of few shards per batch; together they have every item, and at most ranks - 1 twice."""
    monkeypatch.setattr(load_shards, "MIXED", 2)
    dataset = Sequences(sharded, fields=("index", "state"))
    dataset = dataset.to_memory() if in_memory else dataset
    blocks = Sequences(sharded, fields=("index", "state")).blocks()[0]
    owner = np.concatenate([np.full(b - a, i) for i, (a, b) in enumerate(blocks)])
    samplers = [Shuffled(dataset, 5, rank=rank, ranks=ranks) for rank in range(ranks)]
    for _ in range(2):
        parts = [list(sampler) for sampler in samplers]
        assert {len(part) for part in parts} == {len(samplers[0])} == {-(-600 // ranks)}
        assert set().union(*parts) == set(range(600))
        assert sum(map(len, parts)) < 600 + ranks
        if not in_memory:
            for part in parts:
                touched = [len(set(owner[part[k : k + 20]])) for k in range(0, len(part), 20)]
                assert max(touched) <= 4  # those that are mixed, and the next ones
                assert len(set(owner[part])) <= 10 // ranks + 3


def test_a_rank_among_one_has_the_whole_order(sharded):
    dataset = Sequences(sharded)
    assert list(Shuffled(dataset, 5, rank=0, ranks=1)) == list(Shuffled(dataset, 5))


def test_ranks_of_sequences_in_order(pendulums):
    dataset = Sequences(pendulums, "val")
    parts = [list(InOrder(dataset, rank=rank, ranks=8)) for rank in range(8)]
    assert {len(part) for part in parts} == {8}
    assert sorted({i for part in parts for i in part}) == list(range(60))
    assert all(part == list(range(part[0], part[0] + 8)) for part in parts)
    assert [list(InOrder([1], rank=rank, ranks=3)) for rank in range(3)] == [[0]] * 3  # fewer items than ranks


def test_lightning_and_others_see_that_ranks_are_divided(pendulums):
    assert isinstance(Shuffled(Sequences(pendulums)), DistributedSampler)
    assert isinstance(EpisodeSampler(Episodes(pendulums, context=4)), DistributedSampler)


def test_an_iterator_that_is_not_used_loses_no_epoch(pendulums):
    sampler = Shuffled(Sequences(pendulums))
    expected = [list(Shuffled(sampler.dataset)), list(sampler)][1]
    for _ in range(3):
        iter(sampler)
    second = list(sampler)
    sampler.set_epoch(0)
    assert [list(sampler), list(sampler)] == [expected, second]


def test_a_loop_that_sets_the_epoch_keeps_a_restored_place(pendulums):
    sampler = Shuffled(Sequences(pendulums), 5)
    whole = list(sampler)
    sampler.load_state_dict({"epoch": 0, "step": 40})
    sampler.set_epoch(0)
    assert list(sampler) == whole[40:]
    sampler.set_epoch(0, 40)
    sampler.set_epoch(0, 0)
    assert list(sampler) == whole
    sampler.set_epoch(1, 40)
    sampler.set_epoch(0)
    assert list(sampler) == whole


@pytest.mark.parametrize("kind", [Shuffled, InOrder])
def test_the_state_counts_items(pendulums, kind):
    sampler = kind(Sequences(pendulums))
    assert sampler.state_dict() == {"epoch": 0, "step": 0}
    items = iter(sampler)
    for _ in range(3):
        next(items)
    assert sampler.state_dict() == items.state_dict() == {"epoch": 0, "step": 3}
    list(items)
    assert sampler.state_dict() == {"epoch": 1, "step": 0}
    assert items.state_dict() == {"epoch": 0, "step": 150}
    with pytest.raises(ValueError, match="step = 151 has to be between 0 and 150"):
        sampler.set_epoch(0, 151)
    with pytest.raises(ValueError, match="epoch = -1 has to be between"):
        sampler.set_epoch(-1)
    with pytest.raises(ValueError, match="rank = 2 has to be between 0 and 1"):
        kind(sampler.dataset, rank=2, ranks=2)


def test_resumed_in_any_shard(sharded, monkeypatch):
    monkeypatch.setattr(load_shards, "MIXED", 2)
    sampler = Shuffled(Sequences(sharded), 5, rank=1, ranks=2)
    whole = list(sampler)
    for step in (0, 1, 64, 127, 128, 200, 299, 300):
        sampler.set_epoch(0, step)
        assert list(sampler) == whole[step:]


def test_nothing_but_numbers_of_items(sharded):
    """A dataset in shards whose fields are in no file."""
    assert [batch[0].tolist() for batch in DataLoader(Sequences(sharded, fields=("index",)), 300)] == [
        list(range(300)),
        list(range(300, 600)),
    ]
    assert len(Sequences(sharded, fields=("index",)).to_memory()) == 600
