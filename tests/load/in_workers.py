"""Loaders with worker processes, in a process that never loads JAX. Prints what it found as JSON.

python in_workers.py {digests,sequences,split,ranks,resume} FOLDER {fork,spawn,forkserver} [WORKERS]
"""

import copy
import gc
import hashlib
import json
import pickle
import sys
import warnings
from unittest import mock

import torch.distributed
import torch.multiprocessing
from torch.utils.data import DataLoader
from torchdata.stateful_dataloader import StatefulDataLoader

from slvm_data.load import Episodes, EpisodeSampler, Sequences

FIELDS = ("index", "context_index", "episode", "label", "context_label", "state", "context_image")


def episodes(folder):
    return Episodes(folder, context=4, fields=FIELDS, seed=3)


def digest(loader):
    found = hashlib.sha256()
    for batch in loader:
        for array in batch:
            found.update(array.numpy().tobytes())
    return found.hexdigest()


def digests(folder, method, _):
    """Two epochs each with 0, 1, 2 and 4 workers; with two at most where each imports PyTorch anew."""
    found, every = {}, [(0, False), (1, False), (1, True), (2, False), (2, True), (4, False), (4, True)]
    for workers, persistent in every if method != "spawn" else [(0, False), (2, True)]:
        dataset = episodes(folder)
        options = {"persistent_workers": persistent, "multiprocessing_context": method} if workers else {}
        loader = DataLoader(dataset, batch_sampler=EpisodeSampler(dataset, 16), num_workers=workers, **options)
        found[f"{workers} workers" + " that stay" * persistent] = [digest(loader), digest(loader)]
    return found


def sequences(folder, method, _):
    """Sequences in order, and their windows, with and without workers."""
    found = {}
    for window in (None, 2):
        dataset = Sequences(folder, window=window)
        loaders = [DataLoader(dataset, 32)]
        times = 2 if method == "fork" else 1
        loaders += [DataLoader(dataset, 32, num_workers=2, multiprocessing_context=method) for _ in range(times)]
        found[str(window)] = [digest(batch.values() for batch in loader) for loader in loaders]
    return found


def attempt(dataset, batches=()):
    try:
        dataset.split_()
        for _ in batches:
            pass
    except RuntimeError as error:
        return str(error)
    return "drawn"


def split(folder, method, _):
    """Whether `split_` is refused, and what it says."""
    dataset, found = episodes(folder), {}
    options = {"batch_size": 8, "shuffle": True, "num_workers": 2, "multiprocessing_context": method}
    loader = DataLoader(dataset, persistent_workers=True, **options)
    list(loader)
    found["persistent"], found["episode"] = attempt(dataset), dataset.episode
    del loader
    gc.collect()
    dataset = episodes(folder)
    batches = iter(DataLoader(dataset, persistent_workers=True, **options))
    found["too early"] = attempt(dataset, batches)
    with mock.patch("torch.utils.data._utils.MP_STATUS_CHECK_INTERVAL", 0.1):  # s, lost on a worker with an error
        del batches
        gc.collect()
    dataset = copy.deepcopy(pickle.loads(pickle.dumps(episodes(folder))))
    loader = DataLoader(dataset, persistent_workers=True, **options)
    list(loader)
    next(iter(DataLoader(dataset, batch_size=8, num_workers=1, multiprocessing_context=method)))  # which soon are gone
    gc.collect()
    found["a copy"] = attempt(dataset)
    del loader
    gc.collect()
    dataset = episodes(folder)
    list(DataLoader(dataset, **options))
    found["after"] = attempt(dataset)
    list(DataLoader(dataset, batch_size=8))
    found["no workers"] = attempt(dataset)
    return found


def rank(number, dataset, place):
    sampler = EpisodeSampler(dataset, 16)  # before this process knows its rank
    torch.distributed.init_process_group("gloo", f"file://{place}", rank=number, world_size=2)
    for _ in range(1 - number):
        dataset.split_()  # each for itself: the other one's stays as it was
    torch.distributed.barrier()
    assert int(dataset[0][2]) == 1 - number
    for _ in range(number + number):
        dataset.split_()
    gathered = [None, None]
    mine = [key[1] for key in sampler.batch(0, 0)], int(dataset[0][2])
    torch.distributed.all_gather_object(gathered, mine)
    if number == 0:
        queries, episodes = zip(*gathered, strict=True)
        together = len({query for rank in queries for query in rank})
        print(json.dumps({"queries": list(map(len, queries)), "episodes": episodes, "together": together}))
    torch.distributed.destroy_process_group()


def ranks(folder, _, __):
    """Two processes of torch.distributed."""
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        dataset = episodes(folder)
        processes = torch.multiprocessing.spawn(rank, (dataset, f"{place}/meeting"), 2, join=False)
        dataset.split_(5)  # no rank is a worker of this process
        while not processes.join():
            pass


def resume(folder, method, workers):
    """Two epochs of twenty steps as they are, and from step 13 of the first in three ways."""
    workers = int(workers)
    options = {"num_workers": workers, **({"multiprocessing_context": method} if workers else {})}

    def loader(kind=DataLoader):
        dataset = episodes(folder)
        return kind(dataset, batch_sampler=EpisodeSampler(dataset, 16, steps=20), **options)

    def steps(loader, epochs=2):
        return [batch[1].tolist() for _ in range(epochs) for batch in loader]

    found, begun = {"whole": steps(loader())}, loader(StatefulDataLoader)
    again = loader()
    again.batch_sampler.set_epoch(0, 13)
    found["set_epoch"] = steps(again)
    batches = iter(begun)
    for _ in range(13):
        next(batches)
    state = json.loads(json.dumps(begun.state_dict())) if not workers else begun.state_dict()
    del batches
    restored = loader(StatefulDataLoader)
    restored.load_state_dict(state)
    found["torchdata"] = steps(restored)
    again = loader()
    again.batch_sampler.load_state_dict(begun.batch_sampler.state_dict() if not workers else {"epoch": 0, "step": 13})
    found["state_dict"] = steps(again)
    return found


if __name__ == "__main__":
    torch.multiprocessing.set_forkserver_preload(["torch.utils.data", "slvm_data.load"])
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "This DataLoader will create 4 worker processes")  # on two cores
    warnings.filterwarnings("ignore", "'set_vital' is deprecated")  # torchdata asks for it
    what, folder, method, *more = sys.argv[1:]
    found = {"digests": digests, "sequences": sequences, "split": split, "ranks": ranks, "resume": resume}[what](
        folder, method, more[0] if more else None
    )
    assert "jax" not in sys.modules
    if found is not None:
        print(json.dumps(found))
