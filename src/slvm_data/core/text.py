"""Text for people that may come from a file which anyone has written."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

LONGEST = 1000  # characters of an error
MANY = 64  # names in a row


def visible(text: str) -> str:
    """Write letters that show nothing, such as those of a terminal's escape sequences, as Python does; lines stay."""
    return text if text.isprintable() else "".join(map(_visible, text))


def sentence(text: object) -> str:
    """A text on one line, without its middle if it is too long for an error."""
    line = " ".join(str(text).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST * 3 // 4]} … {line[-LONGEST // 4 :]}"


def numbers(values: Iterable[int]) -> str:
    """Whole numbers as text: "0 … 5" if none of them is missing, else one by one."""
    every = sorted(values)
    if len(every) > 1 and every == list(range(every[0], every[-1] + 1)):
        return f"{every[0]} … {every[-1]}"
    return sentence(", ".join(map(str, every)))


def some(names: Sequence[str], most: int = MANY) -> tuple[str, ...]:
    """Names in a row; of more than `most`, the first two and the last."""
    return tuple(names) if len(names) <= most else (*names[:2], "…", names[-1])


def _visible(letter: str) -> str:
    hidden = unicodedata.category(letter)[0] == "C" or letter in "\u2028\u2029"
    return ascii(letter)[1:-1] if hidden and letter not in "\n\t" else letter
