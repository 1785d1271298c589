"""Regimes of switching signals: a hidden Markov model whose regimes are linear dynamics.

slvm-data generate nascar --trajectories 10 --window 60 --stride 20 --contexts 1 --train 2000 --val 200 --test 400
pip install dynamax
python3 examples/baselines/regimes.py nascar --seen 0 --out forecast
slvm-data evaluate forecast nascar --from 0

Signals become their principal components x; in regime k, x(t) = A(k) x(t-1) + b(k) + noise, and the regime is a Markov
chain. Expectation maximisation with dynamax, from several starts; the most likely regimes of each window follow
from all its frames. --fit kmeans needs no dynamax: a regime is a cluster of places and steps, [x, x(t) - x(t-1)].

Linderman et al., 2025, doi:10.21105/joss.07069.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2
from training import Batch, arguments, sequences, write

DIMENSIONS, STARTS, ITERATIONS = 2, 4, 40  # components that are kept; starts of the fit, and iterations of each
STICKINESS = 50.0  # how many times a regime is counted as having followed itself, before the data
Regimes = Callable[[NDArray, NDArray], NDArray]  # regimes [N T] of components [N T D] and the ones a frame before


def components(signals: NDArray) -> Callable[[NDArray], NDArray]:
    """Principal components of signals [N T S], as a function that reduces others; each has a deviation of 1."""
    rows = signals.reshape(-1, signals.shape[-1])
    values, vectors = np.linalg.eigh(np.cov(rows, rowvar=False))
    scaled = vectors[:, ::-1][:, :DIMENSIONS] / np.sqrt(values[::-1][:DIMENSIONS])
    return lambda other: (other - rows.mean(axis=0)) @ scaled


def reduced(batch: Batch, reduce: Callable[[NDArray], NDArray]) -> tuple[NDArray, NDArray]:
    """Components [N T D] of the signals of windows, and those a frame before, of which the context has the first."""
    x, context = reduce(batch["queries"].numpy()), reduce(batch["domains"][:, -1, -1:].numpy())
    return x, np.concatenate([context, x[:, :-1]], axis=1)


def clusters(x: NDArray, before: NDArray, regimes: int, seed: int) -> Regimes:
    """Regimes as clusters of places and steps, both of the same weight."""

    def features(x: NDArray, before: NDArray) -> NDArray:
        return np.concatenate([x, (x - before) / deviation], axis=2)

    deviation = (x - before).std(axis=(0, 1))
    centres, _ = kmeans2(features(x, before).reshape(-1, 2 * x.shape[2]), regimes, minit="++", rng=seed)
    return lambda x, before: ((features(x, before)[..., None, :] - centres) ** 2).sum(axis=-1).argmin(axis=-1)


def markov(x: NDArray, before: NDArray, regimes: int, seed: int) -> Regimes:
    """Regimes of a hidden Markov model: of several fits, the one under which the signals are most likely."""
    import jax
    from dynamax.hidden_markov_model import LinearAutoregressiveHMM  # pyright: ignore[reportMissingImports]

    model = LinearAutoregressiveHMM(regimes, x.shape[2], transition_matrix_stickiness=STICKINESS)
    found = []
    for key in jax.random.split(jax.random.key(seed), STARTS):
        guess, kinds = model.initialize(key, "kmeans", emissions=x.reshape(-1, x.shape[2]))
        fitted, likelihoods = model.fit_em(guess, kinds, x, inputs=before, num_iters=ITERATIONS, verbose=False)
        found.append((float(likelihoods[-1]), fitted))
        print(f"log-likelihood of a frame: {found[-1][0] / x[..., 0].size:.3f}", flush=True)
    best = max(found, key=lambda pair: pair[0])[1]
    path = jax.jit(jax.vmap(lambda x, before: model.most_likely_states(best, x, inputs=before)))
    return lambda x, before: np.asarray(path(x, before))


FITS = {"markov": markov, "kmeans": clusters}

if __name__ == "__main__":
    options = arguments(__doc__, fit=tuple(FITS))
    train = sequences(options.folder)[:]
    reduce = components(train["queries"].numpy())
    number = int(train["labels"].max()) + 1  # all that is used of the true regimes
    find = FITS[options.fit](*reduced(train, reduce), number, options.seed)
    write(lambda batch, _: {"mode": find(*reduced(batch, reduce))}, options)
