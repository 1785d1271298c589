"""Observations of published work, by name: modifiers with the numbers of each paper."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from slvm_data.core.ranges import uniform
from slvm_data.observe.modifiers import (
    CameraWalk,
    Clutter,
    CorrelatedNoise,
    Distractors,
    Light,
    Missing,
    Modifier,
    Sector,
    SignalNoise,
    StateNoise,
)
from slvm_data.systems.timing import Thinned


@dataclass(frozen=True, kw_only=True)
class Preset:
    """Modifiers, and other fields of a recipe, that together are the observation of a paper."""

    observe: tuple[Modifier, ...] = ()
    fields: tuple[tuple[str, Any], ...] = ()  # name and value
    source: str


GREY = (("color", "grey"),)
RGB = (("color", "rgb"),)
HALF = (("time", Thinned(share=0.5)),)  # half of the frames are left out for good
CRU, ROBUST = "arXiv:2111.11344", "arXiv:2606.00115"
EDGE = 64  # px, of the frames of the robustness tests


def _clutter(n: int, least: int, most: int) -> Preset:
    return Preset(observe=(Clutter(n=n, size=uniform(least / EDGE, most / EDGE)),), source=ROBUST)


def _jitter(step: int, reach: int) -> Preset:
    return Preset(observe=(CameraWalk(step=step, reach=reach),), source=ROBUST)


def _light(drift: float, cycles: float) -> Preset:
    return Preset(observe=(Light(drift=drift, cycles=cycles),), fields=GREY, source=ROBUST)


def _occlusion(share: float) -> Preset:
    return Preset(observe=(Sector(share=share),), source=ROBUST)


def _ncdssm(p: float) -> Preset:
    return Preset(observe=(SignalNoise(sigma=0.05), Missing(p=p, keep=0)), source="arXiv:2301.11308")


PRESETS: dict[str, Preset] = {
    "cru_interpolation": Preset(observe=(Missing(p=0.5, keep=5),), fields=GREY + HALF, source=CRU),
    "cru_regression": Preset(observe=(CorrelatedNoise(r=0.2),), fields=GREY + HALF, source=CRU),
    "rkn_quarters": Preset(observe=(CorrelatedNoise(r=0.2, quarters=True),), fields=GREY, source="arXiv:1905.07357"),
    "ncdssm_0": _ncdssm(0.0),
    "ncdssm_30": _ncdssm(0.3),
    "ncdssm_50": _ncdssm(0.5),
    "ncdssm_80": _ncdssm(0.8),
    "kvae_missing_20": Preset(observe=(Missing(p=0.2, keep=0),), source="arXiv:2301.11308"),
    "hgn": Preset(observe=(StateNoise(sigma=0.1),), source="arXiv:1909.13789"),
    "tracking": Preset(
        observe=(Distractors(n=25, radius=uniform(5 / 128, 9 / 128), shade=uniform(0, 1), speed=1.0, clean=5),),
        fields=RGB,
        source="arXiv:1905.07357",
    ),
    "robust_clutter_1": _clutter(4, 2, 6),
    "robust_clutter_2": _clutter(8, 4, 10),
    "robust_clutter_3": _clutter(12, 6, 14),
    "robust_jitter_1": _jitter(1, 1),
    "robust_jitter_2": _jitter(1, 2),
    "robust_jitter_3": _jitter(2, 3),
    "robust_light_1": _light(0.08 / 0.28, 1.6),
    "robust_light_2": _light(0.12 / 0.24, 3.2),
    "robust_light_3": _light(0.15 / 0.20, 4.6),
    "robust_occlusion_1": _occlusion(0.22),
    "robust_occlusion_2": _occlusion(0.38),
    "robust_occlusion_3": _occlusion(0.56),
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
        known = [*PRESETS, *Modifier.members]
        near = difflib.get_close_matches(word, known, n=1, cutoff=0.75)
        if near and near[0] in PRESETS:
            raise ValueError(f"observe = {word!r} is unknown; did you mean {near[0]}?") from None
        raise
