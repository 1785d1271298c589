"""How an array lies in shards of Zarr v3: the metadata of our arrays, written and read back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from slvm_data.core.json_tree import Json, from_json
from slvm_data.store.manifest import Form

LEVEL = 3  # of zstd
CHUNK = 2**28  # bytes of an inner chunk, at most
PACKED = "packed_frame"  # attribute of an array of bit-packed pictures: the shape of a picture
GROUP: Json = {"zarr_format": 3, "node_type": "group", "attributes": {}}
_BYTES: Json = {"name": "bytes", "configuration": {"endian": "little"}}
_INNER: list[Json] = [
    _BYTES,
    {"name": "zstd", "configuration": {"level": LEVEL, "checksum": False}},
    {"name": "crc32c"},
]
_INDEX: list[Json] = [_BYTES, {"name": "crc32c"}]


@dataclass(frozen=True)
class Sharded:
    """An array in shards. Pictures of zeros and ones are stored as [… bytes], 8 pixels per byte."""

    shape: tuple[int, ...]  # as stored
    dtype: str
    shard: tuple[int, ...]  # shape of a shard
    chunk: tuple[int, ...]  # shape of an inner chunk
    packed: tuple[int, ...]  # shape of a picture; empty if the array is not packed
    dimensions: tuple[str, ...]

    @property
    def form(self) -> Form:
        """Shape and type of the array as in an .npz, with one byte per pixel."""
        return Form((*self.shape[: len(self.shape) - bool(self.packed)], *self.packed), self.dtype)

    @property
    def chunk_size(self) -> int:
        """Bytes of an inner chunk."""
        return prod(self.chunk) * np.dtype(self.dtype).itemsize

    @property
    def chunks(self) -> int:
        """Number of inner chunks of a shard."""
        return prod(whole // part for whole, part in zip(self.shard, self.chunk, strict=True))

    def chunks_in(self, shard: int) -> int:
        """Number of inner chunks of a shard that hold rows; these are the first ones, since rows are the first axis."""
        rows = min(self.shape[0] - shard * self.shard[0], self.shard[0])
        return self.chunks // (self.shard[0] // self.chunk[0]) * -(-rows // self.chunk[0])

    def file(self, shard: int) -> str:
        """The file of one shard, relative to the array."""
        return "/".join(["c", str(shard), *["0"] * (len(self.shape) - 1)])

    def metadata(self) -> dict[str, Any]:
        """The content of `zarr.json`."""
        inner = {"chunk_shape": self.chunk, "codecs": _INNER, "index_codecs": _INDEX, "index_location": "end"}
        return {
            "zarr_format": 3,
            "node_type": "array",
            "shape": self.shape,
            "data_type": self.dtype,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": self.shard}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": False if self.dtype == "bool" else 0,
            "codecs": [{"name": "sharding_indexed", "configuration": inner}],
            "attributes": {PACKED: self.packed} if self.packed else {},
            "dimension_names": self.dimensions,
        }

    def text(self) -> bytes:
        """The bytes of `zarr.json`."""
        return encoded(self.metadata())

    @staticmethod
    def of(data: bytes) -> Sharded:
        """Read `zarr.json`; raises ValueError if the array is not one that we write."""
        tree = json.loads(data)
        try:
            (sharding,) = tree["codecs"]
            found = Sharded(
                from_json(tuple[int, ...], tree["shape"], "shape"),
                from_json(str, tree["data_type"], "data_type"),
                from_json(tuple[int, ...], tree["chunk_grid"]["configuration"]["chunk_shape"], "chunk_grid"),
                from_json(tuple[int, ...], sharding["configuration"]["chunk_shape"], "chunk_shape"),
                from_json(tuple[int, ...], tree["attributes"].get(PACKED, []), PACKED),
                from_json(tuple[str, ...], tree["dimension_names"], "dimension_names"),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"its metadata are not those of an array of ours: {error!r}") from error
        if encoded(tree) != found.text():
            raise ValueError("its metadata are not those of an array of ours")
        found._check()
        return found

    def _check(self) -> None:
        """Raise ValueError for sizes that make no sense, or that take too much memory."""
        _ = self.form  # its type is one of numbers
        sizes = (self.shape, self.shard, self.chunk)
        if len({len(axes) for axes in sizes}) > 1 or min(self.shard + self.chunk, default=0) < 1 or min(self.shape) < 0:
            raise ValueError(f"its shapes {sizes} do not fit together")
        if any(whole % part for whole, part in zip(self.shard, self.chunk, strict=True)):
            raise ValueError(f"its shards {self.shard} are not divided by its chunks {self.chunk}")
        if any(n > most for n, most in zip(self.shape[1:], self.shard[1:], strict=True)):
            raise ValueError(f"its rows {self.shape[1:]} do not fit into its shards {self.shard}")
        if self.chunk_size > CHUNK:
            raise ValueError(f"its chunks {self.chunk} are larger than {CHUNK} bytes")


def encoded(tree: Json) -> bytes:
    """JSON as we write it."""
    return (json.dumps(tree, indent=1, sort_keys=True) + "\n").encode()
