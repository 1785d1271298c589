"""Write a zip archive from members that are compressed already, and read the headers before them.

Its bytes do not depend on the time of writing.

The standard library cannot add compressed data to an archive, and its own compression is ten times slower. Layout:
PKWARE "APPNOTE.TXT", 6.3.9, sections 4.3 and 4.5.3; every member carries 64-bit sizes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, NamedTuple

DATE = 1 << 5 | 1  # the earliest date of a zip archive, so that its bytes do not depend on the clock
DEFLATED, VERSION, UTF8 = 8, 45, 0x800
IN_EXTRA = 0xFFFFFFFF  # says that the number is in the 64-bit extra field
STREAMED = 1 << 3  # flag of a member whose header was written before its checksum and sizes were known: all are 0
LOCAL = struct.Struct("<4s5H3L2H")  # the header before a member, without name and extra fields


@dataclass(frozen=True)
class Member:
    """The entry of one file in the archive."""

    name: str
    crc: int
    packed: int  # bytes
    size: int  # bytes
    offset: int  # of its local header


def local_header(member: Member) -> bytes:
    """The bytes before the deflated bytes of a member."""
    name, extra = member.name.encode(), struct.pack("<HHQQ", 1, 16, member.size, member.packed)
    fields = (VERSION, UTF8, DEFLATED, 0, DATE, member.crc, IN_EXTRA, IN_EXTRA, len(name), len(extra))
    return b"PK\x03\x04" + struct.pack("<5H3L2H", *fields) + name + extra


class Header(NamedTuple):
    """What the header before a member says of it."""

    method: int
    crc: int
    packed: int  # bytes
    size: int  # bytes
    flags: int
    end: int  # first byte of the member's data in the archive


def read_header(file: IO[bytes], offset: int) -> Header:
    """The header at a place in an archive; raises ValueError if it is cut short."""
    file.seek(offset)
    fixed = file.read(LOCAL.size)
    if len(fixed) < LOCAL.size:
        raise ValueError("the header before it is cut short")
    _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = LOCAL.unpack(fixed)
    extra = file.read(name_length + extra_length)[name_length:]
    wide = iter(struct.unpack_from("<QQ", extra, 4) if len(extra) >= 20 and extra[:2] == b"\1\0" else ())
    size = next(wide, size) if size == IN_EXTRA else size
    packed = next(wide, packed) if packed == IN_EXTRA else packed
    return Header(method, crc, packed, size, flags, offset + LOCAL.size + name_length + extra_length)


def _central_header(member: Member) -> bytes:
    name, extra = (
        member.name.encode(),
        struct.pack("<HHQQQ", 1, 24, member.size, member.packed, member.offset),
    )
    fields = (
        VERSION,
        VERSION,
        UTF8,
        DEFLATED,
        0,
        DATE,
        member.crc,
        IN_EXTRA,
        IN_EXTRA,
        len(name),
        len(extra),
    )
    return b"PK\x01\x02" + struct.pack("<6H3L5H2L", *fields, 0, 0, 0, 0, IN_EXTRA) + name + extra


def finish(members: list[Member], write: Callable[[bytes], None], offset: int) -> None:
    """Write the directory that ends an archive of `offset` bytes."""
    directory = b"".join(map(_central_header, members))
    n, end = len(members), offset + len(directory)
    write(directory)
    write(b"PK\x06\x06" + struct.pack("<Q2H2L4Q", 44, VERSION, VERSION, 0, 0, n, n, len(directory), offset))
    write(b"PK\x06\x07" + struct.pack("<LQL", 0, end, 1))
    write(b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 0xFFFF, 0xFFFF, IN_EXTRA, IN_EXTRA, 0))
