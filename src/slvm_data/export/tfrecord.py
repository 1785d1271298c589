"""TFRecord files of `tf.train.Example` messages, written without TensorFlow.

A record is its length, the length's checksum, the message, and its checksum (CRC-32C, rotated and shifted):
https://www.tensorflow.org/tutorials/load_data/tfrecord. A message is encoded as Protocol Buffers: a map from a name to
a list of bytes (field 1) or of 64-bit integers (field 3).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import IO

import google_crc32c
import numpy as np

BYTES, INTEGERS = 1, 3  # fields of `tf.train.Feature`
DELIMITED = 2  # wire type of Protocol Buffers: a length, and so many bytes
MASK = 0xA282EAD8  # added to a checksum


def put(file: IO[bytes], features: Mapping[str, bytes | np.ndarray]) -> None:
    """Write a record: of each name either bytes, or 64-bit integers [n]."""
    entries = b"".join(_field(1, _entry(name, value)) for name, value in features.items())
    message = _field(1, entries)
    length = struct.pack("<Q", len(message))
    file.write(length + _checksum(length) + message + _checksum(message))


def _entry(name: str, value: bytes | np.ndarray) -> bytes:
    """An entry of the map: name, and list of values."""
    if isinstance(value, bytes):
        feature = _field(BYTES, _field(1, value))
    else:
        feature = _field(INTEGERS, _field(1, b"".join(map(_number, value.astype(np.uint64).tolist()))))
    return _field(1, name.encode()) + _field(2, feature)


def _field(number: int, data: bytes) -> bytes:
    return _number(number << 3 | DELIMITED) + _number(len(data)) + data


def _number(value: int) -> bytes:
    """A number in groups of seven bits, the lowest first."""
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])


def _checksum(data: bytes) -> bytes:
    crc = google_crc32c.value(data)
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + MASK) & 0xFFFFFFFF)
