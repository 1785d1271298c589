"""How a frame is drawn: its size, style and colours, and how far the camera may be shifted."""

from __future__ import annotations

from dataclasses import dataclass, fields

from slvm_data.core.fields import check, limited, option

STYLES = ("soft", "clean", "debug")


@dataclass(frozen=True, kw_only=True)
class View:
    """Size, style and colours of the frames of a dataset. Shift and hues are drawn once per sequence."""

    size: int = option(32, "Height and width of frames [px].", minimum=2, maximum=1024)
    jitter: float = limited(0.0, minimum=0, maximum=10)
    """Share of the scene's half width: range of the camera's shift, and margin for it."""
    palette: int = option(
        1, "Number of hues that the bodies' colours are drawn from; 1: all are the same.", minimum=1, maximum=255
    )
    style: str | None = option(None, "Style of drawing.", choices=STYLES)  # None: the system's own
    binary: bool = True  # {0, 1} pixels, else 0 … 255

    def __post_init__(self) -> None:
        for field in fields(self):
            check(self, field.name)

    def shape(self) -> tuple[int, ...]:
        """Shape of a frame: [H W] for binary frames of one hue, which need one channel, else [3 H W]."""
        picture = (self.size, self.size)
        return picture if self.binary and self.palette == 1 else (3, *picture)
