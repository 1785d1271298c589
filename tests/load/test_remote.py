"""Datasets at a URL: as on disk, bit for bit, or an error in a sentence."""

import pickle
import shutil
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
import torch

from slvm_data.load import DamageError, DataModule, Episodes, Sequences
from slvm_data.load import shards as load_shards
from slvm_data.run.conversion import convert
from slvm_data.store import tensors

SECRET = "secret"  # bucket that only those with credentials may read


class Handler(BaseHTTPRequestHandler):
    """Answers what readers ask of such servers: a file, or a range of it."""

    protocol_version = "HTTP/1.1"
    folder: Path
    asked: list[tuple[str, str]]  # paths, and ranges
    ranges = True
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        if path.startswith("/storage/v1/b/"):  # as Google names an object
            path = "/" + path.removeprefix("/storage/v1/b/").replace("/o/", "/", 1)
        self.asked.append((path, self.headers.get("Range", "")))
        if path.startswith(f"/{SECRET}/") and "Credential=me/" not in self.headers.get("Authorization", ""):
            return self._send(403, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")
        file = self.folder / path.removeprefix(f"/{SECRET}").lstrip("/")
        if not file.is_file():
            return self._send(404, b"")
        data, asked = file.read_bytes(), self.headers.get("Range") if self.ranges else None
        if not asked:
            return self._send(200, data)
        first, last = (int(n) for n in asked.removeprefix("bytes=").split("-"))
        part = data[first : last + 1]
        return self._send(206, part, {"Content-Range": f"bytes {first}-{first + len(part) - 1}/{len(data)}"})

    def _send(self, status, data, more=()):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), "ETag": '"1"', **dict(more)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def serving(folder: Path, **options) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The address of a server of a folder, and the list of what it is asked."""
    handler = type("Own", (Handler,), {"folder": folder, "asked": [], **options})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", handler.asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    """No credentials, and one try more where nothing answers."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(tensors, "RETRIES", {"max_retries": 1, "initial_delay": "10ms"})


@pytest.fixture(scope="module")
def bucket(tmp_path_factory, sharded):
    """A folder with a dataset."""
    place = tmp_path_factory.mktemp("server") / "bucket"
    shutil.copytree(sharded, place / "pendulum3")
    return place


@pytest.fixture(scope="module")
def server(bucket):
    with serving(bucket.parent) as (address, asked):
        yield address, asked


@pytest.fixture(params=["s3://bucket", "gs://bucket", "http"])
def place(request, server, monkeypatch):
    """The URL of a folder of datasets, of each kind."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server[0])
    monkeypatch.setenv("TENSORSTORE_GCS_HTTP_URL", server[0])
    return request.param if "://" in request.param else f"{server[0]}/bucket"


@pytest.fixture
def copy(bucket, tmp_path):
    """A dataset to damage, and where it is read."""
    folder = tmp_path / "pendulum3"
    shutil.copytree(bucket / "pendulum3", folder)
    with serving(tmp_path) as (address, _):
        yield folder, f"{address}/pendulum3"


def same(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        torch.testing.assert_close(found[name], array, rtol=0, atol=0, equal_nan=True)
        assert found[name].dtype == array.dtype


def test_items_are_those_on_disk(place, bucket):
    """Whole, windowed, by episode, and once everything is in memory."""
    pairs = [
        (kind(f"{place}/pendulum3", **options), kind(bucket / "pendulum3", **options))
        for kind, options in (
            (Sequences, {}),
            (Sequences, {"window": 3, "tasks": [1], "fraction": 0.5}),
            (Episodes, {"context": 5}),
        )
    ]
    for there, here in pairs:
        rows = [*range(0, len(here), 7), len(here) - 1, 1]
        same(there[rows], here[rows])
        same(there[3], here[3])
    same(pairs[0][0].to_memory()[:], pairs[0][1][:])
    assert repr(pairs[0][0]).startswith(f"Sequences('{place}/pendulum3', 'train'): 600 items")


def test_a_loader_takes_what_a_person_has_at_hand(server, bucket):
    """A path of a URL, a root of another loader, one with a slash at its end; a worker is sent a copy."""
    first = Sequences(f"{server[0]}/bucket/pendulum3/")
    for root in (first.root, Path(f"{server[0]}/bucket/pendulum3")):
        same(Sequences(root)[5], first[5])
    same(pickle.loads(pickle.dumps(first))[5], first[5])
    module = DataModule(str(first.root), batch_size=4)
    same(next(iter(module.val_dataloader())), Sequences(bucket / "pendulum3", "val")[:4])
    loader = DataModule(str(first.root), workers=1).train_dataloader()
    assert loader.multiprocessing_context.get_start_method() == "spawn"


def test_what_was_read_stays_in_memory_within_bounds(server, monkeypatch):
    address, asked = server
    dataset = Sequences(f"{address}/bucket/pendulum3", fields=("image",), cache=1)
    assert dataset._columns.shards.cache.most == 10**6
    counts = []
    for _ in range(2):
        asked.clear()
        dataset[:130]
        counts.append(sum("/image/c/" in path for path, _ in asked))
    assert counts == [3, 0]
    assert not any("/state/c/" in path for path, _ in asked)
    monkeypatch.setattr(load_shards, "CACHE", 0)
    dataset = Sequences(f"{address}/bucket/pendulum3", fields=("image",))
    for _ in range(2):
        asked.clear()
        for start in (0, 64, 128):
            dataset[start]
        counts.append(sum("/image/c/" in path for path, _ in asked))
    assert counts == [3, 0, 3, 3]


def test_no_more_is_asked_for_than_a_file_may_have(server):
    address, asked = server
    asked.clear()
    Sequences(f"{address}/bucket/pendulum3")
    assert asked[0] == ("/bucket/pendulum3/dataset.json", f"bytes=0-{2**28}")


def test_a_server_that_knows_no_ranges_will_do(bucket):
    with serving(bucket.parent, ranges=False) as (address, _):
        same(Sequences(f"{address}/bucket/pendulum3", "test")[:], Sequences(bucket / "pendulum3", "test")[:])


def test_credentials_open_a_bucket_that_is_not_for_everybody(server, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", server[0])
    with pytest.raises(PermissionError, match=r"^s3://secret/bucket/pendulum3/dataset.json cannot be read: it is not "):
        Sequences(f"s3://{SECRET}/bucket/pendulum3")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "me")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "mine")
    assert len(Sequences(f"s3://{SECRET}/bucket/pendulum3")) == 600


@pytest.mark.parametrize("fault", ["altered", "cut", "longer chunks", "missing", "other marker", "no marker"])
@pytest.mark.parametrize("late", [True, False], ids=["late", "at once"])
def test_what_is_not_as_it_was_written_is_never_given_out(copy, bucket, fault, late):
    folder, url = copy
    dataset = Sequences(url)
    file = sorted((folder / "dataset_0/train.zarr/image/c").rglob("*/0/0"))[0]
    marker, data = folder / "dataset_0/train.shards/0.json", file.read_bytes()
    match fault:
        case "altered":
            file.write_bytes(bytes([data[0] ^ 1]) + data[1:])
        case "cut":
            file.write_bytes(data[:-1])
        case "longer chunks":
            file.write_bytes(b"x" + data)
        case "missing":
            file.unlink()
        case "other marker":
            marker.write_bytes((folder / "dataset_0/train.shards/1.json").read_bytes())
        case "no marker":
            marker.unlink()
    with pytest.raises(DamageError, match=r"train\.(zarr|shards)/.*(checksum|instead of|missing|not what was written)"):
        dataset[0] if late else dataset.to_memory()
    same(dataset[[100, 599]], Sequences(bucket / "pendulum3")[[100, 599]])


def test_a_dataset_that_was_replaced_is_not_mixed_with_the_new_one(copy, bucket):
    """The new one stands at the same place; the old manifest does not describe it."""
    folder, url = copy
    dataset = Sequences(url)
    for name in ("train.zarr", "train.shards"):
        shutil.rmtree(folder / f"dataset_0/{name}")
        shutil.copytree(folder / f"dataset_1/{name}", folder / f"dataset_0/{name}")
    with pytest.raises(DamageError, match=r"train\.shards/0\.json is not what was written"):
        dataset[0]
    with pytest.raises(DamageError, match=r"train\.zarr is damaged: its markers are not those that were written"):
        Sequences(url)


NONE = "{} holds no dataset: dataset.json, or the bucket or server, is missing"
ODD = "root = '{}' is no URL that can be read: give s3://BUCKET/…, gs://BUCKET/… or https://…"


@pytest.mark.parametrize(
    ("root", "error", "sentence"),
    [
        ("{}/bucket/nothing", DamageError, NONE.format("{}/bucket/nothing")),
        ("s3://nobucket/x", DamageError, NONE.format("s3://nobucket/x")),
        ("s3://b/x", ConnectionError, 's3://b/x/dataset.json cannot be read: Invalid S3 bucket name: "b"'),
        (
            "http://127.1:9/x",
            ConnectionError,
            "http://127.1:9/x/dataset.json cannot be read: could not connect to server",
        ),
        ("ftp://server/x", ValueError, ODD.format("ftp://server/x")),
        ("s3://", ValueError, ODD.format("s3://")),
    ],
)
def test_what_cannot_be_read_is_a_sentence(server, monkeypatch, root, error, sentence):
    monkeypatch.setenv("AWS_ENDPOINT_URL", server[0])
    with pytest.raises(error) as caught:
        Sequences(root.format(server[0]))
    assert str(caught.value) == sentence.format(server[0])


def test_npz_is_refused_at_a_url(bucket, tmp_path):
    convert(bucket / "pendulum3", tmp_path / "plain", to="npz")
    with (
        serving(tmp_path) as (address, _),
        pytest.raises(ValueError, match=r"/plain is in npz, and from a URL only Zarr"),
    ):
        Episodes(f"{address}/plain")


def test_threads_share_what_was_read(bucket, server, monkeypatch):
    """As those of Grain do; the cache has room for some of the shards."""
    whole = Sequences(bucket / "pendulum3").to_memory()
    dataset = Sequences(f"{server[0]}/bucket/pendulum3", fields=("index", "state"))
    shards = dataset._columns.shards
    monkeypatch.setattr(load_shards, "CACHE", 3 * 64 * shards.row_size)
    interval, order = sys.getswitchinterval(), np.random.default_rng(0).integers(0, len(dataset), 800).tolist()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(dataset.__getitem__, order))
    finally:
        sys.setswitchinterval(interval)
    assert [int(index) for index, _ in found] == order
    torch.testing.assert_close(torch.stack([state for _, state in found]), whole[order]["state"], rtol=0, atol=0)
    assert shards.cache._size == sum(array.nbytes for rows in shards.cache._shards.values() for array in rows.values())


def test_a_forked_worker_is_told_to_be_spawned(server, monkeypatch):
    dataset = Sequences(f"{server[0]}/bucket/pendulum3")
    monkeypatch.setattr(tensors, "works", lambda: False)
    with pytest.raises(RuntimeError, match="in a forked process: give the DataLoader multiprocessing_context='spawn'"):
        dataset[0]
