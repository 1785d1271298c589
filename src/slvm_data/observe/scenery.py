"""What else is in the scene: a background, bars and wedges that hide, other bodies; and a camera that shakes.

Pixel j spans [j, j + 1), in columns and rows; row 0 is the first row of the array. Shares are those of the frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Any, ClassVar

import numpy as np

from slvm_data.core.draws import Draws
from slvm_data.core.fields import limited
from slvm_data.core.ranges import Uniform
from slvm_data.core.types import Arrays
from slvm_data.observe.modifier import SHADES, Canvas, Modifier, between, reflected

BACKGROUNDS = ("flat", "gradient", "texture", "moving")
WAVES = 6  # of a texture
CYCLES = 2  # of a wave of a texture across the frame, at most


@dataclass(frozen=True, kw_only=True)
class Background(Modifier):
    """A background behind the bodies: "flat" grey, a "gradient", a low-frequency "texture", or a "moving" texture.

    Brightness lies between the ends of `level`, shares of full scale: a flat one is drawn from it, a gradient goes from
    one end to the other in a random direction, a texture is the sum of six cosines of at most two cycles across the
    frame. A moving one drifts by up to `speed` frame widths a second along each axis, by whole pixels, and what leaves
    the frame comes in again. The share m of a pixel that bodies cover is found from the clean frame; the pixel becomes
    clean + (1 - m) (new - old background). Stored as `background` [H W] and, if it moves, `background_shift` [T X].
    """

    colors: ClassVar = SHADES
    recorded: ClassVar = ("background", "background_shift")

    kind: str = limited("gradient", choices=BACKGROUNDS)
    level: Uniform = limited(Uniform(0.0, 0.6), minimum=0, maximum=1)
    speed: float = limited(0.2, minimum=0, maximum=100)  # frame widths per second

    @property
    def sides(self) -> tuple[str, ...]:
        """Behind the bodies."""
        return ("behind",)

    def apply(self, seen: np.ndarray, time: np.ndarray, draws: Draws, canvas: Canvas) -> tuple[np.ndarray, Arrays]:
        """Put the background behind the bodies."""
        height, width = seen.shape[-2:]
        picture = self.picture(height, width, draws)
        found = {"background": np.rint(canvas.top * picture).astype(np.uint8)}
        scenery = found["background"][None]
        if self.kind == "moving":
            pace = draws.uniform(2, low=-self.speed, high=self.speed) * width
            shift = np.rint(pace * (time - time[0])[:, None]).astype(np.int64)
            scenery, found["background_shift"] = rolled(found["background"], shift), shift
        return painted(seen, [(np.float32(1), scenery[:, None])], np.zeros(len(time), bool), canvas), found

    def picture(self, height: int, width: int, draws: Draws) -> np.ndarray:
        """Draw a background [H W], as shares of full scale."""
        y, x = (np.arange(n)[:, None] / n for n in (height, width))
        if self.kind == "flat":
            return between(draws, self.level, 1, 1) + np.zeros((height, width))
        if self.kind == "gradient":
            angle = draws.uniform(1) * 2 * pi
            value = np.sin(angle) * y + np.cos(angle) * x.T
        else:
            cycles = draws.below(2 * CYCLES + 1, WAVES, 2) - CYCLES
            waves = zip(cycles, draws.uniform(WAVES), strict=True)
            value = sum(np.cos(2 * pi * (v * y + u * x.T + phase)) for (u, v), phase in waves)
        least, most = np.min(value), np.max(value)
        return self.level.low + (self.level.high - self.level.low) * (value - least) / max(most - least, 1e-12)


@dataclass(frozen=True, kw_only=True)
class Occluder(Modifier):
    """A bar in front of everything, over all rows, `width` of the frame wide, of brightness `level`.

    Its place is uniform; if `moving`, it goes back and forth at up to `speed` frame widths a second. The first column
    that it hides is stored as `occluder` [T].
    """

    recorded: ClassVar = ("occluder",)

    width: float = limited(0.25, minimum=0, maximum=1)
    moving: bool = False
    speed: float = limited(0.3, minimum=0, maximum=100)  # frame widths per second
    level: float = limited(0.0, minimum=0, maximum=1)

    def apply(self, seen: np.ndarray, time: np.ndarray, draws: Draws, canvas: Canvas) -> tuple[np.ndarray, Arrays]:
        """Draw the bar."""
        columns = seen.shape[-1]
        wide = round(self.width * columns)
        place, pace = draws.uniform(2, low=-1.0)
        way = self.moving * self.speed * pace * columns * (time - time[0])
        first = np.rint(reflected((columns - wide) * (place + 1) / 2 + way, 0, columns - wide)).astype(np.int64)
        column = np.arange(columns) - first[:, None]
        hidden = (column >= 0) & (column < wide)  # [T W]
        return np.where(hidden[:, None, None], _shade(self.level, canvas), seen), {"occluder": first}


@dataclass(frozen=True, kw_only=True)
class Sector(Modifier):
    """Wedges about the middle of the frame hide `share` of the full angle, in `count` equal pieces, evenly spaced.

    They have the brightness `level`. The angle at which the first one begins is uniform, and stored as `sector`; angles
    go from the x axis (along a row) to the y axis (along a column). As in the robustness tests of arXiv:2606.00115.
    """

    recorded: ClassVar = ("sector",)

    share: float = limited(0.25, minimum=0, maximum=1)
    count: int = limited(1, minimum=1, maximum=1000)
    level: float = limited(0.0, minimum=0, maximum=1)

    def apply(self, seen: np.ndarray, time: np.ndarray, draws: Draws, canvas: Canvas) -> tuple[np.ndarray, Arrays]:
        """Hide the wedges."""
        begin = (2 * pi * draws.uniform()).astype(np.float32)  # []
        y, x = (np.arange(n) - (n - 1) / 2 for n in seen.shape[-2:])
        piece = np.mod(np.arctan2(y[:, None], x) - float(begin), 2 * pi / self.count)
        hidden = piece < 2 * pi * self.share / self.count  # [H W]
        return np.where(hidden, _shade(self.level, canvas), seen), {"sector": begin}


@dataclass(frozen=True, kw_only=True)
class Distractors(Modifier):
    """Other discs, `n` of them, that move evenly and turn back at the border of the frame.

    Each has a radius, a share of the frame's width, from `radius`; a velocity of up to `speed` frame widths a second
    along each axis; and in each channel a brightness from `shade`, which binary frames do not have. They pass before
    the bodies if `front`, but behind them in the first `clean` frames; else always behind. Stored: `distractors`
    [T O G] with x, y and radius in pixels, and `distractor_shade` [O]. Source: T. Haarnoja et al., "Backprop KF",
    NeurIPS 2016; P. Becker et al., "Recurrent Kalman networks", ICML 2019, whose discs are held back by a spring.
    """

    recorded: ClassVar = ("distractors", "distractor_shade")

    n: int = limited(5, minimum=1, maximum=1000)
    radius: Uniform = limited(Uniform(0.04, 0.08), minimum=0, maximum=0.45)
    speed: float = limited(0.3, minimum=0, maximum=100)  # frame widths per second
    shade: Uniform = limited(Uniform(0.3, 1.0), minimum=0, maximum=1)
    front: bool = True
    clean: int = limited(0, minimum=0)  # frames

    @property
    def sides(self) -> tuple[str, ...]:
        """Before or behind the bodies, or first behind and then before them."""
        return (*(("front",) if self.front else ()), *(("behind",) if self.clean or not self.front else ()))

    def apply(self, seen: np.ndarray, time: np.ndarray, draws: Draws, canvas: Canvas) -> tuple[np.ndarray, Arrays]:
        """Draw the discs."""
        shades = between(draws, self.shade, self.n, seen.shape[1]) if canvas.top > 1 else np.ones((self.n, 1))
        places = self.places(seen.shape[-1], time, draws)
        shades = np.rint(canvas.top * np.broadcast_to(shades, (self.n, seen.shape[1]))).astype(np.uint8)
        over = np.full(len(time), self.front) & (np.arange(len(time)) >= self.clean)
        discs = (disc_cover(places[:, i], seen.shape[-2:], canvas)[:, None] for i in range(self.n))
        covers = zip(discs, shades[:, :, None, None], strict=True)
        stored = {"distractors": places, "distractor_shade": shades[:, 0] if seen.shape[1] == 1 else shades}
        return painted(seen, covers, over, canvas), stored

    def places(self, width: int, time: np.ndarray, draws: Draws) -> np.ndarray:
        """Draw x, y and radius of each disc, in pixels, float32 [T O 3]."""
        radius = between(draws, self.radius, self.n, 1)
        start = radius + (1 - 2 * radius) * draws.uniform(self.n, 2)
        pace = draws.uniform(self.n, 2, low=-self.speed, high=self.speed)
        way = start + pace * (time - time[0])[:, None, None]
        centres = reflected(way, radius, 1 - radius)
        return (width * np.append(centres, np.broadcast_to(radius, centres[..., :1].shape), axis=2)).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class Clutter(Modifier):
    """Other squares, `n` of them, that stand still behind the bodies, or before them if `front`.

    A side is a share of the frame's width from `size`, rounded to whole pixels; the place is uniform; the brightness is
    `level`. Stored as `clutter` [O G]: first column, first row and side. As in the robustness tests of
    arXiv:2606.00115.
    """

    recorded: ClassVar = ("clutter",)

    n: int = limited(8, minimum=1, maximum=1000)
    size: Uniform = limited(Uniform(0.05, 0.15), minimum=0, maximum=1)
    level: float = limited(1.0, minimum=0, maximum=1)
    front: bool = False

    @property
    def sides(self) -> tuple[str, ...]:
        """Before or behind the bodies."""
        return ("front" if self.front else "behind",)

    def apply(self, seen: np.ndarray, time: np.ndarray, draws: Draws, canvas: Canvas) -> tuple[np.ndarray, Arrays]:
        """Draw the squares."""
        height, width = seen.shape[-2:]
        side = np.maximum(1, np.rint(width * between(draws, self.size, self.n))).astype(np.int64)
        first = (draws.uniform(self.n, 2) * (np.array([width, height]) - side[:, None] + 1)).astype(np.int64)
        column, row = (np.arange(n) - first[:, i, None] for i, n in enumerate((width, height)))  # [O W], [O H]
        inside = [(x >= 0) & (x < side[:, None]) for x in (column, row)]
        square = (inside[1][:, :, None] & inside[0][:, None, :]).any(axis=0)
        covers = [(square.astype(np.float32), _shade(self.level, canvas))]
        over = np.full(len(time), self.front)
        return painted(seen, covers, over, canvas), {"clutter": np.column_stack([first, side])}


@dataclass(frozen=True, kw_only=True)
class CameraWalk(Modifier):
    """The camera shakes: every frame is shifted by whole pixels, along each axis by a random walk that begins at 0.

    A step is uniform among -step … step, and the walk stays within ± `reach`. What comes in at the edges is background.
    Shifts are whole so that no pixel changes its brightness, and binary frames stay binary. Stored as `camera_walk`
    [T X]: to columns and rows of larger number. As in the robustness tests of arXiv:2606.00115.
    """

    recorded: ClassVar = ("camera_walk",)

    step: int = limited(1, minimum=0, maximum=100)  # px per frame
    reach: int = limited(3, minimum=0, maximum=1000)  # px

    def apply(self, seen: np.ndarray, time: np.ndarray, draws: Draws, canvas: Canvas) -> tuple[np.ndarray, Arrays]:
        """Shift the frames."""
        walk = np.zeros((len(time), 2), np.int64)
        for t, step in enumerate(draws.below(2 * self.step + 1, len(time) - 1, 2) - self.step):
            walk[t + 1] = np.clip(walk[t] + step, -self.reach, self.reach)
        out = np.empty_like(seen)
        out[...] = np.array(canvas.background, np.uint8)[:, None, None]
        for t, (right, up) in enumerate(walk.tolist()):
            (rows, to_rows), (columns, to_columns) = _moved(up, seen.shape[-2]), _moved(right, seen.shape[-1])
            out[t, :, to_rows, to_columns] = seen[t, :, rows, columns]
        return out, {"camera_walk": walk}


def _moved(by: int, size: int) -> tuple[slice, slice]:
    """The pixels of a row that stay inside if it is shifted, and where they come to lie."""
    by = max(-size, min(size, by))
    return slice(max(0, -by), size - max(0, by)), slice(max(0, by), size - max(0, -by))


def rolled(picture: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """A picture [H W] shifted by columns and rows [T 2]; what leaves it comes in on the other side [T H W]."""
    height, width = picture.shape
    row, column = ((np.arange(n) - shift[:, i, None]) % n for i, n in ((1, height), (0, width)))
    return picture[row[:, :, None], column[:, None, :]]


def disc_cover(disc: np.ndarray, size: tuple[int, ...], canvas: Canvas) -> np.ndarray:
    """Share of each pixel that a disc covers, float32 [T H W], from x, y and radius [T 3]; 0 or 1 in binary frames."""
    x, y, radius = disc.astype(np.float64).T[:, :, None, None]
    row, column = np.arange(size[0])[:, None] + 0.5, np.arange(size[1]) + 0.5
    share = np.clip(0.5 + radius - np.sqrt((row - y) ** 2 + (column - x) ** 2), 0.0, 1.0)
    return (share >= 0.5 if canvas.top == 1 else share).astype(np.float32)


def body_cover(frames: np.ndarray, canvas: Canvas) -> np.ndarray:
    """Share of each pixel that bodies cover, float32 [T 1 H W], from clean frames.

    Every hue has a channel that is full; there it is how far the pixel has come from the background to full scale. Of
    other colours, it is how far the pixel has come towards that to which it has come farthest.
    """
    if canvas.bodies:
        ways = np.array(canvas.bodies, np.float32)[:, :, None, None] - canvas.backdrop  # [B C 1 1]
        shares = [((frames - canvas.backdrop) * way).sum(axis=1, keepdims=True) / (way**2).sum() for way in ways]
        return np.clip(np.max(shares, axis=0), 0, 1)
    return ((frames - canvas.backdrop) / (canvas.top - canvas.backdrop)).max(axis=1, keepdims=True)


def painted(frames: np.ndarray, covers: Any, over: np.ndarray, canvas: Canvas) -> np.ndarray:
    """Frames with further things in them, of these covers and shades [T C H W], before the bodies or behind them.

    In frames where `over` [T] holds, a thing with cover c and shade s turns a pixel p to p + c (s - p). In the others
    it does so to what is seen of the ground, (1 - m) g = p - m b, where bodies of shade b cover the share m.
    """
    before = over[:, None, None, None]
    clean = frames if canvas.clean is None else canvas.clean
    seen = 1 - body_cover(clean, canvas)
    bodies = np.where(before, np.float32(0), clean - seen * canvas.backdrop)
    ground, share = frames - bodies, np.where(before, np.float32(1), seen)
    for cover, shade in covers:
        ground += cover * (share * shade - ground)
    return np.rint(np.clip(ground + bodies, 0, canvas.top)).astype(np.uint8)


def _shade(level: float, canvas: Canvas) -> np.uint8:
    return np.uint8(round(level * canvas.top))
