"""Damaged, missing, forged, old and moved files: an error that names the file, never wrong data."""

import dataclasses
import hashlib
import io
import json
import os
import pickle
import resource
import shutil
import subprocess
import sys
import zipfile
from contextlib import contextmanager
from pathlib import Path

import google_crc32c
import numpy as np
import pytest

from slvm_data import RECIPES, generate
from slvm_data.core.errors import DamageError
from slvm_data.core.files import sha256
from slvm_data.load import Episodes, Sequences, Windows
from slvm_data.load import shards as load_shards
from slvm_data.store import manifest, npz, tensors, zarr_layout
from slvm_data.store.testing import noted_files
from slvm_data.store.zarr_metadata import Sharded

FORMATS = Path(__file__).parents[1] / "formats"


@pytest.fixture
def folder(pendulums, tmp_path):
    """A copy that a test may break."""
    return Path(shutil.copytree(pendulums, tmp_path / "pendulum3"))


def read_all(folder):
    """Everything that a loader gives of a dataset."""
    dataset = Sequences(folder)
    return dataset.__getitems__(range(len(dataset))).collated()


@pytest.mark.parametrize("loader", [Sequences, lambda folder: Episodes(folder, context=3)])
def test_no_flipped_bit_is_silent(folder, loader):
    """F7: thirty bits in each of two files."""
    rng = np.random.default_rng(0)
    for task in (0, 2):
        path = folder / f"dataset_{task}/train.npz"
        good = path.read_bytes()
        for _ in range(30):
            at, bit = int(rng.integers(len(good))), int(rng.integers(8))
            path.write_bytes(good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :])
            with pytest.raises(DamageError, match=f"dataset_{task}/train.npz is damaged"):
                loader(folder)
        path.write_bytes(good)
    loader(folder)


@pytest.mark.parametrize("length", [0, 1, 1000, -1])
def test_a_file_cut_short(folder, length):
    """F8, and F4 as far as a reader sees it."""
    path = folder / "dataset_1/train.npz"
    size = path.stat().st_size
    os.truncate(path, length % size)
    with pytest.raises(DamageError, match=f"dataset_1/train.npz has {length % size} bytes instead of {size}"):
        Sequences(folder)
    assert len(Sequences(folder, tasks=[0, 2])) == 100  # what is whole can be read


def test_a_manifest_cut_short_or_altered(folder):
    path = folder / manifest.NAME
    good = path.read_bytes()
    for bad in (b"", good[:-40], good.replace(b'"seed": 0', b'"seed": 1')):
        path.write_bytes(bad)
        with pytest.raises(DamageError, match=r"dataset\.json is damaged"):
            Sequences(folder)
    path.unlink()
    with pytest.raises(DamageError, match=r"holds no dataset: dataset\.json is missing"):
        Sequences(folder)


def test_a_missing_file(folder):
    """F9: never zeros."""
    (folder / "dataset_2/train.npz").unlink()
    with pytest.raises(DamageError, match=r"dataset_2/train\.npz is missing"):
        Sequences(folder)


def test_a_missing_folder(tmp_path):
    with pytest.raises(ValueError, match="nothing does not exist: slvm-data generate writes datasets"):
        Sequences(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda file: file.unlink(), r"image/c/0/0/0 is missing"),
        (lambda file: os.truncate(file, 0), r"image/c/0/0/0 has 0 bytes instead of"),
        (lambda file: file.write_bytes(bytes(file.stat().st_size)), r"image/c/0/0/0 is damaged"),
    ],
)
def test_a_damaged_shard(make, tmp_path, break_it, message):
    folder = Path(shutil.copytree(make("pendulum-zarr"), tmp_path / "x"))
    break_it(folder / "train.zarr/image/c/0/0/0")
    for fields in (None, ("image",)):
        with pytest.raises(DamageError, match=rf"train\.zarr/{message}"):
            Sequences(folder, fields=fields).to_memory()


@pytest.fixture(params=["tensorstore", "zarr"])
def library(request, monkeypatch):
    """The library that reads; zarr-python does in a forked process."""
    monkeypatch.setattr(tensors, "works", lambda: request.param == "tensorstore")
    return request.param


@pytest.mark.parametrize("rows", [[0], [0, 1, 2, 3, 4]])
@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda file: file.unlink(), "is missing: slvm-data repair "),
        (lambda file: file.write_bytes(b""), r"has 0 bytes instead of \d+: slvm-data repair "),
        (lambda file: os.truncate(file, 100), r"has 100 bytes instead of \d+: slvm-data repair "),
        (lambda file: file.write_bytes(bytes(file.stat().st_size)), "is damaged: its checksum does not fit"),
    ],
)
def test_a_damaged_shard_that_is_read_when_needed(make, tmp_path, monkeypatch, library, rows, break_it, message):
    """F4, F8, F9: single rows and whole shards, by either library; never zeros."""
    monkeypatch.setattr(load_shards, "CACHE", 0)
    folder = Path(shutil.copytree(make("pendulum-zarr"), tmp_path / "x"))
    data = Sequences(folder)
    break_it(folder / "train.zarr/image/c/0/0/0")
    assert Sequences(folder, fields=["state"])[rows][0].any()
    for dataset in (data, Sequences(folder)):
        with pytest.raises(DamageError, match=rf"train\.zarr/image/c/0/0/0 {message}"):
            dataset[rows]


RECIPE = dataclasses.replace(RECIPES["pendulum3"], tasks=RECIPES["pendulum3"].tasks[:2], train=192, val=128, test=0)
PER = 64  # sequences of a shard
GROUP = "dataset_0/train"


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    """Datasets of two seeds, of two tasks in shards that are all of the same size."""
    whole, zarr_layout.SHARD = zarr_layout.SHARD, 1
    try:
        place = tmp_path_factory.mktemp("seeds")
        for seed in (0, 1):
            generate(dataclasses.replace(RECIPE, steps=4, seed=seed), place / str(seed), format="zarr")
        return place
    finally:
        zarr_layout.SHARD = whole


@pytest.fixture(scope="module")
def good(seeds):
    """Sequences of the first two shards of task 0."""
    return Sequences(seeds / "0")[[0, 5, PER, 2 * PER - 1]]


def names_of(folder, group=GROUP):
    """The arrays of a group."""
    return [path.parent.name for path in folder.glob(f"{group}.zarr/*/zarr.json")]


def put_shard(folder, source, group, shard, marker):
    """Put a shard of a group in the place of shard 0 of task 0, with its marker, or with one that fits its files."""
    files = {}
    for name in names_of(folder):
        old, new = (path / f"{own}.zarr/{name}/c" for path, own in ((source, group), (folder, GROUP)))
        shutil.rmtree(new / "0") if (new / "0").is_dir() else (new / "0").unlink()
        if (old / str(shard)).is_dir():
            shutil.copytree(old / str(shard), new / "0")
        else:
            shutil.copy(old / str(shard), new / "0")
        file = next(path for path in (new / "0", *(new / "0").rglob("*")) if path.is_file())
        files[file.relative_to(folder / f"{GROUP}.zarr").as_posix()] = file.read_bytes()
    if marker == "its own":
        shutil.copy(source / f"{group}.shards/{shard}.json", folder / f"{GROUP}.shards/0.json")
    elif marker == "forged":
        zarr_layout.mark(folder / f"{GROUP}.zarr", "0", files, None)


def put_group(folder, source, group, listed):
    """Put a whole group in the place of that of task 0, with its markers, and their checksums if `listed`."""
    sums = (folder / f"{GROUP}.shards/checksums").read_bytes()
    for ending in ("zarr", "shards"):
        shutil.rmtree(folder / f"{GROUP}.{ending}")
        shutil.copytree(source / f"{group}.{ending}", folder / f"{GROUP}.{ending}")
    if not listed:
        (folder / f"{GROUP}.shards/checksums").write_bytes(sums)


def put_forged_checksums(folder, source):
    """Put the shard of another seed, with a marker and checksums that fit it."""
    put_shard(folder, source, GROUP, 0, "forged")
    path = folder / f"{GROUP}.shards"
    lines = [sha256(path / name) for name in zarr_layout.marker_names(RECIPE.train // PER)]
    (path / "checksums").write_text("".join(f"{line}\n" for line in lines))


SHARDS = {
    "of another seed": (1, GROUP, 0),
    "of another task": (0, "dataset_1/train", 0),
    "of val": (0, "dataset_0/val", 0),
    "shard 1": (0, GROUP, 1),
}
SWAPPED = {
    f"{name}, with {marker} marker": (
        lambda folder, seeds, seed=seed, rest=(*rest, marker): put_shard(folder, seeds / str(seed), *rest)
    )
    for name, (seed, *rest) in SHARDS.items()
    for marker in ("the old", "its own", "forged")
}
WHOLE = {
    "the group of another seed": lambda folder, seeds: put_group(folder, seeds / "1", GROUP, True),
    "the group of another task": lambda folder, seeds: put_group(folder, seeds / "0", "dataset_1/train", True),
    "the group of val": lambda folder, seeds: put_group(folder, seeds / "0", "dataset_0/val", True),
    "the group of another seed, with the old checksums": lambda folder, seeds: put_group(
        folder, seeds / "1", GROUP, False
    ),
    "another seed, with forged checksums": lambda folder, seeds: put_forged_checksums(folder, seeds / "1"),
}


@pytest.fixture
def swapped(seeds, tmp_path):
    """A copy of the dataset in which something was put in the place of shard 0, by name."""

    def make(name):
        folder = Path(shutil.copytree(seeds / "0", tmp_path / name.replace(" ", "_")))
        (SWAPPED | WHOLE)[name](folder, seeds)
        return folder

    return make


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("name", SWAPPED)
def test_a_shard_of_other_rows_is_refused(swapped, good, library, monkeypatch, name, several):
    """Every time; the other shards can be read, and also the tasks and splits that nothing was done to."""
    if not several:
        monkeypatch.setattr(load_shards, "CACHE", 0)  # single rows are read by themselves
    folder = swapped(name)
    data = Sequences(folder)
    for rows in (0, [0], [0, 1, 2, 3], [PER, 0], [PER - 1]):
        with pytest.raises(DamageError, match=rf"{GROUP}\.(zarr|shards)/.*0.*: slvm-data repair "):
            data[rows]
    found = data[[PER, 2 * PER - 1]]
    assert all(found[name].equal(good[name][2:]) for name in good)
    Sequences(folder, tasks=[1])[0]
    Sequences(folder, "val")[0]


@pytest.mark.parametrize("name", WHOLE)
def test_a_group_of_other_rows_is_refused(swapped, library, name):
    """With its markers, and their checksums, which fit it, but not the manifest."""
    folder = swapped(name)
    with pytest.raises(DamageError, match=rf"{GROUP}\.(zarr|shards)"):
        Sequences(folder)[0]
    with pytest.raises(DamageError, match=rf"{GROUP}\.(zarr|shards)"):
        Sequences(folder)[[PER, PER + 1]]
    Sequences(folder, tasks=[1])[0]


@pytest.mark.parametrize("array", ["state", "image", "param_m"])
def test_one_array_of_other_rows_is_refused(seeds, library, tmp_path, array):
    """Whichever array is read, it is the one that was written, and the others can be read without it."""
    folder = Path(shutil.copytree(seeds / "0", tmp_path / "x"))
    for path in (seeds / "1" / f"{GROUP}.zarr/{array}/c").rglob("*"):
        if path.is_file():
            shutil.copy(path, folder / path.relative_to(seeds / "1"))
    with pytest.raises(DamageError, match=rf"{GROUP}\.zarr/{array}/c/0"):
        Sequences(folder)[0]
    Sequences(folder, fields=["time"])[0]


def test_a_shard_is_compared_once_and_again_in_a_copy(seeds, good, tmp_path):
    """Once per process."""
    folder = Path(shutil.copytree(seeds / "0", tmp_path / "x"))
    data = Sequences(folder)
    found = data[[0, 5]]
    assert all(found[name].equal(good[name][:2]) for name in good)
    SWAPPED["of another seed, with the old marker"](folder, seeds)
    with pytest.raises(DamageError, match=": slvm-data repair "):
        pickle.loads(pickle.dumps(data))[0]


FORKED = """
import os, resource, sys, warnings
from slvm_data.load import DamageError, Sequences
from slvm_data.store import tensors
warnings.simplefilter("ignore")
Sequences(sys.argv[1])[0]
assert tensors.works()
for folder in sys.argv[2:]:
    child = os.fork()
    if child == 0:
        assert not tensors.works()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            Sequences(folder)[0]
        except DamageError:
            os._exit(1 + (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > before + 2**18))
        except BaseException:
            os._exit(3)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def forked(good, folders):
    """What a forked process gets from these folders: 0 for a row, 1 for a DamageError, 2 for one that took memory."""
    command = [sys.executable, "-c", FORKED, *map(str, (good, *folders))]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    return list(map(int, run.stdout.split()))


def test_a_forked_process_refuses_other_rows_too(seeds, swapped):
    """After its parent has read by tensorstore, whose threads it does not have."""
    names = [*SWAPPED, *WHOLE]
    found = forked(seeds / "0", [seeds / "0", *map(swapped, names)])
    assert dict(zip(["as it was", *names], found, strict=True)) == {"as it was": 0} | dict.fromkeys(names, 1)


def checked(data):
    return data + google_crc32c.value(data).to_bytes(4, "little")


def zeros(size, claims):
    """A frame of zstd that claims one size, and unpacks to zeros of another."""
    parts = [min(2**17, size - start) for start in range(0, size, 2**17)]
    body = [(n << 3 | 1 << 1 | (i == len(parts) - 1)).to_bytes(3, "little") + b"\0" for i, n in enumerate(parts)]
    return b"\x28\xb5\x2f\xfd\xc0\x50" + claims.to_bytes(8, "little") + b"".join(body)


def put_chunks(folder, chunk, present=True, array="image"):
    """Put this in the place of each chunk of shard 0; marker, checksums and manifest vouch for it.

    `chunk` is a function of the size that a chunk should have; if it is not `present`, the index has no place for it.
    """
    group = folder / f"{GROUP}.zarr"
    own = Sharded.of((group / array / "zarr.json").read_bytes())
    body = checked(chunk(own.chunk_size))
    places = [[0, len(body)] if present else [2**64 - 1] * 2] * own.chunks
    vouch(folder, {f"{array}/{own.file(0)}": body + checked(np.array(places, "<u8").tobytes())})


def vouch(folder, files):
    """Write these files of a group; the marker of shard 0, the checksums and the manifest vouch for them."""
    group = folder / f"{GROUP}.zarr"
    for name, data in files.items():
        (group / name).write_bytes(data)
    every = {name: (group / name).read_bytes() for name in noted_files(group, "0")}
    zarr_layout.mark(group, "0", every, None)
    path = folder / f"{GROUP}.shards"
    lines = [sha256(path / name) for name in zarr_layout.marker_names(RECIPE.train // PER)]
    (path / "checksums").write_text("".join(f"{line}\n" for line in lines))
    with rewritten(folder) as content:
        content["files"][f"{GROUP}.zarr"]["sha256"] = sha256(path / "checksums")


FORGED = {
    "claims a terabyte": lambda folder: put_chunks(folder, lambda size: zeros(2**30, 2**40)),
    "claims a gigabyte": lambda folder: put_chunks(folder, lambda size: zeros(2**30, 2**30)),
    "claims less": lambda folder: put_chunks(folder, lambda size: zeros(size, size - 1)),
    "unpacks to a gigabyte": lambda folder: put_chunks(folder, lambda size: zeros(2**30, size)),
    "is followed by a gigabyte": lambda folder: put_chunks(
        folder, lambda size: zeros(size, size) + zeros(2**30, 2**30)
    ),
    "is no frame": lambda folder: put_chunks(folder, lambda size: bytes(size)),
    "is empty": lambda folder: put_chunks(folder, lambda size: b""),
    "is missing": lambda folder: put_chunks(folder, lambda size: zeros(size, size), present=False),
    "is missing, of another array": lambda folder: put_chunks(folder, lambda size: b"", present=False, array="time"),
    "the file is empty": lambda folder: vouch(folder, {"image/c/0/0/0": b""}),
    "the file has no index": lambda folder: vouch(folder, {"image/c/0/0/0": bytes(3)}),
}


def test_chunks_that_lie_are_refused(seeds, tmp_path, library):
    """F16: before memory is allocated, though marker, checksums and manifest vouch for them."""
    for number, (name, forge_it) in enumerate(FORGED.items()):
        folder = Path(shutil.copytree(seeds / "0", tmp_path / str(number)))
        forge_it(folder)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for rows in (0, [0, 1, 2, 3]):
            with pytest.raises(DamageError, match=rf"{GROUP}\.zarr is damaged, at (image|time), shard 0"):
                Sequences(folder)[rows]
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**18, name
        Sequences(folder)[PER]


def test_a_forked_process_refuses_chunks_that_lie_too(seeds, tmp_path):
    folders = [Path(shutil.copytree(seeds / "0", tmp_path / str(number))) for number in range(len(FORGED) + 1)]
    put_chunks(folders[0], lambda size: zeros(size, size))  # as they should be, though of zeros
    for folder, forge_it in zip(folders[1:], FORGED.values(), strict=True):
        forge_it(folder)
    assert dict(zip(["true", *FORGED], forked(seeds / "0", folders), strict=True)) == {"true": 0} | dict.fromkeys(
        FORGED, 1
    )


@contextmanager
def rewritten(folder):
    """The JSON of a manifest, to be changed at will: it is written again with the checksum that fits."""
    path = folder / manifest.NAME
    tree = json.loads(path.read_bytes())
    del tree["sha256"]
    yield tree
    digest = hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps(tree | {"sha256": digest}))


def forge(folder, members, name="dataset_0/train.npz", **array):
    """Put an archive of these members in a file's place, and let the manifest vouch for it."""
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in members:
            archive.writestr(member, data)
    with rewritten(folder) as content:
        content["files"][name] |= {"bytes": path.stat().st_size, "sha256": sha256(path)}
        for key, entry in array.items():
            content["files"][name]["arrays"][key] |= entry


def members(folder, name="dataset_0/train.npz"):
    with zipfile.ZipFile(folder / name) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


class Evil:
    """Leaves a trace where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_pickle_is_refused_and_does_nothing(folder, tmp_path):
    """F15."""
    data = io.BytesIO()
    np.lib.format.write_array(data, np.array([Evil(tmp_path / "trace")] * 50, object), allow_pickle=True)
    forge(folder, (members(folder) | {"state.npy": data.getvalue()}).items())
    with pytest.raises(DamageError, match=r"dataset_0/train.npz is damaged, at state: .*object"):
        Sequences(folder)
    assert not (tmp_path / "trace").exists()
    pickle.loads(pickle.dumps(Evil(tmp_path / "trace")))
    assert (tmp_path / "trace").exists()  # the trap is one


def header(shape, descr="|u1"):
    data = io.BytesIO()
    np.lib.format.write_array_header_1_0(data, {"descr": descr, "fortran_order": False, "shape": shape})
    return data.getvalue()


def test_a_header_that_lies_is_refused(folder):
    """F16: from the sizes, before anything is read or room is made."""
    huge = (50, 4, 10**6, 256_000)
    forge(folder, (members(folder) | {"image.npy": header(huge) + bytes(100)}).items(), image={"shape": list(huge)})
    with pytest.raises(ValueError, match=r"pendulum3 takes 6400\.0 GB of memory"):
        Sequences(folder, tasks=[0])
    forge(folder, (members(folder) | {"image.npy": header((50, 4, 32, 33))}).items(), image={"shape": [50, 4, 32, 32]})
    with pytest.raises(DamageError, match="at image: its header promises"):
        Sequences(folder)


def test_a_zip_bomb_is_refused_from_its_sizes(folder):
    """Its directory claims a thousand times what deflate can hold."""
    forge(folder, members(folder).items())
    path = folder / "dataset_0/train.npz"
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = (2**32 - 2).to_bytes(4, "little")
    path.write_bytes(data)
    with rewritten(folder) as content:
        content["files"]["dataset_0/train.npz"]["sha256"] = sha256(path)
    with pytest.raises(DamageError, match=r"at image: it claims 4294967294 bytes, and .* cannot hold so many"):
        Sequences(folder)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_odd_members_are_refused(folder):
    good = list(members(folder).items())
    for more in ([good[0]], [("../../evil.npy", good[0][1])], [("/etc/x.npy", b"")]):
        forge(folder, good + more)
        with pytest.raises(
            DamageError, match=r"dataset_0/train\.npz is damaged, at its directory: its members are not"
        ):
            Sequences(folder)
    assert not (folder.parent / "evil.npy").exists()


def test_an_array_that_is_not_the_manifest_s_is_refused(folder):
    forge(folder, members(folder).items(), state={"dtype": "float64"})
    with pytest.raises(DamageError, match=r"at state: it is float32 [(\[]50, 4, 2[)\]], not float64"):
        Sequences(folder)
    good = members(folder)
    del good["label.npy"]
    forge(folder, good.items(), state={"dtype": "float32"})
    with pytest.raises(DamageError, match="it has no label"):
        Sequences(folder)


@pytest.mark.parametrize(
    "name", ["../outside/train.npz", "/abs/train.npz", "a\0b/train.npz", "CON/train.npz", "x" * 300]
)
def test_a_manifest_that_leads_out_of_the_folder_is_refused(folder, name):
    """F17."""
    with rewritten(folder) as content:
        content["files"] = {name: content["files"]["dataset_0/train.npz"]}
    with pytest.raises(DamageError, match=r"dataset\.json is damaged: dataset\.json: the name .* cannot be"):
        Sequences(folder)


@pytest.mark.parametrize(
    ("array", "change", "message"),
    [
        ("image", {"shape": [40, 4, 32, 32]}, r"image is \[40, 4, 32, 32\] for 50 rows"),
        ("state", {"shape": [50, -4, 2]}, r"arrays: 'state': shape = \[50, -4, 2\] is not that of rows"),
        ("state", {"shape": [50, 4.0, 2]}, r"arrays: 'state': shape: 1 has to be a whole number, and is 4\.0"),
        ("state", {"shape": []}, r"arrays: 'state': shape = \[\] is not that of rows"),
        ("state", {"dtype": "object"}, "arrays: 'state': dtype = 'object' is not that of numbers"),
        ("state", {"dtype": "nonsense"}, "arrays: 'state': dtype = 'nonsense' is not that of numbers"),
        ("state", {"rows": 50}, "arrays: 'state' has the unknown key 'rows'"),
    ],
)
def test_a_manifest_whose_arrays_do_not_fit_together_is_refused(folder, array, change, message):
    with rewritten(folder) as content:
        content["files"]["dataset_0/train.npz"]["arrays"][array] |= change
    place = r"dataset\.json is damaged: dataset\.json: files: 'dataset_0/train\.npz': "
    with pytest.raises(DamageError, match=place + message):
        Sequences(folder)


def test_a_manifest_without_a_recipe_is_refused(folder):
    with rewritten(folder) as content:
        del content["recipe"]
    with pytest.raises(DamageError, match=r"dataset\.json is damaged: dataset\.json lacks recipe"):
        Sequences(folder)


def test_frames_that_are_not_bits_are_refused(folder):
    good = members(folder)
    image = bytearray(good["image.npy"])
    image[-7] = 2
    forge(folder, (good | {"image.npy": bytes(image)}).items())
    with pytest.raises(DamageError, match="at image: its frames are of 0 and 1"):
        Sequences(folder)


def test_more_than_the_memory_is_refused_before_it_is_read(folder, monkeypatch):
    monkeypatch.setattr(os, "sysconf", lambda name: 100)
    with pytest.raises(
        ValueError, match=r"takes 0\.0 GB of memory, and there are 0\.0: ask for less with tasks, fields"
    ):
        Sequences(folder)


def test_a_folder_in_a_file_s_place(folder):
    path = folder / "dataset_1/train.npz"
    path.unlink()
    path.mkdir()
    with pytest.raises(DamageError, match=r"dataset_1/train\.npz is no file"):
        Sequences(folder)


def test_a_folder_that_was_moved_and_is_read_only(folder, tmp_path, monkeypatch):
    """F19."""
    before = read_all(folder)
    moved = folder.rename(tmp_path / "elsewhere")
    for path in (moved, *moved.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    after = read_all(moved)
    assert all(before[name].equal(after[name]) for name in before)
    monkeypatch.chdir(moved)
    assert len(Sequences(".")) == 150


@pytest.mark.parametrize("version", sorted(path.name for path in FORMATS.iterdir()))
def test_every_format_is_read_for_ever(version):
    """F18: files that an earlier version wrote by scripts/format_fixtures.py, and what stands in them."""
    expected = json.loads((FORMATS / version / "expected.json").read_text())
    for name, first in (("mixed/dataset_10/train.npz", 2 * 10), ("sharded/train.zarr", 0)):
        sequence = expected[name]
        item = Sequences(FORMATS / version / name.split("/")[0])[first + sequence.pop("row")]
        image = ["".join(str(int(x)) for x in row) for row in item["image"][2, 0].tolist()]
        assert image == sequence.pop("image")
        check(item, sequence)
    folder, window = FORMATS / version / "windows", expected["windows/train.npz"]
    check(Windows(folder)[window.pop("row")], window)
    name, trajectory = "series-train.npz", expected["windows/series-train.npz"]
    entry = manifest.read(folder).series[name]
    assert npz.fault(folder / name, entry) is None
    found, row = npz.read(folder / name), trajectory.pop("row")
    assert found.keys() == trajectory.keys()
    check({key: array[row] for key, array in found.items()}, trajectory)


def check(item, expected):
    for name, value in expected.items():
        found = np.asarray(item[name])
        own = found[tuple(map(slice, np.shape(value))) + (0,) * (found.ndim - np.ndim(value))]
        assert np.array_equal(own, np.array(value, found.dtype)), name


def test_a_newer_format_is_refused(folder):
    with rewritten(folder) as content:
        content["format_version"] = manifest.VERSION + 1
    with pytest.raises(DamageError, match="has format 2, newer than 1: update slvm-data"):
        Sequences(folder)
