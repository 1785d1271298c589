"""Copies and files of one tiny dataset, opened by the libraries of others, by the lines that the documentation shows.

Libraries too large to be installed for tests run in `scripts/try_readers.py`.
"""

import base64
import dataclasses
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from slvm_data import RECIPES, generate, open_xarray
from slvm_data.arrays import dimensions
from slvm_data.core.errors import DamageError
from slvm_data.core.names import hub_split
from slvm_data.export import croissant, parquet
from slvm_data.run.conversion import convert
from slvm_data.run.push import push
from slvm_data.store import card, dataset_view, formats, manifest, zarr_layout

SIZES = {"train": 5, "val": 3, "test": 2}
NASCAR = RECIPES["nascar"]
SETS = {
    "pendulum3": dataclasses.replace(RECIPES["pendulum3"], **SIZES, steps=4),
    "windows": dataclasses.replace(
        NASCAR, name="windows", **SIZES, steps=400, windows=dataclasses.replace(NASCAR.windows, series=True, gap=5)
    ),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folder of a set in some format, written once."""
    place, found = tmp_path_factory.mktemp("sets"), {}

    def folder(name, ending="npz"):
        if (name, ending) not in found:
            path = place / f"{name}.{ending}"
            own = ending in formats.OWN
            found[name, ending] = generate(SETS[name], path, format=ending) if own else convert(folder(name), path)
        return found[name, ending]

    return folder


@pytest.fixture(scope="module")
def load_dataset(tmp_path_factory):
    """`datasets.load_dataset` without a network, and with a cache of its own."""
    with pytest.MonkeyPatch.context() as patch:
        cache = str(tmp_path_factory.mktemp("hugging_face"))
        for name, value in {"HF_HOME": cache, "HF_DATASETS_OFFLINE": "1"}.items():
            patch.setenv(name, value)
        import datasets

        patch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)  # if it was imported before
        yield lambda *words, **options: datasets.load_dataset(*words, **options, cache_dir=cache)


def arrays_of(folder, split):
    """The arrays of each file of a split, in the order of tasks."""
    found = []
    for name, _ in manifest.read(folder).of_split(split):
        with np.load(folder / name, allow_pickle=False) as data:
            found.append(dict(data))
    return found


def together(folder, split):
    """The arrays of all tasks, one after the other."""
    every = arrays_of(folder, split)
    return {name: np.concatenate([arrays[name] for arrays in every]) for name in every[0]}


@pytest.mark.parametrize("split", SIZES)
def test_a_folder_of_parquet_is_one_split_of_all_tasks(made, split):
    """Read by pandas and Arrow without a word about files; what is nested becomes an array in one line."""
    import pandas
    from pyarrow import parquet as arrow

    folder, expected = made("pendulum3", "parquet") / split, together(made("pendulum3"), split)
    table = pandas.read_parquet(folder)
    assert table["label"].tolist() == [0] * SIZES[split] + [1] * SIZES[split] + [2] * SIZES[split]
    np.testing.assert_array_equal(table["param_l"], expected["param_l"])
    frames = np.stack([np.stack([*map(np.stack, rows)]) for rows in table["image"]])
    assert frames.dtype == np.uint8
    np.testing.assert_array_equal(frames, expected["image"])
    np.testing.assert_array_equal(np.stack([np.stack(rows) for rows in table["state"]]), expected["state"])
    np.testing.assert_array_equal(np.stack(table["time"]), expected["time"])
    nested = arrow.read_table(folder, columns=["image"])["image"].to_pylist()
    np.testing.assert_array_equal(np.array(nested, np.uint8), expected["image"])


def test_uncut_trajectories_of_parquet_have_folders_of_their_own(made):
    import pandas

    folder = made("windows", "parquet")
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet")}
    assert files == {f"{kind}{split}/data-00000-of-00001.parquet" for kind in ("", "series-") for split in SIZES}
    assert len(pandas.read_parquet(folder / "train")) == SIZES["train"]
    assert "signal" in pandas.read_parquet(folder / "series-train")
    content = manifest.read(folder)
    assert {name.split("/")[0] for name in content.series} == {f"series-{split}" for split in SIZES}


@pytest.mark.parametrize("folders", ["series-{i}", "run-0{i}", "{i}-00001-of-00002"])
@pytest.mark.parametrize("ending", ["parquet", "tar"])
def test_folders_of_tasks_may_look_like_names_of_ours(tmp_path, folders, ending):
    """Their numbers are not those of parts, and their sequences are no uncut trajectories."""
    recipe = dataclasses.replace(SETS["pendulum3"], folder=folders, train=2, val=0, test=0)
    content = manifest.read(convert(generate(recipe, tmp_path / "x"), tmp_path / f"y.{ending}"))
    assert not content.series
    assert [entry.task for entry in content.files.values()] == [0, 1, 2]
    names = [record["name"] for record in croissant.describe(content)["recordSet"]]
    order = "train-{}" if ending == "parquet" else "{}-train"
    assert names == [order.format(task) for task in recipe.folders()]
    if ending == "parquet":
        assert [config.name for config in parquet.configs(content)] == ["default", *recipe.folders()]


def test_datasets_gives_small_integers(made, load_dataset):
    """With `dtype=None`, where its formats otherwise make 64 bits of each pixel and 32 of each time."""
    import torch

    table = load_dataset(str(made("pendulum3", "parquet")), split="train").remove_columns("preview")
    batch = next(
        iter(torch.utils.data.DataLoader(table.with_format("torch", dtype=None), batch_size=3 * SIZES["train"]))
    )
    for name, array in together(made("pendulum3"), "train").items():
        expected = array[:, 0] if name == "label" else array
        assert str(batch[name].dtype) == f"torch.{expected.dtype}", name
        np.testing.assert_array_equal(batch[name].numpy(), expected, err_msg=name)


class Hub(BaseHTTPRequestHandler):
    """Answers what `huggingface_hub` asks to write a repository, and keeps its files."""

    files: dict[str, bytes]
    blobs: dict[str, bytes]
    refusal = ""
    full = False

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = {"error": self.refusal} if self.refusal else self._answer(self.path.split("?")[0], body)
        self.send_response(403 if self.refusal else 200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())

    do_GET = do_POST  # noqa: N815

    def do_PUT(self):
        """Keep the bytes of a large file, as Git LFS sends them, under their checksum."""
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if self.full:
            self.send_error(507, "Insufficient Storage")
            return
        assert self.path == f"/blobs/{hashlib.sha256(data).hexdigest()}"
        self.blobs[self.path.rpartition("/")[2]] = data
        self.send_response(200)
        self.end_headers()

    def _answer(self, path, body):
        here = f"http://127.0.0.1:{self.server.server_port}/datasets/me/made"
        if path.endswith("/create"):
            return {"url": here}
        if "/tree/" in path:
            return [{"type": "file", "path": name, "size": 1, "oid": "0"} for name in self.files]
        if "/preupload/" in path:
            asked = [file["path"] for file in json.loads(body)["files"]]
            modes = ["lfs" if path.endswith(".parquet") else "regular" for path in asked]
            fields = ("path", "uploadMode", "shouldIgnore")
            rows = [(*file, False) for file in zip(asked, modes, strict=True)]
            return {"files": [dict(zip(fields, row, strict=True)) for row in rows]}
        if path.endswith("/info/lfs/objects/batch"):
            return {"transfer": "basic", "objects": [self._large(one) for one in json.loads(body)["objects"]]}
        for change in map(json.loads, body.splitlines() if "/commit/" in path else ()):
            if change["key"] == "file":
                self.files[change["value"]["path"]] = base64.b64decode(change["value"]["content"])
            elif change["key"] == "lfsFile":
                self.files[change["value"]["path"]] = self.blobs[change["value"]["oid"]]
            elif change["key"] == "deletedFile":
                del self.files[change["value"]["path"]]
        return {"commitUrl": f"{here}/commit/0", "commitOid": "0" * 40, "errors": [], "warnings": []}

    def _large(self, asked):
        """Where to send a large file; one that the repository has is not asked for."""
        href = f"http://127.0.0.1:{self.server.server_port}/blobs/{asked['oid']}"
        return asked | ({} if asked["oid"] in self.blobs else {"actions": {"upload": {"href": href, "header": {}}}})


SENDING = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # huggingface_hub with httpx


@pytest.fixture
def hub(monkeypatch):
    """A Hub of our own, with a repository that has files already."""
    import huggingface_hub

    handler = type("Own", (Hub,), {"files": {"train/old.parquet": b"", "LICENSE": b""}, "blobs": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)  # a protocol of its own, for large files
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "hf_mine")
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield handler
    server.shutdown()
    thread.join()
    server.server_close()


@SENDING
@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("ending", ["npz", "parquet"])
def test_what_is_pushed_is_the_copy_and_loads_again(made, hub, load_dataset, tmp_path, name, ending):
    """Every configuration and split; pictures, and every array of every sequence."""
    assert push(made(name, ending), "me/made").endswith("/datasets/me/made")
    copy = made(name, "parquet")
    ours = {path.relative_to(copy).as_posix(): path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    assert hub.files == ours | {"LICENSE": b""}
    large = [data for path, data in ours.items() if path.endswith(".parquet")]
    assert {hashlib.sha256(data).hexdigest() for data in large} == hub.blobs.keys()
    for path, data in hub.files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    content = manifest.read(copy)
    for config in parquet.configs(content):
        for split in config.paths:
            _compare(load_dataset(str(tmp_path), config.name, split=hub_split(split)), made(name), config, split)


def _compare(table, folder, config, split):
    content = manifest.read(folder)
    kind = content.series if config.name == "series" else content.files
    files = [file for file, entry in kind.items() if entry.split == split]
    some = [file for file in files if config.name in ("default", "series", Path(file).parts[0])]
    every = [npz_of(folder, file) for file in some]
    expected = {key: np.concatenate([arrays[key] for arrays in every]) for key in every[0]}
    rows = table.with_format("numpy", dtype=None)[:]
    for key, array in expected.items():
        np.testing.assert_array_equal(rows[key], array[:, 0] if key == "label" else array)
    for row, frames in zip(table, expected.get("image", ()), strict=False):
        shown = np.concatenate(frames[np.unique(np.linspace(0, len(frames) - 1, parquet.FRAMES).astype(int))], axis=1)
        np.testing.assert_array_equal(np.asarray(row["preview"]), 255 * shown)


def test_parquet_has_an_index_of_its_pages(made):
    from pyarrow import parquet as arrow

    for path in made("pendulum3", "parquet").rglob("*.parquet"):
        column = arrow.ParquetFile(path).metadata.row_group(0).column(0)
        assert column.has_offset_index
        assert column.has_column_index


@SENDING
def test_what_cannot_be_pushed_is_a_sentence(made, hub, monkeypatch, tmp_path):
    import huggingface_hub

    with pytest.raises(ValueError, match=r"^repo = 'a b' cannot be a repository: write NAME or OWNER/NAME, of lett"):
        push(made("pendulum3"), "a b")
    with pytest.raises(ValueError, match=r"pendulum3.h5 is a copy in hdf5: push the dataset that it was made from$"):
        push(made("pendulum3", "h5"), "me/made")
    with pytest.raises(DamageError, match=r"holds no dataset: dataset\.json is missing"):
        push(tmp_path, "me/made")
    hub.refusal = "You have no right to do this"
    with pytest.raises(
        ValueError, match=r"^me/made cannot be written to the Hugging Face Hub: You have no right to do"
    ):
        push(made("pendulum3", "parquet"), "me/made")
    hub.refusal, hub.full = "", True
    with pytest.raises(ValueError, match=r"Error while uploading '.*parquet' to the Hub. \(.*Insufficient Storage"):
        push(made("pendulum3", "parquet"), "me/made")
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    with pytest.raises(
        ValueError, match=r"^there is no token for the Hugging Face Hub: call `hf auth login`, or set HF_"
    ):
        push(made("pendulum3"), "me/made")
    assert hub.files.keys() == {"train/old.parquet", "LICENSE"}


def test_a_copy_that_is_damaged_is_not_pushed(made, hub, tmp_path):
    copy = convert(made("pendulum3"), tmp_path / "x.parquet")
    path = next((copy / "train").iterdir())
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamageError, match=r"train/dataset_\d-00000-of-00001.parquet has \d+ bytes instead of \d+"):
        push(copy, "me/made")
    assert hub.files.keys() == {"train/old.parquet", "LICENSE"}


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.parametrize("ending", ["parquet", "h5", "tar"])
def test_the_lines_of_the_card_run(made, monkeypatch, load_dataset, ending):
    """In the copy's own folder; they read the first file."""
    monkeypatch.chdir(made("pendulum3", ending))
    exec(card.reading(manifest.read(made("pendulum3", ending))), found := {})
    expected = arrays_of(made("pendulum3"), "train")[0]
    last = (-1,) if ending == "tar" else (slice(None),)  # a loop over samples
    for name in ("image", "state"):
        assert found[name].dtype == expected[name].dtype
        np.testing.assert_array_equal(found[name], expected[name][last])


@pytest.mark.parametrize("name", SETS)
def test_xarray_opens_hdf5_with_named_axes(made, name):
    """As netCDF-4; what only holds the length of an axis is no array there."""
    import xarray

    content = manifest.read(made(name, "h5"))
    for file, entry in (content.files | content.series).items():
        with xarray.open_dataset(made(name, "h5") / file, engine="h5netcdf") as data:
            found = {key: value.dims for key, value in data.variables.items()}
            assert found == dimensions({key: form.shape for key, form in entry.arrays.items()})
            assert data["time"].attrs["units"] == "s"
    with xarray.open_dataset(made(name, "h5") / file, engine="h5netcdf") as data:
        expected = npz_of(made(name), file)
        for key, value in data.variables.items():
            np.testing.assert_array_equal(value, expected[key])


def npz_of(folder, file):
    path = folder / file
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as data:
        return dict(data)


def test_xarray_opens_zarr_with_named_axes(made):
    """The line of the documentation unpacks the frames."""
    import xarray

    path = made("pendulum3", "zarr") / "dataset_1/train.zarr"
    data, expected = xarray.open_zarr(path, consolidated=False), arrays_of(made("pendulum3"), "train")[1]
    frame = data["image"].attrs["packed_frame"]
    frames = np.unpackbits(data["image"], axis=-1).reshape(*data["image"].shape[:2], *frame)
    np.testing.assert_array_equal(frames, expected["image"])
    assert data["state"].dims == ("sequence", "frame", "state_component")
    np.testing.assert_array_equal(data["state"].isel(state_component=0), expected["state"][..., 0])


@pytest.mark.parametrize("dask", [True, False])
@pytest.mark.parametrize("ending", formats.OWN)
@pytest.mark.parametrize("name", SETS)
def test_open_xarray(made, monkeypatch, name, ending, dask):
    """Every file, with the numbers of the .npz, as they are there, but for labels without their axis of length 1."""
    monkeypatch.setattr(dataset_view, "find_spec", lambda package: dask)
    content = manifest.read(made(name, ending))
    for kind in ("files", "series"):
        for file, entry in getattr(content, kind).items():
            data = open_xarray(made(name, ending), entry.split, entry.task, series=kind == "series")
            expected = npz_of(made(name), file)
            expected["label"] = expected["label"][:, 0]
            axes = dimensions({key: form.shape for key, form in entry.arrays.items()}) | {"label": ("sequence",)}
            assert {key: value.dims for key, value in data.variables.items()} == axes
            assert set(data.coords) == {"label", "time"}
            lazy = {key for key, value in data.variables.items() if value.chunks}
            assert lazy == (set(axes) if dask and ending == "zarr" else set())
            for key, value in data.variables.items():
                assert value.dtype == expected[key].dtype
                np.testing.assert_array_equal(value, expected[key])
                assert value.attrs["meaning"] == content.arrays[key].meaning
                assert value.attrs.get("units", "") == content.arrays[key].unit


def test_open_xarray_reads_a_shard_when_it_is_asked_for(tmp_path, monkeypatch):
    """Damage is known when that shard is read; in an .npz at once."""
    monkeypatch.setattr(zarr_layout, "SHARD", 1)
    folder = generate(dataclasses.replace(SETS["pendulum3"], train=300), tmp_path / "x", format="zarr")
    hurt = folder / "dataset_2/train.zarr/image/c/1/0/0"
    data = hurt.read_bytes()
    hurt.write_bytes(data[:9] + bytes([data[9] ^ 1]) + data[10:])
    found = open_xarray(folder, task=2)
    first = found.chunks["sequence"][0]
    assert len(found.chunks["sequence"]) > 1
    assert found["image"][:first].values.any()
    with pytest.raises(DamageError, match=r"train\.zarr.*image"):
        found["image"][first:].load()


def test_open_xarray_refuses(made, only):
    folder = made("pendulum3")
    with pytest.raises(ValueError, match=r"split = 'valid' does not exist in .*, which has train, val, test"):
        open_xarray(folder, "valid")
    with pytest.raises(ValueError, match=r"task = 3 does not exist in .*, whose tasks in train are 0 … 2"):
        open_xarray(folder, task=3)
    with pytest.raises(ValueError, match="task = 'a' "):
        open_xarray(folder, task="a")
    with pytest.raises(ValueError, match="has no uncut trajectories: leave series out"):
        open_xarray(folder, series=True)
    with pytest.raises(ValueError, match="is a copy for other libraries: open the dataset that it was made from"):
        open_xarray(made("pendulum3", "parquet"))
    with only(()), pytest.raises(ValueError, match=r"needs a package .*: pip install 'slvm-data\[xarray\]'"):
        open_xarray(folder)


def test_what_the_script_prints_stands_in_the_documentation():
    root = Path(__file__).parents[2]
    script, page = ((root / name).read_text() for name in ("scripts/try_readers.py", "docs/convert.md"))
    readers = re.findall(r'^    "([\w-]+)": \w+,$', script, re.M)
    assert len(readers) == 5
    assert re.findall(r"^([\w-]+) \d[\w.]*: ", page.split("## Tried with")[1], re.M) == readers
