"""A forecast that fits its truth: every array has the sequences, frames and axes that it is compared with."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from slvm_data.evaluation.containers import Container
from slvm_data.evaluation.kinds import ABOUT, DTYPES, FRAME, INDEX, SEEN, WHOLE, Kind, found, named
from slvm_data.evaluation.truth import Truth
from slvm_data.metrics.arrays import FULL
from slvm_data.store.manifest import Form


@dataclass(frozen=True)
class Part:
    """An array of a forecast, and what it is compared with."""

    name: str  # in the forecast
    kind: Kind
    truth: str  # array of the dataset
    samples: int  # 0: no sample axis
    channel: bool  # whether it has an axis for the one channel of its frames, which the truth does not have
    full: int = 1  # the number that is 1, of frames


@dataclass(frozen=True)
class Forecast:
    """The arrays of a forecast of one task and split. Nothing of them is kept in memory."""

    container: Container
    truth: Truth
    index: np.ndarray  # number of the true sequence of each [N]
    frames: range  # numbers of its frames
    seen: int  # frames that the model was given; 0 if it does not say
    parts: dict[str, Part]  # by name of the kind
    unknown: tuple[str, ...]  # arrays that are no part of a forecast

    def read(self, kind: str, places: np.ndarray, start: int = 0) -> np.ndarray:
        """Rows [n T …] of an array, those at these places (increasing), or samples of them [S n T …].

        Frames before number `start` are left out; frames of pictures are float32, 0 to 1.
        """
        part = self.parts[kind]
        rows = self.container.rows(part.name, places, bool(part.samples))
        lead = 1 + bool(part.samples)
        if not part.kind.whole:
            rows = rows[(slice(None),) * lead + (slice(max(0, start - self.frames.start), None),)]
        rows = rows[(slice(None),) * (lead + 1) + (0,)] if part.channel else rows
        return rows.astype(np.float32) / np.float32(part.full) if kind == "image" else rows


def fitted(container: Container, truth: Truth, only: Collection[str] | None = None) -> Forecast:
    """The forecast in a container, of the sequences of a task and split; of all its arrays, or of these kinds alone.

    Raises ValueError, in one sentence that names the array and what fits, unless all its arrays fit.
    """
    forms, where = container.forms, container.where
    kinds = {name: kind for name, kind in found(forms, where).items() if only is None or kind.name in only}
    index, frames = _index(container, truth), _frames(container, truth)
    parts = {kind.name: _part(container, truth, name, kind, len(index), frames) for name, kind in kinds.items()}
    unknown = tuple(name for name in forms if not named(name) and name not in ABOUT)
    return Forecast(container, truth, index, frames, _seen(container, truth, len(index)), parts, unknown)


def _part(container: Container, truth: Truth, name: str, kind: Kind, count: int, frames: range) -> Part:
    where, form = f"{container.where}: {name}", container.forms[name]
    compared = next((own for own in kind.truth if own in truth.forms), None)
    if compared is None:
        raise ValueError(f"{where} cannot be scored: {truth.words} has no {kind.name}, but {', '.join(truth.forms)}")
    _check_type(where, form, kind)
    expected = _expected(truth.forms[compared], kind, count, frames)
    channel = _has_channel(form.shape, expected)
    samples = len(form.shape) - len(expected) - channel
    _check_axes(where, form, expected, kind, samples)
    own = form.shape[samples:]
    _check_count(where, own[0], count, truth, INDEX in container.forms)
    if not kind.whole:
        _check_frames(where, own[1], frames, truth, FRAME in container.forms)
    _check_shape(where, form, expected, kind, samples, channel)
    top = _checked(where, container.blocks(name), form)
    full = FULL if form.dtype == "uint8" and top > 1 and kind.name == "image" else 1
    return Part(name, kind, compared, form.shape[0] if samples else 0, channel, full)


def _expected(form: Form, kind: Kind, count: int, frames: range) -> tuple[int, ...]:
    """Shape that an array has to have; 0 stands for any length."""
    rest = form.row if kind.whole else (len(frames), *form.row[1:])
    return (count, *rest[:-1], 0) if kind.free else (count, *rest)


def _has_channel(shape: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    """Whether frames [… 1 H W] have an axis of one channel, where the truth has [N T H W]."""
    return len(expected) == 4 and len(shape) >= 5 and shape[-3:] == (1, *expected[2:])


def _check_type(where: str, form: Form, kind: Kind) -> None:
    """Raise ValueError unless an array is of numbers that fit; of whole numbers, pictures have bytes alone."""
    dtype = np.dtype(form.dtype)
    if dtype.kind not in kind.numbers or (kind.name == "image" and dtype.kind == "u" and dtype.itemsize > 1):
        raise ValueError(f"{where} is of {form.dtype}, and has to be of {DTYPES[kind.numbers]}")


def _check_axes(where: str, form: Form, expected: tuple[int, ...], kind: Kind, samples: int) -> None:
    if samples not in ((0, 1) if kind.samples else (0,)):
        raise ValueError(f"{where} has the shape {_text(form.shape)}, and has to have {_fits(expected, kind)}")
    if samples and form.shape[0] < 2:
        raise ValueError(f"{where} has samples, of which there have to be at least 2, and not {form.shape[0]}")


def _check_count(where: str, given: int, count: int, truth: Truth, indexed: bool) -> None:
    if given == count:
        return
    if indexed:
        raise ValueError(f"{where} has {given} sequences, and index {count}: give one number for each")
    raise ValueError(
        f"{where} has {given} sequences, and {truth.words} has {count}: give all in order, or add index [N], their "
        "numbers"
    )


def _check_frames(where: str, given: int, frames: range, truth: Truth, numbered: bool) -> None:
    if given == len(frames):
        return
    if numbered:
        raise ValueError(f"{where} has {given} frames, and frame {len(frames)}: give one number for each")
    way = "leave out the others" if given > len(frames) else "give all of them, or add frame [T], their numbers"
    raise ValueError(f"{where} has {given} frames, and sequences of {truth.words} have {len(frames)}: {way}")


def _check_shape(where: str, form: Form, expected: tuple[int, ...], kind: Kind, samples: int, channel: bool) -> None:
    own = form.shape[samples:]
    own = own[:2] + own[3:] if channel else own
    if any(wanted and wanted != length for wanted, length in zip(expected, own, strict=True)) or 0 in own:
        raise ValueError(f"{where} has the shape {_text(form.shape)}, and has to have {_fits(expected, kind)}")


def _fits(expected: tuple[int, ...], kind: Kind) -> str:
    """The shape that fits, in words."""
    shape = " ".join(str(length or "K") for length in expected)
    return f"[{shape}]" + (f", or [S {shape}] with samples" if kind.samples else "")


def _text(shape: tuple[int, ...]) -> str:
    return f"[{' '.join(map(str, shape))}]"


def _checked(where: str, blocks: Iterable[np.ndarray], form: Form) -> float:
    """The largest number of an array; raises ValueError for the first that is not finite."""
    top, row = 0.0, 0
    for block in blocks:
        if block.dtype.kind == "f" and not (there := np.isfinite(block)).all():
            first = np.unravel_index(int(np.argmin(there)), block.shape)
            place = ", ".join(map(str, (row + int(first[0]), *map(int, first[1:]))))
            raise ValueError(f"{where}[{place}] is {block[first]}, and numbers have to be finite")
        top = max(top, block.max(initial=0)) if form.dtype == "uint8" else top
        row += len(block)
    return float(top)


def _index(container: Container, truth: Truth) -> np.ndarray:
    """Numbers of the true sequences [N]: all in order, if the forecast does not say."""
    count = truth.entry.rows
    if INDEX not in container.forms:
        return np.arange(count)
    index = _about(container, INDEX, count)
    where = f"{container.where}: index"
    if odd := [i for i in index.tolist() if not 0 <= i < count]:
        raise ValueError(f"{where} has {odd[0]}, and sequences of {truth.words} have the numbers 0 … {count - 1}")
    values, times = np.unique(index, return_counts=True)
    if (times > 1).any():
        raise ValueError(f"{where} has {values[times > 1][0]} more than once: each sequence can be there once")
    return index


def _frames(container: Container, truth: Truth) -> range:
    """Numbers of the frames of the forecast: all, if it does not say."""
    T = truth.recipe.length()
    if FRAME not in container.forms:
        return range(T)
    frame = _about(container, FRAME, T)
    first, stop = int(frame[0]), int(frame[0]) + len(frame)
    if first < 0 or stop > T or not np.array_equal(frame, np.arange(first, stop)):
        raise ValueError(f"{container.where}: frame has to hold numbers in a row, such as 5, 6, 7, from 0 to {T - 1}")
    return range(first, stop)


def _seen(container: Container, truth: Truth, count: int) -> int:
    """Number of frames that the model was given, the most of all sequences; 0 if the forecast does not say."""
    if SEEN not in container.forms:
        return 0
    seen, T, where = _about(container, SEEN, count), truth.recipe.length(), f"{container.where}: seen"
    if len(seen) != count:
        raise ValueError(f"{where} has {len(seen)} numbers for {count} sequences: give one number for each")
    if odd := [n for n in seen.tolist() if not 0 <= n <= T]:
        raise ValueError(f"{where} has {odd[0]}, and sequences of {truth.words} have {T} frames")
    return int(seen.max())


def _about(container: Container, name: str, most: int) -> np.ndarray:
    """Whole numbers about a forecast, of which there are at least one and at most so many."""
    form, where = container.forms[name], f"{container.where}: {name}"
    if np.dtype(form.dtype).kind not in "iu":
        raise ValueError(f"{where} is of {form.dtype}, and has to be of {WHOLE}")
    if len(form.shape) != 1:
        raise ValueError(f"{where} has the shape {_text(form.shape)}, and has to have [{ABOUT[name]}]")
    if not 0 < form.shape[0] <= most:
        raise ValueError(f"{where} has {form.shape[0]} numbers, and has to have from 1 to {most}")
    return np.concatenate(list(container.blocks(name))).astype(np.int64)
