"""How a frame is drawn: its size, style and colours, and how far the camera may be shifted."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields

from slvm_data.core.fields import check, limited, option

STYLES = ("soft", "clean", "bump", "debug")
COLORS = ("binary", "grey", "rgb")
_HEX = re.compile("#[0-9a-f]{6}")


@dataclass(frozen=True, kw_only=True)
class View:
    """Size, style and colours of the frames of a dataset. Shift and hues are drawn once per sequence."""

    size: int = option(32, "Height and width of frames [px].", minimum=2, maximum=1024)
    jitter: float = limited(0.0, minimum=0, maximum=10)
    """Share of the scene's half width: range of the camera's shift, and margin for it."""
    extent: float | None = option(
        None, "Half the width of the scene that frames show [m].", positive=True
    )  # None: as wide as the population needs
    palette: int = option(
        1, "Number of hues that the bodies' colours are drawn from; 1: all are the same.", minimum=1, maximum=255
    )
    style: str | None = option(None, "Style of drawing.", choices=STYLES)  # None: the system's own
    color: str = option("binary", "Colours of frames: of 0 and 1, or of 0 to 255.", choices=COLORS)
    body_colors: tuple[str, ...] = limited((), words=True)
    """Colours of the bodies in their order, such as "#ff0000" for red; none: hues of the palette."""
    background: str = ""  # such a colour; none: that of the style

    def __post_init__(self) -> None:
        for field in fields(self):
            check(self, field.name)
        if self.color == "grey" and self.palette > 1:
            raise ValueError(f"palette = {self.palette} are hues, which grey frames do not have: choose --color rgb")
        self._check_colors()

    def _check_colors(self) -> None:
        own = (*self.body_colors, *((self.background,) if self.background else ()))
        if odd := [one for one in own if not _HEX.fullmatch(one)]:
            raise ValueError(f"{odd[0]!r} is not a colour: write # and six digits of 0-9 and a-f, such as #ff0000")
        if own and self.color != "rgb":
            raise ValueError(f"{own[0]} is a colour, which {self.color} frames do not have: choose --color rgb")
        if self.body_colors and self.palette > 1:
            raise ValueError(f"palette = {self.palette} are hues, and bodies have colours of their own: leave it out")

    @property
    def binary(self) -> bool:
        """Whether pixels are 0 or 1, else 0 … 255."""
        return self.color == "binary"

    @property
    def top(self) -> int:
        """The largest number of a frame."""
        return 1 if self.binary else 255

    def shape(self) -> tuple[int, ...]:
        """Shape of a frame: [H W] where one channel is enough, for one hue or none, else [3 H W]."""
        picture = (self.size, self.size)
        return picture if self.color != "rgb" and self.palette == 1 else (3, *picture)


def rgb(color: str) -> tuple[int, ...]:
    """The three numbers, 0 … 255, of a colour such as "#ff0000"."""
    return tuple(bytes.fromhex(color[1:]))
