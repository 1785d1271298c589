"""The counter-based generator Threefry-2x32 in NumPy: the bits that `jax.random` has for many keys at once.

A key is two numbers, uint32 [… 2], the data of a key of JAX. Most of what is drawn are keys from other keys, and single
numbers; each takes XLA 30 ms to compile, and NumPy some microseconds for a whole batch.
Source: J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

from math import prod

import numpy as np

_TURNS = (13, 15, 26, 6), (17, 29, 16, 24)  # these, and the parity, are Threefry's own
_PARITY = np.uint32(0x1BD11BDA)
_ROUNDS = 5  # of four turns each
_MANTISSA = np.uint64(12)  # bits beside the 52 of a double's fraction


def threefry(key: np.ndarray, high: np.ndarray, low: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two words, uint32 […], of keys [… 2] for counters of two words […]."""
    first, second = key[..., 0], key[..., 1]
    schedule = first, second, first ^ second ^ _PARITY
    with np.errstate(over="ignore"):  # numbers of 32 bits, without what is beyond
        x, y = (np.array(word) for word in np.broadcast_arrays(high + first, low + second))
        for i in range(_ROUNDS):
            for turn in _TURNS[i % 2]:
                x += y
                turned = y >> np.uint32(32 - turn)
                y <<= np.uint32(turn)
                y |= turned
                y ^= x
            x += schedule[(i + 1) % 3]
            y += schedule[(i + 2) % 3] + np.uint32(i + 1)
    return x, y


def folded(key: np.ndarray, number: np.ndarray | int) -> np.ndarray:
    """The keys, uint32 [… 2], of keys [… 2] and numbers […]: `jax.random.fold_in`."""
    low = np.asarray(number, np.uint32)
    return np.stack(np.broadcast_arrays(*threefry(key, np.zeros_like(low), low)), axis=-1)


def uniform(keys: np.ndarray, shape: tuple[int, ...] = ()) -> np.ndarray:
    """Numbers of this shape, from 0 up to 1, for each of the keys [… 2]: `jax.random.uniform` in double precision."""
    place = np.arange(prod(shape), dtype=np.uint32)
    high, low = (word.astype(np.uint64) for word in threefry(keys[..., None, :], np.zeros_like(place), place))
    bits = (high << np.uint64(32) | low) >> _MANTISSA
    return ((bits | np.uint64(0x3FF0000000000000)).view(np.float64) - 1.0).reshape(*keys.shape[:-1], *shape)
