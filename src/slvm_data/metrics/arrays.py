"""Arrays of a forecast and of the truth as NumPy arrays of equal shapes, from NumPy or PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

FULL = 255  # the largest number of a byte
MEMORY = 2**20  # numbers of frames at a time, so that they stay in the cache of the processor


def array(name: str, value: Any, axes: str) -> np.ndarray:
    """A finite array of numbers with these axes, from NumPy, PyTorch or lists.

    Raises ValueError, which names it, for another number of axes, and for NaN or infinity.
    """
    value = value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)
    if value.dtype.kind not in "biuf":
        raise ValueError(f"{name} is of {value.dtype}, and has to be of numbers")
    if value.ndim != len(axes.split()):
        raise ValueError(f"{name} has the shape {list(value.shape)}, and has to have the axes [{axes}]")
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        raise ValueError(f"{name} has {int((~np.isfinite(value)).sum())} numbers that are NaN or infinite")
    return value


def pair(name: str, forecast: Any, truth: Any, axes: str) -> tuple[np.ndarray, np.ndarray]:
    """A forecast and its truth, float64, with these axes; raises ValueError unless their shapes are equal."""
    found, wanted = array(f"{name} of the forecast", forecast, axes), array(f"{name} of the truth", truth, axes)
    check_same(name, found, wanted)
    return found.astype(np.float64), wanted.astype(np.float64)


@dataclass(frozen=True)
class Frames:
    """Frames as they were given, which become float32 [n T C H W], 0 to 1, some sequences at a time."""

    values: np.ndarray  # [N T H W] or [N T C H W]
    full: int  # the number that is 1

    @staticmethod
    def of(what: str, value: Any) -> Frames:
        """Frames of the `what`, from NumPy or PyTorch; bytes above 1 are shades of 255."""
        ndim = value.ndim if hasattr(value, "ndim") else np.ndim(value)
        values = array(f"image of the {what}", value, "N T H W" if ndim == 4 else "N T C H W")
        return Frames(values, FULL if values.dtype == np.uint8 and values.max(initial=0) > 1 else 1)

    def some(self, start: int, stop: int) -> np.ndarray:
        """Sequences of these numbers."""
        found = self.values[start:stop].astype(np.float32) / np.float32(self.full)
        return found[:, :, None] if found.ndim == 4 else found


def compared(function: Callable[[np.ndarray, np.ndarray], np.ndarray], forecast: Any, truth: Any) -> np.ndarray:
    """What a function of frames [n T C H W] of a forecast and of the truth gives [n …], for all sequences [N …].

    It is given some sequences at a time, which bounds memory. Raises ValueError unless shapes are equal.
    """
    found, wanted = Frames.of("forecast", forecast), Frames.of("truth", truth)
    check_same("image", found.values, wanted.values)
    step = max(1, MEMORY // max(1, wanted.values[0].size))
    places = [(i, i + step) for i in range(0, len(wanted.values), step)]
    return np.concatenate([function(found.some(*place), wanted.some(*place)) for place in places])


def check_same(name: str, forecast: np.ndarray, truth: np.ndarray) -> None:
    """Raise ValueError unless a forecast has the shape of the truth."""
    if forecast.shape != truth.shape:
        raise ValueError(f"{name} of the forecast has the shape {list(forecast.shape)}, the truth {list(truth.shape)}")
    if not truth.size:
        raise ValueError(f"{name} is empty: there is nothing to compare")
