"""The style of a picture: soft, clean or bump-like bodies, or the debugging view of a physics engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from slvm_data.core.types import Array
from slvm_data.observe.render import bump, clean, debug, soft
from slvm_data.observe.view import View
from slvm_data.systems.system import System

COVERS = {"soft": soft.cover, "clean": clean.cover, "bump": bump.cover}
LIT = {"soft": soft.LIT, "clean": clean.LIT, "bump": clean.LIT}  # least value that is 1 in a binary frame


@dataclass(frozen=True)
class Style:
    """Everything that determines the pixels, except the bodies."""

    name: str  # one of `view.STYLES`
    size: int  # pixels
    palette: int
    margin: float = 0.0  # px, of the walls in a debugging view


def style_of(system: System, view: View) -> Style:
    """The style of a population in a view; raises ValueError if the view cannot show it."""
    if view.style == "debug":
        return _debug_style(system, view)
    return Style(view.style or system.style, view.size, view.palette)


def _debug_style(system: Any, view: View) -> Style:
    among_walls = system.debug_style
    fits = among_walls and (system.radius, system.side) == (debug.RADIUS, view.size)
    if not fits or view.palette > 1 or view.jitter:
        size = f" of radius {system.radius:g} and side {system.side:g} in {view.size} pixels" if among_walls else ""
        raise ValueError(
            f"style = 'debug' cannot show {type(system).__name__}{size}: it is for a ball of radius {debug.RADIUS} "
            "in a box whose side is as many units as the frame has pixels, in one colour, with a fixed camera"
        )
    return Style("debug", view.size, 1, system.margin)


def hues(style: Style) -> np.ndarray:
    """Colours [palette 3]: evenly spaced around the colour circle, from red; white for one hue on black."""
    return np.ones((1, 3)) if style.name in ("clean", "bump") and style.palette == 1 else soft.hues(style.palette)


def background(style: Style, color: str) -> tuple[int, tuple[int, ...]]:
    """The largest number of a frame, and the number of its background in each channel."""
    if color == "binary":
        return 1, (0,) * (1 if style.palette == 1 else 3)
    return 255, tuple(int(255 * level) if style.name == "soft" else 0 for level in soft.levels(color))


def draw(style: Style, places: Array, radii: Array, colors: Array, color: str) -> Array:
    """Draw one frame from places, as in `capsule`, and radii [B], in canvas widths, and RGB colours [B 3].

    `color` is one of `view.COLORS`. Frames are uint8: [3 H W] for "rgb"; [H W] of shades for "grey"; for "binary" of
    {0, 1}, [H W] if one channel is enough, else [3 H W].
    """
    if style.name == "debug":
        codes = debug.draw(places[0] * style.size, style.size, style.margin)
        return {"binary": (codes > 0).astype(np.uint8), "grey": debug.grey(codes), "rgb": debug.color(codes)}[color]
    frame = draw_part(style, places, radii, colors, color, slice(None), slice(None))
    return frame[0] if len(frame) == 1 else frame


def draw_part(style: Style, places: Array, radii: Array, colors: Array, color: str, columns: Any, rows: Any) -> Array:
    """The pixels in these columns and rows of such a frame, in a style that is not "debug": uint8 [C height width]."""
    covers = COVERS[style.name](places, radii, style.size, columns, rows)
    own = soft if style.name == "soft" else clean
    if color == "grey":
        return own.shades(covers, None, color)
    frame = own.shades(covers, colors, "rgb")
    return soft.binarise(frame, style.palette, LIT[style.name]) if color == "binary" else frame
