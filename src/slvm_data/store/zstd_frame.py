"""The size that a frame of zstd claims to have, which is compared before memory is allocated for it."""

from __future__ import annotations

MAGIC = b"\x28\xb5\x2f\xfd"  # a frame's first bytes
DICTIONARY = (0, 1, 2, 4)  # bytes of the number of a dictionary, by two bits of the header
SIZE = (0, 2, 4, 8)  # bytes of the size of a frame, by two other bits
RUN = 1  # kind of a block that is one byte, repeated


def claimed(data: bytes, start: int = 0, stop: int | None = None) -> int | None:
    """Decompressed size of the zstd frame from `start` to `stop`, by its header (RFC 8878, 3.1.1).

    None if the header does not say it, or if these bytes are not one whole frame: decoders go on with what follows.
    """
    stop = len(data) if stop is None else stop
    if stop - start < 5 or data[start : start + 4] != MAGIC:
        return None
    flags = data[start + 4]
    single = flags >> 5 & 1  # of one segment: no byte for a window, and a size in any case
    width = SIZE[flags >> 6] or single
    first = start + 5 + (1 - single) + DICTIONARY[flags & 3]
    if width == 0 or _end(data, first + width, stop) + 4 * (flags >> 2 & 1) != stop:
        return None
    return int.from_bytes(data[first : first + width], "little") + (256 if width == 2 else 0)


def _end(data: bytes, at: int, stop: int) -> int:
    """Where the last block of a frame ends whose first one begins at `at`; past `stop` if it is cut short."""
    last = 0
    while not last and at + 3 <= stop:
        block = int.from_bytes(data[at : at + 3], "little")
        last = block & 1
        at += 3 + (1 if block >> 1 & 3 == RUN else block >> 3)
    return at if last else stop + 1
