"""Draw the frames of a batch by the fastest method that gives the same pixels as `style.draw`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import chain
from math import prod
from typing import Any

import numpy as np

from slvm_data.core.late import jax
from slvm_data.core.packing import pack_pictures, packed_shape, unpack_pictures
from slvm_data.core.types import Array
from slvm_data.observe.render import fast
from slvm_data.observe.render.style import WHOLE, Style, background, draw, draw_joined, hues, split

DOUBTS = 1024  # doubtful pixels computed again at a time; a sequence has about ten
FEW = 64  # sequences drawn at a time, so that intermediate results fit in the processor's cache
RUNS = 256  # sequences drawn at a time by runs, whose results are small
SOME, ROW = 2**19, 32  # bytes of frames that are drawn at a time, where not all are wanted, and frames in a row of them
CODES = 2**21  # bytes likewise of binary frames, of which more fit in the cache
MOST = 0.5  # of the frames have discs that lie apart, where these are drawn by runs
CACHED = 8  # sequences packed at a time, so that the codes stay in the cache nearest to it

Method = str | tuple[str, tuple[int, int]]
"""A colour: by the reference; "code" or "lone": by a method of `fast`. With height and width: by patches."""

Doubtful = tuple[np.ndarray, np.ndarray]
"""Pixels in doubt: numbers of their frames [n], counted over sequences and time, and their rows and columns [n 2]."""

Scene = tuple[np.ndarray, ...]
"""Centres [N T B 2] or ends [N T B 2 2] and radii [N T B], in canvas widths, and RGB colours [N B 3].

Of a field, the shares of full brightness [N T B cells cells] in the place of centres.
"""


def draw_frames(style: Style, color: str, scene: Scene, frames: np.ndarray) -> None:
    """Fill `frames`, uint8 [N T H W] or [N T 3 H W]; or [N T bytes], binary ones with 8 pixels per byte: contiguous."""
    if color == "binary" and (_is_lone(style, scene) or _codes_fit(style, scene)):
        _draw_binary(style, scene, frames)
        return
    method = _method(style, color, scene)
    for own in _some(len(frames), FEW):
        _draw_few(style, color, method, _part(scene, own), frames[own])


def _draw_binary(style: Style, scene: Scene, frames: np.ndarray) -> None:
    """Fill `frames` of soft discs, or of a single body: with 8 pixels per byte first, if that is not what is wanted."""
    if frames.ndim == 3:
        _draw_bits(style, scene, frames)
        return
    bits = np.empty(packed_shape(frames.shape, 2), np.uint8)
    _draw_bits(style, scene, bits)
    for own in _some(len(frames), FEW):
        frames[own] = unpack_pictures(bits[own], frames.shape[2:])


def draw_some(style: Style, color: str, scene: Scene, wanted: np.ndarray, frames: np.ndarray) -> None:
    """As `draw_frames`, but only those that are `wanted` [N T]; others stay as they are. Not for binary frames."""
    method = _method(style, color, scene)
    for own, part in _parts(scene, wanted, SOME // prod(frames.shape[2:])):
        _draw_few(style, color, method, part, frames, own)


def _some(count: int, size: int) -> list[slice]:
    """Parts of so many sequences, all of one size but the last, as each size is compiled."""
    few = -(-count // -(-count // size))
    return [slice(start, start + few) for start in range(0, count, few)]


def _part(scene: Scene, own: slice) -> Scene:
    return tuple(array[own] for array in scene)


def _parts(scene: Scene, wanted: np.ndarray, most: int) -> Iterator[tuple[np.ndarray, Scene]]:
    """Of the frames that are `wanted` [N T], their numbers [n], and the scenes of as many and some more, [R ROW …].

    They come about `most` at a time, all parts of one size, as each is compiled.
    """
    numbers, (centres, radii, colors) = np.flatnonzero(wanted), scene
    rows = max(1, most // ROW)
    for start in range(0, len(numbers), rows * ROW):
        own = numbers[start : start + rows * ROW]
        n, t = np.divmod(np.resize(own, (rows, ROW)), wanted.shape[1])
        yield own, (centres[n, t], radii[n, t], colors[n])


def _is_lone(style: Style, scene: Scene) -> bool:
    """Whether frames, if they are binary, show a single red body with a sharp edge."""
    return style.palette == 1 and scene[0].shape[2] == 1 and style.name in ("soft", "clean")


def _codes_fit(style: Style, scene: Scene) -> bool:
    """Whether frames show soft discs."""
    return style.name == "soft" and scene[0].ndim == 4


def _method(style: Style, color: str, scene: Scene) -> Method:
    """The fastest method that draws these frames: a colour, or "code", of whole frames or by patches."""
    if style.name in WHOLE:
        return color
    places, radii, _ = scene
    half = np.abs(places[..., 1, :] - places[..., 0, :]).max() / 2 if places.ndim == 5 else 0.0
    shape = fast.patch_shape(float(radii.max() + half), radii.shape[2], style, color)
    whole = "code" if color == "binary" and _codes_fit(style, scene) else color
    return (whole, shape) if shape else whole


def _draw_few(
    style: Style, color: str, method: Method, scene: Scene, out: np.ndarray, at: np.ndarray | None = None
) -> None:
    """Fill `out`, [N T H W] or [N T 3 H W], or packed frames [N T bytes].

    With `at`, fill its frames with these numbers [n], counted over sequences and time, with the first n of the scene.
    """
    if isinstance(method, tuple) and out.ndim != 3:
        _put_patches(style, color, method, scene, out, at)
        return
    drawn = _drawn(style, color, method, scene)
    drawn = pack_pictures(drawn, 2) if out.ndim == 3 else drawn
    every = out.reshape(-1, *out.shape[2:])
    every[slice(None) if at is None else at] = drawn.reshape(-1, *out.shape[2:])[: None if at is None else len(at)]


def _drawn(style: Style, color: str, method: Method, scene: Scene) -> np.ndarray:
    """Frames [N T H W] or [N T 3 H W] by a method."""
    if isinstance(method, str):
        return np.asarray(paint(*scene, style=style, how=method))
    _, backdrop = background(style, color)
    picture = (style.size, style.size) if len(backdrop) == 1 else (len(backdrop), style.size, style.size)
    _put_patches(style, color, method, scene, drawn := np.empty((*scene[1].shape[:2], *picture), np.uint8))
    return drawn


def _put_patches(
    style: Style, color: str, method: Method, scene: Scene, out: np.ndarray, at: np.ndarray | None = None
) -> None:
    parts, first = map(np.asarray, paint(*scene, style=style, how=method))
    parts = parts.reshape(*first.shape[:-1], -1, *parts.shape[-2:])  # also of one channel
    fast.place(parts, first, out, background(style, color)[1], at)


def _draw_bits(style: Style, scene: Scene, bits: np.ndarray) -> None:
    """Fill packed frames [N T bytes] with binary bodies."""
    if _is_lone(style, scene):
        fast.pack(np.asarray(paint(*scene, style=style, how="lone")), style.size, bits)
        return
    method, parts = _method(style, "binary", scene), _some(len(bits), FEW)
    doubtful = _draw_apart(style, method, scene, bits)
    if doubtful is None:
        frames = np.arange(bits[..., 0].size).reshape(bits.shape[:2])
        doubtful = [_draw_codes(style, method, _part(scene, own), bits, frames[own].reshape(-1)) for own in parts]
    _settle(style, scene, doubtful, bits)


def _draw_apart(style: Style, method: Method, scene: Scene, bits: np.ndarray) -> list[Doubtful] | None:
    """Fill packed frames, part by part, by runs, and where discs do not lie apart by codes, if they do in most frames.

    As far as that can be told: by those of the first part, and only for hues of zeros and ones. Else return None.
    """
    if not np.isin(hues(style), (0, 1)).all():
        return None
    parts = _some(len(bits), RUNS)
    reaches = (paint(*_part(scene, own), style=style, how="reaches") for own in parts)
    first, lie, doubtful = next(reaches), [], []
    if np.mean(first[-1]) <= MOST:
        return None
    for own, found in zip(parts, chain([first], reaches), strict=True):
        sure, maybe = _apart(style.size)(*found)
        fast.pack(np.asarray(sure), style.size, bits[own])
        lie.append(np.asarray(found[-1]))
        frame, pixel = fast.places(np.asarray(_doubtful()(sure, maybe)))
        doubtful.append((frame + own.start * bits.shape[1], pixel))
    others = _parts(scene, ~np.concatenate(lie), CODES // (style.size**2 * fast.channels(style.palette)))
    return doubtful + [_draw_codes(style, method, part, bits, own) for own, part in others]


def _draw_codes(style: Style, method: Method, scene: Scene, bits: np.ndarray, at: np.ndarray) -> Doubtful:
    """Fill packed frames with these numbers [n], counted over sequences and time, with the first n of the scene.

    Pixels are right but for those in doubt, which are returned.
    """
    codes, frame, pixel = _codes(style, scene, method)
    codes, size = codes.reshape(-1, *codes.shape[2:])[: len(at)], CACHED * codes.shape[1]
    drawn, whole = np.empty((len(at), bits.shape[-1]), np.uint8), f"V{bits.shape[-1]}"
    for start in range(0, len(at), size):
        fast.pack_codes(codes[start : start + size], style.palette, drawn[start : start + size])
    bits.view(whole).reshape(-1)[at] = drawn.view(whole)[:, 0]
    wanted = frame < len(at)
    return at[frame[wanted]], pixel[wanted]


def _codes(style: Style, scene: Scene, method: Method) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes of frames, uint8 [N T H W], and the pixels in doubt: their frames [n], and rows and columns [n 2]."""
    centres, radii, colors = scene
    x, y, first = _squares(style.size, None if method == "code" else method[1])(centres)
    parts, first = np.asarray(_coded(style.palette, colors.ndim == 4)(x, y, radii, colors)), np.asarray(first)
    found, (n, t, patches) = np.flatnonzero(parts >= fast.DOUBTFUL), parts.shape[:3]
    frame, patch, *within = np.unravel_index(found, (n * t, *parts.shape[2:]))
    codes = parts[:, :, 0]
    if method != "code":
        codes = np.empty((n, t, style.size, style.size), np.uint8)
        fast.place(parts[:, :, :, None], first, codes, (0,))
    return codes, frame, np.stack(within, axis=1) + first.reshape(n * t, patches, 2)[frame, patch]


def _settle(style: Style, scene: Scene, doubtful: list[Doubtful], bits: np.ndarray) -> None:
    """Compute doubtful pixels of packed frames by the reference."""
    centres, radii, colors = scene
    frame, pixel = (np.concatenate(own) for own in zip(*doubtful, strict=True))
    for start in range(0, len(frame), DOUBTS):
        own = np.arange(start, start + DOUBTS) % len(frame)  # all parts of one size, as each is compiled
        n, t = np.divmod(frame[own], bits.shape[1])
        shades = colors[n, t] if colors.ndim == 4 else colors[n]
        lit = np.asarray(_lit(style)(pixel[own, ::-1], centres[n, t], radii[n, t], shades))
        row, column = pixel[own].T
        fast.put(lit, bits, frame[own], row * style.size + column, style.size**2)


@cache
def _apart(size: int) -> Callable[..., Any]:
    return jax.jit(jax.vmap(jax.vmap(partial(fast.apart, size=size))))


@cache
def _doubtful() -> Callable[..., Any]:
    return jax.jit(jax.vmap(jax.vmap(fast.doubtful)))


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
        if how == "lone":
            return fast.lone(centres[0], radii[0], style.size, style.name)
        if how == "reaches":
            return fast.reaches(centres, radii, colors, style.palette)
        return (draw_joined if _joined(style, how) else draw)(style, centres, radii, colors, how)

    return jax.jit(jax.vmap(jax.vmap(frame, in_axes=(0, 0, 0 if each else None))))
