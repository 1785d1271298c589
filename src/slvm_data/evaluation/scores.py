"""The table of metrics of a report: of which array each is, and how its number follows from the sequences.

A metric gives each sequence some `terms`; its number is `value` of their means over sequences. Most are a mean, and
their value is the mean itself; an R² needs three terms. So the interval of each is found in the same way: from means
[R …] over sequences that are drawn again R times.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.stats import rankdata

from slvm_data import metrics
from slvm_data.evaluation.pairs import MEANS, PARAMETERS, Pair
from slvm_data.metrics.correlation import correlations
from slvm_data.metrics.probes import PROBES, targets
from slvm_data.metrics.regimes import (
    ari_of,
    assigned,
    f1_of,
    nmi_of,
    switch_counts,
    switch_values,
    tables,
)

LEVEL = 0.9  # of the interval whose coverage is measured
FRAMES, COMPONENTS = "frame", "component"


def _same(means: np.ndarray) -> np.ndarray:
    return means


def _always(pair: Pair) -> bool:
    del pair
    return True


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A number of a report. It is of one array, and of each of its frames or components, or of the whole."""

    name: str
    array: str  # of the forecast, as `pairs` call it
    terms: Callable[[Pair], np.ndarray]  # [n …] of sequences; [n T …] if it is of frames
    value: Callable[[np.ndarray], np.ndarray] = _same  # numbers [R …] from means of the terms over sequences [R …]
    each: str = ""  # what it has a number for
    unit: str = ""
    best: float | None  # None: the number of frames that are scored
    fits: Callable[[Pair], bool] = _always
    every_frame: bool = False  # whether no frame of the truth may be missing
    slow: bool = False  # whether it takes minutes, so that it has to be asked for


def nan_mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Mean over an axis of the numbers that are not NaN."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NaN alone gives NaN
        return np.nanmean(values, axis=axis)


def _decibel(error: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return -10 * np.log10(error)


def _one_by_one(value: Callable[[np.ndarray], float]) -> Callable[[np.ndarray], np.ndarray]:
    """A function of several means [R …] from one of the means [...]."""
    return lambda means: np.array([value(own) for own in means])


def _frames(metric: Callable[..., np.ndarray], **options: float) -> Callable[[Pair], np.ndarray]:
    """Terms that a function of forecast and truth gives."""
    return lambda pair: metric(pair.found, pair.wanted, **options)


def _distance(pair: Pair) -> np.ndarray:
    """Mean distance [n T] of the bodies of all colours that the truth shows."""
    return nan_mean(metrics.centre_distance(pair.found, pair.wanted), axis=2)


def _crps(pair: Pair) -> np.ndarray:
    """Mean score [n T] of the numbers of each frame."""
    assert pair.samples is not None
    score = metrics.crps(pair.samples, pair.wanted)
    return score.reshape(*score.shape[:2], -1).mean(axis=2)


def _coverage(pair: Pair) -> np.ndarray:
    """Share [n] of the numbers of each sequence that lie in the central interval of their samples."""
    assert pair.samples is not None
    low, high = np.quantile(pair.samples, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return ((low <= pair.wanted) & (pair.wanted <= high)).mean(axis=tuple(range(1, pair.wanted.ndim)))


def _sampled(pair: Pair) -> bool:
    return pair.samples is not None


def _squares(found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Terms [n 3 D] of R²: squares of the errors, the targets about their mean, and squares of these."""
    every = tuple(range(wanted.ndim - 1))
    middle = (wanted - wanted.mean(axis=every)) * (np.ptp(wanted, axis=every) > 0)  # no rounding of what is constant
    terms = np.stack([(found - wanted) ** 2, middle, middle**2], axis=1)
    return terms.mean(axis=2) if terms.ndim == 4 else terms


def r2_of(means: np.ndarray) -> np.ndarray:
    """R² [R D] as `metrics.r2`, from the means [R 3 D] of its terms."""
    rest, mean, square = means.swapaxes(0, 1)
    whole = square - mean**2
    return np.where(whole > 0, 1 - rest / np.where(whole > 0, whole, 1.0), (rest == 0).astype(float))


def _decoded(pair: Pair) -> np.ndarray:
    """Terms of R² of numbers that the forecast gives itself, angles as sine and cosine."""
    found, wanted = (targets(values, pair.angles) for values in (pair.found, pair.wanted))
    return _squares(found, wanted)


def _probed(pair: Pair, kind: str) -> np.ndarray:
    """Terms of R² of what a probe reads from latents."""
    return _squares(*probed(pair, kind))


def probed(pair: Pair, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """What a probe reads from latents [n … D], and what it should read; it was fitted on other sequences."""
    wanted = targets(pair.wanted, pair.angles)
    found, latents = np.empty_like(wanted), pair.found.astype(np.float64)
    if pair.fit:
        return _read(kind, pair.fit.latents, targets(pair.fit.targets, pair.angles), latents), wanted
    halves = np.arange(len(wanted)) % 2 == 0
    for half in (halves, ~halves):  # what one half is fitted on reads the other
        found[half] = _read(kind, latents[~half], wanted[~half], latents[half])
    return found, wanted


def _read(kind: str, fit: np.ndarray, fit_targets: np.ndarray, latents: np.ndarray) -> np.ndarray:
    """What a probe that is fitted on latents [n … K] and targets [n … D] reads from other latents."""
    probe = PROBES[kind](_flat(fit).astype(np.float64), _flat(fit_targets))
    return probe(_flat(latents)).reshape(*latents.shape[:-1], -1)


def _flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(-1, values.shape[-1])


def several(pair: Pair) -> bool:
    """Whether there are other sequences that a probe can be fitted on."""
    return pair.fit is not None or len(pair.wanted) > 1


def _moments(pair: Pair, kind: str) -> np.ndarray:
    """Terms [n 5 D] of the correlation of each component with the latent that is assigned to it."""
    latents, state = _flat(pair.found).astype(np.float64), _flat(pair.wanted).astype(np.float64)
    fit = (_flat(pair.fit.latents), _flat(pair.fit.targets)) if pair.fit else (latents, state)
    rows, columns = linear_sum_assignment(-correlations(*fit, kind=kind))
    x = np.zeros_like(state)  # a component without a latent gets 0
    x[:, columns] = latents[:, rows]
    x, y = (rankdata(values, axis=0) if kind == "spearman" else values for values in (x, state))
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    return np.stack([x, y, x * x, y * y, x * y]).reshape(5, *pair.wanted.shape).mean(axis=2).swapaxes(0, 1)


def correlation_of(means: np.ndarray) -> np.ndarray:
    """Mean absolute correlation [R] from the means [R 5 D] of its terms."""
    x, y, xx, yy, xy = means.swapaxes(0, 1)
    size = np.sqrt(np.maximum(xx - x * x, 0) * np.maximum(yy - y * y, 0))
    return (np.abs(xy - x * y) / np.where(size > 0, size, np.inf)).mean(axis=1)


def _energy_drift(pair: Pair) -> np.ndarray:
    """Energy drift [n] of the decoded states of sequences whose energy is constant."""
    from slvm_data.simulation.member import energies  # loads JAX

    assert pair.parameters is not None
    assert pair.system is not None
    each = [{name: own[i] for name, own in pair.parameters.items()} for i in range(len(pair.found))]
    states = zip(each, pair.found, strict=True)
    return metrics.energy_drift(np.array([energies(pair.system, own, state) for own, state in states]))


def _is_oscillation(pair: Pair) -> bool:
    """Whether a state is the position and momentum of one oscillation."""
    return pair.system is not None and bool(pair.system.halves) and pair.wanted.shape[-1] == 2


def _tables(pair: Pair) -> np.ndarray:
    """Frames in each true regime and each predicted one [n K K'], as shares whose mean is the number of all frames."""
    own = tables(pair.found, pair.wanted)
    return own * float(len(own))


def _assigned_tables(pair: Pair) -> np.ndarray:
    return tables(assigned(pair.found, pair.wanted), pair.wanted, aligned=True).astype(np.float64)


def _switches(place: int, name: str, unit: str) -> Metric:
    """One of the numbers of `switch_error`."""
    value = _one_by_one(lambda means: float(switch_values(means)[place]))
    return Metric(name=name, array="mode", terms=_frames(switch_counts), value=value, unit=unit, best=0.0)


_image = partial(Metric, array="image")
_state = partial(Metric, array="state")
_mode = partial(Metric, array="mode")

TABLE = (
    _image(name="mse", terms=_frames(metrics.mse), each=FRAMES, best=0.0),
    _image(name="psnr", terms=_frames(metrics.mse), value=_decibel, each=FRAMES, unit="dB", best=math.inf),
    _image(name="ssim", terms=_frames(metrics.ssim), each=FRAMES, best=1.0),
    _image(name="iou", terms=_frames(metrics.iou), each=FRAMES, best=1.0),
    _image(name="vpt", terms=_frames(metrics.vpt), unit="frames", best=None, every_frame=True),
    _image(
        name="vpt_relative_first", terms=_frames(metrics.vpt_relative_first), unit="frames", best=None, every_frame=True
    ),
    _image(
        name="vpt_absolute_last", terms=_frames(metrics.vpt_absolute_last), unit="frames", best=None, every_frame=True
    ),
    _image(name="centre_distance", terms=_distance, each=FRAMES, unit="px", best=0.0),
    _image(name="vpd", terms=_frames(metrics.vpd), unit="frames", best=None, every_frame=True),
    _image(name="wasserstein", terms=_frames(metrics.wasserstein), each=FRAMES, unit="px", best=0.0, slow=True),
    _image(name="crps", terms=_crps, each=FRAMES, best=0.0, fits=_sampled),
    Metric(name="signal_error", array="signal", terms=_frames(metrics.state_error), each=FRAMES, best=0.0),
    Metric(name="signal_crps", array="signal", terms=_crps, each=FRAMES, best=0.0, fits=_sampled),
    Metric(name="signal_coverage", array="signal", terms=_coverage, best=LEVEL, fits=_sampled),
    _state(
        name="state_error",
        terms=lambda pair: metrics.state_error(pair.found, pair.wanted, pair.angles),
        each=FRAMES,
        best=0.0,
    ),
    _state(name="state_r2", terms=_decoded, value=r2_of, each=COMPONENTS, best=1.0),
    _state(
        name="phase_error",
        terms=_frames(metrics.phase_error),
        each=FRAMES,
        unit="rad",
        best=0.0,
        fits=_is_oscillation,
    ),
    _state(name="energy_drift", terms=_energy_drift, best=0.0, fits=lambda pair: pair.parameters is not None),
    _state(name="state_crps", terms=_crps, each=FRAMES, best=0.0, fits=_sampled),
    _state(name="state_coverage", terms=_coverage, best=LEVEL, fits=_sampled),
    *(
        Metric(
            name=f"{what}_{kind}",
            array=array,
            terms=partial(_probed, kind=kind),
            value=r2_of,
            each=COMPONENTS,
            best=1.0,
            fits=several,
        )
        for array, what in (("latent", "probe"), (MEANS, "parameter_probe"))
        for kind in PROBES
    ),
    *(
        Metric(name=f"mcc_{kind}", array="latent", terms=partial(_moments, kind=kind), value=correlation_of, best=1.0)
        for kind in ("pearson", "spearman")
    ),
    Metric(name="parameter_r2", array=PARAMETERS, terms=_decoded, value=r2_of, each=COMPONENTS, best=1.0),
    _mode(name="accuracy", terms=_frames(metrics.accuracy), best=1.0),
    _mode(name="f1", terms=_assigned_tables, value=_one_by_one(f1_of), best=1.0),
    _mode(name="nmi", terms=_tables, value=_one_by_one(nmi_of), best=1.0),
    _mode(name="ari", terms=_tables, value=_one_by_one(ari_of), best=1.0),
    _switches(0, "switch_distance", "frames"),
    _switches(1, "switch_missed", ""),
    _switches(2, "switch_spurious", ""),
)
