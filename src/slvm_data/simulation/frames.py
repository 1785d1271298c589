"""Draw the frames of a batch by the fastest method that gives the same pixels as `style.draw`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import chain
from math import prod
from typing import Any

import numpy as np

from slvm_data.core.late import jax
from slvm_data.core.packing import pack_pictures
from slvm_data.core.types import Array
from slvm_data.observe.render import fast
from slvm_data.observe.render.style import WHOLE, Style, background, draw, draw_joined, hues, split

DOUBTS = 512  # doubtful pixels computed again at a time; a part has about ten
FEW = 64  # sequences drawn at a time, so that intermediate results fit in the processor's cache
SOME, ROW = 2**19, 32  # bytes of frames that are drawn at a time, where not all are wanted, and frames in a row of them
MOST = 0.5  # of the frames have discs that lie apart, where these are drawn by runs
CACHED = 8  # sequences decoded at a time, so that the codes stay in the cache nearest to it

Method = str | tuple[str, tuple[int, int]]
"""A colour: by the reference; "code" or "lone": by a method of `fast`. With height and width: by patches."""

Scene = tuple[np.ndarray, ...]
"""Centres [N T B 2] or ends [N T B 2 2] and radii [N T B], in canvas widths, and RGB colours [N B 3].

Of a field, the shares of full brightness [N T B cells cells] in the place of centres.
"""


def draw_frames(style: Style, color: str, scene: Scene, frames: np.ndarray) -> None:
    """Fill `frames`, uint8 [N T H W] or [N T 3 H W]; or [N T bytes], binary ones with 8 pixels per byte."""
    if color == "binary" and style.palette == 1 and scene[0].shape[2] == 1 and style.name in ("soft", "clean"):
        packed = frames.ndim == 3
        words = np.asarray(paint(*scene, style=style, how="lone, first high" if packed else "lone"))
        fast.pack(words, style.size, frames) if packed else fast.unpack(words, frames)
        return
    few = -(-len(frames) // -(-len(frames) // FEW))  # all parts of one size, as each is compiled
    parts, method = [slice(start, start + few) for start in range(0, len(frames), few)], _method(style, color, scene)
    if _codes_fit(style, color, scene) and _drawn_apart(style, method, scene, parts, frames):
        return
    for own in parts:
        _draw_few(style, color, method, tuple(array[own] for array in scene), frames[own])


def draw_some(style: Style, color: str, scene: Scene, wanted: np.ndarray, frames: np.ndarray) -> None:
    """As `draw_frames`, but only those that are `wanted` [N T]; others stay as they are. Not for binary frames."""
    method = _method(style, color, scene)
    for own, part in _parts(scene, wanted, prod(frames.shape[2:])):
        _draw_few(style, color, method, part, frames, own)


def _parts(scene: Scene, wanted: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, Scene]]:
    """Of the frames that are `wanted` [N T], their numbers [n], and the scenes of as many and some more, [R ROW …].

    They come some at a time, all parts of one size, as each is compiled; `size` is that of a frame in bytes.
    """
    numbers, (centres, radii, colors) = np.flatnonzero(wanted), scene
    rows = max(1, SOME // size // ROW)
    for start in range(0, len(numbers), rows * ROW):
        own = numbers[start : start + rows * ROW]
        n, t = np.divmod(np.resize(own, (rows, ROW)), wanted.shape[1])
        yield own, (centres[n, t], radii[n, t], colors[n])


def _method(style: Style, color: str, scene: Scene) -> Method:
    """The fastest method that draws these frames."""
    if style.name in WHOLE:
        return color
    places, radii, _ = scene
    whole = "code" if _codes_fit(style, color, scene) else color
    half = np.abs(places[..., 1, :] - places[..., 0, :]).max() / 2 if places.ndim == 5 else 0.0
    shape = fast.patch_shape(float(radii.max() + half), radii.shape[2], style, color)
    return (whole, shape) if shape else whole


def _codes_fit(style: Style, color: str, scene: Scene) -> bool:
    """Whether frames are binary ones of soft discs."""
    return style.name == "soft" and color == "binary" and scene[0].ndim == 4


def _draw_few(
    style: Style, color: str, method: Method, scene: Scene, out: np.ndarray, at: np.ndarray | None = None
) -> None:
    """Fill `out`, [N T H W] or [N T 3 H W], or packed frames [N T bytes].

    With `at`, fill its frames with these numbers [n], counted over sequences and time, with the first n of the scene.
    """
    if _by_patches(method) and out.ndim != 3:
        _put_patches(style, color, method, scene, out, at)
        return
    drawn = _drawn(style, color, method, scene)
    drawn = pack_pictures(drawn, 2) if out.ndim == 3 else drawn
    every = out.reshape(-1, *out.shape[2:])
    every[slice(None) if at is None else at] = drawn.reshape(-1, *out.shape[2:])[: None if at is None else len(at)]


def _drawn(style: Style, color: str, method: Method, scene: Scene) -> np.ndarray:
    """Frames [N T H W] or [N T 3 H W] by a method."""
    if _by_patches(method):
        _, backdrop = background(style, color)
        picture = (style.size, style.size) if len(backdrop) == 1 else (len(backdrop), style.size, style.size)
        _put_patches(style, color, method, scene, drawn := np.empty((*scene[1].shape[:2], *picture), np.uint8))
        return drawn
    if _by_codes(method):
        return _decoded(style, scene, method)
    return np.asarray(paint(*scene, style=style, how=method))


def _by_patches(method: Method) -> bool:
    """Whether a method draws patches of pixels, not of codes."""
    return isinstance(method, tuple) and not _by_codes(method)


def _by_codes(method: Method) -> bool:
    """Whether a method draws codes, of whole frames or of patches."""
    return (method if isinstance(method, str) else method[0]) == "code"


def _put_patches(
    style: Style, color: str, method: Method, scene: Scene, out: np.ndarray, at: np.ndarray | None = None
) -> None:
    parts, first = map(np.asarray, paint(*scene, style=style, how=method))
    parts = parts.reshape(*first.shape[:-1], -1, *parts.shape[-2:])  # also of one channel
    fast.place(parts, first, out, background(style, color)[1], at)


def _drawn_apart(style: Style, method: Method, scene: Scene, parts: list[slice], out: np.ndarray) -> bool:
    """Fill `out`, part by part, by runs, and where discs do not lie apart by a method, if they do in most frames.

    As far as that can be told: by those of the first part, and only for hues of zeros and ones. Else return False.
    """
    if not np.isin(hues(style), (0, 1)).all():
        return False
    reaches = (paint(*(array[own] for array in scene), style=style, how="reaches") for own in parts)
    first, lie, doubtful, packed = next(reaches), [], [], out.ndim == 3
    if np.mean(first[-1]) <= MOST:
        return False
    for own, (*found, apart) in zip(parts, chain([first], reaches), strict=True):
        words, doubts = map(np.asarray, _apart(style.size, packed)(*found))
        fast.pack(words, style.size, out[own]) if packed else fast.unpack(words, _pictures(out[own]))
        lie.append(np.asarray(apart))
        doubtful.append(np.where(lie[-1][..., None, None], doubts, 0))
    _settle(style, scene, fast.places(np.concatenate(doubtful), first_high=packed), out)
    for own, part in _parts(scene, ~np.concatenate(lie), style.size**2 * fast.channels(style.palette)):
        _draw_few(style, "binary", method, part, out, own)
    return True


def _decoded(style: Style, scene: Scene, method: Method) -> np.ndarray:
    """Frames {0, 1} [N T H W] or [N T 3 H W] by codes, and by the reference where these are in doubt."""
    codes, doubtful = _codes(style, scene, method)
    picture = codes.shape[2:] if style.palette == 1 else (3, *codes.shape[2:])
    out = np.empty((*codes.shape[:2], *picture), np.uint8)
    for start in range(0, len(out), CACHED):
        fast.decode(codes[start : start + CACHED], out[start : start + CACHED])
    _settle(style, scene, doubtful, out)
    return out


def _codes(style: Style, scene: Scene, method: Method) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Codes of frames, uint8 [N T H W], and the pixels (n, t, row, column) that are in doubt."""
    centres, radii, colors = scene
    x, y, first = _squares(style.size, None if method == "code" else method[1])(centres)
    parts, first = np.asarray(_coded(style.palette, colors.ndim == 4)(x, y, radii, colors)), np.asarray(first)
    n, t, part, row, column = np.unravel_index(np.flatnonzero(parts >= fast.DOUBTFUL), parts.shape)
    codes = parts[:, :, 0]
    if method != "code":
        codes = np.empty((*parts.shape[:2], style.size, style.size), np.uint8)
        fast.place(parts[:, :, :, None], first, codes, (0,))
    return codes, (n, t, row + first[n, t, part, 0], column + first[n, t, part, 1])


def _pictures(frames: np.ndarray) -> np.ndarray:
    """Frames [N T H W] or [N T C H W] as [N T C H W], in the same memory."""
    return frames.reshape(*frames.shape[:2], -1, *frames.shape[-2:])


def _settle(style: Style, scene: Scene, doubtful: tuple[np.ndarray, ...], out: np.ndarray) -> None:
    """Compute doubtful pixels, each (n, t, row, column), by the reference, in frames or in packed ones."""
    centres, radii, colors = scene
    every = np.stack(doubtful)
    for start in range(0, every.shape[1], DOUBTS):
        own = every[:, start : start + DOUBTS]
        n, t, row, column = own[:, np.arange(DOUBTS) % own.shape[1]]  # all parts of one size, as each is compiled
        shades = colors[n, t] if colors.ndim == 4 else colors[n]
        lit = np.asarray(_lit(style)(np.stack([column, row], axis=1), centres[n, t], radii[n, t], shades))
        if out.ndim == 3:
            fast.put(lit, out, n, t, row * style.size + column)
        else:
            _pictures(out)[n, t, :, row, column] = lit


@cache
def _apart(size: int, first_high: bool) -> Callable[..., Any]:
    return jax.jit(jax.vmap(jax.vmap(partial(fast.apart, size=size, first_high=first_high))))


@cache
def _squares(size: int, shape: tuple[int, int] | None) -> Callable[..., Any]:
    return jax.jit(jax.vmap(jax.vmap(partial(fast.squares, size=size, shape=shape))))


@cache
def _coded(palette: int, each: bool) -> Callable[..., Any]:
    own = partial(fast.code, palette=palette)
    return jax.jit(jax.vmap(jax.vmap(own, in_axes=(0, 0, 0, 0 if each else None))))


@cache
def _lit(style: Style) -> Callable[..., Any]:
    def one(place: Array, centres: Array, radii: Array, colors: Array) -> Array:
        return fast.lit(jax.numpy.linspace(0.0, 1.0, style.size)[place], centres, radii, colors, style.palette)

    return jax.jit(jax.vmap(one))


def paint(centres: Any, radii: Any, colors: Any, *, style: Style, how: Method) -> Any:
    """Draw frames or patches [N T …] of a scene; colours are those of a sequence, or [N T B 3] those of each frame."""
    drawn = _program(style, how, colors.ndim == 4)(centres, radii, colors)
    if not _joined(style, how):
        return drawn
    return _split()(drawn) if isinstance(how, str) else (_split()(drawn[0]), drawn[1])


def _joined(style: Style, how: Method) -> bool:
    """Whether the pixels of several channels come joined."""
    color = how if isinstance(how, str) else how[0]
    return style.name not in WHOLE and (color == "rgb" or (color == "binary" and style.palette > 1))


@cache
def _split() -> Callable[..., Any]:
    return jax.jit(partial(split, channels=3))


@cache
def _program(style: Style, how: Method, each: bool) -> Callable[..., Any]:
    """The compiled code of one style and method."""

    def frame(centres: Array, radii: Array, colors: Array) -> Any:
        if not isinstance(how, str):
            return fast.patches(centres, radii, colors, style, *how)
        if how.startswith("lone"):
            return fast.lone(centres[0], radii[0], style.size, style.name, first_high=how != "lone")
        if how == "reaches":
            return fast.reaches(centres, radii, colors, style.palette)
        return (draw_joined if _joined(style, how) else draw)(style, centres, radii, colors, how)

    return jax.jit(jax.vmap(jax.vmap(frame, in_axes=(0, 0, 0 if each else None))))
