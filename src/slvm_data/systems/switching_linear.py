"""Linear dynamics in each of K regimes: x_t = A_z x_{t-1} + b_z + noise."""

from __future__ import annotations

from dataclasses import dataclass

from slvm_data.core.fields import limited
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems.parameters import Parameter, SharedParameter, parameter, shared_parameter
from slvm_data.systems.switching import Switching


@dataclass(frozen=True, kw_only=True)
class SwitchingLinear(Switching):
    """State: the latent position x1, x2, …; one step per frame. A subclass says how regimes follow each other."""

    A: SharedParameter = shared_parameter()  # dynamics [K d d]
    b: SharedParameter = shared_parameter()  # offsets [K d]
    process_noise: Parameter = parameter(0.01, minimum=0.0)  # standard deviation
    first: tuple[float, ...] = (0.0, 1.0)  # mean of the first state [d]
    spread: float = limited(0.03, minimum=0)  # standard deviation of the first state

    @property
    def state(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Names of the state, as many as `first` has numbers."""
        return tuple(f"x{i + 1}" for i in range(len(self.first)))

    def start(self, key: Key) -> Array:
        """Draw a normal position with mean `first`."""
        return jnp.asarray(self.first) + self.spread * jax.random.normal(key, (len(self.first),), dtype=float)

    def noise(self, key: Key, T: int) -> Array:
        """Draw the process noise of the state in each of T steps [T d]."""
        return self.process_noise * jax.random.normal(key, (T, len(self.first)), dtype=float)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each shared parameter."""
        K, d = self.regimes(), len(self.first)
        return {"A": (K, d, d), "b": (K, d), **super().shapes()}
