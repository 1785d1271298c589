"""The suite for formats finds what is wrong with one: each of its promises, broken, fails a test."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from slvm_data.core.errors import DamageError
from slvm_data.core.files import sha256
from slvm_data.store import npz, zarr, zarr_layout
from slvm_data.store.testing import StoreSuite, example

NAMES = ("write", "read", "blocks", "pieces", "fault", "Layout")


def store(**broken):
    """The module of .npz with other functions in the place of some."""
    return SimpleNamespace(**{name: getattr(npz, name) for name in NAMES} | broken)


def units(module=npz, **broken):
    """The module of a format whose `Layout` has other functions in the place of some."""
    layout = type("Layout", (module.Layout,), broken)
    layout.of = staticmethod(lambda *args: layout(**vars(module.Layout.of(*args))))
    return SimpleNamespace(**{name: getattr(module, name) for name in NAMES} | {"Layout": layout})


def without_minus_zero(path, rows=None):
    return {name: array + 0.0 if array.dtype.kind == "f" else array for name, array in npz.read(path, rows).items()}


def in_another_type(path, rows=None):
    return {name: array.astype(float) for name, array in npz.read(path, rows).items()}


def all_rows(path, rows=None):
    return npz.read(path)


def zeros_for_damage(path, rows=None):
    try:
        return npz.read(path, rows)
    except DamageError:
        return {name: np.zeros_like(array) for name, array in example(100).items()}


def one_block(path, rows, wanted=None):
    return npz.blocks(path, 10**6, wanted)


def other_forms(path, wanted):
    array = npz.read(path)
    return ((name, 0, array[name]) for name in wanted if name in array)


def as_it_comes(path, chunks, count, binary=False):
    """Holds on to the memory of chunks."""
    return npz.write(
        path, [{n: np.concatenate([c[n] for c in kept]) for n in kept[0]} for kept in [list(chunks)]], count
    )


def half(path, chunks, count, binary=False):
    """Leaves a file behind that looks complete."""
    try:
        return npz.write(path, chunks, count, binary)
    except BaseException:
        npz.write(path, [example(1)], 1)
        raise


def with_a_clock(path, chunks, count, binary=False):
    written = npz.write(path, chunks, count, binary)
    path.with_name("clock").write_text(str(path))
    return written


def gathers_in_place(self, path, unit, chunks, scratch):
    """Stores the rows when it takes them."""
    stored = npz.Layout.gather(self, path, unit, chunks, scratch)()
    return lambda: stored


def gathers_untidily(self, path, unit, chunks, scratch):
    put = npz.Layout.gather(self, path, unit, chunks, scratch)

    def untidily():
        (scratch / "half").write_text("")
        return put()

    return untidily


def without_compression(self, path, unit, chunks, scratch):
    """Other bytes than those of `write`."""
    put = npz.Layout.gather(self, path, unit, chunks, scratch)

    def plainly():
        put()
        np.savez(path, **npz.read(path))
        return {"sha256": sha256(path), "bytes": path.stat().st_size}

    return plainly


def kept_in_memory(self, path, unit, chunks, scratch):
    """Lists the chunks, whose memory is used again."""
    return npz.Layout.gather(self, path, unit, list(chunks), scratch)


BROKEN = {
    "test_units_cover_all_rows": [
        units(ranges=lambda self: [(0, self.count - 1)]),
        units(ranges=lambda self: [(0, 1), (0, self.count)]),
        units(ranges=lambda self: [(0, self.count), (self.count, self.count)]),
    ],
    "test_units_give_the_bytes_of_write": [
        units(gather=without_compression),
        units(gather=kept_in_memory),
        units(gather=gathers_untidily),
        units(
            zarr,
            written=lambda self, path, stored, scratch: replace(
                zarr.Layout.written(self, path, stored, scratch), bytes=1
            ),
        ),
    ],
    "test_a_unit_is_there_once_it_is_stored": [
        units(is_there=lambda self, path, unit, stored: True),
        units(is_there=lambda self, path, unit, stored: path.is_file()),
        units(is_there=lambda self, path, unit, stored: False),
        units(gather=gathers_in_place),
    ],
    "test_what_is_damaged_is_made_again": [
        units(is_damaged=lambda self, path, unit: False),
        units(lacks_metadata=lambda self, path: True),
        units(zarr, is_damaged=lambda self, path, unit: True),
        units(zarr, is_damaged=lambda self, path, unit: False),
        units(zarr, is_damaged=lambda self, path, unit: not self.is_there(path, unit)),
        units(zarr, lacks_metadata=lambda self, path: False),
        units(zarr, relist=lambda self, path, scratch: None),
    ],
    "test_rows_come_back": [store(read=without_minus_zero), store(read=in_another_type), store(write=as_it_comes)],
    "test_some_rows": [store(read=all_rows)],
    "test_blocks": [store(blocks=one_block)],
    "test_pieces_of_other_forms_are_refused": [store(pieces=other_forms)],
    "test_bytes_do_not_depend_on_chunks": [store(write=with_a_clock)],
    "test_chunks_that_do_not_fit_together_are_refused": [store(write=half)],
    "test_what_is_interrupted_is_not_there": [store(write=half)],
    "test_a_flipped_bit_is_named": [store(fault=lambda path, written: None), store(read=zeros_for_damage)],
    "test_a_file_cut_short_is_named": [store(fault=lambda path, written: None), store(read=zeros_for_damage)],
    "test_a_missing_file_is_named": [store(fault=lambda path, written: "it is gone"), store(read=zeros_for_damage)],
    "test_the_file_of_other_rows_is_a_fault": [store(fault=lambda path, written: None)],
}


@pytest.mark.parametrize("test", BROKEN)
def test_a_broken_promise_fails(tmp_path, test, monkeypatch):
    monkeypatch.setattr(zarr_layout, "SHARD", 1)
    for number, broken in enumerate(BROKEN[test]):
        ending = ".zarr" if broken.write is zarr.write else ".npz"
        suite = type("Suite", (StoreSuite,), {"store": broken, "ending": ending})()
        place = Path(tmp_path / str(number))
        place.mkdir()
        with pytest.raises(AssertionError):
            getattr(suite, test)(place)


@pytest.mark.parametrize("test", BROKEN)
def test_a_kept_promise_does_not(tmp_path, test):
    suite = type("Suite", (StoreSuite,), {"store": units(), "ending": ".npz"})()
    getattr(suite, test)(tmp_path)


def test_every_test_can_be_failed():
    own = {name for name in vars(StoreSuite) if name.startswith("test_")}
    like_the_first = {
        "test_arrays_of_every_rank_come_back",
        "test_axes_of_length_0_come_back",
        "test_pictures_that_are_not_binary_come_back",
        "test_memory_may_lie_in_any_order",
        "test_pieces",
        "test_binary_pictures_are_small",
    }
    assert own == BROKEN.keys() | like_the_first
