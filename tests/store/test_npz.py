"""The format .npz: what every format promises, the same bytes always, and archives that lie refused."""

import io
import os
import struct
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from slvm_data.core.errors import DamageError
from slvm_data.core.files import sha256
from slvm_data.core.packing import pack_pictures
from slvm_data.store import npz, npz_rows
from slvm_data.store.manifest import Form, forms_of
from slvm_data.store.testing import StoreSuite, chunks, example


class TestNpz(StoreSuite):
    store = npz
    ending = ".npz"


@pytest.fixture
def file(tmp_path):
    """A file, and the arrays in it."""
    arrays = example(37)
    npz.write(tmp_path / "a.npz", chunks(arrays, 5), 37)
    return tmp_path / "a.npz", arrays


def test_numpy_reads_what_was_written(file):
    path, arrays = file
    with np.load(path, allow_pickle=False) as data:
        assert list(data) == list(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(data[name], array)
            assert data[name].dtype == array.dtype
    assert zipfile.ZipFile(path).testzip() is None


def test_the_checksum_is_that_of_the_file(tmp_path):
    written = npz.write(tmp_path / "a.npz", chunks(example(37), 5), 37)
    assert written.sha256 == sha256(tmp_path / "a.npz")
    assert written.bytes == (tmp_path / "a.npz").stat().st_size
    assert written.shards is None


def test_bytes_do_not_depend_on_chunks_beyond_a_block(tmp_path):
    """Three megabytes, since the deflater shows where its input was cut only from block to block."""
    image = (np.random.default_rng(0).random((3000, 1, 32, 32)) < 0.05).astype(np.uint8)
    rows = {"image": image, "label": np.zeros((3000, 1), np.int64)}
    for step in (7, 100, 1500, 3000):
        npz.write(tmp_path / f"{step}.npz", chunks(rows, step), 3000)
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


@pytest.mark.parametrize("picture", [(1, 32, 32), (3, 7, 9)])
def test_pictures_with_eight_pixels_per_byte_give_the_same_bytes(tmp_path, picture):
    """Also pictures that do not end with a byte; 1.5 MB, more than is compressed at a time."""
    image = (np.random.default_rng(0).random((400, 4, *picture)) < 0.1).astype(np.uint8)
    rows = {
        "image": image,
        "domain_image": np.stack([image, image[::-1]], axis=1),
        "label": np.zeros((400, 1), np.int64),
    }
    npz.write(tmp_path / "plain.npz", chunks(rows, 30), 400)
    layout = npz.Layout.of(forms_of(rows), True)
    packed = rows | {
        name: pack_pictures(rows[name], rows[name].ndim - len(picture)) for name in rows if "image" in name
    }
    layout.gather(tmp_path / "packed.npz", 0, chunks(packed, 30), tmp_path)()
    assert (tmp_path / "packed.npz").read_bytes() == (tmp_path / "plain.npz").read_bytes()
    for odd in (packed["image"][..., :-1], image[:, :3], packed["image"].view(np.int8)):
        with pytest.raises(ValueError, match=r"^image: u?int8 "):
            layout.gather(tmp_path / "odd.npz", 0, chunks(rows | {"image": odd}, 30), tmp_path)


def test_large_members_have_64_bit_sizes(file):
    """Not four gigabytes, but the headers that they need, read back by the standard library."""
    path, _ = file
    data = path.read_bytes()
    assert struct.unpack("<LL", data[18:26]) == (0xFFFFFFFF, 0xFFFFFFFF)
    assert b"PK\x06\x06" in data
    assert zipfile.ZipFile(path).getinfo("image.npy").file_size == 37 * 256 + 128


@pytest.mark.parametrize("count", [36, 38])
def test_a_wrong_count_leaves_nothing(tmp_path, count):
    with pytest.raises(ValueError, match=f"37 rows came, {count} were announced"):
        npz.write(tmp_path / "a.npz", chunks(example(37), 5), count)
    assert not list(tmp_path.iterdir())


def test_an_error_on_the_way_leaves_nothing(tmp_path):
    def broken():
        yield from list(chunks(example(37), 5))[:2]
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        npz.write(tmp_path / "a.npz", broken(), 37)
    assert not list(tmp_path.iterdir())


def test_no_rows_leave_nothing(tmp_path):
    with pytest.raises(ValueError, match="0 rows came, 2 were announced"):
        npz.write(tmp_path / "a.npz", [], 2)
    assert not list(tmp_path.iterdir())


def test_an_error_leaves_the_old_file(file):
    path, arrays = file
    before = path.read_bytes()
    with pytest.raises(ValueError, match="announced"):
        npz.write(path, chunks(arrays, 5), 3)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["a.npz"]  # noqa: PTH208


def test_chunks_of_another_shape_are_named(tmp_path):
    parts = [{"image": np.zeros((1, 4), np.uint8)}, {"image": np.zeros((1, 5), np.uint8)}]
    with pytest.raises(ValueError, match=r"image: uint8 \[1, 5\] after uint8 \[2, 4\]"):
        npz.write(tmp_path / "a.npz", parts, 2)


def test_no_flipped_bit_is_silent(file):
    """F7: either an error that names file and array, or the arrays as they were."""
    path, arrays = file
    good, rng, raised = path.read_bytes(), np.random.default_rng(7), 0
    for _ in range(400):
        at, bit = int(rng.integers(len(good))), int(rng.integers(8))
        path.write_bytes(good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :])
        try:
            found = npz.read(path)
        except DamageError as error:
            assert str(path) in str(error)
            raised += 1
        else:
            assert list(found) == list(arrays)
            assert all(found[name].tobytes() == array.tobytes() for name, array in arrays.items())
    assert raised > 200


def test_a_flipped_bit_in_an_array_names_it(file):
    path, _ = file
    good = bytearray(path.read_bytes())
    info = zipfile.ZipFile(path).getinfo("state.npy")
    good[info.header_offset + 30 + 9 + 20 + info.compress_size // 2] ^= 1
    path.write_bytes(good)
    with pytest.raises(DamageError, match=r"a\.npz is damaged, at state"):
        npz.read(path)


def test_a_truncated_file_is_named(file):
    """F8: at every length."""
    path, _ = file
    good = path.read_bytes()
    for length in np.linspace(0, len(good) - 1, 60).astype(int):
        path.write_bytes(good[:length])
        with pytest.raises(DamageError, match=r"a\.npz is damaged"):
            npz.read(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DamageError, match=r"a\.npz is missing"):
        npz.read(tmp_path / "a.npz")


class Evil:
    """Would leave a file behind if it were unpickled."""

    def __reduce__(self):
        return os.mkdir, ("evil",)


def test_pickles_are_refused(tmp_path, monkeypatch):
    """F15."""
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "a.npz", image=np.array([Evil()], object), allow_pickle=True)
    with pytest.raises(DamageError, match="damaged, at image"):
        npz.read(tmp_path / "a.npz")
    assert not (tmp_path / "evil").exists()


def crafted(path, *members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)


def npy(shape, data=b""):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return header.getvalue() + data


def _streamed(path, **arrays):
    """As NumPy writes where it cannot go back, for example into a pipe."""
    file = io.BytesIO()
    file.seekable = lambda: False
    np.savez(file, **arrays)
    path.write_bytes(file.getvalue())


READERS = {
    "read": npz.read,
    "read rows": lambda path: npz.read(path, np.array([0])),
    "read no rows": lambda path: npz.read(path, np.arange(0)),
    "places": npz.places,
    "blocks": lambda path: list(npz.blocks(path, 3)),
    "pieces": lambda path: list(npz.pieces(path, {})),
    "Rows": lambda path: npz_rows.Rows(path).read(np.array([0])),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "members",
    [
        [("image", npy((4,), bytes(4))), ("image.npy", npy((4,), b"abcd"))],
        [("image.npy", npy((4,), bytes(4))), ("image", npy((4,), b"abcd"))],
        [("image", npy((4,), bytes(4)))],
        [("image.npy.npy", npy((4,), bytes(4)))],
        [("image.NPY", npy((4,), bytes(4)))],
        [("a/image.npy", npy((4,), bytes(4)))],
        [("image.npy/", b"")],
        [("image.npy", npy((10**18, 0)))],
        [("image.npy", npy((10**18, 3, 0)))],
        [("image.npy", npy((2**33, 0)))],
        [("image.npy", npy((10**400, 0)))],
        [("image.npy", npy((-(10**18), 0)))],
        [("image.npy", npy((5, 0, 10**30)))],
        [("image.npy", npy((5, -1, -1), bytes(5)))],
        [("image.npy", npy((10**15,)))],
        [("image.npy", npy((10,), bytes(9)))],
        [("image.npy", npy((10,), bytes(11)))],
        [("image.npy", npy((-1,)))],
        [("image.npy", npy((), bytes(1)))],
        [("image.npy", npy((4,), bytes(4))), ("image.npy", npy((4,), bytes(4)))],
        [("../../evil.npy", npy((4,), bytes(4)))],
        [("/etc/evil.npy", npy((4,), bytes(4)))],
        [("image.npy", b"no array")],
    ],
    ids=[
        *("two names", "two names, the other first", "no ending", "two endings", "large ending", "folder", "a folder"),
        *("no bytes", "no bytes, deep", "no bytes, just too many", "no bytes, endless", "no bytes, negative"),
        *("no bytes, wide", "negative twice"),
        *("huge", "short", "long", "negative", "no rows", "duplicate", "up", "absolute", "garbage"),
    ],
)
def test_lying_archives_are_refused(tmp_path, members, reader):
    """F16, F41, by every reader alike, from sizes and names, before anything is read."""
    crafted(tmp_path / "a.npz", *members)
    began = time.monotonic()
    with pytest.raises(DamageError, match=r"a\.npz is damaged"):
        READERS[reader](tmp_path / "a.npz")
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("offset", "field"),
    [(6, b"\x01"), (8, b"\x00"), (14, b"\x12\x34"), (18, b"\x01\x00\x00\x00"), (22, b"\x01\x00\x00\x00"), (31, b"x")],
    ids=["encrypted", "method", "checksum", "packed size", "size", "name"],
)
def test_two_headers_that_differ_are_refused(file, reader, offset, field):
    """F41: what reads from the beginning would see another array than what reads the directory at the end."""
    path, _ = file
    data = bytearray(path.read_bytes())
    begin = zipfile.ZipFile(path).getinfo("state.npy").header_offset + offset
    data[begin : begin + len(field)] = field
    path.write_bytes(data)
    with pytest.raises(DamageError, match=r"different things|directory .* and header .* differ"):
        READERS[reader](path)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("before", [b"x", npy((4,), bytes(4)), b"\x93NUMPY"], ids=["a byte", "an array", "its sign"])
def test_an_archive_behind_something_else_is_refused(file, reader, before):
    """F41: NumPy reads a file by its first bytes."""
    path, _ = file
    path.write_bytes(before + path.read_bytes())
    with pytest.raises(DamageError, match="something else is in its place"):
        READERS[reader](path)


@pytest.mark.parametrize("reader", READERS)
def test_members_that_overlap_are_refused(tmp_path, reader):
    """F41: an archive in a member of an archive, whose directory lists members of both."""
    path = tmp_path / "a.npz"
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("inner.npy", npy((4,), b"abcd"))
        info = archive.getinfo("inner.npy")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("outer.npy", npy((len(inner.getvalue()),), inner.getvalue()))
        start = archive.fp.tell() - len(inner.getvalue())
        info.header_offset = start
        archive.filelist.append(info)
        archive.NameToInfo["inner.npy"] = info
        archive._didModify = True
    with np.load(path) as data:
        assert data["inner"].tobytes() == b"abcd"
    with pytest.raises(DamageError, match="something else is in its place"):
        READERS[reader](path)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed, _streamed])
def test_what_numpy_writes_is_read_as_numpy_reads_it(tmp_path, save):
    """Names that differ in case are two arrays, as of the parameters m and M; an array may have no bytes."""
    rng, path = np.random.default_rng(0), tmp_path / "a.npz"
    arrays = {
        "param_m": rng.random(5),
        "param_M": rng.random((5, 2)),
        "domains": np.zeros((5, 0, 3)),
        "é": np.arange(5),
    }
    save(path, **arrays)
    rows = npz_rows.Rows(path).read(np.array([1, 4]))
    with np.load(path) as data:
        assert list(data) == list(arrays) == list(npz.read(path)) == list(rows)
        for name, array in npz.read(path).items():
            np.testing.assert_array_equal(array, data[name])
            np.testing.assert_array_equal(npz.read(path, np.array([1, 4]))[name], data[name][[1, 4]])
            np.testing.assert_array_equal(rows[name], data[name][[1, 4]])
            np.testing.assert_array_equal(np.concatenate([b[name] for b in npz.blocks(path, 2)]), data[name])


def test_many_rows_without_bytes_take_neither_time_nor_memory(tmp_path):
    """As many as a split may have."""
    crafted(tmp_path / "a.npz", ("image.npy", npy((2**32, 0))))
    began = time.monotonic()
    assert npz.read(tmp_path / "a.npz")["image"].shape == (2**32, 0)
    assert npz_rows.Rows(tmp_path / "a.npz").read(np.array([7]))["image"].shape == (1, 0)
    assert sum(len(block["image"]) for block in npz.blocks(tmp_path / "a.npz", 2**24)) == 2**32
    wanted = {"image": Form((2**32, 0), "uint8")}
    assert sum(len(block) for _, _, block in npz.pieces(tmp_path / "a.npz", wanted)) == 2**32
    assert time.monotonic() - began < 5


def test_binary_frames_are_dense(tmp_path):
    frames = np.zeros((200, 30, 32, 32), np.uint8)
    frames[:, :, 10:19, 12:20] = 1
    written = npz.write(tmp_path / "a.npz", [{"image": frames, "label": np.zeros((200, 1), np.int64)}], 200)
    assert written.bytes < frames.nbytes / 50
    np.testing.assert_array_equal(npz.read(tmp_path / "a.npz")["image"], frames)


def test_rows_that_are_missing_are_found(tmp_path):
    """A well-formed file, one array of which has fewer rows than the others."""
    path = tmp_path / "train.npz"
    np.savez(path, label=np.zeros((3, 1)), state=np.zeros((2, 5)))
    with pytest.raises(DamageError, match="different numbers of rows"):
        list(npz.blocks(path, 2))


def test_many_files_are_read_at_a_time(file):
    """Python's parser of literals, which NumPy reads headers by, is not safe in threads in every version."""
    path, arrays = file
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            for found in pool.map(lambda _: npz.read(path), range(400)):
                assert found.keys() == arrays.keys()
    finally:
        sys.setswitchinterval(interval)
