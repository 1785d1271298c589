"""A system with a discrete regime z at every instant, seen through a linear emission y = x C + noise."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from slvm_data.core.fields import limited
from slvm_data.core.keys import stream
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems.parameters import Parameter, SharedParameter, check_shared, parameter, shared_parameter
from slvm_data.systems.system import System

RADIUS = 3 / 16  # of a disc, in half widths of the scene: 3 of 32 pixels


@dataclass(frozen=True, kw_only=True)
class Switching(System):
    """The common part of switching systems. A subclass defines `start`, `mode`, `regimes`, and its motion.

    The latents are the input of the emission: the state itself, unless a subclass overrides `latent`.
    """

    style: ClassVar = "clean"
    latents: ClassVar[tuple[str, ...]] = ()
    """Names of the d latents; empty: those of the state."""

    observation_noise: Parameter = parameter(0.1, minimum=0.0)  # standard deviation, in units of the signal
    channels: int = limited(10, minimum=1, maximum=10_000)  # of the signal
    normalised: bool = False  # whether the signal without noise has mean 0 and deviation 1 over the training part
    half_width: float = limited(6.25, positive=True)  # of the scene, in units of the latents
    C: SharedParameter = shared_parameter()  # emission matrix [d channels]

    @abc.abstractmethod
    def mode(self, x: Array, key: Key) -> Array:
        """Regimes [T] of the states [T D] that `simulate` gave with this key."""

    @abc.abstractmethod
    def regimes(self) -> int:
        """Number K of regimes."""

    def latent(self, x: Array) -> Array:
        """Latents [… d] of states [… D]."""
        return x

    def emission(self, latent: Array, mode: Array) -> Array:  # noqa: ARG002 - of one matrix in most systems
        """Signal [T channels] without noise, of latents [T d] in regimes [T]."""
        return product(latent, self.C)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each shared parameter."""
        return {"C": (len(self.latents or self.state), self.channels)}

    def drawn(self, key: Key) -> dict[str, Array]:
        """Draw the shared parameters that are not given: here C, uniform between -1 and 1."""
        return {"C": jax.random.uniform(stream(key, "C"), self.shapes()["C"], dtype=float, minval=-1.0)}

    def shared_parameters(self, key: Key) -> dict[str, np.ndarray]:
        """The arrays that all sequences of a task share, by name: as given, or drawn."""
        drawn = self.drawn(key)
        given = {name: getattr(self, name) for name in self.shapes()}
        every = {name: drawn[name] if value is None else value for name, value in given.items()}
        return {name: np.asarray(value, np.float64).reshape(self.shapes()[name]) for name, value in every.items()}

    def place(self, x: Array) -> Array:
        """Position [2] of the disc that shows a state [D], relative to the middle of the scene."""
        return x[:2]

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """One disc, at the position from `place`."""
        return self.place(x)[None], jnp.full(1, RADIUS * self.half_width)

    def accept(self, x: Array, centres: Array, extent: Array | float) -> Array:  # noqa: ARG002 - see below
        """Accept every sequence, also one that noise moves out of the scene."""
        return jnp.array(True)

    def extent(self) -> float:
        """Half the width of the scene: `half_width`."""
        return self.half_width

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, shape in self.shapes().items():
            if getattr(self, name) is not None:
                check_shared(f"{type(self).__name__}: {name}", getattr(self, name), shape)


def product(x: Array, matrix: Array) -> Array:
    """Multiply vectors [… n] by a matrix [n m], term by term: a library may order sums by the size of the batch."""
    terms = [x[..., i, None] * matrix[i] for i in range(matrix.shape[0])]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total
