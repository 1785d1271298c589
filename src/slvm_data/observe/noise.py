"""Noise: on pixels, on the signal, on the states that are drawn; and a light that changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from slvm_data.core.draws import Draws
from slvm_data.core.fields import limited
from slvm_data.core.ranges import Uniform
from slvm_data.core.types import Arrays
from slvm_data.observe.modifier import SHADES, Canvas, Modifier, between

QUARTERS = 4  # of a frame: left and right of the lower rows, then of the upper ones


@dataclass(frozen=True, kw_only=True)
class PixelNoise(Modifier):
    """Gaussian noise on every pixel, with standard deviation `sigma` of full scale; rounded and clipped."""

    colors: ClassVar = SHADES

    sigma: float = limited(0.1, minimum=0, maximum=1)

    def apply(self, seen: np.ndarray, time: np.ndarray, draws: Draws, canvas: Canvas) -> tuple[np.ndarray, Arrays]:
        """Add noise to the frames."""
        noise = normal_table(self.sigma * canvas.top).take(draws.shorts(seen.size), mode="clip")  # a third of the time
        noise = noise.reshape(seen.shape)
        noise += seen
        return np.clip(noise, 0, canvas.top, out=noise).astype(np.uint8), {}


@cache
def normal_table(deviation: float) -> np.ndarray:
    """Gaussian numbers of this deviation, rounded, int16 [65536]: one for each value of 16 uniform bits.

    A quarter of the time that drawing them takes; the probability of each number is right to 2^-17.
    """
    from scipy.special import ndtri  # here, as it takes 0.1 s, and most commands draw nothing

    return np.round(deviation * ndtri((np.arange(2**16) + 0.5) / 2**16)).astype(np.int16)


@dataclass(frozen=True, kw_only=True)
class BitFlips(Modifier):
    """Every pixel of a binary frame is inverted, independently, with probability `p`."""

    colors: ClassVar = ("binary",)

    p: float = limited(0.02, minimum=0, maximum=1)

    def apply(self, seen: np.ndarray, time: np.ndarray, draws: Draws, canvas: Canvas) -> tuple[np.ndarray, Arrays]:
        """Invert pixels."""
        return seen ^ (draws.uniform(*seen.shape) < self.p), {}


@dataclass(frozen=True, kw_only=True)
class CorrelatedNoise(Modifier):
    """Each frame is mixed with uniform noise: frame = α · clean + (1 - α) · U(0, 255); α wanders from frame to frame.

    f₀ is from U(0, 1), each next f is f + U(-r, r), clipped to 0 … 1. A sequence draws t₁ from `low` and t₂ from
    `high`; α = (f - t₁) / (t₂ - t₁), clipped to 0 … 1, and 1 in the first `clean` frames. With `quarters`, each quarter
    of the frame has its own f, t₁ and t₂. Stored as `noise_factor`: α [T], or [T Q], of left and right quarter of the
    lower rows, then of the upper ones. The published code cuts the mixture off to a whole number, which darkens it by
    half a shade; here it is rounded. Sources: P. Becker et al., "Recurrent Kalman networks", ICML 2019; M. Schirmer et
    al., "Modeling irregular time series with continuous recurrent units", ICML 2022.
    """

    colors: ClassVar = SHADES
    recorded: ClassVar = ("noise_factor",)

    r: float = limited(0.2, minimum=0, maximum=1)
    low: Uniform = limited(Uniform(0.0, 0.25), minimum=0, maximum=1)
    high: Uniform = limited(Uniform(0.75, 1.0), minimum=0, maximum=1)
    clean: int = limited(5, minimum=0)  # frames
    quarters: bool = False

    def apply(self, seen: np.ndarray, time: np.ndarray, draws: Draws, canvas: Canvas) -> tuple[np.ndarray, Arrays]:
        """Mix the frames with noise."""
        factor = self.factor(len(time), QUARTERS if self.quarters else 1, draws)
        alpha = spread(factor, *seen.shape[-2:])[:, None]
        noise = (draws.shorts(seen.size).reshape(seen.shape) + np.float32(0.5)) * np.float32(canvas.top / 2**16)
        mixed = np.rint(noise + alpha * (seen - noise)).astype(np.uint8)
        return mixed, {"noise_factor": factor if self.quarters else factor[:, 0]}

    def factor(self, steps: int, count: int, draws: Draws) -> np.ndarray:
        """Draw α, float32 [T count]."""
        f = draws.uniform(1, count)
        for step in draws.uniform(steps - 1, count, low=-self.r, high=self.r):
            f = np.append(f, np.clip(f[-1:] + step, 0.0, 1.0), axis=0)
        low, high = between(draws, self.low, count), between(draws, self.high, count)
        alpha = np.clip((f - low) / (high - low), 0.0, 1.0).astype(np.float32)
        alpha[: self.clean] = 1.0
        return alpha

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.low.high < self.high.low:
            raise ValueError(f"{self.name()}: low = {self.low} has to end below the start of high = {self.high}")


def spread(factor: np.ndarray, height: int, width: int) -> np.ndarray:
    """A factor of each quarter [T Q], or of the whole frame [T 1], for every pixel [T H W]."""
    if factor.shape[1] == 1:
        return factor[:, :, None]
    row, column = np.arange(height) >= height // 2, np.arange(width) >= width // 2
    return factor[:, 2 * row[:, None] + column]


@dataclass(frozen=True, kw_only=True)
class Light(Modifier):
    """The light changes: frames are multiplied by 1 + drift · sin(2π (cycles · s + φ)), rounded and clipped.

    s goes from 0 to 1 over the sequence, and φ is uniform. The factor of each frame is stored as `light`. As the
    brightness in the robustness tests of arXiv:2606.00115, without their spots and shadows.
    """

    colors: ClassVar = SHADES
    recorded: ClassVar = ("light",)

    drift: float = limited(0.3, minimum=0, maximum=1)
    cycles: float = limited(0.5, minimum=0, maximum=1000)

    def apply(self, seen: np.ndarray, time: np.ndarray, draws: Draws, canvas: Canvas) -> tuple[np.ndarray, Arrays]:
        """Change the brightness of the frames."""
        share = (time - time[0]) / (time[-1] - time[0] if len(time) > 1 else 1.0)
        wave = np.sin(2 * np.pi * (self.cycles * share + draws.uniform(1)))
        light = (1 + self.drift * wave).astype(np.float32)
        return np.rint(np.clip(seen * light[:, None, None, None], 0, canvas.top)).astype(np.uint8), {"light": light}


@dataclass(frozen=True, kw_only=True)
class StateNoise(Modifier):
    """Gaussian noise with standard deviation `sigma` on every number of the states that are drawn, not on those stored.

    Source: P. Toth et al., "Hamiltonian generative networks", ICLR 2020.
    """

    stage: ClassVar = "state"

    sigma: float = limited(0.1, minimum=0)

    def apply(self, seen: np.ndarray, time: np.ndarray, draws: Draws, canvas: Canvas) -> tuple[np.ndarray, Arrays]:
        """Nothing is left to do: the states are changed where they are drawn."""
        return seen, {}


@dataclass(frozen=True, kw_only=True)
class SignalNoise(Modifier):
    """Gaussian noise with standard deviation `sigma` on every number of the signal.

    Some published generators (`latent_ode`, MoNODE) add `sigma` times a number from U(0, 1) instead, which shifts the
    signal by sigma/2: that is not copied. Source: A. F. Ansari et al., "Neural continuous-discrete state space models
    for irregularly-sampled time series", ICML 2023.
    """

    stage: ClassVar = "signal"

    sigma: float = limited(0.05, minimum=0)  # in units of the signal

    def apply(self, seen: np.ndarray, time: np.ndarray, draws: Draws, canvas: Canvas) -> tuple[np.ndarray, Arrays]:
        """Add noise to the signal."""
        return seen + self.sigma * draws.normal(*seen.shape), {}
