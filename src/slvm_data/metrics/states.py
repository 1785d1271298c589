"""Errors of a decoded state: of its numbers, its energy, its phase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from slvm_data.metrics.arrays import array, pair


def state_error(forecast: Any, truth: Any, angles: Sequence[int] = ()) -> np.ndarray:
    """Root mean square error [N T] of the numbers of the state [N T D], 0 best; of an angle, without full turns.

    Numbers are divided by their deviation over the truth, angles by 1 rad, so that units do not weigh.
    """
    found, wanted = pair("state", forecast, truth, "N T D")
    difference = found - wanted
    turned = np.array([d in angles for d in range(wanted.shape[2])])
    difference = np.where(turned, wrapped(difference), difference)
    deviation = wanted.reshape(-1, wanted.shape[2]).std(axis=0)
    scale = np.where(turned | (deviation == 0), 1.0, deviation)
    return np.sqrt(((difference / scale) ** 2).mean(axis=2))


def wrapped(angle: np.ndarray) -> np.ndarray:
    """Angles between -π and π that differ from these by full turns."""
    return (angle + np.pi) % (2 * np.pi) - np.pi


def energy_drift(energy: Any) -> np.ndarray:
    """Largest change [N] of the energy [N T] of a decoded state since the first frame, relative to its mean size.

    0 is best for a system that keeps its energy. A constant state gets 0 too: look at the error of the state as well.
    """
    values = array("energy", energy, "N T").astype(np.float64)
    scale = np.abs(values).mean(axis=1)
    change = np.abs(values - values[:, :1]).max(axis=1)
    return np.divide(change, scale, out=np.zeros_like(change), where=scale > 0)


def phase_error(forecast: Any, truth: Any) -> np.ndarray:
    """Angle [N T] in rad, 0 (best) to π, between forecast and truth in the plane of one oscillation [N T 2].

    Both are seen from the mean of the truth, in units of its deviation: position and momentum of an oscillation then
    go round a circle. A forecast in the middle has no phase, and gets π / 2.
    """
    found, wanted = pair("oscillation", forecast, truth, "N T 2")
    if found.shape[2] != 2:
        raise ValueError(f"an oscillation has 2 numbers, a position and a momentum, and not {found.shape[2]}")
    mean, deviation = wanted.mean(axis=1, keepdims=True), wanted.std(axis=1, keepdims=True)
    scale = np.where(deviation > 0, deviation, 1.0)
    found, wanted = (found - mean) / scale, (wanted - mean) / scale
    error = np.abs(wrapped(np.arctan2(found[..., 1], found[..., 0]) - np.arctan2(wanted[..., 1], wanted[..., 0])))
    return np.where((found == 0).all(axis=2), np.pi / 2, error)
