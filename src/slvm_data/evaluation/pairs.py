"""Arrays of a forecast side by side with the truth, as metrics compare them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from slvm_data.arrays import PARAMETER
from slvm_data.core.memory import check_memory
from slvm_data.core.types import Arrays
from slvm_data.evaluation.forecast import Forecast
from slvm_data.metrics.arrays import FULL
from slvm_data.systems.system import System

BATCH = 2**22  # numbers of frames in memory at a time, about, of a forecast and of its truth
MASK, CLEAN = "mask", ("clean", "clean_signal")
PARAMETERS, MEANS = "param", "latent means"  # what is compared: all parameters at once; latents with parameters


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Latents [N … K] of other sequences, and what a probe reads from them [N … D]."""

    latents: np.ndarray
    targets: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Pair:
    """An array of a forecast, and the array that it is compared with, of the same sequences and frames."""

    found: np.ndarray  # [n …]; the mean, if there are samples
    wanted: np.ndarray  # [n …]
    samples: np.ndarray | None = None  # [S n …]
    there: np.ndarray | None = None  # [n T], whether each frame of the truth is there; None: all are
    names: tuple[str, ...] = ()  # of the last axis of the truth
    angles: tuple[int, ...] = ()  # places in it that are angles
    system: System | None = None
    parameters: Arrays | None = None  # of the sequences [n …], by name; None if energy is not constant
    fit: Fit | None = None  # of another split, for probes


def pictures(forecast: Forecast, start: int) -> Iterator[Pair]:
    """Frames [n T C H W] from number `start` on, some sequences at a time, in the order of the forecast."""
    part, truth = forecast.parts["image"], forecast.truth
    row = int(np.prod(truth.forms[part.truth].row)) * (1 + part.samples)
    step = max(1, BATCH // row)
    every = np.arange(len(forecast.index))
    for places in np.split(every, range(step, len(every), step)):
        yield picture(forecast, places, start)


def picture(forecast: Forecast, places: np.ndarray, start: int = 0) -> Pair:
    """Frames [n T C H W] of the sequences at these places (increasing) of a forecast, 0 to 1."""
    part, truth = forecast.parts["image"], forecast.truth
    wanted, there = _truth(forecast, part.truth, forecast.index[places], start)
    top = FULL if wanted.dtype == np.uint8 and truth.recipe.view_of(truth.task).top == FULL else 1
    found = forecast.read("image", places, start)
    return _averaged(found, wanted.astype(np.float32) / np.float32(top), bool(part.samples), there)


def pairs(forecast: Forecast, start: int, order: np.ndarray, fit: Forecast | None) -> dict[str, Pair]:
    """All arrays but pictures, whole, by what is compared; `fit` is a forecast of a split that probes are fitted on.

    Raises ValueError if this machine lacks the memory for them.
    """
    found = {name: _pair(forecast, name, start, order) for name in forecast.parts if _is_series(name)}
    if "latent" in found:
        if fit and "latent" in fit.parts:
            own = _pair(fit, "latent", start if start < fit.frames.stop else 0, np.argsort(fit.index))
            found["latent"] = replace(found["latent"], fit=Fit(latents=own.found, targets=own.wanted))
        found |= _of_means(forecast, fit, order, found["latent"])
    if given := [name for name in forecast.parts if name.startswith(PARAMETER)]:
        found[PARAMETERS] = _given(forecast, given, order)
    return found


def _is_series(name: str) -> bool:
    return name != "image" and not name.startswith(PARAMETER)


def _pair(forecast: Forecast, name: str, start: int, order: np.ndarray) -> Pair:
    part, truth = forecast.parts[name], forecast.truth
    size = 8 * int(np.prod(forecast.container.forms[part.name].shape))
    check_memory(f"{forecast.container.where}: {part.name}", 3 * size, "give fewer sequences, with index")
    wanted, there = _truth(forecast, part.truth, forecast.index[order], start)
    pair = _averaged(_ordered(forecast, name, order, start), wanted, bool(part.samples), there)
    if part.truth not in ("state", "latents"):
        return pair
    system = truth.recipe.tasks[truth.task]
    names = getattr(system, "latents", ()) or system.state if part.truth == "latents" else system.state
    own = part.truth == "state" or tuple(names) == tuple(system.state)
    angles = tuple(system.angular()) if own else ()
    energy = _constant_energy(forecast, order) if name == "state" and own else None
    return replace(pair, names=tuple(names), angles=angles, system=system, parameters=energy)


def _ordered(forecast: Forecast, name: str, order: np.ndarray, start: int = 0) -> np.ndarray:
    """All rows of a forecast in this order; they are read from the first to the last."""
    rows = forecast.read(name, np.arange(len(order)), start)
    return rows[:, order] if forecast.parts[name].samples else rows[order]


def _truth(forecast: Forecast, name: str, index: np.ndarray, start: int) -> tuple[np.ndarray, np.ndarray | None]:
    """An array of true sequences from frame `start` on, and which of its frames are there, where some are missing."""
    frames = slice(max(start, forecast.frames.start), forecast.frames.stop)
    masked = MASK in forecast.truth.forms and name in ("image", "signal", "queries")
    rows = forecast.truth.rows(index, [name, MASK] if masked else [name])
    there = rows[MASK][:, frames] if masked and not rows[MASK].all() else None
    return rows[name][:, frames], there


def _averaged(found: np.ndarray, wanted: np.ndarray, sampled: bool, there: np.ndarray | None) -> Pair:
    if not sampled:
        return Pair(found=found, wanted=wanted, there=there)
    return Pair(found=found.mean(axis=0, dtype=np.float32), wanted=wanted, samples=found, there=there)


def _of_means(forecast: Forecast, fit: Forecast | None, order: np.ndarray, latent: Pair) -> dict[str, Pair]:
    """Means of latents over time beside the drawn parameters of their sequences; nothing if none is drawn."""
    names = [name for name in forecast.truth.forms if name.startswith(PARAMETER)]
    values, words = _columns(forecast.truth.rows(forecast.index[order], names), names)
    drawn = np.ptp(values, axis=0) > 0 if len(values) else np.zeros(len(words), bool)
    if not drawn.any():
        return {}
    own = None
    if latent.fit and fit:
        others, _ = _columns(fit.truth.rows(np.sort(fit.index), names), names)
        own = Fit(latents=latent.fit.latents.mean(axis=1), targets=others[:, drawn])
    chosen = tuple(word for word, one in zip(words, drawn, strict=True) if one)
    return {MEANS: Pair(found=latent.found.mean(axis=1), wanted=values[:, drawn], names=chosen, fit=own)}


def _given(forecast: Forecast, names: list[str], order: np.ndarray) -> Pair:
    """Parameters [n P] that a forecast gives, and the true ones."""
    pairs_ = {name: _ordered(forecast, name, order) for name in names}
    means = {name: own.mean(axis=0) if forecast.parts[name].samples else own for name, own in pairs_.items()}
    wanted, words = _columns(forecast.truth.rows(forecast.index[order], names), names)
    return Pair(found=_columns(means, names)[0], wanted=wanted, names=words)


def _columns(arrays: Arrays, names: list[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Parameters [n] or [n P] as columns [n …], and a name for each."""
    columns, words = [], []
    for name in names:
        own = arrays[name].astype(np.float64).reshape(len(arrays[name]), -1)
        columns.append(own)
        word = name.removeprefix(PARAMETER)
        words += [word] if own.shape[1] == 1 else [f"{word} {i + 1}" for i in range(own.shape[1])]
    return np.concatenate(columns, axis=1) if columns else np.zeros((0, 0)), tuple(words)


def _constant_energy(forecast: Forecast, order: np.ndarray) -> Arrays | None:
    """Parameters by name of sequences whose energy is constant; None if it is not, or if no energy is known."""
    truth = forecast.truth
    recipe, system = truth.recipe, truth.recipe.tasks[truth.task]
    names = {PARAMETER + name: name for name in system.parameters()}
    if not (hasattr(system, "energy") and system.keeps_energy() and names.keys() <= truth.forms.keys()):
        return None
    found = truth.rows(forecast.index[order], list(names))
    rubbed = found.get(f"{PARAMETER}friction", np.zeros(1)).any()
    if rubbed or recipe.control or recipe.drift:
        return None
    return {name: found[stored] for stored, name in names.items()}
