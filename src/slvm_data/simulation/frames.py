"""Draw the frames of a batch by the fastest method that gives the same pixels as `style.draw`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from math import prod
from typing import Any

import numpy as np

from slvm_data.core.late import jax
from slvm_data.core.packing import pack_pictures
from slvm_data.core.types import Array
from slvm_data.observe.render import fast
from slvm_data.observe.render.style import Style, background, draw

DOUBTS = 64  # doubtful pixels computed again at a time; a part has about ten
FEW = 64  # sequences drawn at a time, so that intermediate results fit in the processor's cache
SOME, ROW = 2**20, 32  # bytes of frames that are drawn at a time, where not all are wanted, and frames in a row of them
CACHED = 8  # sequences decoded at a time, so that the codes stay in the cache nearest to it

Method = str | tuple[str, tuple[int, int]]
"""A colour: by the reference. "code" or "lone": by a method of `fast`. Colour, and height and width: by patches."""

Scene = tuple[np.ndarray, ...]
"""Centres [N T B 2] and radii [N T B] in canvas widths, and RGB colours [N B 3]."""


def draw_frames(style: Style, color: str, scene: Scene, frames: np.ndarray) -> None:
    """Fill `frames`, uint8 [N T H W] or [N T 3 H W]; or [N T bytes], binary ones with 8 pixels per byte."""
    packed = frames.ndim == 3
    if color == "binary" and style.palette == 1 and scene[0].shape[2] == 1 and style.name in ("soft", "clean"):
        words = np.asarray(paint(*scene, style=style, how="lone, first high" if packed else "lone"))
        fast.pack(words, style.size, frames) if packed else fast.unpack(words, frames)
        return
    few = -(-len(frames) // -(-len(frames) // FEW))  # all parts of one size, as each is compiled
    picture = (style.size,) * 2 if style.palette == 1 else (3, style.size, style.size)
    pixels = np.empty((few, frames.shape[1], *picture), np.uint8) if packed else frames[:0]
    method = _method(style, color, scene)
    for start in range(0, len(frames), few):
        some = tuple(array[start : start + few] for array in scene)
        out = frames[start : start + few]
        _draw_few(style, color, method, some, pixels[: len(out)] if packed else out)
        if packed:
            out[...] = pack_pictures(pixels[: len(out)], 2)


def draw_some(style: Style, color: str, scene: Scene, wanted: np.ndarray, frames: np.ndarray) -> None:
    """As `draw_frames`, but only those that are `wanted` [N T]; others stay as they are. Not for binary frames."""
    numbers, steps, method = np.flatnonzero(wanted), wanted.shape[1], _method(style, color, scene)
    centres, radii, colors = scene
    rows = max(1, SOME // prod(frames.shape[2:]) // ROW)
    for start in range(0, len(numbers), rows * ROW):
        own = numbers[start : start + rows * ROW]
        n, t = np.divmod(np.resize(own, (rows, ROW)), steps)  # all parts of one size, as each is compiled
        _draw_few(style, color, method, (centres[n, t], radii[n, t], colors[n]), frames, own)


def _method(style: Style, color: str, scene: Scene) -> Method:
    """The fastest method that draws these frames."""
    if style.name != "soft":
        return color
    if color == "binary":
        return "code"
    shape = fast.patch_shape(float(scene[1].max()), scene[1].shape[2], style.size, color)
    return (color, shape) if shape else color


def _draw_few(
    style: Style, color: str, method: Method, scene: Scene, out: np.ndarray, at: np.ndarray | None = None
) -> None:
    """Fill `out`, [N T H W] or [N T 3 H W]; or its frames with the numbers `at` [n], with the first n of the scene."""
    if method == "code":
        _decode(style, scene, out)
        return
    drawn = paint(*scene, style=style, how=method)
    if method != color:
        fast.place(np.asarray(drawn[0]), np.asarray(drawn[1]), out, background(style, color)[1], at)
    elif at is None:
        out[...] = drawn
    else:
        out.reshape(-1, *out.shape[2:])[at] = np.asarray(drawn).reshape(-1, *out.shape[2:])[: len(at)]


def _decode(style: Style, scene: Scene, out: np.ndarray) -> None:
    """Fill `out` by codes, and by the reference where these are in doubt."""
    centres, radii, colors = scene
    squares = _squares(style.size)(centres)
    codes = np.asarray(paint(squares, radii, colors, style=style, how="code"))
    for start in range(0, len(out), CACHED):
        fast.decode(codes[start : start + CACHED], out[start : start + CACHED])
    found = np.flatnonzero(codes >= fast.DOUBTFUL)  # ten times as fast as `argwhere`
    _settle(style, scene, np.stack(np.unravel_index(found, codes.shape), axis=1), out)


def _settle(style: Style, scene: Scene, doubtful: np.ndarray, out: np.ndarray) -> None:
    """Compute doubtful pixels, (n, t, row, column) in each row, by the reference."""
    centres, radii, colors = scene
    pictures = out.reshape(*out.shape[:2], -1, *out.shape[-2:])
    for start in range(0, len(doubtful), DOUBTS):
        some = doubtful[start : start + DOUBTS]
        n, t, row, column = np.pad(some, ((0, DOUBTS - len(some)), (0, 0)), mode="edge").T
        lit = _lit(style)(np.stack([column, row], axis=1), centres[n, t], radii[n, t], colors[n])
        pictures[n, t, :, row, column] = lit


@cache
def _squares(size: int) -> Callable[..., Any]:
    return jax.jit(jax.vmap(jax.vmap(partial(fast.squares, size=size))))


@cache
def _lit(style: Style) -> Callable[..., Any]:
    def one(place: Array, centres: Array, radii: Array, colors: Array) -> Array:
        return fast.lit(jax.numpy.linspace(0.0, 1.0, style.size)[place], centres, radii, colors, style.palette)

    return jax.jit(jax.vmap(one))


def paint(centres: Any, radii: Any, colors: Any, *, style: Style, how: Method) -> Any:
    """Draw frames, codes or patches [N T …] of a scene; for codes, squares are in the place of centres.

    Colours are those of a sequence, or [N T B 3] those of each frame.
    """
    return _program(style, how, colors.ndim == 4)(centres, radii, colors)


@cache
def _program(style: Style, how: Method, each: bool) -> Callable[..., Any]:
    """The compiled code of one style and method."""

    def frame(centres: Array, radii: Array, colors: Array) -> Any:
        if not isinstance(how, str):
            return fast.patches(centres, radii, colors, style.size, *how)
        if how.startswith("lone"):
            return fast.lone_disc(centres[0], radii[0], style.size, style.name, first_high=how != "lone")
        if how == "code":
            return fast.code(centres, radii, colors, style.palette)
        return draw(style, centres, radii, colors, how)

    return jax.jit(jax.vmap(jax.vmap(frame, in_axes=(0, 0, 0 if each else None))))
