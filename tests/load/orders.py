"""The orders of samplers in loaders, whole and resumed, in a process that never loads JAX.

python orders.py {some,every} FOLDER SHARDED: prints as JSON the cases that differ from what an uninterrupted run gives,
and how many cases there were.
"""

import copy
import itertools
import json
import sys
import warnings

from torch.utils.data import DataLoader
from torchdata.stateful_dataloader import StatefulDataLoader

from slvm_data.load import Episodes, EpisodeSampler, Sequences, Shuffled
from slvm_data.load import shards as load_shards

EPOCHS = 3
FIELDS = ("index",)
SIZE = 40
load_shards.MIXED = 3  # shards, of which there are ten


def shuffled(folder, ranks, kind, **options):
    dataset = Sequences(folder, fields=("index", "state"))
    return kind(dataset, SIZE, sampler=Shuffled(dataset, 5, **ranks), **options)


def drawn(folder, ranks, kind, **options):
    dataset = Episodes(folder, context=4, fields=FIELDS, seed=3)
    return kind(dataset, batch_sampler=EpisodeSampler(dataset, SIZE, steps=4, **ranks), **options)


def each_once(folder, ranks, kind, **options):
    dataset = Episodes(folder, context=4, fields=FIELDS, seed=3)
    return kind(dataset, batch_sampler=EpisodeSampler(dataset, SIZE, per="epoch", **ranks), **options)


def sampler(loader):
    return loader.sampler if isinstance(loader.sampler, Shuffled) else loader.batch_sampler


def batches(loader, epochs):
    """The indices of each batch of each epoch."""
    return [[batch[0].tolist() for batch in loader] for _ in range(epochs)]


def resumed_by_state(make, done):
    """As torchdata's loader does: its own state, taken after the last batch, or after the end of an epoch."""
    begun = make(StatefulDataLoader)
    for _ in range(done[0]):
        for _ in begun:
            pass
    if done[1]:
        for _ in itertools.islice(batch_iterator := iter(begun), done[1]):
            pass
    state = copy.deepcopy(begun.state_dict())
    if done[1]:
        del batch_iterator
    again = make(StatefulDataLoader)
    again.load_state_dict(state)
    return again


def resumed_by_epoch(make, done):
    """As with a plain loader: by `set_epoch`, and in a loop that calls it again."""
    again = make(DataLoader)
    own = sampler(again)
    own.set_epoch(done[0], min(len(own), done[1] * (SIZE if isinstance(own, Shuffled) else 1)))
    own.set_epoch(done[0])
    return again


def resumed_by_sampler(make, done):
    """By the state of the sampler, which is exact where no worker asks for batches in advance."""
    begun = make(DataLoader)
    if done[0]:
        batches(begun, done[0])
    if done[1]:
        for _ in itertools.islice(iter(begun), done[1]):
            pass
    again = make(DataLoader)
    sampler(again).load_state_dict(json.loads(json.dumps(sampler(begun).state_dict())))
    return again


def rest(whole, done):
    """The batches after these: the rest of an epoch, empty if it was left before its end was seen, and the others."""
    return [whole[done[0]][done[1] :], *whole[done[0] + 1 :]]


def cases(extent, folders):
    """Without workers every kind with one rank and with two; with workers, which take time, a kind with each.

    Some: workers stay for the one kind, and begin anew for the other; every: both do both.
    """
    begin, stay = ({"num_workers": 2, "persistent_workers": stay} for stay in (False, True))
    two = {"rank": 1, "ranks": 2}
    with_workers = [(1, two, stay), (2, {}, begin), *([(1, two, begin), (2, {}, stay)] if extent == "every" else [])]
    for number, (at, kind) in enumerate([(0, shuffled), (1, shuffled), (0, drawn), (0, each_once)]):
        for rank in ({}, two):
            whole = batches(kind(folders[at], rank, DataLoader), EPOCHS)
            own = [options for *of, options in with_workers if of == [number, rank]]
            for options in ({"num_workers": 0}, *own):
                yield folders[at], kind, rank, options, whole


def check(folder, kind, rank, options, whole):
    """Yield what was checked and whether it held."""

    def make(loader):
        return kind(folder, rank, loader, **options)

    for loader in (DataLoader, StatefulDataLoader):
        yield f"{loader.__name__} whole", batches(make(loader), EPOCHS) == whole
    length = len(whole[0])
    every = [(0, 0), (0, 2), (0, length), (1, 0), (1, length - 1)]
    for done in [every[1], every[3 if options.get("persistent_workers") else 2]] if options["num_workers"] else every:
        for resume in (resumed_by_state, resumed_by_epoch, resumed_by_sampler):
            if resume is resumed_by_sampler and options["num_workers"]:
                continue
            found = batches(resume(make, done), EPOCHS - done[0])
            expected = rest(whole, done)
            if resume is resumed_by_sampler and done[1] == length:  # of the sampler the next element counts
                expected = [*expected[1:], found[-1]]
            yield f"{resume.__name__} after {done}", found == expected


if __name__ == "__main__":
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "'set_vital' is deprecated")  # torchdata asks for it
    failed, count = [], 0
    for folder, kind, rank, options, whole in cases(sys.argv[1], sys.argv[2:]):
        for what, held in check(folder, kind, rank, options, whole):
            count += 1
            if not held:
                failed.append(f"{folder.split('/')[-1]} {kind.__name__} {rank} {options} {what}")
    assert "jax" not in sys.modules
    print(json.dumps({"failed": failed, "cases": count}))
