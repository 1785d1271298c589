#!/usr/bin/env python3
"""How many regimes a hidden Markov model recovers from the states of a switching pendulum, and of a mass on a spring.

    pip install hmmlearn
    python3 benchmarks/switching_hmm.py [--train 100] [--test 100]

The model sees one number for each pair of frames: the value of the parameter with which the energy stays the same, from
0 to 12. It has a Gaussian of variance 0.1 for each regime; means and transition matrix are fitted by hmmlearn to
training sequences. Of two random starts the likelier fit counts. Regimes are matched one to one to the true ones.
"""

from __future__ import annotations

import argparse

import numpy as np
from hmmlearn.hmm import GaussianHMM  # pyright: ignore[reportMissingImports]

from slvm_data import RECIPES, metrics, sample

M, L = 0.5, 1.0  # kg, m, of both
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


def main() -> None:
    """Print the share of regimes that are recovered."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--train", type=int, default=100)
    parser.add_argument("--test", type=int, default=100)
    options = parser.parse_args()
    for name in POTENTIAL:
        train = sample(RECIPES[name], "train", slice(0, options.train))
        test = sample(RECIPES[name], "test", slice(0, options.test))
        _, model = max((fitted(seen(name, train["state"]), seed) for seed in range(2)), key=lambda found: found[0])
        values = seen(name, test["state"])
        regimes = model.predict(values.reshape(-1, 1), [values.shape[1]] * len(values)).reshape(values.shape)
        share = metrics.accuracy(regimes, test["mode"][:, 1:]).mean()
        print(f"{name}: {share:.1%} of regimes, values {np.sort(model.means_.ravel()).round(2).tolist()}")


if __name__ == "__main__":
    main()
