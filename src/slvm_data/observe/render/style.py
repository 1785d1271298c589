"""How a scene is drawn: soft discs, clean discs, or a physics engine's debugging view."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slvm_data.core.types import Array
from slvm_data.observe.render import clean as clean_discs
from slvm_data.observe.render import debug as debug_draw
from slvm_data.observe.render import soft as discs
from slvm_data.observe.view import View
from slvm_data.systems.ball_box import BallBox
from slvm_data.systems.system import System

LIT = {"soft": discs.LIT, "clean": clean_discs.LIT}  # the least value of a channel that is 1 in a binary frame


@dataclass(frozen=True)
class Look:
    """What decides the pixels beside the bodies."""

    kind: str  # "soft", "clean" or "debug_draw"
    size: int  # pixels
    palette: int
    margin: float = 0.0  # px, of the walls in a debugging view


def look_of(system: System, view: View) -> Look:
    """The look of a population in a view; raises ValueError where the view cannot show it."""
    if view.look == "disc":
        return Look(system.edge, view.size, view.palette)
    ball = system if isinstance(system, BallBox) else None
    fits = ball and (ball.radius, ball.side) == (debug_draw.RADIUS, view.size) and view.palette == 1 and not view.jitter
    if not (ball and fits):
        size = f" of radius {ball.radius:g} and side {ball.side:g}" if ball else ""
        raise ValueError(
            f"look = {view.look!r} cannot show {system}{size} with {view}: it is for a BallBox of radius "
            f"{debug_draw.RADIUS} and a side of as many units as the frame has pixels, in a palette of 1 with jitter 0"
        )
    return Look(view.look, view.size, 1, ball.margin)


def hues(look: Look) -> np.ndarray:
    """Colours [palette 3]: evenly spaced around the colour circle, from red; a clean disc alone is white."""
    return np.ones((1, 3)) if look.kind == "clean" and look.palette == 1 else discs.hues(look.palette)


def draw(look: Look, centres: Array, radii: Array, colors: Array, binary: bool) -> Array:
    """One frame from centres [B 2] and radii [B] in canvas widths and RGB colours [B 3].

    uint8 [3 H W], or if `binary` {0, 1}, and [H W] where one channel carries everything.
    """
    if look.kind == "debug_draw":
        codes = debug_draw.draw(centres[0] * look.size, look.size, look.margin)
        return (codes > 0).astype(np.uint8) if binary else debug_draw.color(codes)
    frame = (discs if look.kind == "soft" else clean_discs).draw(centres, radii, colors, look.size)
    return discs.binarise(frame, look.palette, LIT[look.kind]) if binary else frame
