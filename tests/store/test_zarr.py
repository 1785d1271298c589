"""Sharded Zarr: what every format promises, the layout of shards, and that other readers open it."""

import json
import os
import resource
import shutil
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import google_crc32c
import numpy as np
import pytest
import zarr
from numcodecs import Zstd

from slvm_data import RECIPES, generate
from slvm_data.core.errors import DamageError
from slvm_data.core.files import sha256
from slvm_data.run.repair import mend
from slvm_data.store import formats, manifest, tensors, zarr_layout
from slvm_data.store import zarr as sharded
from slvm_data.store.manifest import forms_of
from slvm_data.store.testing import StoreSuite, chunks, example, noted_files, tree
from slvm_data.store.zstd_frame import claimed


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(zarr_layout, "SHARD", 1)  # an inner chunk each: 64 short sequences


@pytest.fixture(params=["tensorstore", "zarr"])
def engine(request, monkeypatch):
    """The library that reads; zarr-python does in a forked process."""
    monkeypatch.setattr(tensors, "works", lambda: request.param == "tensorstore")
    return request.param


@pytest.mark.usefixtures("small_shards")
class TestZarr(StoreSuite):
    store = sharded
    ending = ".zarr"
    counts = (1, 63, 64, 65, 300)

    def holds_rows(self, file):
        """Arrays are compared with markers; markers, and the metadata of the group, by who has the manifest."""
        return file.parent.suffix not in (".zarr", ".shards")


def test_chunks_of_another_shape_are_named(tmp_path):
    parts = [example(2), example(2, frames=5)]
    with pytest.raises(ValueError, match=r"image: uint8 \[2, 5, 8, 8\] after"):
        sharded.write(tmp_path / "a.zarr", iter(parts), 4)


@pytest.mark.parametrize("count", [36, 38])
def test_a_wrong_count_is_named(tmp_path, count):
    with pytest.raises(ValueError, match=f"37 rows came, {count} were announced"):
        sharded.write(tmp_path / "a.zarr", chunks(example(37), 5), count)


def test_layout(tmp_path, small_shards):
    """Shards of whole inner chunks, zstd then crc32c, eight pixels to the byte, nothing left out for being empty."""
    path, rows = tmp_path / "train.zarr", example(130)
    rows["state"][:] = 0
    written = sharded.write(path, chunks(rows, 50), 130, True)
    meta = json.loads((path / "image/zarr.json").read_text())
    (codec,) = meta["codecs"]
    assert (meta["zarr_format"], codec["name"]) == (3, "sharding_indexed")
    assert [c["name"] for c in codec["configuration"]["codecs"]] == ["bytes", "zstd", "crc32c"]
    assert codec["configuration"]["codecs"][1]["configuration"]["level"] == 3
    assert codec["configuration"]["chunk_shape"] == [16, 4, 8]
    assert (meta["shape"], meta["attributes"]) == ([130, 4, 8], {"packed_frame": [8, 8]})
    assert all((path / f"state/c/{shard}/0/0").is_file() for shard in range(3))
    assert written.shards == 3
    names = sorted(marker.name for marker in (tmp_path / "train.shards").iterdir())
    assert names == ["0.json", "1.json", "2.json", "checksums", "metadata.json"]
    marker = json.loads((tmp_path / "train.shards/1.json").read_text())
    ranks = {name: array.ndim - ("image" in name) for name, array in rows.items()}
    assert marker["files"].keys() == {"/".join([name, "c", "1", *"0" * (rank - 1)]) for name, rank in ranks.items()}
    assert marker["files"]["image/c/1/0/0"]["sha256"] == sha256(path / "image/c/1/0/0")
    metadata = json.loads((tmp_path / "train.shards/metadata.json").read_text())
    assert metadata["files"].keys() == {"zarr.json", *(f"{name}/zarr.json" for name in rows)}
    lines = (tmp_path / "train.shards/checksums").read_text().splitlines()
    markers = [tmp_path / f"train.shards/{name}.json" for name in ("metadata", 0, 1, 2)]
    assert lines == [sha256(marker) for marker in markers]
    assert written.sha256 == sha256(tmp_path / "train.shards/checksums")


def test_axes_have_names(tmp_path):
    """The last one of bit-packed pictures is that of their bytes."""
    rows = example(3, picture=(3, 8, 8)) | {
        "queries": np.zeros((3, 4, 5), np.float32),
        "domains": np.zeros((3, 2, 4, 5), np.float32),
        "labels": np.zeros((3, 4), np.int64),
        "color_index": np.zeros((3, 2), np.int64),
        "event_before": np.zeros((3, 2, 2), np.float32),
        "param_g": np.zeros((3, 5), np.float32),
    }
    expected = {
        "domain_image": ["sequence", "context", "frame", "byte"],
        "image": ["sequence", "frame", "byte"],
        "state": ["sequence", "frame", "state_component"],
        "state_mask": ["sequence", "state_component"],
        "label": ["sequence", "one"],
        "time": ["sequence", "frame"],
        "path": ["sequence"],
        "event_time": ["sequence", "impact"],
        "event_before": ["sequence", "impact", "xy"],
        "param_m": ["sequence"],
        "param_l": ["sequence", "param_l_component"],  # of other lengths than the other one
        "param_g": ["sequence", "param_g_component"],
        "queries": ["sequence", "frame", "channel"],
        "domains": ["sequence", "context", "frame", "channel"],
        "labels": ["sequence", "frame"],
        "color_index": ["sequence", "body"],
    }
    for binary in (True, False):
        path = tmp_path / f"{binary}.zarr"
        sharded.write(path, [rows], 3, binary)
        group = zarr.open_group(path, mode="r")
        found = {name: list(array.metadata.dimension_names) for name, array in group.arrays()}
        plain = {name: [*names[:-1], "colour", "row", "column"] for name, names in expected.items() if "image" in name}
        assert found == (expected if binary else expected | plain)
        assert all(len(names) == group[name].ndim for name, names in found.items())


@pytest.mark.parametrize(("size", "rows"), [(2**10, 16), (2**17, 1024), (2**23, 65536)])
def test_inner_chunks_of_small_rows(tmp_path, monkeypatch, size, rows):
    """8 kB, or a shard, if it is smaller; as many rows as a shard has a whole number of times."""
    monkeypatch.setattr(zarr_layout, "SHARD", size)
    path = tmp_path / "train.zarr"
    some = {name: array for name, array in example(100).items() if name in ("image", "state", "label", "param_m")}
    layout = sharded.Layout.of(forms_of(some, 100_000), True)
    layout.create(path)
    for name in ("state", "label", "param_m"):
        array = zarr.open_array(path / name, mode="r")
        assert array.shards
        assert array.shards[0] == layout.rows >= rows
        assert array.shards[0] % array.chunks[0] == 0
        inner = array.chunks[0] * layout.forms[name].row_size
        assert 2**13 <= inner < 2**14 or array.chunks == array.shards


def test_long_sequences_are_cut_in_time_too(tmp_path):
    path, rows = tmp_path / "train.zarr", example(5, frames=450)
    sharded.write(path, chunks(rows, 2), 5, True)
    image = zarr.open_array(path / "image", mode="r")
    assert image.chunks == (16, 100, 8)
    np.testing.assert_array_equal(sharded.read(path)["image"], rows["image"])


def test_trajectories_lie_one_by_one(tmp_path, small_shards):
    """Each in a shard of its own, where it is long."""
    path = tmp_path / "series-train.zarr"
    rows = {name: array for name, array in example(5, frames=450).items() if name in ("state", "time", "label", "path")}
    written = sharded.write(path, chunks(rows, 2), 5, one_by_one=True)
    assert written.shards == 5
    state = zarr.open_array(path / "state", mode="r")
    assert (state.chunks, state.shards) == ((1, 100, 3), (1, 500, 3))
    found = sharded.read(path, np.array([1, 4]))
    for name, array in rows.items():
        np.testing.assert_array_equal(found[name], array[[1, 4]])


def test_other_readers_open_it(tmp_path):
    """zarr-python without a warning, by the shape that the attribute gives."""
    recipe = replace(RECIPES["two_body"], train=70, val=0, test=0, steps=4)
    folder = generate(recipe, tmp_path / "x", format="zarr")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        group = zarr.open_group(folder / "train.zarr", mode="r")
        assert {"image", "state", "label", "time", "param_m"} <= {name for name, _ in group.members()}
        image = group["image"]
        frame = image.attrs["packed_frame"]
        frames = np.unpackbits(image[...], axis=-1, count=int(np.prod(frame))).reshape(*image.shape[:2], *frame)
    other = generate(recipe, tmp_path / "y")
    with np.load(other / "train.npz") as data:
        np.testing.assert_array_equal(frames, data["image"])
        np.testing.assert_array_equal(group["state"][...], data["state"])


@pytest.mark.parametrize("name", ["mixed", "windows"])
def test_a_dataset_is_the_same_in_either_format(made, name):
    one, other = (made(name, form) for form in formats.OWN)
    content, twins = manifest.read(one), manifest.read(other)
    for file, entry in content.every_file().items():
        twin = Path(file).with_suffix(".zarr")
        found = sharded.read(other / twin)
        with np.load(one / file) as data:
            assert data.keys() == found.keys()
            for key in data:
                np.testing.assert_array_equal(found[key], data[key])
        assert twins.every_file()[twin.as_posix()].arrays == entry.arrays
    assert bool(content.series) == (name == "windows")
    assert content.certificate == twins.certificate


RECIPE = replace(RECIPES["pendulum3"], tasks=RECIPES["pendulum3"].tasks[:2], train=70, val=2, test=2, steps=4)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    return generate(RECIPE, tmp_path_factory.mktemp("zarr") / "pendulum3", format="zarr")


@pytest.fixture
def folder(stored, tmp_path):
    return Path(shutil.copytree(stored, tmp_path / "pendulum3"))


def faults(folder):
    return [
        fault for name, entry in manifest.read(folder).files.items() if (fault := sharded.fault(folder / name, entry))
    ]


def test_no_flipped_bit_is_silent(folder):
    """F7: sixty bits, in any file."""
    files, rng = sorted(p for p in (folder / "dataset_1").rglob("*") if p.is_file()), np.random.default_rng(0)
    for _ in range(60):
        path = files[int(rng.integers(len(files)))]
        good = path.read_bytes()
        at, bit = int(rng.integers(len(good))), int(rng.integers(8))
        path.write_bytes(good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :])
        (fault,) = faults(folder)
        assert str(path) in fault or "the markers in" in fault
        path.write_bytes(good)
    assert not faults(folder)


def test_a_flipped_bit_in_a_shard_is_an_error_of_the_reader_too(folder, engine):
    path = folder / "dataset_0/train.zarr/state/c/0/0/0"
    good = path.read_bytes()
    path.write_bytes(good[:100] + bytes([good[100] ^ 1]) + good[101:])
    with pytest.raises(DamageError, match=r"dataset_0/train\.zarr/state/c/0/0/0 is damaged: its checksum does not fit"):
        sharded.read(folder / "dataset_0/train.zarr")


def checked(data):
    return data + google_crc32c.value(data).to_bytes(4, "little")


def forge(folder, chunk, marked=True):
    """Put this in the place of each chunk of frames, with checksums that fit, also in the marker."""
    group = folder / "dataset_0/train.zarr"
    meta = json.loads((group / "image/zarr.json").read_text())
    shard, (codec,) = meta["chunk_grid"]["configuration"]["chunk_shape"], meta["codecs"]
    inner = codec["configuration"]["chunk_shape"]
    count, body = int(np.prod(-(-np.array(shard) // inner))), checked(chunk)
    index = np.array([[0, len(body)]] * count, "<u8").tobytes()
    (group / "image/c/0/0/0").write_bytes(body + checked(index))
    if marked:
        mark(group, "0")
    return int(np.prod(inner))


def mark(group, name):
    """Let a marker vouch for what its files hold."""
    files = noted_files(group, name)
    zarr_layout.mark(group, name, {file: (group / file).read_bytes() for file in files}, None)


READ = """
import pickle, resource, sys
from pathlib import Path
import numpy as np
from slvm_data.store import manifest, tensors, zarr
from slvm_data.store import zarr_reader as reader
from slvm_data.core.errors import DamageError
if sys.argv[2] == "zarr":
    tensors.works = lambda: False
path, count = Path(sys.argv[1]) / "dataset_0/train.zarr", 0
arrays = manifest.read(path.parents[1]).files["dataset_0/train.zarr"].arrays
some = {name: arrays[name] for name in ("image", "state")}
lazily = reader.Reader(path, some)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for read in (
    lambda: zarr.read(path),
    lambda: zarr.read(path, np.array([3])),
    lambda: list(zarr.blocks(path, 10, some)),
    lambda: list(zarr.pieces(path, some)),
    lambda: lazily.take(np.array([3]))(),
    lambda: pickle.loads(pickle.dumps(lazily)).shard(0)(),
):
    try:
        read()
    except DamageError as error:
        count += "image" in str(error) and "train.zarr is damaged, at image, shard 0" in str(error)
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def frame(size, claims):
    """A frame of zstd with a window of 1 MB that claims this size, if any, and unpacks to `size` zeros."""
    parts = [min(2**17, size - start) for start in range(0, size, 2**17)]
    body = [(n << 3 | 1 << 1 | (i == len(parts) - 1)).to_bytes(3, "little") + b"\0" for i, n in enumerate(parts)]
    told = b"" if claims is None else claims.to_bytes(8, "little")
    return b"\x28\xb5\x2f\xfd" + (b"\xc0" if told else b"\0") + b"\x50" + told + b"".join(body)


GIGABYTE = 2**30


@pytest.mark.parametrize("library", ["tensorstore", "zarr"])
@pytest.mark.parametrize(
    "chunk",
    [
        lambda size: frame(GIGABYTE, GIGABYTE),
        lambda size: frame(GIGABYTE, size),
        lambda size: frame(size, size) + frame(GIGABYTE, GIGABYTE),
    ],
    ids=["that it claims", "unclaimed", "after it"],
)
def test_chunks_of_gigabytes_are_not_unpacked(folder, library, chunk):
    """F16: whichever way they are read."""
    size = forge(folder, b"")
    forge(folder, chunk(size))
    run = subprocess.run([sys.executable, "-c", READ, folder, library], capture_output=True, text=True, check=True)
    count, grown = map(int, run.stdout.split())
    assert count == 6
    assert grown < 2**18  # kB


def test_a_shard_of_gigabytes_is_made_again(folder):
    """F16: without being unpacked."""
    good = tree(folder)
    size = forge(folder, b"", marked=False)
    forge(folder, frame(GIGABYTE, size), marked=False)
    content = manifest.read(folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert mend(folder, RECIPE, content) == ["dataset_0/train.zarr shard 0"]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**19  # kB
    assert tree(folder) == good


@pytest.mark.parametrize(
    ("chunk", "claims"),
    [
        (lambda size: frame(size, None), "claims no size instead of"),
        (lambda size: frame(size, 2**40), f"claims {2**40} instead of"),
        (lambda size: bytes(Zstd(3).encode(bytes(size - 1))), "instead of"),
        (lambda size: frame(size - 1, size), ""),
        (lambda size: frame(size + 1, size), ""),
        (lambda size: frame(size, size) * 2, ""),
        (lambda size: frame(size, size) + b"more", ""),
        (lambda size: frame(size, size)[:-1], ""),
        (lambda size: b"\x50\x2a\x4d\x18\0\0\0\0" + bytes(Zstd(3).encode(bytes(size))), "claims no size"),
        (lambda size: frame(size, size)[:4], "claims no size"),
        (lambda size: frame(size, size)[:9], "claims no size"),
        (lambda size: b"", "claims no size"),
    ],
)
def test_frames_of_zstd_that_lie(folder, engine, chunk, claims):
    """F16."""
    size = forge(folder, b"")
    forge(folder, chunk(size))
    with pytest.raises(DamageError, match=f"dataset_0/train.zarr is damaged, at image, shard 0: .*{claims}"):
        sharded.read(folder / "dataset_0/train.zarr")


def test_a_frame_that_does_not_lie(folder, engine):
    """The frames above are refused for nothing else."""
    size = forge(folder, b"")
    forge(folder, frame(size, size))
    assert not sharded.read(folder / "dataset_0/train.zarr")["image"].any()


@pytest.mark.parametrize("checksum", [False, True])
def test_sizes_of_frames_that_do_not_lie(checksum):
    """Their header has one, two, four or eight bytes for it."""
    rng = np.random.default_rng(0)
    for size in (1, 2, 255, 256, 257, 1000, 65_791, 65_792, 300_000):
        data = bytes(Zstd(3, checksum).encode(rng.integers(0, 256, size).astype(np.uint8)))
        assert claimed(data) == claimed(b"ab" + data + b"cd", 2, 2 + len(data)) == size
    for size in (0, 7, 2**32, 2**63):
        assert claimed(frame(8, size)) == size


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"zstd"', '"gzip"'),
        ('"level": 3', '"level": 4'),
        ('"crc32c"', '"none"'),
        ('"sharding_indexed"', '"other"'),
        ('"float32"', '"float16"'),
        ('"float32"', '"string"'),
        ('"dimension_names"', '"names"'),
        ('"fill_value": 0', '"fill_value": 1'),
        ('"zarr_format": 3', '"zarr_format": 2'),
        ("{\n", '{"more": 1,\n'),
    ],
)
def test_metadata_of_others_are_refused(folder, old, new):
    """A codec that unpacks by another rule could not be told its size."""
    group = folder / "dataset_0/train.zarr"
    text = (group / "state/zarr.json").read_text()
    assert old in text
    (group / "state/zarr.json").write_text(text.replace(old, new, 1))
    with pytest.raises(DamageError, match=r"dataset_0/train\.zarr/state/zarr\.json (is damaged|has \d+ bytes)"):
        sharded.read(group)
    mark(group, "metadata")
    with pytest.raises(DamageError, match=r"dataset_0/train\.zarr is damaged, at state[:,]"):
        sharded.read(group)


def test_metadata_of_other_sizes_are_refused(folder):
    """Though they are those of an array of ours: before memory is allocated for its chunks."""
    group = folder / "dataset_0/train.zarr"
    good = json.loads((group / "state/zarr.json").read_text())
    for shape, shard, chunk, says in (
        ([70, 4, 2], [0, 4, 2], [64, 4, 2], "do not fit together"),
        ([70, 4, 2], [65, 4, 2], [64, 4, 2], "are not divided by its chunks"),
        ([70, 4, 9], [64, 4, 2], [64, 4, 2], "do not fit into its shards"),
        ([70, 4], [64, 4, 2], [64, 4, 2], "do not fit together"),
        ([-1, 4, 2], [64, 4, 2], [64, 4, 2], r"shape = \[-1, 4, 2\] is not that of rows"),
        ([70, 4, 2], [2**40, 4, 2], [2**40, 4, 2], "are larger than"),
        ([80, 4, 2], *[[good["chunk_grid"]["configuration"]["chunk_shape"][0], 4, 2]] * 2, "different numbers of rows"),
    ):
        tree = json.loads(json.dumps(good)) | {"shape": shape}
        tree["chunk_grid"]["configuration"]["chunk_shape"] = shard
        tree["codecs"][0]["configuration"]["chunk_shape"] = chunk
        (group / "state/zarr.json").write_text(json.dumps(tree, indent=1, sort_keys=True) + "\n")
        mark(group, "metadata")
        with pytest.raises(DamageError, match=says):
            sharded.read(group)


def test_an_index_that_lies_is_refused(folder, engine):
    """A chunk that is missing, or lies elsewhere, by an index whose checksum fits; a shard without room for one."""
    group = folder / "dataset_0/train.zarr"
    file = group / "state/c/0/0/0"
    good = file.read_bytes()
    meta = json.loads((group / "state/zarr.json").read_text())
    shard = meta["chunk_grid"]["configuration"]["chunk_shape"]
    size = 16 * int(np.prod(np.array(shard) // meta["codecs"][0]["configuration"]["chunk_shape"]))
    body, index = good[: -size - 4], np.frombuffer(good[-size - 4 : -4], "<u8").reshape(-1, 2)
    for start, length, says in (
        (2**64 - 1, 2**64 - 1, "a chunk is missing, or lies outside its file"),
        (len(body) - 3, int(index[0, 1]), "a chunk is missing, or lies outside its file"),
        (0, 2**63, "a chunk is missing, or lies outside its file"),
        (0, 4, "claims no size"),
        (1, int(index[0, 1]) - 1, "claims no size"),
        (0, int(index[0, 1]) - 1, ""),
    ):
        other = index.copy()
        other[0] = start, length
        file.write_bytes(body + checked(other.tobytes()))
        mark(group, "0")
        with pytest.raises(DamageError, match=f"train.zarr is damaged, at state, shard 0: .*{says}"):
            sharded.read(group)
    for content in (b"", good[-10:], good[-size - 3 :]):
        file.write_bytes(content)
        mark(group, "0")
        with pytest.raises(DamageError, match=r"train\.zarr is damaged, at state, shard 0: .*its index is cut short"):
            sharded.read(group)


@pytest.mark.parametrize("length", [0, 100])
def test_a_shard_cut_short(folder, length):
    """F4, F8."""
    os.truncate(folder / "dataset_1/train.zarr/image/c/0/0/0", length)
    (fault,) = faults(folder)
    assert f"dataset_1/train.zarr/image/c/0/0/0 has {length} bytes instead of" in fault


def test_a_missing_shard_is_never_zeros(folder, engine):
    """F9."""
    (folder / "dataset_0/train.zarr/image/c/0/0/0").unlink()
    (fault,) = faults(folder)
    assert fault.endswith("dataset_0/train.zarr/image/c/0/0/0 is missing")
    with pytest.raises(DamageError, match=r"train\.zarr/image/c/0/0/0 is missing: slvm-data repair "):
        sharded.read(folder / "dataset_0/train.zarr")
    assert sharded.read(folder / "dataset_0/train.zarr", names=["state"])["state"].any()


def test_a_shard_of_others_is_refused_by_who_has_the_manifest(folder, engine):
    """With its marker, it is a shard like any other, but not the one that was written."""
    entry = manifest.read(folder).files["dataset_0/train.zarr"]
    one, other = folder / "dataset_0/train.zarr", folder / "dataset_1/train.zarr"
    mine = sharded.read(one, promised=entry)["state"]
    for file in (*noted_files(other, "0"), "../train.shards/0.json"):
        shutil.copy(other / file, one / file)
    assert (sharded.read(one)["state"] != mine).any()
    with pytest.raises(DamageError, match=r"train\.shards/0\.json is not what was written: slvm-data repair "):
        sharded.read(one, promised=entry)
    assert sharded.fault(one, entry)


def test_a_missing_marker_is_a_shard_that_was_not_finished(folder):
    (folder / "dataset_0/train.shards/0.json").unlink()
    (fault,) = faults(folder)
    assert fault.endswith("train.shards/0.json is missing: that shard was not finished")


def test_the_same_again_is_the_same(stored, tmp_path):
    assert tree(stored) == tree(generate(RECIPE, tmp_path / "again", format="zarr"))


def test_overwrite_removes_what_was_listed_and_no_more(folder):
    """F25, from either format to the other, and back."""
    recipe = replace(RECIPE, train=3, val=1, test=1)
    (folder / "dataset_0/notes.txt").write_text("mine")
    (folder / "dataset_1/val.zarr/notes.txt").write_text("mine")
    generate(recipe, folder, overwrite=True)
    own = {"dataset_0/notes.txt", "dataset_1/val.zarr/notes.txt"}
    files = {f"dataset_{i}/{split}.npz" for i in range(2) for split in ("train", "val", "test")}
    assert tree(folder).keys() == files | own | {"README.md", "dataset.json", "preview.gif"}
    (folder / "dataset_1/val.zarr/notes.txt").unlink()
    (folder / "dataset_1/val.zarr").rmdir()
    generate(recipe, folder, overwrite=True, format="zarr")
    generate(recipe, folder, overwrite=True, format="zarr")
    assert not faults(folder)
    assert not list(folder.rglob("*.npz"))


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(ValueError, match="format = 'zip' is unknown; there are npz, zarr"):
        generate(RECIPES["pendulum"], tmp_path / "x", format="zip")
    assert not (tmp_path / "x").exists()


def test_without_the_package_it_says_which_extra_to_install(tmp_path):
    hidden = "import sys; sys.modules['tensorstore'] = None; from slvm_data.cli import main; main()"
    command = [sys.executable, "-c", hidden, "generate", "pendulum", "--format", "zarr", "--out", str(tmp_path / "x")]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1
    assert "pip install 'slvm-data[zarr]'" in run.stderr
    assert not (tmp_path / "x").exists()


WITHOUT_ZARR_PYTHON = """
import sys
sys.modules["zarr"] = None
from pathlib import Path
from slvm_data.store import zarr
from slvm_data.store.testing import assert_equal, chunks, example
zarr.write(Path(sys.argv[1]), chunks(example(100), 30), 100, True)
assert_equal(zarr.read(Path(sys.argv[1])), example(100))
"""


def test_without_zarr_python_it_is_written_and_read(tmp_path):
    subprocess.run([sys.executable, "-c", WITHOUT_ZARR_PYTHON, str(tmp_path / "train.zarr")], check=True)


def test_shards_that_are_encoded_at_once_have_their_own_memory():
    """Arrays of one form, written by several threads under the same number of a shard, and one after the other."""
    rows = {name: np.full((4, 1), i, np.float32) for i, name in enumerate(("label", "param_g", "param_l"))}
    stored = zarr_layout.Layout.of(forms_of(rows), False).arrays

    def encode(add):
        return tensors.encode({name: (stored[name], array + np.float32(add)) for name, array in rows.items()}, 0)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(encode, [0, 10, 20, 30] * 8))
    assert found[:4] * 8 == found
    assert len({data for files in found for data in files.values()}) == 12
