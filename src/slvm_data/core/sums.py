"""Sums that are written out: the order of a reduction, and with it the last bit, may follow the size of the batch."""

from __future__ import annotations

from collections.abc import Sequence

from slvm_data.core.types import Array


def total(terms: Array | Sequence[Array]) -> Array:
    """The sum of one or more terms, along the first axis of an array, from the first to the last."""
    return sum((terms[k] for k in range(1, len(terms))), terms[0])


def squared(v: Array | tuple[Array, Array]) -> Array:
    """The squared length of a vector with two components."""
    return v[0] ** 2 + v[1] ** 2
