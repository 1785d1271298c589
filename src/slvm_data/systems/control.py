"""Controls: what acts on a system from outside, with one value u_t for each frame t, held until the next frame.

A system names its inputs (`System.inputs`) and says what they add to the time derivative of its state (`System.push`).
An option of a control is one number for all inputs, or a vector with one for each.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from math import pi, sqrt
from typing import Any, ClassVar

import numpy as np

from slvm_data.core.fields import leaves, limited
from slvm_data.core.keys import stream
from slvm_data.core.kinds import Kind
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key

SURE = 9.0  # standard deviations; in double precision no normal number is drawn beyond


@dataclass(frozen=True, kw_only=True)
class Control(Kind, abc.ABC):
    """A rule for the control of each sequence."""

    family: ClassVar = "control"

    @abc.abstractmethod
    def values(self, key: Key, t: Array, inputs: int) -> Array:
        """Control [T U] of one sequence with frames at `t` [T]; `inputs` is U."""

    @abc.abstractmethod
    def largest(self) -> float:
        """Largest size of an input, in its unit."""

    def impulse(self, duration: float, interval: float) -> float:  # noqa: ARG002
        """Largest size of the integral of an input over time that is to be expected, for the step of the integrator.

        Frames are `interval` seconds apart, on average.
        """
        return self.largest() * duration

    def check(self, kind: str, inputs: tuple[str, ...]) -> None:
        """Raise ValueError for a system of this kind that has no inputs, or another number of them than a vector."""
        if not inputs:
            raise ValueError(f"{kind} takes no control, since it names no inputs: leave {self} out")
        for name, value in vars(self).items():
            if isinstance(value, tuple) and len(value) != len(inputs):
                words = f"{len(inputs)} input{'s' * (len(inputs) > 1)} ({', '.join(inputs)})"
                raise ValueError(f"{self}: {name} has {len(value)} values, and {kind} has {words}")


@dataclass(frozen=True, kw_only=True)
class Constant(Control):
    """One value for the whole sequence; of a range, each sequence draws its own."""

    value: Any = limited(1.0, amounts=True, ranges=True)

    def values(self, key: Key, t: Array, inputs: int) -> Array:
        """The same value in each frame."""
        return jnp.broadcast_to(_drawn(key, self.value, inputs), (len(t), inputs))

    def largest(self) -> float:
        """The value, or the larger end of the range."""
        return _size(self.value)


@dataclass(frozen=True, kw_only=True)
class Choice(Control):
    """One of several values for the whole sequence; each is as likely as the others."""

    among: tuple[Any, ...] = ((-1.0,), (1.0,))

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.among:
            raise ValueError(f"{self.name()}: among is empty: give the values, such as [-1,1]")

    def values(self, key: Key, t: Array, inputs: int) -> Array:
        """The same value in each frame."""
        every = jnp.stack([jnp.broadcast_to(jnp.asarray(value, float), (inputs,)) for value in self.among])
        return jnp.broadcast_to(every[jax.random.randint(key, (), 0, len(self.among))], (len(t), inputs))

    def largest(self) -> float:
        """The largest of them."""
        return _size(self.among)

    def check(self, kind: str, inputs: tuple[str, ...]) -> None:
        """Raise ValueError as every control does, for each of the values."""
        for value in self.among:
            Constant(value=value).check(kind, inputs)


@dataclass(frozen=True, kw_only=True)
class Held(Control):
    """Values that are uniform between `low` and `high`, each held over `steps` frames."""

    low: Any = limited(-1.0, amounts=True)
    high: Any = limited(1.0, amounts=True)
    steps: int = limited(5, minimum=1)  # frames

    def __post_init__(self) -> None:
        super().__post_init__()
        low, high = np.broadcast_arrays(*map(np.atleast_1d, self._ends()))
        if (low > high).any():
            raise ValueError(f"{self.name()}: low = {self.low} is above high = {self.high}")

    def values(self, key: Key, t: Array, inputs: int) -> Array:
        """Draw a value for each block of frames."""
        low, high = (jnp.broadcast_to(jnp.asarray(end, float), (inputs,)) for end in self._ends())
        blocks = jax.random.uniform(key, (-(-len(t) // self.steps), inputs), dtype=float)
        return jnp.repeat(low + (high - low) * blocks, self.steps, axis=0)[: len(t)]

    def largest(self) -> float:
        """The larger end."""
        return max(_size(self.low), _size(self.high))

    def impulse(self, duration: float, interval: float) -> float:
        """Of the mean, and four standard deviations of the sum of the rest."""
        low, high = np.broadcast_arrays(*map(np.atleast_1d, self._ends()))
        mean, deviation = np.abs(low + high).max() / 2, (high - low).max() / sqrt(12)
        often = mean * duration + 4 * deviation * sqrt(duration * self.steps * interval)
        return float(min(often, super().impulse(duration, interval)))

    def _ends(self) -> tuple[Any, Any]:
        for name in ("low", "high"):
            if isinstance(self.low, tuple) and isinstance(self.high, tuple) and len(self.low) != len(self.high):
                raise ValueError(f"{self.name()}: {name} has {len(getattr(self, name))} values: give as many of both")
        return self.low, self.high


@dataclass(frozen=True, kw_only=True)
class OrnsteinUhlenbeck(Control):
    """dU = `rate` (`mean` - U) dt + `sigma` dW, from its stationary distribution, exact at the times of the frames.

    Between frames it is held, as every control. Source: G. E. Uhlenbeck and L. S. Ornstein, "On the theory of the
    Brownian motion", Physical Review 36 (1930).
    """

    mean: Any = limited(0.0, amounts=True)
    rate: Any = limited(1.0, positive=True, amounts=True)  # 1/s
    sigma: Any = limited(1.0, minimum=0, amounts=True)  # unit of the input per √s

    def values(self, key: Key, t: Array, inputs: int) -> Array:
        """Step from frame to frame by the exact law of the process."""
        rate, sigma = jnp.asarray(self.rate, float), jnp.asarray(self.sigma, float)
        deviation = sigma / jnp.sqrt(2 * rate)
        drawn = jax.random.normal(key, (len(t), inputs), dtype=float) * deviation
        kept = jnp.exp(-jnp.diff(t)[:, None] * jnp.broadcast_to(rate, (inputs,)))

        def step(u: Array, own: tuple[Array, Array]) -> tuple[Array, Array]:
            kept, drawn = own
            u = kept * u + jnp.sqrt(1 - kept**2) * drawn
            return u, u

        later = jax.lax.scan(step, drawn[0], (kept, drawn[1:]))[1]
        return jnp.asarray(self.mean, float) + jnp.concatenate([drawn[:1], later])

    def largest(self) -> float:
        """The mean and `SURE` standard deviations."""
        return _size(self.mean) + SURE * self._deviation()

    def impulse(self, duration: float, interval: float) -> float:  # noqa: ARG002
        """Of the mean, and four standard deviations of the integral of the rest."""
        slowest = min(leaves(self.rate))
        return _size(self.mean) * duration + 4 * self._deviation() * sqrt(2 * duration / slowest)

    def _deviation(self) -> float:
        return _size(self.sigma) / sqrt(2 * min(leaves(self.rate)))


@dataclass(frozen=True, kw_only=True)
class Sine(Control):
    """`amplitude` sin(2π `frequency` t + `phase`); of a range, each sequence draws its own."""

    amplitude: Any = limited(1.0, amounts=True, ranges=True)
    frequency: Any = limited(0.5, minimum=0, amounts=True, ranges=True)  # 1/s
    phase: Any = limited(0.0, amounts=True, ranges=True)  # rad

    def values(self, key: Key, t: Array, inputs: int) -> Array:
        """The sine at the times of the frames."""
        names = ("amplitude", "frequency", "phase")
        amplitude, frequency, phase = (_drawn(stream(key, name), getattr(self, name), inputs) for name in names)
        return amplitude * jnp.sin(2 * pi * frequency * t[:, None] + phase)

    def largest(self) -> float:
        """The amplitude."""
        return _size(self.amplitude)


def _drawn(key: Key, value: Any, inputs: int) -> Array:
    """A value [U] for each input, from numbers or ranges."""
    parts = value if isinstance(value, tuple) else (value,) * inputs
    low, high = (jnp.asarray([getattr(part, end, part) for part in parts], float) for end in ("low", "high"))
    return low + (high - low) * jax.random.uniform(key, (inputs,), dtype=float)


def _size(value: Any) -> float:
    """The largest size of a number, range or vector."""
    ends = [getattr(part, end, part) for part in leaves(value) for end in ("low", "high")]
    return max(map(abs, ends))
