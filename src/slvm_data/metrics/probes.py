"""Probes: how well the true state can be read from a model's latents, by a map fitted on other sequences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize

from slvm_data.metrics.arrays import array

RIDGE = 1e-6  # relative weight of the penalty of a linear probe, so that latents that repeat each other do no harm
HIDDEN, PENALTY, ROUNDS = 32, 1e-4, 200  # units, weight decay and iterations of the small network
MOST = 2000  # rows that the small network is fitted on, at most: evenly spaced
Probe = Callable[[np.ndarray], np.ndarray]
"""From latents [M K] to targets [M D]."""


def targets(state: Any, angles: Sequence[int] = ()) -> np.ndarray:
    """States [… D] with the sine and the cosine of each angle in its place [… D + angles]."""
    state, columns = np.asarray(state, np.float64), []
    for d in range(state.shape[-1]):
        columns += [np.sin(state[..., d]), np.cos(state[..., d])] if d in angles else [state[..., d]]
    return np.stack(columns, axis=-1)


def linear(latents: np.ndarray, wanted: np.ndarray) -> Probe:
    """The linear map with a constant that has the least squared error on these latents [M K] and targets [M D]."""
    mean, scale = latents.mean(axis=0), _scale(latents)
    inputs = np.hstack([(latents - mean) / scale, np.ones((len(latents), 1))])
    weights = np.linalg.solve(inputs.T @ inputs + RIDGE * len(inputs) * np.eye(inputs.shape[1]), inputs.T @ wanted)
    return lambda new: np.hstack([(new - mean) / scale, np.ones((len(new), 1))]) @ weights


def network(latents: np.ndarray, wanted: np.ndarray) -> Probe:
    """A network with one hidden layer of tanh units, fitted by L-BFGS from a fixed start, on `MOST` rows at most."""
    some = np.linspace(0, len(latents) - 1, min(MOST, len(latents))).astype(int)
    latents, wanted = latents[some], wanted[some]
    inner, inner_scale, outer, outer_scale = latents.mean(0), _scale(latents), wanted.mean(0), _scale(wanted)
    x, y = (latents - inner) / inner_scale, (wanted - outer) / outer_scale
    shapes = ((x.shape[1], HIDDEN), (HIDDEN,), (HIDDEN, y.shape[1]), (y.shape[1],))
    sizes = np.cumsum([np.prod(shape) for shape in shapes])[:-1]

    def parts(flat: np.ndarray) -> list[np.ndarray]:
        return [part.reshape(shape) for part, shape in zip(np.split(flat, sizes), shapes, strict=True)]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        first, bias, second, last = parts(flat)
        hidden = np.tanh(x @ first + bias)
        error = (hidden @ second + last - y) / y.size
        back = error @ second.T * (1 - hidden**2)
        slopes = (x.T @ back, back.sum(0), hidden.T @ error, error.sum(0))
        slope = np.concatenate([own.ravel() for own in slopes]) + PENALTY * flat / len(flat)
        return float(0.5 * (error**2).sum() * y.size + 0.5 * PENALTY * (flat**2).mean()), slope

    start = np.random.default_rng(0).normal(0, 0.5, sum(int(np.prod(shape)) for shape in shapes))
    first, bias, second, last = parts(minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": ROUNDS}).x)
    return lambda new: (np.tanh((new - inner) / inner_scale @ first + bias) @ second + last) * outer_scale + outer


def _scale(values: np.ndarray) -> np.ndarray:
    deviation = values.std(axis=0)
    return np.where(deviation > 0, deviation, 1.0)


PROBES = {"linear": linear, "mlp": network}


def r2(found: Any, wanted: Any) -> np.ndarray:
    """Share of the variance of each target [D] that [M D] explain, up to 1 (best); the mean of the targets gets 0.

    A target that does not vary gets 1 if it is hit, else 0.
    """
    found, wanted = np.asarray(found, np.float64), np.asarray(wanted, np.float64)
    rest, whole = ((found - wanted) ** 2).sum(axis=0), ((wanted - wanted.mean(axis=0)) ** 2).sum(axis=0)
    whole = whole * (np.ptp(wanted, axis=0) > 0)  # the mean of what does not vary is rounded
    return np.where(whole > 0, 1 - rest / np.where(whole > 0, whole, 1.0), (rest == 0).astype(float))


def probe(
    fit_latent: Any, fit_state: Any, latent: Any, state: Any, *, kind: str = "linear", angles: Sequence[int] = ()
) -> np.ndarray:
    """Held-out R² [D'] of states [N T D] read from latents [N T K]; an angle is read as its sine and its cosine.

    The probe is fitted on `fit_latent` and `fit_state`, such as those of val, and scored on the others. 1 is best; a
    constant latent gets about 0. Parameters of sequences [N P] are scored likewise, from latents [N K].
    """
    if kind not in PROBES:
        raise ValueError(f"kind = {kind!r} is unknown; there are {', '.join(PROBES)}")
    pairs = {"latent of the fit": fit_latent, "state of the fit": fit_state, "latent": latent, "state": state}
    axes = "N K" if np.ndim(state) == 2 else "N T K"
    flat = [array(name, value, axes).reshape(-1, np.shape(value)[-1]) for name, value in pairs.items()]
    for (one, other), what in (((flat[0], flat[1]), "the fit"), ((flat[2], flat[3]), "the score")):
        if len(one) != len(other):
            raise ValueError(f"latent and state of {what} have {len(one)} and {len(other)} rows")
    fitted = PROBES[kind](flat[0].astype(np.float64), targets(flat[1], angles))
    return r2(fitted(flat[2].astype(np.float64)), targets(flat[3], angles))
