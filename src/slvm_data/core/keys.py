"""Random keys: each sequence has a key from its address, and each purpose a stream from its name.

key = seed ∘ task ∘ split ∘ index ∘ attempt, then one stream per purpose ("constants", "start", "camera", …).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import numpy as np

from slvm_data.core.devices import backend
from slvm_data.core.late import jax, jnp
from slvm_data.core.threefry import folded
from slvm_data.core.types import Array, Key


@contextmanager
def exact() -> Iterator[None]:
    """Use double precision and one fixed bit generator in this block, whatever the caller has set."""
    backend()  # says in one sentence if there is none
    promotion = jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow")
    neutral = (
        jax.enable_x64(True),
        jax.threefry_partitionable(True),
        jax.disable_jit(False),
        jax.transfer_guard("allow"),
    )
    with ExitStack() as stack:
        for context in (*neutral, *promotion):
            stack.enter_context(context)
        yield


def split_key(seed: int, task: int, split: str) -> np.ndarray:
    """Key of one split of one task, uint32 [2]; `seed` in 0 … 2^63 - 1."""
    return folded(folded(root(seed), task), _number(split))


def root(seed: int) -> np.ndarray:
    """The key of a seed, 0 … 2^63 - 1, uint32 [2]: that of `jax.random.key`, but for what is set to be added there."""
    return np.array([seed >> 32, seed & 0xFFFFFFFF], np.uint32)


def sequence_keys(key: np.ndarray, index: np.ndarray, attempt: np.ndarray) -> np.ndarray:
    """Keys [N 2] of attempts [N] at sequences of a split with these indices [N], in 0 … 2^32 - 1."""
    return folded(folded(key, index), attempt)


def streams(keys: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
    """For each purpose the keys [… 2] that `stream` derives from keys [… 2]."""
    numbers = np.array([_number(name) for name in names], np.uint32)
    return dict(zip(names, folded(keys, numbers.reshape(-1, *[1] * (keys.ndim - 1))), strict=True))


def stream(key: Key, name: str) -> Key:
    """Key for one purpose. It depends only on `key` and the name, so that a new stream changes no other."""
    return jax.random.fold_in(key, _number(name))


def of_data(key: Array | np.ndarray) -> Key:
    """The key of JAX with these data, uint32 [… 2]."""
    return jax.random.wrap_key_data(jnp.asarray(key), impl="threefry2x32")


def _number(name: str) -> int:
    return zlib.crc32(name.encode())
