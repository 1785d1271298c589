"""An animation (GIF or WebP, by Pillow) of sequences side by side. Pixels are enlarged, but not changed."""

from __future__ import annotations

import io
from math import ceil

import numpy as np
from PIL import Image, ImageDraw, ImageFont

FORMATS = ("gif", "webp")
GAP = (48, 54, 61)  # colour between sequences
MISSING = (230, 159, 0)  # colour around a missing frame
RATES = (8.0, 25.0)  # frames a second, slowest and fastest by default
LIMITS = (0.002, 100.0)  # frames a second
PAUSE = 655_350  # ms for which a GIF shows a frame, at most
COLOURS = 256  # of a GIF
INK, PAD = (232, 235, 238), 4  # colour of labels; px around them
SEQUENCES, WIDTH = 12, 8  # sequences in a picture, about, and in a row, at most


def rate(dt: float) -> float:
    """Frames per second that show a sequence in real time, but neither too slow nor too fast to follow."""
    return float(np.clip(1 / dt, *RATES))


def layout(count: int, tasks: int) -> tuple[int, int]:
    """Rows and columns for `count` sequences: one row per task if there are few tasks."""
    rows = tasks if 1 < tasks <= SEQUENCES // 2 else -(-count // WIDTH)
    return rows, -(-count // rows)


def colours(frames: np.ndarray, top: int) -> np.ndarray:
    """Frames [N T H W] or [N T 3 H W] of numbers from 0 to `top`, 1 or 255, as uint8 [N T H W 3]."""
    bright = frames * (255 // top)
    last = np.moveaxis(bright, 2, -1) if frames.ndim == 5 else np.repeat(bright[..., None], 3, axis=-1)
    return np.ascontiguousarray(last.astype(np.uint8))


def grid(frames: np.ndarray, columns: int, mask: np.ndarray | None = None) -> np.ndarray:
    """Arrange sequences [N T H W 3] in rows of `columns`, one pixel apart, as one sequence of frames [T Y X 3].

    The line around a frame is orange where `mask` [N T] says that it is missing.
    """
    N, T, H, W, _ = frames.shape
    rows = -(-N // columns)
    sheet = np.empty((T, rows * (H + 1) + 1, columns * (W + 1) + 1, 3), np.uint8)
    sheet[:] = GAP
    places = [((i // columns) * (H + 1) + 1, (i % columns) * (W + 1) + 1) for i in range(N)]
    for i, (y, x) in enumerate(places if mask is not None else ()):
        sheet[~mask[i], y - 1 : y + H + 1, x - 1 : x + W + 1] = MISSING  # pyright: ignore[reportOptionalSubscript]
    for i, (y, x) in enumerate(places):
        sheet[:, y : y + H, x : x + W] = frames[i]
    return sheet


def enlarged(frames: np.ndarray, scale: int) -> np.ndarray:
    """Frames [T H W …] with each pixel enlarged to a square of `scale` pixels."""
    return frames.repeat(scale, axis=1).repeat(scale, axis=2)


def margins(rows: list[str], columns: list[str], height: int, width: int) -> np.ndarray:
    """A picture [Y X 3] with labels of rows and columns, in whose lower right corner are frames [height width] px.

    Without labels it is as large as the frames; labels that are larger than their row or column are left out.
    """
    font, pen = ImageFont.load_default(), ImageDraw.Draw(Image.new("1", (1, 1)))
    pen.fontmode = "1"  # two colours, of the 256 that a GIF has
    boxes = {text: pen.textbbox((0, 0), text, font, anchor="lt")[2:] for text in {*rows, *columns, "|"}}
    line = int(boxes["|"][1]) + PAD
    tall, wide = height / max(1, len(rows)), width / max(1, len(columns))
    left = max((ceil(boxes[text][0]) + 2 * PAD for text in rows if text and tall >= line), default=0)
    top = line + PAD if any(columns) and all(boxes[text][0] < wide for text in columns) else 0
    image = Image.new("RGB", (left + width, top + height), GAP)
    pen = ImageDraw.Draw(image)
    pen.fontmode = "1"
    for i, text in enumerate(rows if left else ()):
        pen.text((PAD, round(top + (i + 0.5) * tall)), text, INK, font, anchor="lm")
    for i, text in enumerate(columns if top else ()):
        pen.text((round(left + (i + 0.5) * wide), (top + 1) // 2), text, INK, font, anchor="mm")
    return np.asarray(image)


def framed(frames: np.ndarray, margin: np.ndarray | None) -> np.ndarray:
    """Frames [T H W …] in the lower right corner of a picture [Y X …]; without one, as they are."""
    if margin is None or margin.shape[:2] == frames.shape[1:3]:
        return frames
    whole = np.repeat(margin[None], len(frames), axis=0)
    whole[:, -frames.shape[1] :, -frames.shape[2] :] = frames
    return whole


def encode(frames: np.ndarray, scale: int, fps: float, kind: str, margin: np.ndarray | None = None) -> bytes:
    """Encode frames [T H W 3] uint8, enlarged, as an endless loop; the same frames give the same bytes.

    They stand in the lower right corner of the picture `margin` [Y X 3], if it is given.

    WebP is lossless; so is GIF if there are at most 256 colours. Raises ValueError if a GIF cannot be that slow.
    """
    pause = max(20, 10 * round(100 / fps))  # ms; a GIF counts in 1/100 s, and browsers allow no less than two
    if kind == "gif":
        _check_pause(frames, pause)
    if kind == "gif":
        images = _paletted(frames, scale, margin)
    else:
        images = [Image.fromarray(frame) for frame in framed(enlarged(frames, scale), margin)]
    options = {"lossless": True} if kind == "webp" else {"optimize": False, "disposal": 1}
    file = io.BytesIO()
    images[0].save(file, kind, save_all=True, append_images=images[1:], duration=pause, loop=0, **options)
    return file.getvalue()


def _check_pause(frames: np.ndarray, pause: int) -> None:
    """Raise ValueError if equal frames [T H W 3], which a GIF joins, are shown for longer than its 16 bits can say."""
    changes = np.flatnonzero([True, *(frames[1:] != frames[:-1]).any(axis=(1, 2, 3)), True])
    longest = int(np.diff(changes).max()) * pause
    if longest > PAUSE:
        raise ValueError(
            f"a frame of the GIF would stay for {longest / 1000:g} s, and may for {PAUSE / 1000:g} s: "
            "give a larger fps, or write a .webp"
        )


def _paletted(frames: np.ndarray, scale: int, margin: np.ndarray | None) -> list[Image.Image]:
    """Images that share one palette."""
    edge = np.zeros((0, 0, 3), np.uint8) if margin is None else margin
    codes = [
        part.reshape(-1, 3).astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32) for part in (frames, edge)
    ]
    every = np.unique(np.concatenate(codes))
    if len(every) > COLOURS:
        tall = Image.fromarray(frames.reshape(-1, *frames.shape[2:]))
        fewer = tall.quantize(COLOURS, dither=Image.Dither.NONE)
        palette, index = fewer.getpalette() or [], np.asarray(fewer)
        around = _nearest(edge, np.reshape(palette, (-1, 3)))
    else:
        index, around = (np.searchsorted(every, part) for part in codes)
        palette = np.stack([every >> 16, every >> 8 & 255, every & 255], axis=1).astype(np.uint8).ravel().tolist()
    images = []
    shown = enlarged(index.reshape(frames.shape[:3]).astype(np.uint8), scale)
    for frame in framed(shown, None if margin is None else around.reshape(edge.shape[:2]).astype(np.uint8)):
        image = Image.fromarray(frame)
        image.putpalette(palette)
        images.append(image)
    return images


def _nearest(picture: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Index in a palette [n 3] of the colour nearest to that of each pixel of a picture [Y X 3]."""
    colours, where = np.unique(picture.reshape(-1, 3), axis=0, return_inverse=True)
    return np.abs(colours[:, None].astype(int) - palette).sum(axis=2).argmin(axis=1)[where.ravel()]
