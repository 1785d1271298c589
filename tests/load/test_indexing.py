"""Items by every kind of index, and batches that are lists for whom wants a list."""

import copy
import pickle
import random

import numpy as np
import pytest
import torch
from torch.utils.data import ConcatDataset, DataLoader, Subset, default_collate

from slvm_data.load import Episodes, Sequences, Windows
from slvm_data.load.batch import Batch, Item

MASK = np.arange(150) % 50 == 7


@pytest.mark.parametrize(
    ("index", "rows"),
    [
        (torch.tensor([3, -1]), [3, 149]),
        (torch.tensor([3, 1], dtype=torch.uint8), [3, 1]),
        (np.array([3, 1]), [3, 1]),
        (np.array([3, 1], np.int16), [3, 1]),
        ([torch.tensor(3), np.int8(1), 2], [3, 1, 2]),
        (range(1, 9, 3), [1, 4, 7]),
        (MASK, [7, 57, 107]),
        (torch.from_numpy(MASK), [7, 57, 107]),
        (MASK.tolist(), [7, 57, 107]),
        (list(MASK), [7, 57, 107]),
        (slice(-2, None), [148, 149]),
        (np.zeros(150, bool), []),
        (torch.tensor([], dtype=torch.int64), []),
        ([], []),
    ],
)
def test_several_at_once(pendulums, index, rows):
    dataset = Sequences(pendulums, fields=("index", "state"))
    numbers, state = dataset[index]
    assert numbers.tolist() == rows
    assert torch.equal(state, Sequences(pendulums, fields=("state",))[:][0][rows])


@pytest.mark.parametrize("index", [3, np.int8(3), np.array(3), torch.tensor(3), torch.tensor(3, dtype=torch.uint8)])
def test_one(pendulums, index):
    assert Sequences(pendulums)[index]["index"].item() == 3


@pytest.mark.parametrize(
    "index",
    [
        *(True, np.True_, torch.tensor(True), None, 1.0, "1", np.array(1.0), (1, 2)),
        *(torch.tensor([True, False]), [True] * 149, [True, 1], np.ones((150, 1), bool), torch.ones(150, 1)),
        *(torch.tensor([[1, 2], [3, 4]]), np.array([1.0]), [[1], [2, 3]], torch.tensor([150]), np.array([-151])),
    ],
)
def test_what_is_no_index(pendulums, index):
    with pytest.raises(IndexError, match=r"no numbers? of|index -?\d+ of 150 items|give numbers of items"):
        Sequences(pendulums)[index]


def test_other_datasets(pendulums, make):
    windows = Windows(make("nascar"))
    mask = torch.arange(len(windows)) < 2
    assert torch.equal(windows[mask]["queries"], windows[[0, 1]]["queries"])
    episodes = Episodes(pendulums, context=4)
    assert torch.equal(episodes[torch.tensor([5, 6])]["context_index"], episodes[[5, 6]]["context_index"])
    assert torch.equal(episodes[np.arange(len(episodes)) == 5]["index"], episodes[[5]]["index"])


def seen(items):
    """Do what one does with a list of dicts."""
    assert isinstance(items, list)
    assert type(items[0]) is Item
    items.sort(key=lambda item: -int(item["index"]))
    items.append(items.pop(0))
    items[0]["more"] = torch.tensor(1)
    assert [*items] == items[:] == list(reversed(items))[::-1]
    return [int(item["index"]) for item in items]


def test_a_collate_fn_gets_a_list(pendulums):
    loader = DataLoader(Sequences(pendulums), 4, collate_fn=seen)
    assert list(loader)[:2] == [[2, 1, 0, 3], [6, 5, 4, 7]]


@pytest.mark.parametrize("fields", [None, ("index", "state")])
def test_a_collate_fn_that_calls_the_default(pendulums, fields):
    """Changed items count, whether all were made or only the first one."""
    dataset = Sequences(pendulums, fields=fields)

    def index(batch):
        return batch["index" if fields is None else 0].tolist()

    def shuffled(items):
        random.Random(0).shuffle(items)
        return default_collate(items)

    def fewer(items):
        del items[1:]
        return default_collate(items)

    def noted(items):
        items[0]["index"] = torch.tensor(-5)
        return default_collate(items)

    def widened(items):
        for item in items:
            item["twice"] = 2 * item["index"]
        return default_collate(items)

    assert sorted(index(next(iter(DataLoader(dataset, 8, collate_fn=shuffled))))) == list(range(8))
    assert index(next(iter(DataLoader(dataset, 8, collate_fn=shuffled)))) != list(range(8))
    assert index(next(iter(DataLoader(dataset, 8, collate_fn=fewer)))) == [0]
    assert index(next(iter(DataLoader(dataset, 8, collate_fn=default_collate)))) == list(range(8))
    if fields is None:
        assert index(next(iter(DataLoader(dataset, 4, collate_fn=noted)))) == [-5, 1, 2, 3]
        assert next(iter(DataLoader(dataset, 4, collate_fn=widened)))["twice"].tolist() == [0, 2, 4, 6]


def test_a_batch_is_the_list_of_its_items(pendulums):
    dataset = Sequences(pendulums)
    made = [dataset[i] for i in range(4)]

    def fresh():
        return dataset.__getitems__([0, 1, 2, 3])

    def numbers(items):
        return [int(item["index"]) for item in items]

    assert len(fresh()) == 4
    assert fresh()
    for copied in (
        *(
            list(fresh()),
            tuple(fresh()),
            fresh()[:],
            fresh().copy(),
            copy.copy(fresh()),
            [*fresh()],
            fresh() + made[:0],
        ),
        *(pickle.loads(pickle.dumps(fresh())), copy.deepcopy(fresh()), sorted(fresh(), key=lambda i: int(i["index"]))),
        *([fresh()[i] for i in range(4)], [a for a, *_ in zip(fresh(), fresh(), strict=True)], made[:0] + fresh()),
    ):
        assert numbers(copied) == [0, 1, 2, 3]
        assert torch.equal(copied[3]["image"], made[3]["image"])
    every = made[:1]
    every += fresh()
    every[1:1] = fresh()
    every.extend(fresh())
    assert numbers(every) == [0, *[0, 1, 2, 3] * 3]
    assert len(np.array(fresh(), dtype=object)) == 4
    assert [list(item) for item in fresh()] == [list(item) for item in made]
    assert numbers(reversed(fresh())) == [3, 2, 1, 0]
    assert int(fresh()[-1]["index"]) == 3
    assert int(fresh().pop()["index"]) == 3
    batch = fresh()
    batch[0]["index"] = torch.tensor(9)
    assert numbers(batch) == [9, 1, 2, 3]
    assert numbers(fresh() * 2) == [0, 1, 2, 3] * 2
    with pytest.raises(IndexError):
        fresh()[4]


def test_the_items_are_not_made_for_nothing(pendulums, monkeypatch):
    """One only, in which PyTorch looks at what an item is."""
    made, item = [], Batch._item
    monkeypatch.setattr(Batch, "_item", lambda self, i: made.append(i) or item(self, i))
    assert len(list(DataLoader(Sequences(pendulums), 50))) == 3
    assert made == [0] * 3


def test_wrappers_of_pytorch(pendulums):
    dataset = Sequences(pendulums)
    assert next(iter(DataLoader(Subset(dataset, [5, 6]), 2)))["index"].tolist() == [5, 6]
    assert next(iter(DataLoader(ConcatDataset([dataset, dataset]), 2)))["index"].tolist() == [0, 1]
