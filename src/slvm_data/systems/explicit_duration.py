"""An explicit-duration switching linear dynamical system: x_t = A_z x_{t-1} + b_z + noise with z = z_t.

A segment of regime k lasts as long as its distribution of durations says, whatever the state; then a row of the
transition matrix chooses the next, which may be the same. Emission y = x C_z + d_z + noise.
A. F. Ansari et al., "Deep Explicit Duration Switching Models for Time Series", NeurIPS 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from slvm_data.core.keys import stream
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems.parameters import Parameter, SharedParameter, parameter, shared_parameter
from slvm_data.systems.switching import product
from slvm_data.systems.switching_linear import SwitchingLinear


@dataclass(frozen=True, kw_only=True)
class ExplicitDuration(SwitchingLinear):
    """State: the latent position x1, x2, …; one step per frame. The first segment starts with the trajectory."""

    C: SharedParameter = shared_parameter()  # emission of each regime [K d channels]
    d: SharedParameter = shared_parameter()  # offset of the emission [K channels]
    transitions: SharedParameter = shared_parameter()  # probabilities [K K] of the next segment's regime, in rows
    durations: tuple[Any, ...] = ()  # for each regime, pairs of a number of frames and its weight
    process_noise: Parameter = parameter(0.1, minimum=0.0)  # standard deviation
    observation_noise: Parameter = parameter(0.2, minimum=0.0)
    channels: int = 1
    half_width: float = 4.0
    first: tuple[float, ...] = (2.0, 0.0)  # mean of the first state [d]
    spread: float = 0.1  # standard deviation of the first state

    def simulate(self, x0: Array, t: Array, key: Key) -> Array:
        """Simulate one trajectory; return its states [T d], one step for each time after the first, from `x0` [d]."""
        mode = self._segments(key, len(t))
        noise = self.noise(stream(key, "noise"), len(t) - 1)

        def step(x: Array, drawn: tuple[Array, Array]) -> tuple[Array, Array]:
            z, noise = drawn
            x = product(x, self.A[z].T) + self.b[z] + noise
            return x, x

        return jnp.concatenate([x0[None], jax.lax.scan(step, x0, (mode[1:], noise))[1]])

    def mode(self, x: Array, key: Key) -> Array:
        """Regimes [T], which do not depend on the state."""
        return self._segments(key, len(x))

    def regimes(self) -> int:
        """Number of regimes, as many as have durations."""
        return len(self.durations)

    def emission(self, latent: Array, mode: Array) -> Array:
        """Signal [T channels] without noise: each regime has a matrix and an offset of its own."""
        signals = [product(latent, self.C[k]) + self.d[k] for k in range(self.regimes())]
        return jnp.select([(mode == k)[:, None] for k in range(len(signals))], signals)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each shared parameter."""
        K, d, D = self.regimes(), len(self.first), self.channels
        return super().shapes() | {"C": (K, d, D), "d": (K, D), "transitions": (K, K)}

    def drawn(self, key: Key) -> dict[str, Array]:
        """Draw b with deviation ¼ (0 in the first regime), a standard normal C, and d from 0, 1 and 2."""
        shapes = self.shapes()
        b = 0.25 * jax.random.normal(stream(key, "b"), shapes["b"], dtype=float)
        return {
            "b": b.at[0].set(0.0),
            "C": jax.random.normal(stream(key, "C"), shapes["C"], dtype=float),
            "d": jax.random.randint(stream(key, "d"), shapes["d"], 0, 3).astype(float),
        }

    def _segments(self, key: Key, T: int) -> Array:
        """Regimes [T], segment after segment."""
        chance = jax.random.uniform(stream(key, "regime"), (T, 2), dtype=float)
        lengths, likely = self._table()
        follows = jnp.cumsum(self.transitions, axis=1)

        def length(z: Array, chance: Array) -> Array:
            return jnp.asarray(lengths)[z, _pick(jnp.asarray(likely)[z], chance)]

        def frame(segment: tuple[Array, Array], chance: Array) -> tuple[tuple[Array, Array], Array]:
            z, left = segment
            after = _pick(follows[z], chance[0])
            z = jnp.where(left > 0, z, after)
            left = jnp.where(left > 0, left, length(after, chance[1])) - 1
            return (z, left), z

        first = jnp.floor(chance[0, 0] * self.regimes()).astype(int)
        begin = first, length(first, chance[0, 1]) - 1
        return jnp.append(first, jax.lax.scan(frame, begin, chance[1:])[1])

    def _table(self) -> tuple[np.ndarray, np.ndarray]:
        """Durations [K n] and their cumulative probabilities [K n], rows padded with durations of weight 0."""
        n = max(map(len, self.durations))
        rows = [(*row, *((1, 0),) * (n - len(row))) for row in self.durations]
        lengths, weights = np.array(rows, dtype=float).transpose(2, 0, 1)
        return lengths.astype(int), np.cumsum(weights, axis=1) / weights.sum(axis=1, keepdims=True)

    def __post_init__(self) -> None:
        self.settle()
        if missing := [name for name in ("A", "transitions") if getattr(self, name) is None]:
            raise ValueError(f"ExplicitDuration: {missing[0]} has to be given")
        if not _are_pairs(self.durations):
            raise ValueError(f"ExplicitDuration: durations = {self.durations} has to be pairs for each regime")
        super().__post_init__()
        for row in self.durations:
            if any(not 1 <= length <= 10**9 or length != int(length) or weight < 0 for length, weight in row):
                raise ValueError(f"ExplicitDuration: durations = {row} has to be pairs of whole frames and weights")
            if not sum(weight for _, weight in row) > 0:
                raise ValueError(f"ExplicitDuration: durations = {row} has no weight above 0")
        rows = np.asarray(self.transitions)
        if (rows < 0).any() or not np.allclose(rows.sum(axis=1), 1.0):
            raise ValueError(f"ExplicitDuration: transitions = {self.transitions} has to have rows that sum to 1")


def _are_pairs(rows: Any) -> bool:
    """Whether these are rows of pairs, at least one in each."""
    if not isinstance(rows, tuple) or not rows or not all(isinstance(row, tuple) and row for row in rows):
        return False
    return all(isinstance(pair, tuple) and len(pair) == 2 for row in rows for pair in row)


def _pick(cumulative: Array, chance: Array) -> Array:
    """Index that the uniform draw `chance` [] selects among cumulative probabilities [n]."""
    return jnp.sum(chance >= cumulative[:-1])
