"""Draw frames fast, equal to those of `soft` and `clean` unless an edge meets the middle of a pixel to 1e-15.

In a binary frame a single body needs only a comparison of distances: a pixel is lit if |c - u| <= ρ + δ, where δ is the
distance from the edge at which its cover reaches the threshold (0 for a clean body). In each row the lit pixels are
then one run, found from two numbers and written as the bits of machine words.

Where several discs lie apart, each has such runs in every channel that it lights: a longer and a shorter one, from
bounds of what the others add. Pixels between the two are in doubt and are computed by the reference.

Discs that overlap softly need the covers themselves. These are computed in single precision; a pixel closer to the
threshold than `DOUBT`, about ten times the rounding error, is marked and computed again in double precision.

Bodies change only what is about them: a patch about each is computed, with all of them, and the rest is background.
"""

from __future__ import annotations

from functools import partial, reduce
from math import log
from operator import or_
from typing import Any

import numpy as np

from slvm_data.core.late import jax, jnp
from slvm_data.core.sums import squared, total
from slvm_data.core.types import Array
from slvm_data.observe.render import bump
from slvm_data.observe.render.capsule import middles, run
from slvm_data.observe.render.soft import (
    BACKGROUND,
    LIT,
    TEMPERATURE,
    binarise,
    cover_at,
    odds_of,
    shades,
)
from slvm_data.observe.render.style import Style, draw_part, hues, join, levels

DOUBT = 1e-5  # of a channel's 0 … 1
DOUBTFUL = 8  # the bit of a code that marks such a pixel
_WORD = 32  # pixels in a machine word

_ROUNDING = 1e-6  # more than what single precision changes in a cover, or in the place of an edge
_LEAST = 0.01  # of a cover: where others may add so much that less would light a pixel, discs do not lie apart
_NEEDED = tuple((LIT / 255 - level) / (1 - level) for level in BACKGROUND)  # cover that lights a pixel, by channel
_UNDIVIDED = 4  # discs for which a product of 1 + odds, each at most 1 + e²⁰, is within single precision
_PATCH = 2, 16  # heights and widths of patches are multiples of so many pixels: few, since each is compiled
_MARGIN = log(1 / _NEEDED[0] - 1) / TEMPERATURE  # δ of a red disc, in canvas widths


def lone(place: Array, radius: Array, size: int, style: str = "soft") -> Array:
    """Draw one body from its place, [2] or [2 2], and radius, a scalar, in canvas widths: uint32 [H words], for `pack`.

    The first pixel of a word is its highest bit.
    """
    margin, pitch, first = (_MARGIN, size - 1, 0.0) if style == "soft" else (0.0, size, 0.5)
    return _runs(place, radius + margin, size, pitch, first)


def reaches(centres: Array, radii: Array, colors: Array, palette: int) -> tuple[Array, Array, Array, Array]:
    """How far the light of several discs reaches that lie apart; their hues [B 3] differ, and are of zeros and ones.

    Return, for `apart`, centres [C b 2], the radii [C b] within which pixels of a channel are lit for sure, and those
    beyond which they are not, and whether the discs do lie apart; if not, nothing is known.

    A disc's cover falls with the distance from its edge alone, so at a pixel no other edge is nearer to, another disc
    covers at most what it does halfway between the two. With this bound a zone about the edge of each disc follows in
    which pixels may be lit; and from the bound in this zone, a narrower one. Single precision is enough for bounds.
    """
    gaps = jnp.sqrt(squared((centres[:, None] - centres).T)) - radii[:, None] - radii
    gaps = jnp.where(np.eye(len(gaps), dtype=bool), jnp.inf, gaps).astype(np.float32)
    halfway, apart, found = _covered(gaps / 2), jnp.bool_(True), []
    for c in range(channels(palette)):
        zone = _edge(_least_cover(-halfway, c))
        others = jnp.minimum(halfway, _covered(gaps - zone[:, None]))
        inner, outer = (radii + _edge(_least_cover(bound, c)) for bound in (others, -others))
        inner, outer = inner - _ROUNDING, outer + _ROUNDING
        apart = apart & (_least_cover(-halfway, c) > _LEAST).all()
        found.append(_shining(centres, inner, outer, colors[:, c], palette))
    places, inner, outer = (jnp.stack(own) for own in zip(*found, strict=True))
    return places, inner, outer, apart


def apart(places: Array, inner: Array, outer: Array, lie: Array, size: int) -> tuple[Array, Array]:
    """Draw discs by their `reaches`, uint32 [C H words] each: pixels that are lit for sure, and those that may be lit.

    Both are the same where discs do not `lie` apart, since such a frame has to be drawn in another way. As a program of
    its own, or XLA would compute the reaches for every row; and so is `doubtful`, or it would draw twice.
    """
    draw, single = jax.vmap(partial(_union, size=size)), places.astype(np.float32)
    sure, maybe = (draw(single, own.astype(np.float32)) for own in (inner, jnp.where(lie, outer, inner)))
    return sure, maybe


def doubtful(sure: Array, maybe: Array) -> Array:
    """Pixels in doubt in any channel, uint32 [H words], of what `apart` has drawn."""
    differ = sure ^ maybe
    return reduce(or_, (differ[c] for c in range(len(differ))))


def _covered(beyond: Array) -> Array:
    """What all other discs cover together, at most, [B], where pixels lie so far [B B] beyond their edges."""
    return total((1 / (1 + jnp.exp(TEMPERATURE * beyond))).T) + _ROUNDING


def _least_cover(others: Array, channel: int) -> Array:
    """Cover of a disc from which on a channel is lit, if other discs take so much light from it."""
    return _NEEDED[channel] + others / (1 - BACKGROUND[channel])


def _edge(cover: Array) -> Array:
    """How far beyond the edge of a disc it covers so much, in canvas widths."""
    return jnp.log(1 / jnp.clip(cover, _LEAST, 1 - _LEAST) - 1) / TEMPERATURE


def _shining(centres: Array, inner: Array, outer: Array, shares: Array, palette: int) -> tuple[Array, Array, Array]:
    """Centres [b 2] and both radii [b], 0 for others, of the discs that shine in a channel."""
    inner, outer = inner * shares, outer * shares
    if palette in (2, 3):  # no two of their hues shine in the same channel
        return total(centres * shares[:, None])[None], total(inner)[None], total(outer)[None]
    return centres, inner, outer


def _union(centres: Array, radii: Array, size: int) -> Array:
    """The pixels of all soft discs whose radii [B] are above 0, uint32 [H words]."""
    union = jnp.uint32(0)
    for i in range(len(radii)):
        words = _runs(centres[i], radii[i], size, size - 1, 0.0)
        union = union | jnp.where(radii[i] > 0, words, 0)
    return union


def _runs(place: Array, radius: Array, size: int, pitch: int, first: float) -> Array:
    """The pixels of a body, as runs in the rows of words: uint32 [H words]."""
    left, right, covered = run(place, radius, jnp.asarray((np.arange(size) + first) / pitch, place.dtype))
    end = jnp.clip(jnp.floor(right * pitch - first) + 1, 0, size)
    begin = jnp.where(covered, jnp.clip(jnp.ceil(left * pitch - first), 0, size), end)
    starts = np.arange(0, size, _WORD, dtype=np.int32)
    low, high = (jnp.clip(x.astype(np.int32)[:, None] - starts, 0, _WORD).astype(np.uint32) for x in (begin, end))
    return _from(_WORD - high) & ~_from(_WORD - low)  # pixel j is bit 31 - j


def _from(bit: Array) -> Array:
    """Words with this bit and all higher ones; 0 for the one beyond the last, since a shift by so many gives that."""
    return jax.lax.shift_left(jnp.uint32(2**_WORD - 1), bit)


def pack(words: np.ndarray, size: int, out: np.ndarray) -> None:
    """Write 8 pixels per byte to `out` uint8 [… bytes], the first in the highest bit, from words [… H words].

    All channels of a frame follow each other without a gap.
    """
    data = words.astype(">u4").view(np.uint8)
    if size % 8 == 0:
        out[...] = data[..., : size // 8].reshape(out.shape)
    else:  # rows do not end with a byte
        out[...] = np.packbits(np.unpackbits(data, axis=-1)[..., :size].reshape(*out.shape[:-1], -1), axis=-1)


def places(words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pixels of words [N T H words]: the numbers of their frames, and their rows and columns [n 2]."""
    found = np.flatnonzero(words != 0)  # NumPy looks through truth values five times as fast as through numbers
    frame, row, word = np.unravel_index(found, (words.shape[0] * words.shape[1], *words.shape[2:]))
    bits = words.reshape(-1)[found, None] & np.uint32(1) << np.arange(_WORD, dtype=np.uint32)[::-1]
    which, column = np.nonzero(bits != 0)
    return frame[which], np.stack([row[which], word[which] * _WORD + column], axis=1)


def put(lit: np.ndarray, out: np.ndarray, frame: np.ndarray, pixel: np.ndarray, pixels: int) -> None:
    """Write {0, 1} [n C] into packed frames [N T bytes], contiguous, at pixels [n] of frames [n].

    `pixels` is their number in a channel; frames are counted over sequences and time. A pixel may come twice.
    """
    every, bit = out.reshape(-1), pixel[:, None] + np.arange(lit.shape[1]) * pixels
    place, within = frame[:, None] * out.shape[-1] + bit // 8, (7 - bit % 8).astype(np.uint8)
    mask, before = np.uint8(1) << within, every[place] >> within & 1
    on, off = before < lit, before > lit  # few: changes one by one take long
    np.bitwise_or.at(every, place[on], mask[on])
    np.bitwise_and.at(every, place[off], ~mask[off])


def squares(centres: Array, size: int, shape: tuple[int, int] | None = None) -> tuple[Array, Array, Array]:
    """Squared distances of columns [P B width] and rows [P B height] from each disc, float32, for `code`.

    Return also the first row and column [P 2]. The parts P are the whole frame; or with a `shape`, patches about each
    disc. As a program of its own, or XLA would compute them in double precision for every pixel.
    """
    first = _corners(centres, size, shape) if shape else jnp.zeros((1, 2), int)
    lengths, pitch = (shape or (size, size))[::-1], size - 1
    x, y = (
        (((first[:, i, None, None] + np.arange(lengths[i])) / pitch - centres[:, i, None]) ** 2).astype(np.float32)
        for i in range(2)
    )
    return x, y, first[:, ::-1]


def code(x: Array, y: Array, radii: Array, colors: Array, palette: int) -> Array:
    """Draw several discs, uint8 [P height width], from `squares`.

    Bit c says if channel c is lit, bit 3 (`DOUBTFUL`) that this is uncertain.
    """
    return jnp.stack([_code(*own, radii, colors, palette) for own in zip(x, y, strict=True)])


def _code(x: Array, y: Array, radii: Array, colors: Array, palette: int) -> Array:
    odds = odds_of(x, y, radii)
    shares, found = colors.astype(np.float32), jnp.zeros(odds.shape[1:], jnp.uint8)
    for c in range(channels(palette)):
        above, whole = excess(odds, shares[:, c] - np.float32(LIT / 255), np.float32(BACKGROUND[c] - LIT / 255))
        found = found | ((above >= 0).astype(jnp.uint8) << c)
        found = found | ((jnp.abs(above) < DOUBT * whole).astype(jnp.uint8) * DOUBTFUL)
    return found


def excess(odds: Array, shares: Array, background: Any) -> tuple[Array, Array]:
    """Blend one channel as `soft.blend` does, but with next to no divisions: return two numbers, [H W] each.

    Their ratio is the blend of discs with these `shares` [B] and odds [B H W], as `soft.odds_of` returns them.
    """
    value, whole = jnp.asarray(background), odds.dtype.type(1)
    for i in reversed(range(len(odds))):
        value, whole = shares[i] * whole + odds[i] * value, (1 + odds[i]) * whole
        if i % _UNDIVIDED == 0 and i > 0:
            value, whole = value / whole, odds.dtype.type(1)
    return value, whole


def lit(pixel: Array, centres: Array, radii: Array, colors: Array, palette: int) -> Array:
    """The reference for one pixel at (x, y), in canvas widths: {0, 1} in each channel [C]."""
    covers = cover_at(pixel[:1], pixel[1:], centres, radii)
    return jnp.stack(binarise(shades(covers, colors, BACKGROUND), palette)).reshape(-1)


def patches(
    places: Array, radii: Array, colors: Array, style: Style, color: str, shape: tuple[int, int]
) -> tuple[Array, Array]:
    """The parts of a frame of this colour that each of several bodies changes, for `place`.

    Return joined pixels [B height width], and their first rows and columns [B 2]. `shape` is that of `patch_shape`.
    """
    first = _corners(middles(places), style.size, shape, style.name)

    def part(corner: Array) -> Array:
        columns, rows = (corner[i] + jnp.arange(shape[1 - i]) for i in range(2))
        return join(draw_part(style, places, radii, colors, color, columns, rows))

    return jax.vmap(part)(first), first[:, ::-1]


def _corners(middles: Array, size: int, shape: tuple[int, int], style: str = "soft") -> Array:
    """First column and row [B 2] of a patch of this shape about each body, in the frame."""
    length = np.array(shape[::-1])  # columns and rows
    pixels = middles * (size - 1) if style == "soft" else middles * size - 0.5
    least = jnp.ceil(pixels - length / 2).astype(jnp.int64)  # what is left out is half a length away
    return jnp.clip(least, 0, size - length)


def patch_shape(reach: float, bodies: int, style: Style, color: str) -> tuple[int, int] | None:
    """Height and width of patches that hold bodies up to so far from their middles, in pixels.

    None if they are no less than the frame. Beyond a patch all bodies together are too faint to change a shade of the
    background, or to light a binary pixel.
    """
    if style.name == "soft":
        faint = 0.99 * min(_changes(style, color)) / bodies
        pixels = 2 * (reach + log(1 / faint - 1) / TEMPERATURE) * (style.size - 1)
    else:
        pixels = 2 * reach * style.size * (bump.fade(bodies) if style.name == "bump" else 1) + 1
    height, width = (step * int(-(-pixels // step)) for step in _PATCH)
    return (height, width) if bodies * height * width < style.size**2 and width <= style.size else None


def _changes(style: Style, color: str) -> list[float]:
    """Covers that change the background, in a list of the least ones."""
    if color == "binary":
        return [*_NEEDED]
    most, found = max(1.0, float(hues(style).max())), []
    for level in levels(style, color):
        shade = 255 * level % 1  # what is above the shade that is stored
        found.append(shade / (255 * level))
        if level < most:
            found.append((1 - shade) / (255 * (most - level)))
    return found


def place(
    parts: np.ndarray, first: np.ndarray, out: np.ndarray, background: tuple[int, ...], at: np.ndarray | None = None
) -> None:
    """Write frames to `out` uint8 [N T H W] or [N T C H W], contiguous: background, and patches where they begin.

    `parts` are patches [… B C height width], `first` [… B 2] the first row and column of each, for all frames, or the
    first ones for those with the numbers `at` [n], counted over sequences and time.
    """
    (n, t, *_, height, columns), (bodies, count, own, width) = out.shape, parts.shape[-4:]
    every, frames = out.reshape(n * t, count, height, columns), np.arange(n * t) if at is None else at
    parts, first = (
        array.reshape(-1, bodies, *array.shape[-k:])[: len(frames)] for array, k in ((parts, 3), (first, 1))
    )
    for c, level in enumerate(background):
        every[slice(None) if at is None else at, c] = level
    channel = frames[:, None, None, None] * count + np.arange(count)[:, None]  # [n 1 C 1]
    start = (channel * height + first[..., None, :1] + np.arange(own)) * columns + first[..., None, 1:]
    rows = np.dtype(f"V{width}")  # a row of a patch, at any byte of the frames
    places = np.lib.stride_tricks.as_strided(out.reshape(-1)[:width].view(rows), (out.size - width + 1,), (1,))
    places[start] = parts.view(rows)[..., 0]


def pack_codes(codes: np.ndarray, palette: int, out: np.ndarray) -> None:
    """Write 8 pixels per byte to `out` uint8 [… bytes], from codes [… H W], all channels without a gap."""
    pixels = codes.shape[-2] * codes.shape[-1]
    flat = codes.reshape(*codes.shape[:-2], pixels)
    every = [flat & np.uint8(1 << c) for c in range(channels(palette))]
    if pixels % 8 == 0:
        for c, own in enumerate(every):
            out[..., c * pixels // 8 : (c + 1) * pixels // 8] = np.packbits(own, axis=-1)
    else:
        out[...] = np.packbits(np.concatenate(every, axis=-1), axis=-1)


def channels(palette: int) -> int:
    """Number of channels of a binary frame: one if every disc is red, else three."""
    return 1 if palette == 1 else 3
