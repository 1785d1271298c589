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
SEEDS, INDICES = 2**63, 2**32  # numbers of seeds, and of sequences in a split, for which there are random keys

Array: TypeAlias = "jax.Array"
"""An array inside a computation, in double precision; docstrings give its shape in brackets."""

Key: TypeAlias = "jax.Array"
"""A random key. A function that receives one may use it once, or split it by name (`keys.stream`)."""

Arrays: TypeAlias = dict[str, np.ndarray]
"""Arrays by name, as in a file."""

Numbers: TypeAlias = Mapping[str, Any]
"""Parameters by name: numbers, or one per body [B]."""
