"""Refuse chunks of zstd that claim another size than that of their chunk, before they are decompressed.

Zarr-python compares sizes only afterwards, when some kilobytes may have become gigabytes. The check is added to each
array when it is opened, so that other code that uses zarr in the same process is not affected.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING

import zarr
from zarr.abc.codec import BytesBytesCodec, Codec
from zarr.codecs import BytesCodec, Crc32cCodec, ShardingCodec, ZstdCodec
from zarr.core.metadata import ArrayV3Metadata

if TYPE_CHECKING:
    from zarr.core.array_spec import ArraySpec
    from zarr.core.buffer import Buffer

    Batch = Iterable[tuple[Buffer | None, ArraySpec]]

MAGIC = b"\x28\xb5\x2f\xfd"  # a frame's first bytes
HEADER = 18  # bytes of a frame's header, at most
DICTIONARY = (0, 1, 2, 4)  # bytes of the number of a dictionary, by two bits of the header
SIZE = (0, 2, 4, 8)  # bytes of the size of a frame, by two other bits


def guarded(array: zarr.Array, write_empty_chunks: bool = False) -> zarr.Array:
    """Return the array with checked chunk sizes; raises ValueError for codecs that our files do not have."""
    if not isinstance(array.metadata, ArrayV3Metadata):
        raise TypeError("it is not of Zarr v3")
    metadata = replace(array.metadata, codecs=_guarded(array.metadata.codecs))
    return zarr.Array(zarr.AsyncArray(metadata, array.store_path, {"write_empty_chunks": write_empty_chunks}))


def _guarded(codecs: tuple[Codec, ...]) -> list[Codec]:
    """Return these codecs, with a check of the size before zstd decompresses."""
    found: list[Codec] = []
    for codec in codecs:
        if isinstance(codec, ShardingCodec):
            found.append(replace(codec, codecs=_guarded(codec.codecs)))
        elif isinstance(codec, ZstdCodec):
            found += [codec, _Sized()]
        elif isinstance(codec, BytesCodec | Crc32cCodec):
            found.append(codec)
        else:
            raise ValueError(f"its codec {type(codec).__name__} is none of ours")
    return found


@dataclass(frozen=True)
class _Sized(BytesBytesCodec):
    """Passes data on unchanged; before decompression, refuses data that claim another size than that of the chunk."""

    is_fixed_size = True

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        del chunk_spec
        return input_byte_length

    async def decode(self, chunks_and_specs: Batch) -> list[Buffer | None]:
        chunks = list(chunks_and_specs)
        for data, spec in chunks:
            size = prod(spec.shape) * spec.dtype.to_native_dtype().itemsize
            if data is not None and (claimed := _claimed(data[:HEADER].to_bytes())) != size:
                raise ValueError(f"a chunk claims {'no size' if claimed is None else claimed} instead of {size} bytes")
        return [data for data, _ in chunks]

    async def encode(self, chunks_and_specs: Batch) -> list[Buffer | None]:
        return [data for data, _ in chunks_and_specs]


def _claimed(header: bytes) -> int | None:
    """Decompressed size of a zstd frame by its header (RFC 8878, 3.1.1.1); None if the header does not say it."""
    if len(header) < 5 or header[:4] != MAGIC:
        return None
    single = header[4] >> 5 & 1  # of one segment: no byte for a window, and a size in any case
    width = SIZE[header[4] >> 6] or single
    start = 5 + (1 - single) + DICTIONARY[header[4] & 3]
    if width == 0 or len(header) < start + width:
        return None
    return int.from_bytes(header[start : start + width], "little") + (256 if width == 2 else 0)
