"""Observations of published work, by name: modifiers with the numbers of each paper."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from slvm_data.observe.modifiers import Missing, Modifier, StateNoise


@dataclass(frozen=True, kw_only=True)
class Preset:
    """Modifiers, and other fields of a recipe, that together are the observation of a paper."""

    observe: tuple[Modifier, ...] = ()
    fields: tuple[tuple[str, Any], ...] = ()  # name and value
    source: str


PRESETS: dict[str, Preset] = {
    "kvae_missing_20": Preset(observe=(Missing(p=0.2, keep=0),), source="arXiv:2301.11308"),
    "hgn": Preset(observe=(StateNoise(sigma=0.1),), source="arXiv:1909.13789"),
}
"""The presets by name."""


def observations(words: Iterable[str]) -> dict[str, Any]:
    """Fields of a recipe from the words of `--observe`: modifiers, or names of presets, in order.

    Raises ValueError for a word that is neither.
    """
    found: dict[str, Any] = {}
    for word in words:
        preset = PRESETS.get(word)
        found |= dict(preset.fields) if preset else {}
        found["observe"] = (*found.get("observe", ()), *(preset.observe if preset else (_parsed(word),)))
    return found


def _parsed(word: str) -> Modifier:
    try:
        return Modifier.parse(word)
    except ValueError:
        if near := difflib.get_close_matches(word, PRESETS, n=1, cutoff=0.8):
            raise ValueError(f"observe = {word!r} is unknown; did you mean {near[0]}?") from None
        raise
