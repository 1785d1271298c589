"""Other commands in the same folder at the same time, and a dataset that is replaced while it is read."""

import dataclasses
import errno
import os
import shutil
import threading
import time

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from slvm_data import RECIPES, generate
from slvm_data.core.errors import DamageError
from slvm_data.load import Sequences
from slvm_data.recipe.serialisation import from_stored
from slvm_data.run import conversion, plan
from slvm_data.run.combination import combine
from slvm_data.run.conversion import convert
from slvm_data.run.repair import mend
from slvm_data.run.verification import faults
from slvm_data.store import journal, manifest
from slvm_data.store.testing import whole_tree as tree
from slvm_data.store.unchanged import Unchanged

RECIPE = dataclasses.replace(RECIPES["pendulum3"], train=150, val=2, test=0, steps=4)
OTHER = dataclasses.replace(RECIPE, seed=1)


def repair(place):
    content = journal.settled(place)
    mend(place, from_stored(content.recipe, ()), content)


COMMANDS = {
    "npz": lambda place: generate(OTHER, place, overwrite=True),
    "zarr": lambda place: generate(OTHER, place, format="zarr", overwrite=True),
    "same": lambda place: generate(RECIPE, place),
    "combine": lambda place: combine(place, overwrite=True),
    "repair": repair,
    "describe": lambda place: convert(place, place / "croissant.json", overwrite=True),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The same dataset in each format."""
    place = tmp_path_factory.mktemp("made")
    return {form: generate(RECIPE, place / form, format=form) for form in ("npz", "zarr")}


def damage(place):
    file = place / "dataset_1/train.npz"
    file.write_bytes(file.read_bytes()[:-1] + b"?")


@pytest.mark.parametrize("second", COMMANDS)
@pytest.mark.parametrize("first", ["npz", "zarr", "combine", "repair", "describe"])
def test_a_command_that_waits_for_another(made, tmp_path, monkeypatch, first, second):
    """It begins before the other has ended: it then fails with a sentence, or the dataset is whole."""
    place = tmp_path / "x"
    shutil.copytree(made["npz"], place)
    if "repair" in (first, second):
        damage(place)
    waits, decide = threading.Event(), journal.commit
    failed: dict[str, Exception] = {}

    def commit(folder, old):
        monkeypatch.setattr(journal, "commit", decide)
        waits.set()
        time.sleep(0.3)  # the other has read what it reads without the lock, and waits
        decide(folder, old)

    def run(name):
        try:
            COMMANDS[name](place)
        except (ValueError, DamageError) as error:
            failed[name] = error

    monkeypatch.setattr(journal, "commit", commit)
    threads = [threading.Thread(target=run, args=(name,)) for name in (first, second)]
    threads[0].start()
    waits.wait(20 if first != "combine" or "repair" not in (first, second) else 1)
    threads[1].start()
    for thread in threads:
        thread.join()
    content = manifest.read(place)
    found = list(faults(place, from_stored(content.recipe, ()), content, 1, True))
    assert not found or (set(failed) >= {"combine"} and "repair" in (first, second)), (found, failed)
    for error in failed.values():
        assert str(place) in str(error)
    assert not (place / ".slvm-data").exists()


def test_a_folder_is_removed_while_it_is_made(tmp_path, monkeypatch):
    place = tmp_path / "x"

    def removing(*_):
        shutil.rmtree(place)
        return iter(())

    monkeypatch.setattr("slvm_data.run.generation._make", removing)
    with pytest.raises(FileNotFoundError, match="removed while it was made"):
        generate(RECIPE, place)


@pytest.mark.parametrize("form", ["npz", "zarr"])
def test_a_dataset_is_replaced_while_it_is_read(made, tmp_path, form):
    """Shards are read when they are asked for; after another dataset came, no item is given out."""
    place = tmp_path / "x"
    shutil.copytree(made["zarr"], place)
    dataset = Sequences(place)
    before = dataset[0]["state"].clone()
    generate(OTHER, place, format=form, overwrite=True)
    refused = 0
    for i in range(len(dataset)):
        with pytest.raises(DamageError, match="was replaced or removed after it was opened: open it again"):
            dataset[i]
        refused += 1
    assert refused == 450
    assert form == "npz" or not torch.equal(Sequences(place)[0]["state"], before)


@pytest.mark.filterwarnings("ignore:os.fork")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_notice_it_too(made, tmp_path, method):
    place = tmp_path / "x"
    shutil.copytree(made["zarr"], place)
    loader = DataLoader(Sequences(place), 16, num_workers=1, multiprocessing_context=method, prefetch_factor=2)
    batches = iter(loader)
    next(batches)
    generate(OTHER, place, format="zarr", overwrite=True)
    with pytest.raises(DamageError, match="was replaced or removed"):
        for _ in batches:
            pass


def test_a_dataset_that_is_removed_or_repaired(made, tmp_path):
    place = tmp_path / "x"
    shutil.copytree(made["zarr"], place)
    dataset, expected = Sequences(place), Sequences(made["zarr"])
    (place / "dataset_1/train.zarr/state/c/0/0/0").unlink()
    repair(place)
    for key, value in dataset.__getitems__(range(450)).collated().items():
        np.testing.assert_array_equal(value, expected.__getitems__(range(450)).collated()[key])
    shutil.rmtree(place)
    with pytest.raises(DamageError, match="was replaced or removed"):
        dataset[0]


def test_the_copy_of_a_dataset_that_is_replaced(made, tmp_path, monkeypatch):
    """It is not made: nothing is mixed."""
    place = tmp_path / "x"
    shutil.copytree(made["npz"], place)
    write = conversion._write

    def replacing(target, file, content, written, bar):
        if "dataset_2" in file.name:
            generate(OTHER, place, overwrite=True)
        return write(target, file, content, written, bar)

    monkeypatch.setattr(conversion, "_write", replacing)
    with pytest.raises(DamageError, match="was replaced or removed"):
        convert(place, tmp_path / "y", to="zarr")
    assert not (tmp_path / "y").exists()


def test_unchanged_costs_little(made):
    held = Unchanged(made["npz"], manifest.read(made["npz"]))
    begin = time.perf_counter()
    for _ in range(1000):
        held.check()
    assert (time.perf_counter() - begin) / 1000 < 100e-6


def test_repair_does_not_replace_what_it_cannot_make(made, tmp_path, monkeypatch):
    """With software that gives other bytes the damaged file stays, for whoever can still read some of it."""
    make = plan.make

    def odd(*arguments, **options):
        batch = make(*arguments, **options)
        return batch._replace(arrays=batch.arrays | {"state": batch.arrays["state"] + 1})

    for form, file in (("npz", "dataset_1/train.npz"), ("zarr", "dataset_1/train.zarr/state/c/0/0/0")):
        place = tmp_path / form
        shutil.copytree(made[form], place)
        (place / file).write_bytes((place / file).read_bytes()[:-1] + b"?")
        before = tree(place)
        monkeypatch.setattr(plan, "make", odd)
        with pytest.raises(DamageError, match="though made again: by other software"):
            repair(place)
        assert tree(place) == before
        monkeypatch.setattr(plan, "make", make)
        repair(place)
        assert tree(place) == tree(made[form])


@pytest.mark.parametrize("command", ["npz", "zarr", "combine", "repair", "describe"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_disk_that_fails_is_named(made, tmp_path, monkeypatch, command, code):
    """Whatever the command; the old dataset stays whole."""
    place = tmp_path / "x"
    shutil.copytree(made["npz"], place)
    if command == "repair":
        damage(place)
    before = tree(place)

    def fails(_):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fails)
        with pytest.raises(OSError, match=os.strerror(code)) as error:
            COMMANDS[command](place)
    assert str(place) in str(error.value)
    assert tree(place) == before
    COMMANDS[command](place)
