"""Arrays of a forecast and of the truth as NumPy arrays of equal shapes, from NumPy or PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np

FULL = 255  # the largest number of a byte


def array(name: str, value: Any, axes: str) -> np.ndarray:
    """A finite array of numbers with these axes, float64 (pictures float32), from NumPy, PyTorch or lists.

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


def pictures(forecast: Any, truth: Any) -> tuple[np.ndarray, np.ndarray]:
    """Frames [N T C H W] float32 of a forecast and of the truth, 0 to 1, from [N T H W] or [N T C H W].

    Bytes above 1 are shades of 255. Raises ValueError unless the shapes are equal.
    """
    found, wanted = (
        _picture(f"image of the {what}", value) for what, value in (("forecast", forecast), ("truth", truth))
    )
    check_same("image", found, wanted)
    return found, wanted


def _picture(name: str, value: Any) -> np.ndarray:
    ndim = np.ndim(value) if not hasattr(value, "ndim") else value.ndim
    frames = array(name, value, "N T H W" if ndim == 4 else "N T C H W")
    shades = frames.dtype == np.uint8 and frames.max(initial=0) > 1
    frames = frames.astype(np.float32) / (FULL if shades else 1)
    return frames[:, :, None] if frames.ndim == 4 else frames


def check_same(name: str, forecast: np.ndarray, truth: np.ndarray) -> None:
    """Raise ValueError unless a forecast has the shape of the truth."""
    if forecast.shape != truth.shape:
        raise ValueError(f"{name} of the forecast has the shape {list(forecast.shape)}, the truth {list(truth.shape)}")
    if not truth.size:
        raise ValueError(f"{name} is empty: there is nothing to compare")
