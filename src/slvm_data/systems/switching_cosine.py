"""Cosine networks that take turns, by a sticky chain: x_t = f_z(x_{t-1}) + noise with z = z_t.

f_z(x)_i = Σ_h α_zih cos(ω_zih · x + β_zih). From frame to frame the regime stays with probability `stay`; else the next
one in a circle follows. Emission: a network of leaky rectifiers, y = max(h, h/5) C with h = x W + w.
C. Balsells-Rodas, Y. Wang, Y. Li, "On the Identifiability of Switching Dynamical Systems", ICML 2024.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

from slvm_data.core.fields import limited
from slvm_data.core.keys import stream
from slvm_data.core.late import jax, jnp
from slvm_data.core.sines import sine_cosine
from slvm_data.core.types import Array, Key
from slvm_data.systems.parameters import Parameter, SharedParameter, parameter, shared_parameter
from slvm_data.systems.switching import Switching, product

HIDDEN = 8  # units of each network
MIDDLE = (0.5, -0.5)  # of the scene


@dataclass(frozen=True, kw_only=True)
class SwitchingCosine(Switching):
    """State: the latent position x1, x2; one step per frame."""

    state: ClassVar = ("x1", "x2")

    alpha: SharedParameter = shared_parameter()  # weights of the cosines [K 2 8]
    omega: SharedParameter = shared_parameter()  # weights of the state in the cosines [K 2 8 2]
    beta: SharedParameter = shared_parameter()  # phases of the cosines [K 2 8]
    mean: SharedParameter = shared_parameter()  # of the first state, in each regime [K 2]
    C: SharedParameter = shared_parameter()  # emission, weights of the rectifiers [8 channels]
    W: SharedParameter = shared_parameter()  # emission, weights of the state [2 8]
    w: SharedParameter = shared_parameter()  # emission, offsets [8]
    process_noise: Parameter = parameter(sqrt(0.05), minimum=0.0)  # standard deviation
    observation_noise: Parameter = parameter(0.0, minimum=0.0)
    channels: int = 2
    half_width: float = 3.5
    K: int = limited(3, minimum=2, maximum=1_000)  # regimes
    stay: float = limited(0.9, minimum=0, maximum=1)  # probability that a regime is kept
    spread: float = limited(0.1, positive=True)  # standard deviation of the first state about its mean

    def start(self, key: Key) -> Array:
        """Draw a regime, each as likely, then a normal position about its mean."""
        z = jax.random.randint(stream(key, "regime"), (), 0, self.K)
        return jnp.asarray(self.mean)[z] + self.spread * jax.random.normal(stream(key, "place"), (2,), dtype=float)

    def simulate(self, x0: Array, t: Array, key: Key) -> Array:
        """Simulate one trajectory; return its states [T 2], one step for each time after the first, from `x0` [2]."""
        noise = self.process_noise * jax.random.normal(stream(key, "noise"), (len(t) - 1, 2), dtype=float)

        def step(x: Array, drawn: tuple[Array, Array]) -> tuple[Array, Array]:
            x = self.moved(x, drawn[0]) + drawn[1]
            return x, x

        return jnp.concatenate([x0[None], jax.lax.scan(step, x0, (self._chain(x0, key, len(t))[1:], noise))[1]])

    def moved(self, x: Array, z: Array) -> Array:
        """The next state [2] without noise, of a state [2] in regime z."""
        alpha, omega, beta = (jnp.asarray(array)[z] for array in (self.alpha, self.omega, self.beta))
        waves = alpha * sine_cosine(omega[..., 0] * x[0] + omega[..., 1] * x[1] + beta)[1]
        return sum((waves[:, h] for h in range(1, HIDDEN)), waves[:, 0])

    def mode(self, x: Array, key: Key) -> Array:
        """Regimes [T]: regime t moved x_{t-1} to x_t."""
        return self._chain(x[0], key, len(x))

    def _chain(self, x0: Array, key: Key, T: int) -> Array:
        """Regimes [T]; the first is drawn from its posterior for `x0` [2], so that both have the law of `start`."""
        chance, mean = jax.random.uniform(stream(key, "regime"), (T,), dtype=float), jnp.asarray(self.mean)
        apart = ((x0[0] - mean[:, 0]) ** 2 + (x0[1] - mean[:, 1]) ** 2) / (2 * self.spread**2)
        likely = jnp.cumsum(jax.nn.softmax(-apart))
        first = jnp.sum(chance[0] >= likely[:-1])
        return (first + jnp.cumsum(jnp.append(0, chance[1:] >= self.stay))) % self.K

    def regimes(self) -> int:
        """Number K of regimes."""
        return self.K

    def emission(self, latent: Array, mode: Array) -> Array:  # noqa: ARG002 - one network for all regimes
        """Signal [T channels] without noise, of latents [T 2]."""
        hidden = product(latent, jnp.asarray(self.W)) + jnp.asarray(self.w)
        return product(jnp.maximum(hidden, 0.2 * hidden), jnp.asarray(self.C))

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each shared parameter."""
        networks = {"alpha": (self.K, 2, HIDDEN), "omega": (self.K, 2, HIDDEN, 2), "beta": (self.K, 2, HIDDEN)}
        return {**networks, "mean": (self.K, 2), "C": (HIDDEN, self.channels), "W": (2, HIDDEN), "w": (HIDDEN,)}

    def drawn(self, key: Key) -> dict[str, Array]:
        """Draw all, normal with mean 0: of deviation 0.7 for `mean`, 0.5 for weights, offsets and phases."""
        return {
            name: (0.7 if name == "mean" else 0.5) * jax.random.normal(stream(key, name), shape, dtype=float)
            for name, shape in self.shapes().items()
        }

    def place(self, x: Array) -> Array:
        """Position of the disc [2], relative to the middle of the scene."""
        return x - jnp.asarray(MIDDLE)

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """One disc, with a radius of 4 of 32 pixels."""
        return self.place(x)[None], jnp.full(1, self.half_width / 4)
