"""Episodes: context and query of one task and disjoint, the same whoever loads them, drawn anew each time."""

import json
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch.utils.data import DataLoader

from slvm_data.load import Episodes, EpisodeSampler, Sequences
from slvm_data.load.draws import Moment

SCRIPT = Path(__file__).parent / "in_workers.py"


def in_workers(*arguments):
    """The JSON that the script prints, from a process that never loads JAX: one that has may not be forked."""
    run = subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, arguments)], capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_episodes_do_not_depend_on_workers(pendulums, method):
    """F20; workers 0, 1, 2 and 4, persistent or not (by spawn 0 and 2); two epochs, which differ.

    Below, episodes also go to workers of a fork server, and by `spawn` to ranks.
    """
    found = in_workers("digests", pendulums, method)
    assert len(found) == (2 if method == "spawn" else 7)
    assert len({tuple(epochs) for epochs in found.values()}) == 1
    first, second = found["0 workers"]
    assert first != second


@pytest.mark.parametrize(
    ("method", "ending"),
    [("fork", "npz"), ("fork", "zarr"), pytest.param("forkserver", "zarr", marks=pytest.mark.slow)],
)
def test_sequences_do_not_depend_on_workers(pendulums, make, method, ending):
    """F20; sequences in shards have been read before workers are forked, by a library that does not bear it.

    In `test_shards.py`, workers of a fork server read them too.
    """
    found = in_workers("sequences", pendulums if ending == "npz" else make("pendulum3-zarr"), method)
    assert all(len(set(digests)) == 1 for digests in found.values())
    assert found["None"] != found["2"]


@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_split_is_refused_while_workers_hold_copies(pendulums, method):
    found = in_workers("split", pendulums, method)
    assert "give the DataLoader an EpisodeSampler" in found["persistent"]
    assert found["episode"] == 0  # nothing happened
    assert "give the DataLoader an EpisodeSampler" in found["too early"]  # before a worker has fetched anything
    assert "give the DataLoader an EpisodeSampler" in found["a copy"]  # of which other workers came and went
    assert found["after"] == "drawn"  # the workers are gone
    assert found["no workers"] == "drawn"


@given(
    context=st.integers(1, 20),
    seed=st.integers(0, 2**63 - 1),
    number=st.integers(0, 2**62),
    ways=st.sampled_from([None, 1, 2, 3]),
    queries=st.sampled_from([None, 1, 5, 30]),
)
@settings(max_examples=60)
def test_context_and_query_are_disjoint_and_of_one_task(pendulums, context, seed, number, ways, queries):
    fields = ("index", "context_index", "label", "context_label", "episode")
    dataset = Episodes(pendulums, "train", context, ways=ways, queries=queries, seed=seed, fields=fields)
    index, others, label, labels, episode = dataset.split_(number).__getitems__(range(len(dataset))).collated()
    assert (labels == label[:, None]).all()
    assert len(set(index.tolist())) == len(index) == (ways or 3) * (queries or 50 - context)
    assert not set(index.tolist()) & set(others.flatten().tolist())
    assert all(len(set(row)) == context for row in others.tolist())
    assert (episode == number).all()
    assert len(label.unique()) == (ways or 3)


def test_items_are_the_sequences_they_name(pendulums, arrays):
    dataset = Episodes(pendulums, "val", 3)
    item, data = dataset[25], arrays(pendulums, "val")
    task, row = divmod(int(item["index"]), 20)
    np.testing.assert_array_equal(item["state"], data[task]["state"][row])
    np.testing.assert_array_equal(item["image"][:, 0], data[task]["image"][row])
    for k, (task, row) in enumerate(divmod(i, 20) for i in item["context_index"].tolist()):
        np.testing.assert_array_equal(item["context_state"][k], data[task]["state"][row])
        np.testing.assert_array_equal(item["context_image"][k, :, 0], data[task]["image"][row])
        np.testing.assert_array_equal(item["context_param_m"][k], data[task]["param_m"][row])


def test_split_draws_anew_and_again(pendulums):
    dataset = Episodes(pendulums, context=5)
    assert len(dataset) == 135
    first = dataset[0]["context_index"]
    second = dataset.split_()[0]["context_index"]
    assert dataset.episode == 1
    assert not torch.equal(first, second)
    assert torch.equal(dataset.split_(0)[0]["context_index"], first)
    assert torch.equal(Episodes(pendulums, context=5).split_(1)[0]["context_index"], second)
    other = Episodes(pendulums, context=5, seed=1)
    assert not torch.equal(other[0]["context_index"], first)
    for bad in (-1, 2**63):
        with pytest.raises(ValueError, match=r"episode = .* has to be between 0"):
            dataset.split_(bad)


def test_the_episodes_are_the_documented_bits():
    """Promise B: the same on every machine, for ever."""
    expected = philox(key=(5, zlib.crc32(b"rows")), counter=(1, 11, 7, 2))  # NumPy counts before it draws
    assert Moment(seed=5, epoch=7, step=11).bits("rows", 2, 4).tolist() == expected


def philox(key, counter, rounds=10):
    """Philox-4x64-10, Salmon et al., SC 2011, table 2 and section 4.3."""
    mask, (k0, k1), (c0, c1, c2, c3) = 2**64 - 1, key, counter
    for _ in range(rounds):
        high0, low0 = divmod(0xD2E7470EE14C6C93 * c0, 2**64)
        high1, low1 = divmod(0xCA5A826395121157 * c2, 2**64)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & mask, (k1 + 0xBB67AE8584CAA73B) & mask
    return [c0, c1, c2, c3]


@given(st.integers(1, 300), st.data(), st.integers(0, 99))
@settings(max_examples=100)
def test_choices_are_different_numbers(of, data, step):
    size = data.draw(st.integers(0, of))
    chosen = Moment(0, 0, step).choose("x", 0, size, of)
    assert len(chosen) == len(set(chosen.tolist())) == size
    assert not size or (chosen.min() >= 0 and chosen.max() < of)


@pytest.mark.parametrize(("size", "of"), [(3, 8), (3, 40)])
def test_choices_are_uniform(size, of):
    """Both roads: a whole permutation, and a few of many."""
    counts = np.zeros((size, of))
    for step in range(4000):
        counts[np.arange(size), Moment(1, 2, step).choose("x", 0, size, of)] += 1
    for place in counts:
        assert stats.chisquare(place).pvalue > 1e-4


def test_one_batch_an_episode_by_default(pendulums):
    dataset = Episodes(pendulums, context=4, fields=("index", "episode", "context_index"))
    sampler = EpisodeSampler(dataset, 16)
    assert len(sampler) == 10  # 150 sequences
    numbers = [set(episode.tolist()) for _, episode, _ in DataLoader(dataset, batch_sampler=sampler)]
    assert numbers == [{step} for step in range(10)]
    assert [set(b[1].tolist()) for b in DataLoader(dataset, batch_sampler=sampler)] == [
        {2**32 + step} for step in range(10)
    ]


def test_a_batch_is_what_split_would_give(pendulums):
    """The sampler's episode number, given to `split_`, draws the same context."""
    dataset = Episodes(pendulums, context=4)
    sampler = EpisodeSampler(dataset, 16)
    batch = dataset.__getitems__(sampler.batch(epoch=2, step=5)).collated()
    dataset.split_(int(batch["episode"][0]))
    contexts = {int(item["label"]): item["context_index"] for item in map(dataset.__getitem__, range(len(dataset)))}
    queries = {int(item["index"]) for item in map(dataset.__getitem__, range(len(dataset)))}
    for label, index, context in zip(batch["label"], batch["index"], batch["context_index"], strict=True):
        assert torch.equal(context, contexts[int(label)])
        assert int(index) in queries


def test_each_query_once_in_an_epoch(pendulums):
    dataset = Episodes(pendulums, context=4)
    sampler = EpisodeSampler(dataset, 16, per="epoch")
    for epoch in range(2):
        rows = [key for batch in sampler for key in batch]
        assert len(rows) == 138
        assert len({row[1] for row in rows}) == 138
        assert {row[0] for row in rows} == {epoch * 2**32}


def test_ways_and_queries_make_an_episode_a_batch(pendulums):
    dataset = Episodes(pendulums, context=4, ways=2, queries=5)
    assert len(dataset) == 10
    sampler = EpisodeSampler(dataset, steps=30)
    pairs = set()
    for batch in DataLoader(dataset, batch_sampler=sampler):
        labels, counts = batch["label"].unique(return_counts=True)
        assert counts.tolist() == [5, 5]
        pairs.add(tuple(labels.tolist()))
    assert pairs == {(0, 1), (0, 2), (1, 2)}


def test_fixed_episodes_are_the_same_in_every_epoch(pendulums):
    dataset = Episodes(pendulums, "test", 4)
    fixed = EpisodeSampler(dataset, 8, fixed=True)
    assert list(fixed) == list(fixed)
    moving = EpisodeSampler(dataset, 8)
    assert list(moving) != list(moving)


def test_ranks_together_are_one_process(pendulums):
    dataset = Episodes(pendulums, context=4)
    for batch_size, per in ((16, "batch"), (18, "epoch")):
        whole = list(EpisodeSampler(dataset, batch_size, per=per))
        parts = [list(EpisodeSampler(dataset, batch_size, per=per, rank=rank, ranks=4)) for rank in range(4)]
        for step, batch in enumerate(whole):
            assert sorted(key for part in parts for key in part[step]) == sorted(batch)
            assert len({key[1] for part in parts for key in part[step]}) == len(batch)
            assert max(len(part[step]) for part in parts) - min(len(part[step]) for part in parts) <= 1


def test_ranks_come_from_torch_distributed(pendulums):
    """From when it runs, though the dataset was made in another process; each splits for itself."""
    found = in_workers("ranks", pendulums, "spawn")
    assert found == {"queries": [8, 8], "episodes": [1, 2], "together": 16}


def test_a_last_batch_with_too_few_for_the_ranks_is_refused(pendulums):
    """At once: 135 queries in batches of 67, of which the third has one; or batches of one."""
    dataset = Episodes(pendulums, context=5)
    for size, per in ((67, "epoch"), (1, "batch")):
        with pytest.raises(
            ValueError, match=rf"batch_size = {size} leaves 1 queries .* too few for 2 ranks: choose an"
        ):
            EpisodeSampler(dataset, size, per=per, rank=1, ranks=2)
    assert len(list(EpisodeSampler(dataset, 67, per="epoch"))) == 3


def test_ranks_that_are_known_later_are_checked_before_the_first_batch(pendulums, monkeypatch):
    sampler = EpisodeSampler(Episodes(pendulums, context=5), 67, per="epoch")
    monkeypatch.setattr(EpisodeSampler, "here", lambda self: (0, 2))
    with pytest.raises(ValueError, match="too few for 2 ranks"):
        next(iter(sampler))


def test_tuples_of_another_dataset_are_refused(pendulums):
    """Even where all that they name is there, and of one group."""
    train = Episodes(pendulums, context=4)
    others = [Episodes(pendulums, split, 4, **more) for split, more in (("val", {}), ("train", {"tasks": [0, 1]}))]
    for other in (*others, Episodes(pendulums, context=4, seed=1)):
        for dataset, batch in ((train, EpisodeSampler(other, 16)), (other, EpisodeSampler(train, 16))):
            with pytest.raises(IndexError, match=f"is no index of Episodes.*'{dataset.split}'.*made of another one"):
                dataset.__getitems__(batch.batch(0, 0))


def test_a_sampler_in_the_wrong_place(pendulums):
    dataset = Episodes(pendulums, context=4)
    with pytest.raises(IndexError, match="give it as batch_sampler, not as sampler"):
        next(iter(DataLoader(dataset, sampler=EpisodeSampler(dataset, 16))))
    with pytest.raises(ValueError, match=r"dataset = Sequences.* has to be an Episodes"):
        EpisodeSampler(Sequences(pendulums), 16)


@pytest.mark.parametrize("workers", [0, 2])
def test_resume_at_step_13(pendulums, workers):
    """With the plain DataLoader by `set_epoch`, with torchdata's by its own state."""
    found = in_workers("resume", pendulums, "fork", workers)
    assert len(found["whole"]) == 2 * 20
    for way in ("set_epoch", "state_dict", "torchdata"):
        assert found[way] == found["whole"][13:], way


def test_resume_at_the_end_of_an_epoch(pendulums):
    sampler, other = (EpisodeSampler(Episodes(pendulums, context=4), 16) for _ in range(2))
    list(sampler)
    assert sampler.state_dict() == {"epoch": 1, "step": 0}
    other.load_state_dict(sampler.state_dict())
    assert list(other) == list(sampler)


@pytest.mark.parametrize(
    ("epoch", "step", "message"),
    [
        (-1, 0, "epoch = -1 has to be between 0 and 2147483647"),
        (2**31, 0, "epoch = 2147483648 has to be between"),
        (1.5, 0, r"epoch = 1\.5 has to be a whole number"),
        (0, 11, "step = 11 has to be between 0 and 10"),
    ],
)
def test_refusals_of_set_epoch(pendulums, epoch, step, message):
    with pytest.raises(ValueError, match=message):
        EpisodeSampler(Episodes(pendulums, context=4), 16).set_epoch(epoch, step)


def test_the_last_epoch_of_all(pendulums):
    sampler = EpisodeSampler(dataset := Episodes(pendulums, context=4), 16)
    sampler.set_epoch(2**31 - 1, 9)
    (batch,) = sampler
    assert dataset.__getitems__(batch).collated()["episode"][0] == (2**31 - 1) * 2**32 + 9
    dataset.split_(2**63 - 1)


def test_a_pass_that_is_broken_off_is_not_taken_up_again(pendulums):
    sampler = EpisodeSampler(Episodes(pendulums, context=4), 16)
    next(iter(sampler))
    assert sampler.state_dict() == {"epoch": 0, "step": 1}
    assert next(iter(sampler))[0][0] == 2**32


def test_groups_by_a_parameter(pendulums):
    by_label, by_g = (Episodes(pendulums, context=4, by=by, fields=("context_index",)) for by in ("label", "param_g"))
    assert all(torch.equal(by_label[i][0], by_g[i][0]) for i in range(len(by_label)))


def test_groups_of_different_systems_are_refused(make):
    """Equal friction does not make a pendulum context of a mass on a spring."""
    folder = make("mixed_physics_iclr2025")
    for by in ("param_friction", "param_m"):
        with pytest.raises(ValueError, match=f"by = '{by}' would mix BallBox, Pendulum, MassSpring, TwoBody: choose"):
            Episodes(folder, context=3, by=by)
    assert len(Episodes(folder, context=3, by="param_friction", tasks=[3, 4, 5])._groups) == 1


def test_tasks_held_out(pendulums):
    training, held_out = (Episodes(pendulums, context=4, tasks=tasks) for tasks in ([0, 1], [2]))
    assert {int(training[i]["label"]) for i in range(len(training))} == {0, 1}
    assert {int(held_out[i]["context_label"][0]) for i in range(len(held_out))} == {2}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"context": 50}, "by = 'label' makes groups of 50 sequences in train of .*, too few for 50 of context and 1"),
        ({"context": 0}, "context = 0 has to be at least 1"),
        ({"context": 40, "queries": 11}, "too few for 40 of context and 11 to query"),
        ({"by": "param_m"}, "makes groups of 1 sequences"),
        ({"by": "state"}, "by = 'state' has to be 'label' or a parameter that .* has"),
        ({"by": "param_k"}, "by = 'param_k' has to be"),
        ({"by": "image"}, "by = 'image' has to be"),
        ({"context": 3.0}, r"context = 3\.0 has to be a whole number"),
        ({"ways": 4}, "ways = 4 is more than the 3 groups by 'label'"),
        ({"ways": 0}, "ways = 0 has to be at least 1"),
        ({"queries": 0}, "queries = 0"),
        ({"seed": -1}, "seed = -1 has to be between"),
        ({"fields": ("context_images",)}, "'context_images' is not among the arrays of .*: index, .*, context_image"),
    ],
)
def test_refusals(pendulums, options, message):
    with pytest.raises(ValueError, match=message):
        Episodes(pendulums, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 136}, "batch_size = 136 has to be between 1 and 135 queries"),
        ({"batch_size": 0}, "batch_size = 0"),
        ({"rank": 2, "ranks": 2}, "rank = 2 has to be between 0 and 1"),
        ({"rank": 2}, "rank = 2 and ranks = None go together"),
        ({"per": "step"}, "per = 'step' is unknown; there are batch, epoch"),
        ({"per": "epoch", "steps": 3}, "per='epoch' takes every query once"),
        ({"steps": 0}, "steps = 0 has to be between 1"),
    ],
)
def test_refusals_of_the_sampler(pendulums, options, message):
    with pytest.raises(ValueError, match=message):
        EpisodeSampler(Episodes(pendulums, context=5), **options)


def test_windows_have_their_context(make):
    with pytest.raises(ValueError, match=r"open it with slvm_data\.load\.Windows"):
        Episodes(make("nascar"))


def test_a_tuple_of_another_length_is_refused(pendulums):
    with pytest.raises(IndexError, match="is no index of Episodes"):
        Episodes(pendulums, context=5)[(0, 1, 2)]


@pytest.mark.parametrize("tasks", [None, [2, 0]])
def test_groups_map_labels_to_indices(pendulums, tasks):
    """Also where labels are not loaded as a field, for some of the tasks, and for a parameter."""
    sequences, episodes = Sequences(pendulums, tasks=tasks), Episodes(pendulums, tasks=tasks, fields=("image",))
    labels, gravity = sequences[:]["label"][:, 0].numpy(), sequences[:]["param_g"].numpy()
    assert sorted(episodes.groups) == sorted(tasks or range(3))
    for label, indices in episodes.groups.items():
        np.testing.assert_array_equal(indices, np.flatnonzero(labels == label))
    by_gravity = Episodes(pendulums, tasks=tasks, by="param_g").groups
    assert {g: rows.tolist() for g, rows in by_gravity.items()} == {
        float(g): np.flatnonzero(gravity == g).tolist() for g in sorted(set(gravity))
    }
