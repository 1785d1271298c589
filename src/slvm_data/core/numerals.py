"""Numbers as text: read to the letter; for anything else, a guess at the spelling that was meant."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from math import ceil, floor, isfinite, log10

REAL = r"(?ai:[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|nan|inf(?:inity)?))"
"""Pattern of a number."""

_WHOLE = r"(?a:[+-]?\d+)"
_REPAIRS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"[\s_']", ""),
    (r"−", "-"),
    (r"\.{3,}|…", ".."),
    (r"[({]", "["),
    (r"[)}]", "]"),
    (r"[;|]", ","),
    (r",{2,}", ","),
    (r"(?<=\[),|^,|,(?=\])|,$", ""),
    (r"^\[[^\]]*$", r"\g<0>]"),
    (r"^[^\[]*\]$", r"[\g<0>"),
    (r"\b0[xX][0-9a-fA-F]+|\b0[oO][0-7]+|\b0[bB][01]+", lambda found: str(int(found[0], 0))),
    (r"(?<=\d)(-|–|:|to)(?=\d)", ".."),
    (r"(?i)^(true|false)$", lambda found: found[0].lower()),
    (r"(?<=\d)k$", "e3"),
    (r"(?<=\d)M$", "e6"),
    (r"(?<=\d)(?![kmcnuµ][ms]\b)[^\W\d]+(?=,|\]|\.\.|$)", ""),  # units, but no ms or cm
    (r"^([+-]?\d+),(?!\d{3}$)(\d+)$", r"\1.\2"),
    (r"(?<=\d),(?=\d{3}\b)", ""),
)  # what to put in the place of what


def whole(text: str) -> int:
    """Read a whole number; raises ValueError for any other text, with the number that was probably meant."""
    if re.fullmatch(_WHOLE, text):
        return int(text)
    raise ValueError(f"{text!r} is not a whole number{did_you_mean(text, _as_whole)}")


def real(text: str) -> float:
    """Read a number, nan and inf included; raises ValueError for any other text, with the number probably meant."""
    if is_real(text):
        return float(text)
    raise ValueError(f"{text!r} is not a number{did_you_mean(text, _as_real)}")


def is_real(text: str) -> bool:
    """Whether a text is a number to the letter, nan and inf included."""
    return bool(re.fullmatch(REAL, text))


def did_you_mean(text: str, spelled: Callable[[str], str | None]) -> str:
    """Return a question with the spelling that was probably meant, or nothing where no guess is a good one.

    `spelled` returns how a guess is spelled, or None if it cannot be read either.
    """
    guess = "".join(str(unicodedata.decimal(letter, letter)) for letter in text)
    for odd, instead in (("", ""), *_REPAIRS):
        guess = re.sub(odd, instead, guess)
        if found := spelled(guess):
            return f"; did you mean {found}?"
    return ""


def rounded_up(number: float) -> str:
    """A number above 0 in four digits, and no smaller than it is."""
    step = 10.0 ** (floor(log10(number)) - 3)
    return f"{ceil(number / step - 1e-9) * step:.4g}"


def _as_real(guess: str) -> str | None:
    return guess if is_real(guess) else None


def _as_whole(guess: str) -> str | None:
    """A number without a fraction, such as 7.0 or 1e6, as a whole one."""
    number = float(guess) if is_real(guess) else 0.5
    return str(int(number)) if isfinite(number) and number == int(number) else None


READERS = {int: whole, float: real}
