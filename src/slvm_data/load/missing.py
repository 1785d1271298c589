"""Missing frames in a batch: as they are in the file, zeros, or NaN."""

from __future__ import annotations

from collections.abc import Container
from pathlib import PurePath

import torch

from slvm_data.arrays import TABLE, Role
from slvm_data.core.arguments import refused

WAYS = {"keep": None, "zero": 0.0, "nan": float("nan")}
PREFIXES = ("", "context_")  # of the arrays of an item, and of its context
MASKS = tuple(f"{prefix}mask" for prefix in PREFIXES)
OBSERVED = tuple(name for name, known in TABLE.items() if known.role is Role.OBSERVATION)


def check_missing(missing: object, stored: Container[str], root: PurePath | str) -> None:
    """Raise ValueError unless `missing` is one of `WAYS`, and the dataset has a mask if that needs one."""
    if not isinstance(missing, str) or missing not in WAYS:
        raise refused("missing", missing, f"one of {', '.join(WAYS)}")
    if WAYS[missing] is not None and MASKS[0] not in stored:
        raise ValueError(f"missing = {missing!r} needs the array mask, and {root} has none: no frame of it is missing")


def filled(arrays: dict[str, torch.Tensor], missing: str) -> dict[str, torch.Tensor]:
    """The arrays of a batch, after the frames that its masks [… T] call missing were filled in place."""
    value = WAYS[missing]
    if value is None:
        return arrays
    for prefix, mask in zip(PREFIXES, MASKS, strict=True):
        for name in OBSERVED if mask in arrays else ():
            if prefix + name in arrays:
                arrays[prefix + name][~arrays[mask]] = value
    return arrays
