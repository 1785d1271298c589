"""Loaders of named splits: of another length, time rule and observation, of tasks never trained, with a support."""

import dataclasses
from itertools import islice

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from slvm_data import RECIPES, Split, generate, sample, times, worlds
from slvm_data.load import DataModule, Episodes, EpisodeSampler, Sequences, Stream
from slvm_data.observe.modifiers import Missing
from slvm_data.systems.timing import Jittered

BASE = dataclasses.replace(RECIPES["pendulum"], train=6, val=3, test=4, steps=4)
WORLDS = worlds(BASE, g=[2.0, 3.0], adapt={"g": [2.5, 4.0]}, support=2, count=7)
RECIPE = dataclasses.replace(
    WORLDS,
    splits={
        **WORLDS.splits,
        "late": Split(count=3, time=Jittered(share=0.5)),
        "long": Split(count=3, steps=times(2)),
        "missing": Split(count=3, observe=(Missing(p=0.5, keep=1),)),
    },
)


@pytest.fixture(scope="module", params=["npz", "zarr"])
def folder(request, tmp_path_factory):
    """Two tasks to train on, two others to adapt to, and splits that differ in every way."""
    return generate(RECIPE, tmp_path_factory.mktemp("named") / "worlds", format=request.param)


def test_each_split_loads_by_its_name(folder):
    for split in RECIPE.split_names():
        dataset = Sequences(folder, split)
        labels = RECIPE.tasks_of(split)
        assert len(dataset) == len(labels) * RECIPE.count(split)
        (batch,) = DataLoader(dataset, batch_size=len(dataset))
        expected = [sample(RECIPE, split, slice(0, None), task) for task in labels]
        for name in ("state", "time", "param_g", "label"):
            whole = np.concatenate([arrays[name] for arrays in expected])
            np.testing.assert_array_equal(batch[name], whole, err_msg=f"{split} {name}")
        image = np.concatenate([arrays["image"] for arrays in expected])
        np.testing.assert_array_equal(batch["image"][:, :, 0], image.astype(np.float32), err_msg=split)
    assert Sequences(folder, "long")[0]["state"].shape == (8, 2)
    assert set(Sequences(folder, "missing")[0]) - set(Sequences(folder, "train")[0]) == {"mask"}


def test_what_loaders_refuse(folder):
    known = "train, val, test, adapt, late, long, missing"
    with pytest.raises(ValueError, match=f"split = 'tests' is unknown; there are {known}"):
        Sequences(folder, "tests")
    with pytest.raises(ValueError, match=r"tasks = 0 does not exist in .*, whose tasks in adapt are 2 … 3"):
        Sequences(folder, "adapt", tasks=[0])
    with pytest.raises(
        ValueError, match=r"groups with 2 sequences of the support and 5 others in adapt of .*, too few"
    ):
        Episodes(folder, "adapt", context=3)
    with pytest.raises(ValueError, match="task = 0 has no sequences in adapt, whose tasks are 2 … 3"):
        sample(RECIPE, "adapt", task=0)


def test_context_comes_from_the_support_alone(folder):
    """The first two sequences of each task are there to adapt to; the others are asked for, whatever the episode."""
    episodes = Episodes(folder, "adapt", context=2)
    assert episodes.support == 2
    seen = set()
    for number in range(4):
        batch = episodes.split_(number)[:]
        first, others = batch["context_index"] % 7, batch["index"] % 7
        assert (first < 2).all()
        assert (others >= 2).all()
        assert len(batch["index"]) == episodes.least() == 2 * 5
        torch.testing.assert_close(batch["context_label"][:, 0], batch["label"])
        seen |= {tuple(row) for row in first.tolist()}
    assert seen <= {(0, 1), (1, 0)}
    few = Episodes(folder, "adapt", context=1, queries=3, ways=1)
    (batch,) = islice(DataLoader(few, batch_sampler=EpisodeSampler(few, fixed=True)), 1)
    assert len(batch["index"]) == 3
    assert len(batch["label"].unique()) == 1
    free = Episodes(folder, "adapt", context=3, support=0)
    assert len(free) == 2 * 4


def test_a_data_module_tests_on_every_split(folder):
    module = DataModule(folder, batch_size=5)
    assert module.test_splits == ["test", "adapt", "late", "long", "missing"]
    loaders = module.test_dataloader()
    assert isinstance(loaders, list)
    for split, loader in zip(module.test_splits, loaders, strict=True):
        rows = torch.cat([batch["index"] for batch in loader])
        assert rows.tolist() == list(range(len(Sequences(folder, split)))), split
    assert next(iter(loaders[3]))["state"].shape == (5, 8, 2)
    assert len(module.train_dataloader().dataset) == 2 * 6  # pyright: ignore


def test_a_data_module_of_episodes_adapts_by_the_support(folder):
    module = DataModule(folder, context=3)
    for split, context in {"test": 3, "adapt": 2}.items():
        assert module.dataset(split)[0]["context_state"].shape == (context, 4, 2)


def test_an_option_may_differ_in_named_splits(folder):
    module = DataModule(folder, window={"train": 2, "val": 2, "test": 2, "long": 5})
    assert module.dataset("long")[0]["state"].shape == (5, 2)
    assert module.dataset("adapt")[0]["state"].shape == (4, 2)  # as without the option


def test_a_stream_begins_with_the_sequences_of_a_split(folder):
    batch = next(iter(Stream(RECIPE, 4, split="adapt")))
    first = sample(RECIPE, "adapt", slice(0, 2), 2), sample(RECIPE, "adapt", slice(0, 2), 3)
    assert batch["label"][:, 0].tolist() == [2, 3, 2, 3]
    for i, own in enumerate(first):
        np.testing.assert_array_equal(batch["state"][i::2], own["state"])
    assert {label for (label,) in next(iter(Stream(RECIPE, 4)))["label"].tolist()} == {0, 1}
