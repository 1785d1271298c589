"""A recurrent switching linear dynamical system: K linear regimes, and a regime that depends on where the state is.

x_t = A_z x_{t-1} + b_z + noise, where z = z_t is the regime that moves x_{t-1} to x_t. A regime is drawn one frame
ahead: z_t ~ π(x_{t-2}), and z_0 = z_1 ~ π(x_0). By stick breaking, with ψ = R x + r, π_k = σ(ψ_k) Π_{j<k} (1 - σ(ψ_j)),
and the last regime has the rest. S. Linderman et al., AISTATS 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

from slvm_data.core.fields import is_number
from slvm_data.core.keys import stream
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems.parameters import SharedParameter, shared_parameter
from slvm_data.systems.switching import product
from slvm_data.systems.switching_linear import SwitchingLinear


@dataclass(frozen=True, kw_only=True)
class Rslds(SwitchingLinear):
    """State: the latent position x1, x2, …; one step per frame."""

    R: SharedParameter = shared_parameter()  # weights of the transitions [K-1 d]
    r: SharedParameter = shared_parameter()  # offsets of the transitions [K-1]
    reach: tuple[float, ...] = ()  # a trajectory that goes farther than this from 0 [d] is rejected; empty: none is

    def simulate(self, x0: Array, t: Array, key: Key) -> Array:
        """Simulate one trajectory; return its states [T d], one step for each time after the first, from `x0` [d]."""
        chance = self._chance(key, len(t))
        noise = self.noise(stream(key, "noise"), len(t) - 1)

        def step(x: tuple[Array, Array], drawn: tuple[Array, Array]) -> tuple[tuple[Array, Array], Array]:
            (position, mode), (chance, noise) = x, drawn
            moved = self._moved(position, mode) + noise
            return (moved, self._regime(position, chance)), moved

        begin = x0, self._regime(x0, chance[0])
        return jnp.concatenate([x0[None], jax.lax.scan(step, begin, (chance[1:], noise))[1]])

    def mode(self, x: Array, key: Key) -> Array:
        """Regimes [T]: regime t moved x_{t-1} to x_t, regime 0 is that of the first move."""
        ahead = self._regime(jnp.concatenate([x[:1], x[:-1]]), self._chance(key, len(x)))  # of the move after frame t
        return jnp.concatenate([ahead[:1], ahead[:-1]])

    def accept(self, x: Array, centres: Array, extent: Array | float) -> Array:  # noqa: ARG002 - a rule of its own
        """Whether a trajectory stays within `reach`, so that it is accepted."""
        return (abs(x) <= jnp.asarray(self.reach)).all() if self.reach else jnp.array(True)

    def rejection(self) -> str:
        """Reason of a rejection: the trajectory went beyond `reach`."""
        return f"went beyond ±{self.reach} (the hyperparameter reach)"

    def regimes(self) -> int:
        """Number of regimes: the number of rows of `b`."""
        return len(self.b)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each shared parameter."""
        K, d = self.regimes(), len(self.first)
        return {"R": (K - 1, d), "r": (K - 1,), **super().shapes()}

    def drawn(self, key: Key) -> dict[str, Array]:
        """Draw the emission, standard normal; all other shared parameters have to be given."""
        return {"C": jax.random.normal(stream(key, "C"), self.shapes()["C"], dtype=float)}

    def _chance(self, key: Key, T: int) -> Array:
        return jax.random.uniform(stream(key, "regime"), (T,), dtype=float)

    def _moved(self, x: Array, mode: Array) -> Array:
        # Compute the motion in every regime, then choose: for many trajectories faster than to select matrices first.
        moves = [product(x, self.A[k].T) + self.b[k] for k in range(self.regimes())]
        return jnp.select([mode == k for k in range(len(moves))], moves)

    def _regime(self, x: Array, chance: Array) -> Array:
        """Regimes […] that the uniform draws `chance` […] select at these states [… d]."""
        left = jnp.cumprod(jax.nn.sigmoid(-product(x, self.R.T) - self.r), axis=-1)  # of the stick, after each break
        return jnp.sum(chance[..., None] < left, axis=-1)

    def __post_init__(self) -> None:
        self.settle()
        if missing := [name for name in ("A", "b", "R", "r") if getattr(self, name) is None]:
            raise ValueError(f"Rslds: {missing[0]} has to be given")
        if not (isinstance(self.b, tuple) and all(isinstance(row, tuple) for row in self.b)):
            raise ValueError(f"Rslds: b = {self.b} has to be K x {len(self.first)} numbers")
        super().__post_init__()
        if self.reach and (len(self.reach) != len(self.first) or not all(is_number(x) and x > 0 for x in self.reach)):
            raise ValueError(f"Rslds: reach = {self.reach} has to be {len(self.first)} numbers above 0, or empty")
