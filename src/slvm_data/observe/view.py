"""How a scene is seen: the camera's shift, the bodies' colours, the size of the frame."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from slvm_data.core.types import Array, Key

KINDS = ("pixels", "signals")
LOOKS = ("disc", "debug_draw")
SIZES = (2, 1024)


@dataclass(frozen=True, kw_only=True)
class View:
    """What is fixed for a dataset. Shift and colours are drawn once per sequence."""

    kind: str = "pixels"  # or "signals": the emission of a switching system, and no frames
    size: int = 32  # pixels, height and width
    jitter: float = 0.0  # of the scene's half width: range of the camera's shift, and room made for it
    palette: int = 1  # number of hues to draw the bodies' colours from; 1: all have the same
    look: str = "disc"
    binary: bool = True  # {0, 1} pixels, else 0 … 255

    def __post_init__(self) -> None:
        if not SIZES[0] <= self.size <= SIZES[1]:
            raise ValueError(f"size = {self.size} has to lie between {SIZES[0]} and {SIZES[1]} pixels")
        if not 0 <= self.jitter <= 10:
            raise ValueError(f"jitter = {self.jitter} has to lie between 0 and 10")
        if not 1 <= self.palette <= 255:
            raise ValueError(f"palette = {self.palette} has to lie between 1 and 255")
        if self.kind not in KINDS:
            raise ValueError(f"view = {self.kind!r} is unknown; there are {', '.join(KINDS)}")
        if self.look not in LOOKS:
            raise ValueError(f"look = {self.look!r} is unknown; there are {', '.join(LOOKS)}")

    def shape(self) -> tuple[int, ...]:
        """Shape of a frame, [H W] or [3 H W]: binary frames of one hue need no more than one channel."""
        return (*(3,) * (self.palette > 1 or not self.binary), self.size, self.size)


def shift(key: Key, reach: Array | float) -> Array:
    """The camera's shift [2], each axis uniform within ± `reach` [m]."""
    return jax.random.uniform(key, (2,), dtype=float, minval=-reach, maxval=reach)


def color_index(key: Key, palette: int, bodies: int) -> Array:
    """One hue of the palette per body [B]: all different where there is more than one, all 0 in a palette of one."""
    if palette == 1:
        return jnp.zeros(bodies, dtype=int)
    return jnp.argsort(jax.random.uniform(key, (palette,), dtype=float))[:bodies]
