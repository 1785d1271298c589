"""Random numbers for one sequence in NumPy, from a key of JAX: bits of the counter-based generator Philox.

Only the bits come from NumPy, which never changes them; numbers are made from them here, since NumPy may change how its
own are made. Source: J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

SHORTS = 4  # of 16 bits in a word
_SHIFT = np.uint64(11)  # leaves the 53 bits of a double
_ZEROS = np.zeros(4, np.uint64)
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
_ROUNDS = 10
_FACTORS = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)  # these, and those below, are Philox's own
_STEPS = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)
_FIRST = {"bit_generator": "Philox", "buffer": _ZEROS, "buffer_pos": 4, "has_uint32": 0, "uinteger": 0}


class Draws:
    """A stream of random numbers, determined by a key, uint32 [2]. Every call goes on where the last one ended."""

    def __init__(self, key: np.ndarray) -> None:
        self._bits = np.random.Philox(key=0)
        self.restart(key)

    def restart(self, key: np.ndarray) -> Draws:
        """Begin again with another key: a tenth of the time that a new generator takes."""
        number = np.array([int(key[0]) << 32 | int(key[1]), 0], np.uint64)
        state: Any = {**_FIRST, "state": {"counter": _ZEROS, "key": number}}
        self._bits.state = state
        return self

    def words(self, n: int) -> np.ndarray:
        """Uniform bits, uint64 [n]."""
        return self._bits.random_raw(n)

    def shorts(self, n: int) -> np.ndarray:
        """Uniform bits, uint16 [n]."""
        return self.words(-(-n // SHORTS)).astype("<u8", copy=False).view("<u2")[:n]

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> np.ndarray:
        """Numbers from `low` up to, but without, `high`."""
        share = ((self.words(prod(shape)) >> _SHIFT) * 2.0**-53).reshape(shape)
        return share if (low, high) == (0.0, 1.0) else low + (high - low) * share

    def normal(self, *shape: int) -> np.ndarray:
        """Numbers of the standard normal distribution."""
        from scipy.special import ndtri  # here, as it takes 0.1 s, and most commands draw nothing

        return ndtri(((self.words(prod(shape)) >> _SHIFT) + 0.5) * 2.0**-53).reshape(shape)

    def below(self, n: int, *shape: int) -> np.ndarray:
        """Whole numbers from 0 to n - 1, int64; n at most 2^32."""
        high = self.words(prod(shape)) >> np.uint64(32)
        return (high * np.uint64(n) >> np.uint64(32)).astype(np.int64).reshape(shape)


def uniform_of_each(keys: np.ndarray, n: int) -> np.ndarray:
    """The first `n` uniform numbers [N n] of each of these streams, as `Draws(key).uniform(n)`; keys uint32 [N 2]."""
    return (words_of_each(keys, n) >> _SHIFT) * 2.0**-53


def words_of_each(keys: np.ndarray, n: int) -> np.ndarray:
    """The first `n` words, uint64 [N n], of each of these streams: Philox4x64 for all of them at once.

    NumPy's own generator takes six times as long to begin with another key as to draw a few numbers.
    """
    key, other = (keys[:, 0].astype(np.uint64) << _HALF | keys[:, 1])[:, None], np.uint64(0)
    a = np.tile(np.arange(1, -(-n // 4) + 1, dtype=np.uint64), (len(keys), 1))
    b, c, d = (np.zeros_like(a) for _ in range(3))
    with np.errstate(over="ignore"):  # numbers of 64 bits, without what is beyond
        for _ in range(_ROUNDS):
            (high, low), (upper, lower) = _product(a, _FACTORS[0]), _product(c, _FACTORS[1])
            a, b, c, d = upper ^ b ^ key, lower, high ^ d ^ other, low
            key, other = key + _STEPS[0], other + _STEPS[1]
    return np.stack([a, b, c, d], axis=-1).reshape(len(keys), -1)[:, :n]


def _product(x: np.ndarray, factor: np.uint64) -> tuple[np.ndarray, np.ndarray]:
    """High and low 64 bits of a product of 128 bits, by halves as one multiplies on paper."""
    low, high = x & _LOW, x >> _HALF
    middle = high * (factor & _LOW) + (low * (factor & _LOW) >> _HALF)
    carried = (middle & _LOW) + low * (factor >> _HALF)
    return high * (factor >> _HALF) + (middle >> _HALF) + (carried >> _HALF), x * factor
