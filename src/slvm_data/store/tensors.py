"""The engine of Zarr: tensorstore. Its threads do not survive a fork, so it is noted which processes have used it."""

from __future__ import annotations

import json
import os
from functools import lru_cache
from pathlib import Path
from threading import get_ident
from typing import Any

import numpy as np
import tensorstore

from slvm_data.store.zarr_metadata import Sharded

CACHE = 2**28  # bytes that are kept for a group: indices of shards, and chunks that were just read
KEPT = 256  # arrays in memory that are kept for the next shard, empty: as many threads write as many arrays
RETRIES = {"max_retries": 4, "initial_delay": "0.5s", "max_delay": "4s"}  # of what a server does not answer
RESERVED = ".__lock"  # ending of names that it keeps for itself
_users: set[int] = set()  # processes that have used tensorstore: this one, or those it was forked from


def works() -> bool:
    """Whether this process may use tensorstore."""
    return _users <= {os.getpid()}


def takes(path: Path) -> bool:
    """Whether tensorstore can open files in this folder: it takes a backslash for a slash, and refuses other names."""
    try:
        name = os.path.realpath(path).encode().decode()
    except UnicodeError:
        return False
    return "\\" not in name and not any(part.endswith(RESERVED) for part in name.split("/"))


def encode(arrays: dict[str, tuple[Sharded, np.ndarray]], shard: int) -> dict[str, bytes]:
    """The files of one shard of these arrays, with all its rows [n …], by the names of the arrays."""
    _users.add(os.getpid())
    stores = {name: _memory(own, name, get_ident()) for name, (own, _) in arrays.items()}
    begun = []
    for name, (own, rows) in arrays.items():
        first = shard * own.shard[0]
        begun.append(stores[name][first : first + len(rows)].write(rows))
    for future in begun:
        future.result()
    return {name: _taken(stores[name].kvstore, own.file(shard)) for name, (own, _) in arrays.items()}


@lru_cache(KEPT)
def _memory(array: Sharded, _name: str, _thread: int) -> Any:
    """An array in memory, one for each name and thread, since several may be written at once; to open it takes long."""
    spec = {
        "driver": "zarr3",
        "kvstore": {"driver": "memory"},
        "metadata": array.metadata(),
        "store_data_equal_to_fill_value": True,
    }
    return tensorstore.open(spec, create=True, context=tensorstore.Context()).result()


def decode(files: dict[str, tuple[Sharded, bytes]], shard: int) -> dict[str, np.ndarray]:
    """The rows [n …] of one shard of these arrays, from the content of its files."""
    stores = {name: _memory(own, name, get_ident()) for name, (own, _) in files.items()}
    begun = {}
    for name, (own, data) in files.items():
        stores[name].kvstore.write(own.file(shard), data).result()
        first = shard * own.shard[0]
        begun[name] = stores[name][first : min(first + own.shard[0], own.shape[0])].read()
    try:
        return {name: future.result() for name, future in begun.items()}
    finally:
        for name, (own, _) in files.items():
            stores[name].kvstore.write(own.file(shard), None).result()


def _taken(files: Any, name: str) -> bytes:
    """The content of a file, which is removed: the memory stays empty."""
    data = files.read(name).result().value
    files.write(name, None).result()
    return data


@lru_cache(KEPT)
def store(spec: str, _process: int) -> Any:
    """The files of a bucket or a server."""
    _users.add(os.getpid())
    context = tensorstore.Context({f"{name}_request_retries": RETRIES for name in ("s3", "gcs", "http")})
    return tensorstore.KvStore.open(json.loads(spec), context=context).result()


def context() -> Any:
    """What the arrays of a group share: their cache."""
    return tensorstore.Context({"cache_pool": {"total_bytes_limit": CACHE}})


def opened(path: Path, shared: Any) -> Any:
    """An array that is read from its files; a missing file is an error, never zeros."""
    _users.add(os.getpid())
    spec = {
        "driver": "zarr3",
        "kvstore": {"driver": "file", "path": os.path.realpath(path)},  # which has no "..": it would be refused
        "recheck_cached_data": False,
        "recheck_cached_metadata": False,
        "fill_missing_data_reads": False,
    }
    return tensorstore.open(spec, open=True, read=True, context=shared).result()
