"""How a frame is drawn: its size, style and colours, and how far the camera may be shifted."""

from __future__ import annotations

from dataclasses import dataclass

STYLES = ("soft", "clean", "debug")
SIZES = (2, 1024)


@dataclass(frozen=True, kw_only=True)
class View:
    """Size, style and colours of the frames of a dataset. Shift and hues are drawn once per sequence."""

    size: int = 32  # pixels, height and width
    jitter: float = 0.0  # share of the scene's half width: range of the camera's shift, and margin for it
    palette: int = 1  # number of hues from which the bodies' colours are drawn; 1: all the same
    style: str | None = None  # one of STYLES; None: the system's own
    binary: bool = True  # {0, 1} pixels, else 0 … 255

    def __post_init__(self) -> None:
        if not SIZES[0] <= self.size <= SIZES[1]:
            raise ValueError(f"size = {self.size} has to lie between {SIZES[0]} and {SIZES[1]} pixels")
        if not 0 <= self.jitter <= 10:
            raise ValueError(f"jitter = {self.jitter} has to lie between 0 and 10")
        if not 1 <= self.palette <= 255:
            raise ValueError(f"palette = {self.palette} has to lie between 1 and 255")
        if self.style is not None and self.style not in STYLES:
            raise ValueError(f"style = {self.style!r} is unknown; there are {', '.join(STYLES)}")

    def shape(self) -> tuple[int, ...]:
        """Shape of a frame: [H W] for binary frames of one hue, which need one channel, else [3 H W]."""
        picture = (self.size, self.size)
        return picture if self.binary and self.palette == 1 else (3, *picture)
