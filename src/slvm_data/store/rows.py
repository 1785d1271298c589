"""Rows on their way to a file of any format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from slvm_data.core.types import Arrays
from slvm_data.store.manifest import Form, Forms


def fitting(chunks: Iterable[Arrays], count: int) -> Iterator[tuple[Arrays, Forms]]:
    """Yield each chunk {name: [n …]}, and the forms of the arrays with all `count` rows.

    Raises ValueError if a chunk does not fit the first one, if its arrays have different numbers of rows, or if there
    are not `count` rows in all.
    """
    forms: Forms = {}
    done = 0
    for chunk in chunks:
        forms = forms or {name: Form.of(array, count) for name, array in chunk.items()}
        done += _rows(chunk, forms)
        yield chunk, forms
    if done != count or not forms:
        raise ValueError(f"{done} rows came, {count} were announced")


def _rows(chunk: Arrays, forms: Forms) -> int:
    """Number of rows of a chunk; raises ValueError if it does not fit."""
    if odd := forms.keys() ^ chunk.keys():
        raise ValueError(f"{min(odd)}: only some chunks have this array")
    n = len(next(iter(chunk.values())))
    for name, array in chunk.items():
        form = forms[name]
        if array.shape[1:] != form.row or array.dtype != np.dtype(form.dtype):  # str(dtype) is slow
            raise ValueError(f"{name}: {Form.of(array)} after {form}")
        if len(array) != n:
            raise ValueError(f"{name}: {len(array)} rows, where other arrays have {n}")
    return n
