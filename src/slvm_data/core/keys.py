"""Random keys: each sequence has a key from its address, and each purpose a stream from its name.

key = seed ∘ task ∘ split ∘ index ∘ attempt, then one stream per purpose ("constants", "start", "camera", …).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np

from slvm_data.core.devices import backend
from slvm_data.core.late import jax, jnp
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


def split_key(seed: int, task: int, split: str) -> Key:
    """Key of one split of one task; `seed` in 0 … 2^63 - 1."""
    return stream(jax.random.fold_in(root(seed), task), split)


def root(seed: int) -> Key:
    """The key of a seed, 0 … 2^63 - 1: that of `jax.random.key`, but for what is set to be added to seeds there."""
    halves = np.array([seed >> 32, seed & 0xFFFFFFFF], np.uint32)
    return jax.random.wrap_key_data(jnp.asarray(halves), impl="threefry2x32")


def sequence_key(key: Key, index: Array, attempt: Array) -> Key:
    """Key of one attempt at one sequence of a split; `index` in 0 … 2^32 - 1."""
    return jax.random.fold_in(jax.random.fold_in(key, index), attempt)


def stream(key: Key, name: str) -> Key:
    """Key for one purpose. It depends only on `key` and the name, so that a new stream changes no other."""
    return jax.random.fold_in(key, zlib.crc32(name.encode()))
