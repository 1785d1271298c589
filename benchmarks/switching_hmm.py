#!/usr/bin/env python3
"""How many regimes a hidden Markov model recovers from the states of datasets whose regimes are not in the state.

    pip install dynamax hmmlearn
    python3 benchmarks/switching_hmm.py [--train 100] [--test 100]

Cosine networks: a linear autoregressive model of dynamax, fitted to training sequences. Pendulum, and mass on a spring:
the model sees one number for each pair of frames: the value of the parameter with which the energy stays the same, from
0 to 12. It has a Gaussian of variance 0.1 for each regime; means and transition matrix are fitted by hmmlearn to
training sequences. Of three random starts the likeliest fit counts. Regimes are matched one to one to the true ones.
"""

from __future__ import annotations

import argparse

import jax
import numpy as np
from dynamax.hidden_markov_model import LinearAutoregressiveHMM  # pyright: ignore[reportMissingImports]
from hmmlearn.hmm import GaussianHMM  # pyright: ignore[reportMissingImports]

from slvm_data import RECIPES, metrics, sample

M, L = 0.5, 1.0  # kg, m, of both
SEEDS = range(3)
POTENTIAL = {  # potential energy over the parameter that switches
    "switching_pendulum": lambda q: M * L * (1 - np.cos(q)),
    "switching_mass_spring": lambda q: q**2 / 2,
}


def seen(name: str, states: np.ndarray) -> np.ndarray:
    """Values [N T-1] of the parameter with which states [N T 2] keep their energy from frame to frame."""
    q, p = states.astype(float).transpose(2, 0, 1)
    lost, height = -np.diff(p**2 / (2 * M * L**2), axis=1), np.diff(POTENTIAL[name](q), axis=1)
    return np.clip(lost * height / (height**2 + 1e-8), 0, 12)


def fitted(values: np.ndarray, seed: int) -> tuple[float, GaussianHMM]:
    """Log-likelihood and model of the sequences [N T]."""
    model = GaussianHMM(3, "diag", n_iter=25, random_state=seed, params="stm", init_params="stm")
    model.covars_ = np.full((3, 1), 0.1)
    flat = values.reshape(-1, 1), [values.shape[1]] * len(values)
    return model.fit(*flat).score(*flat), model


def autoregressive(train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Regimes [N T] of test sequences [N T 2], by the likeliest of several fits to training sequences."""
    model, found = LinearAutoregressiveHMM(3, train.shape[2], num_lags=1), []
    inputs = jax.vmap(model.compute_inputs)
    for seed in SEEDS:
        first = model.initialize(jax.random.PRNGKey(seed), method="kmeans", emissions=train)
        numbers, likelihood = model.fit_em(*first, train, inputs=inputs(train), num_iters=40, verbose=False)
        found.append((float(likelihood[-1]), numbers))
    numbers = max(found, key=lambda one: one[0])[1]
    return np.asarray(jax.vmap(lambda x, own: model.most_likely_states(numbers, x, inputs=own))(test, inputs(test)))


def main() -> None:
    """Print the share of regimes that are recovered."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--train", type=int, default=100)
    parser.add_argument("--test", type=int, default=100)
    options = parser.parse_args()
    own, other = (sample(RECIPES["switching_cosine"], split, slice(0, n)) for split, n in vars(options).items())
    share = metrics.accuracy(autoregressive(own["state"], other["state"]), other["mode"]).mean()
    print(f"switching_cosine: {share:.1%} of regimes")
    for name in POTENTIAL:
        train = sample(RECIPES[name], "train", slice(0, options.train))
        test = sample(RECIPES[name], "test", slice(0, options.test))
        _, model = max((fitted(seen(name, train["state"]), seed) for seed in SEEDS), key=lambda found: found[0])
        values = seen(name, test["state"])
        regimes = model.predict(values.reshape(-1, 1), [values.shape[1]] * len(values)).reshape(values.shape)
        share = metrics.accuracy(regimes, test["mode"][:, 1:]).mean()
        print(f"{name}: {share:.1%} of regimes, values {np.sort(model.means_.ravel()).round(2).tolist()}")


if __name__ == "__main__":
    main()
