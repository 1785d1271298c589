"""Whatever happens to a dataset, in whatever order: it ends as the dataset that one quiet run makes.

A run that is killed leaves what had reached the disk by then. So a copy of the folder is taken in the middle of a run,
before one of its operations on files, and the test goes on with the copy.
"""

import os
import shutil
import sys
import tempfile
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from slvm_data import RECIPES, generate
from slvm_data.core.names import HIDDEN
from slvm_data.load import DamageError, Sequences
from slvm_data.run import unit
from slvm_data.run.conversion import convert
from slvm_data.run.repair import mend
from slvm_data.run.verification import faults
from slvm_data.store import manifest, zarr_layout
from slvm_data.store.journal import plan_of, settled, status
from slvm_data.store.testing import whole_tree as tree

RECIPE = replace(RECIPES["pendulum3"], tasks=RECIPES["pendulum3"].tasks[:2], train=130, val=3, test=0, steps=4)
UNITS = {"npz": 2 * 2, "zarr": 2 * (3 + 1)}
OPERATIONS = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir")


class Camera:
    """Takes a copy of a place before the n-th operation on a file in it."""

    def __init__(self):
        self.place = self.copy = None
        self.left = 0
        sys.addaudithook(self.see)

    def see(self, event, arguments):
        if not self.place or event not in OPERATIONS or not str(arguments[0]).startswith(str(self.place)):
            return
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
            return
        self.left -= 1
        if self.left == 0:
            place, self.place = self.place, None
            shutil.copytree(place, self.copy)


CAMERA = Camera()  # a hook cannot be taken away again


class AtOnce(Executor):
    """Does everything at once in this thread, so that nothing else happens while a copy is taken."""

    def __init__(self, _threads=1):
        pass

    def submit(self, function, *arguments):
        done = Future()
        done.set_result(function(*arguments))
        return done


class Dataset(RuleBasedStateMachine):
    """A folder, and the dataset of a quiet run as its model."""

    form: str
    operations: int  # of a whole run
    model: dict[str, bytes]
    arrays: dict[str, np.ndarray]

    @initialize()
    def begin(self):
        self.outside = Path(tempfile.mkdtemp())
        self.place = self.outside / "place"
        self.place.mkdir()

    @property
    def folder(self):
        return self.place / "x"

    def complete(self):
        return (self.folder / manifest.NAME).is_file()

    def begun(self):
        """Whether the folder says what it holds, or is to hold."""
        return self.complete() or plan_of(self.folder).is_file()

    def damaged(self):
        """Files that are not what they were."""
        there = tree(self.folder)
        return {name for name, data in self.model.items() if there.get(name) != data}

    @rule(moment=st.floats(0, 1), part=st.sampled_from([None, (0, 2), (1, 2)]))
    @precondition(lambda self: not self.complete())
    def a_run_is_killed(self, moment, part):
        copy = self.outside / "copy"
        CAMERA.place, CAMERA.copy, CAMERA.left = self.place, copy, 1 + int(moment * self.operations)
        try:
            generate(RECIPE, self.folder, format=self.form, part=part)
        finally:
            CAMERA.place = None
        if copy.exists():
            shutil.rmtree(self.place)
            copy.rename(self.place)

    @rule()
    @precondition(lambda self: not self.complete())
    def it_goes_on(self):
        generate(RECIPE, self.folder, format=self.form)
        assert tree(self.folder) == self.model
        assert [path.name for path in self.place.iterdir()] == ["x"]

    @rule()
    def it_is_begun_anew(self):
        """Unless its preview is not as it was written: that is its editor's, and stays."""
        if self.complete() and manifest.PREVIEW in self.damaged() and (self.folder / manifest.PREVIEW).exists():
            before = tree(self.folder)
            with pytest.raises(ValueError, match=r"preview\.gif is not of a dataset of ours and stays"):
                generate(RECIPE, self.folder, format=self.form, overwrite=True)
            assert tree(self.folder) == before
            return
        generate(RECIPE, self.folder, format=self.form, overwrite=True)
        assert tree(self.folder) == self.model

    @rule()
    @precondition(lambda self: self.begun())
    def another_one_is_refused(self):
        """But what a killed run left to be put in its place or removed, it puts there and removes."""
        complete, before = self.complete(), tree(self.place)
        with pytest.raises(ValueError, match="seed = 0, and seed = 1 was asked for"):
            generate(replace(RECIPE, seed=1), self.folder, format=self.form)
        if complete:
            before = {name: data for name, data in before.items() if HIDDEN not in name.split("/")}
        elif self.complete():
            before = {f"x/{name}": data for name, data in self.model.items()}
        assert tree(self.place) == before

    @rule(data=st.data())
    @precondition(lambda self: self.complete())
    def a_file_is_damaged(self, data):
        names = sorted(name for name in self.model if name not in (manifest.NAME, manifest.CARD))
        path = self.folder / data.draw(st.sampled_from(names))
        if not path.exists() or not path.stat().st_size:
            return
        content, how = path.read_bytes(), data.draw(st.sampled_from(["flip", "cut", "remove"]))
        at, bit = data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(0, 7))
        if how == "flip":
            path.write_bytes(content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :])
        elif how == "cut":
            path.write_bytes(content[:at])
        else:
            path.unlink()

    @rule()
    @precondition(lambda self: self.complete())
    def it_is_verified(self):
        found = list(faults(self.folder, RECIPE, manifest.read(self.folder), 2, bit_exact=True))
        assert bool(found) == bool(self.damaged())
        assert all(str(self.folder) in fault for fault in found)

    @rule()
    @precondition(lambda self: self.complete())
    def it_is_repaired(self):
        damaged = self.damaged()
        made = mend(self.folder, RECIPE, settled(self.folder))
        assert bool(made) == bool(damaged)
        assert tree(self.folder) == self.model

    @rule(everything=st.booleans())
    @precondition(lambda self: self.complete())
    def it_is_read(self, everything):
        """All at once every damage is found; when needed what is read is right, or refused."""
        hurt = any("/train." in name for name in self.damaged())
        try:
            sequences = Sequences(self.folder)
            batch = (sequences.to_memory() if everything else sequences)[list(range(len(sequences)))]
        except DamageError as error:
            assert hurt, error
            assert str(self.folder) in str(error)
            return
        assert not (hurt and everything)
        for name, array in self.arrays.items():
            np.testing.assert_array_equal(batch[name].numpy(), array)

    @rule()
    @precondition(lambda self: self.complete())
    def it_is_converted(self):
        """To the other format and back it is the same to the byte; what is damaged is not converted."""
        other = next(form for form in UNITS if form != self.form)
        copy, back = self.outside / "copy", self.outside / "back"
        if hurt := self.damaged():
            with pytest.raises(DamageError, match=str(self.folder)):
                convert(self.folder, copy, to=other)
            assert not copy.exists(), hurt
            return
        convert(convert(self.folder, copy, to=other), back, to=self.form)
        pages = {manifest.NAME, manifest.CARD, manifest.CROISSANT}
        assert {n: d for n, d in tree(back).items() if n not in pages} == {
            n: d for n, d in self.model.items() if n not in pages
        }
        shutil.rmtree(copy)
        shutil.rmtree(back)

    @invariant()
    def its_state_is_told(self):
        if self.begun():
            told = status(self.folder)
            assert told.complete == self.complete()
            assert 0 <= told.done <= told.units == UNITS[self.form]

    def teardown(self):
        shutil.rmtree(self.outside)


class AsNpz(Dataset):
    form = "npz"


class AsZarr(Dataset):
    form = "zarr"


@pytest.fixture(autouse=True, scope="module")
def models(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zarr_layout, "SHARD", 1)  # 64 sequences
        patch.setattr(unit, "ThreadPoolExecutor", AtOnce)
        for machine in (AsNpz, AsZarr):
            place = tmp_path_factory.mktemp("model")
            CAMERA.place, CAMERA.left = place, 0
            folder = generate(RECIPE, place / "x", format=machine.form)
            CAMERA.place = None
            machine.operations, machine.model = -CAMERA.left, tree(folder)
            sequences = Sequences(folder).to_memory()
            every = sequences[list(range(len(sequences)))]
            machine.arrays = {name: array.numpy() for name, array in every.items()}
        yield


SETTINGS = settings(
    max_examples=7,
    stateful_step_count=10,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to make a failure smaller takes minutes
)
TestNpz, TestZarr = AsNpz.TestCase, AsZarr.TestCase
TestNpz.settings = TestZarr.settings = SETTINGS
