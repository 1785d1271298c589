"""The letters and aliases that every signature uses.

N sequences, T frames, D numbers in a state, B bodies, C colour channels, H rows and W columns of pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:  # reading files must not load JAX
    import jax

SPLITS = ("train", "val", "test")

Array: TypeAlias = "jax.Array"
"""An array inside a computation, in double precision; its shape stands in brackets in the docstring."""

Key: TypeAlias = "jax.Array"
"""A random key. Who receives one may use it once, or split it by name (`keys.stream`)."""

Arrays: TypeAlias = dict[str, np.ndarray]
"""Arrays by name, as they stand in a file."""

Numbers: TypeAlias = Mapping[str, Any]
"""Parameters by name: numbers, or one per body [B]."""
