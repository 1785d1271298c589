"""The style of a picture: soft, clean or bump-like bodies, a field, or the debugging view of a physics engine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from slvm_data.core.late import jnp
from slvm_data.core.types import Array
from slvm_data.observe.camera import project
from slvm_data.observe.render import bump, clean, debug, field, soft
from slvm_data.observe.view import View, rgb
from slvm_data.systems.system import System

COVERS = {"soft": soft.cover, "clean": clean.cover, "bump": bump.cover}
WHOLE = "debug", "field"  # styles without a part of a frame for each body
LIT = {"soft": soft.LIT, "clean": clean.LIT, "bump": clean.LIT}  # least value that is 1 in a binary frame


@dataclass(frozen=True)
class Style:
    """Everything that determines the pixels, except the bodies."""

    name: str  # one of `view.STYLES`, or "field"
    size: int  # pixels
    palette: int
    margin: float = 0.0  # px, of the walls in a debugging view
    body_colors: tuple[tuple[int, ...], ...] = ()  # RGB, 0 … 255, of the bodies in their order; none: hues
    ground: tuple[int, ...] = ()  # RGB, 0 … 255, of the background; none: the style's own


def style_of(system: System, view: View) -> Style:
    """The style of a population in a view; raises ValueError if the view cannot show it."""
    if view.style == "debug":
        return _debug_style(system, view)
    if system.style == "field":
        _check_field(system, view)
    bodies, ground = tuple(map(rgb, view.body_colors)), rgb(view.background) if view.background else ()
    style = Style(view.style or system.style, view.size, len(bodies) or view.palette, 0.0, bodies, ground)
    if ground in seen_colors(style):
        raise ValueError(f"background = {view.background} is the colour of a body, which would not be seen")
    return style


def _debug_style(system: Any, view: View) -> Style:
    among_walls = system.debug_style
    fits = among_walls and (system.radius, system.side) == (debug.RADIUS, view.size)
    if not fits or view.palette > 1 or view.jitter or view.body_colors or view.background:
        size = f" of radius {system.radius:g} and side {system.side:g} in {view.size} pixels" if among_walls else ""
        raise ValueError(
            f"style = 'debug' cannot show {type(system).__name__}{size}: it is for a ball of radius {debug.RADIUS} "
            "in a box whose side is as many units as the frame has pixels, in one colour, with a fixed camera"
        )
    return Style("debug", view.size, 1, system.margin)


def _check_field(system: System, view: View) -> None:
    given = {"style": view.style, "jitter": view.jitter, "background": view.background}
    odd = [f"{name} = {value!r}" for name, value in given.items() if value]
    if view.extent not in (None, system.extent()):
        odd.append(f"extent = {view.extent:g}")
    if odd:
        raise ValueError(f"{odd[0]} is for bodies in a scene, and {type(system).__name__} is a field: leave it out")


def hues(style: Style) -> np.ndarray:
    """Colours [palette 3]: the bodies' own; or evenly spaced around the colour circle, from red, or white on black."""
    if style.body_colors:
        return np.array([_shares(style, own) for own in style.body_colors])
    white = style.name in ("clean", "bump", "field") and style.palette == 1
    return np.ones((1, 3)) if white else soft.hues(style.palette)


def seen_colors(style: Style) -> tuple[tuple[int, ...], ...]:
    """The colours that bodies have, RGB, 0 … 255."""
    return style.body_colors or tuple(tuple(round(255 * share) for share in hue) for hue in hues(style).tolist())


def background(style: Style, color: str) -> tuple[int, tuple[int, ...]]:
    """The largest number of a frame, and the number of its background in each channel."""
    if color == "binary":
        return 1, (0,) * (1 if style.palette == 1 else 3)
    if style.name == "debug":
        return 255, (0,) * len(soft.levels(color))
    return 255, style.ground or tuple(int(255 * level) for level in levels(style, color))


def levels(style: Style, color: str) -> tuple[float, ...]:
    """The background of frames "rgb" or "grey" in each channel, 0 … 1; in a style that is not "debug"."""
    return _shares(style, style.ground) if style.ground else _own(style).levels(color)


def _shares(style: Style, numbers: tuple[int, ...]) -> tuple[float, ...]:
    """Shares of full scale that are stored as these numbers; in soft frames, which are cut down, half a number more."""
    return tuple((number + 0.5 * (style.name == "soft")) / 255 for number in numbers)


def _own(style: Style) -> Any:
    """The module with the shades of a style."""
    return soft if style.name == "soft" else clean


def placed(style: Style, centres: Array, radii: Array, offset: Array, half_width: Array | float) -> tuple[Array, Array]:
    """Places and radii for `draw`, from what `System.bodies` gives and the camera's shift; a field fills the canvas."""
    return (centres, radii) if style.name == "field" else project(centres + offset, radii, half_width)


def draw(style: Style, places: Array, radii: Array, colors: Array, color: str) -> Array:
    """Draw one frame from places, as in `capsule`, and radii [B], in canvas widths, and RGB colours [B 3].

    Of a field, places are shares of full brightness [B cells cells], and radii are not looked at.

    `color` is one of `view.COLORS`. Frames are uint8: [3 H W] for "rgb"; [H W] of shades for "grey"; for "binary" of
    {0, 1}, [H W] if one channel is enough, else [3 H W].
    """
    if style.name == "debug":
        codes = debug.draw(places[0] * style.size, style.size, style.margin)
        return {"binary": (codes > 0).astype(np.uint8), "grey": debug.grey(codes), "rgb": debug.color(codes)}[color]
    if style.name == "field":
        return field.draw(places, colors, style.size, style.palette, color)
    channels = draw_part(style, places, radii, colors, color, slice(None), slice(None))
    return channels[0] if len(channels) == 1 else jnp.stack(channels)


def draw_part(
    style: Style, places: Array, radii: Array, colors: Array, color: str, columns: Any, rows: Any
) -> list[Array]:
    """The pixels in these columns and rows of such a frame, in a style that is not one of `WHOLE`.

    Return a list of its channels, uint8 [height width].
    """
    covers = COVERS[style.name](places, radii, style.size, columns, rows)
    own = _own(style)
    if color == "grey":
        return own.shades(covers, None, levels(style, color))
    channels = own.shades(covers, colors, levels(style, "rgb"))
    return soft.binarise(channels, style.palette, LIT[style.name]) if color == "binary" else channels


def draw_joined(style: Style, places: Array, radii: Array, colors: Array, color: str) -> Array:
    """As `draw`, in a style that is not one of `WHOLE`: one number for each pixel, for `split`."""
    return join(draw_part(style, places, radii, colors, color, slice(None), slice(None)))


def join(channels: list[Array]) -> Array:
    """Channels, uint8 [H W] each, as one number for each pixel: uint32 [H W], or uint8 if there is one channel."""
    if len(channels) == 1:
        return channels[0]
    return reduce(jnp.bitwise_or, (own.astype(jnp.uint32) << 8 * c for c, own in enumerate(channels)))


def split(pixels: Array, channels: int) -> Array:
    """Frames, uint8 [… C H W], of joined pixels [… H W].

    As a program of its own, or XLA would compute every pixel anew for each channel.
    """
    return jnp.stack([(pixels >> 8 * c).astype(jnp.uint8) for c in range(channels)], axis=-3)
