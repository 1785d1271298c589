"""A signal of any system: a fixed function of its states, or of its latents if they are others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from slvm_data.core.draws import Draws
from slvm_data.core.fields import limited
from slvm_data.core.types import Arrays
from slvm_data.observe.modifier import Canvas, Modifier

HIDDEN = 32  # units of the hidden layer
EMISSIONS = ("linear", "mlp", "state")


@dataclass(frozen=True, kw_only=True)
class Emission(Modifier):
    """The signal y of the state x: "linear", y = x C; "mlp", y = tanh(x V + b) W with 32 hidden units; "state", y = x.

    Of "state", `first` leaves out all numbers but the first so many: a position without its velocity, say.
    All sequences of a dataset share the weights: C, V and W are Gaussian with variance 1 / (number of their rows), b is
    standard normal. The manifest keeps them among the shared parameters. The signal is stored without noise: put
    `signal_noise` after it. `--record clean` keeps it as `clean_signal`. For switching systems it replaces their own
    signal, and x are their latents.
    """

    stage: ClassVar = "signal"
    recorded: ClassVar = ("signal",)
    looks_at: ClassVar = ("state", "latent")

    kind: str = limited("linear", choices=EMISSIONS)
    channels: int = limited(10, minimum=1, maximum=10_000)  # not of "state", which has those of the state
    first: int = limited(0, minimum=0)  # of "state": how many of its first numbers it shows; 0: all

    def apply(self, seen: np.ndarray, time: np.ndarray, draws: Draws, canvas: Canvas) -> tuple[np.ndarray, Arrays]:
        """Compute the signal [T S] from the states or latents [T D]."""
        x = np.asarray(canvas.arrays.get("latent", canvas.arrays["state"]), np.float64)
        weights = self.weights(x.shape[1], canvas.shared)
        if self.kind == "linear":
            x = _product(x, weights["emission_C"])
        if self.kind == "mlp":
            x = _product(np.tanh(_product(x, weights["emission_V"]) + weights["emission_b"]), weights["emission_W"])
        return x[:, : self.width(x.shape[1])], {}

    def width(self, numbers: int) -> int:
        """Number of channels, for states or latents of so many numbers; raises ValueError for fewer than `first`."""
        if self.first > numbers:
            raise ValueError(f"{self.name()}: first = {self.first} is more than the {numbers} numbers that there are")
        return (self.first or numbers) if self.kind == "state" else self.channels

    def weights(self, numbers: int, key: np.ndarray) -> Arrays:
        """The weights that all sequences share, by name, for states or latents of so many numbers."""
        draws = Draws(key)
        if self.kind == "linear":
            return {"emission_C": draws.normal(numbers, self.channels) / numbers**0.5}
        if self.kind == "state":
            return {}
        inner = draws.normal(numbers, HIDDEN) / numbers**0.5
        bias, outer = draws.normal(HIDDEN), draws.normal(HIDDEN, self.channels) / HIDDEN**0.5
        return {"emission_V": inner, "emission_b": bias, "emission_W": outer}


def _product(x: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Multiply vectors [T n] by a matrix [n m], term by term: a library may order sums by the number of threads."""
    total = np.zeros((len(x), matrix.shape[1]))
    for column, row in zip(x.T, matrix, strict=True):
        total += column[:, None] * row
    return total
