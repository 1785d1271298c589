"""Chunks of zstd that claim another size than theirs are refused before they are unpacked.

Zarr-python compares sizes afterwards, when some kilobytes may have become gigabytes. It is told so array by array, as
it is opened: whoever else uses it in this process notices nothing.
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
DICTIONARY = (0, 1, 2, 4)  # bytes that number it, by two bits of the header
SIZE = (0, 2, 4, 8)  # bytes that tell a frame's size, by two others


def guarded(array: zarr.Array, write_empty_chunks: bool = False) -> zarr.Array:
    """The array, whose chunks are unpacked only to their size. Raises ValueError for codecs that are none of ours."""
    if not isinstance(array.metadata, ArrayV3Metadata):
        raise TypeError("it is not of Zarr v3")
    metadata = replace(array.metadata, codecs=_guarded(array.metadata.codecs))
    return zarr.Array(zarr.AsyncArray(metadata, array.store_path, {"write_empty_chunks": write_empty_chunks}))


def _guarded(codecs: tuple[Codec, ...]) -> list[Codec]:
    """These codecs, with a look at the size before zstd unpacks."""
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
    """Passes on what zstd has packed or is to unpack, if the latter claims to be as large as its chunk."""

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
    """Size of what a frame of zstd holds, by its header (RFC 8878, 3.1.1.1); None where it does not tell."""
    if len(header) < 5 or header[:4] != MAGIC:
        return None
    single = header[4] >> 5 & 1  # of one segment: no byte for a window, and a size in any case
    width = SIZE[header[4] >> 6] or single
    start = 5 + (1 - single) + DICTIONARY[header[4] & 3]
    if width == 0 or len(header) < start + width:
        return None
    return int.from_bytes(header[start : start + width], "little") + (256 if width == 2 else 0)
