"""The cuboid from which initial states are drawn: one range for each of their numbers."""

from __future__ import annotations

from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems.parameters import Uniform


def cuboid(key: Key, *sides: Uniform) -> Array:
    """Draw one uniform number from each range [n]."""
    low, high = (jnp.asarray([getattr(side, end) for side in sides], float) for end in ("low", "high"))
    return low + (high - low) * jax.random.uniform(key, (len(sides),), dtype=float)
