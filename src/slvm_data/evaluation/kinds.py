"""The table of the arrays that a forecast may hold, and of what each is compared with."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from slvm_data.arrays import PARAMETER

REAL, WHOLE = "bool, uint8 or floats", "whole numbers"
DTYPES = {"biuf": "numbers", "buf": REAL, "biu": WHOLE}  # kinds of NumPy's types, in words


@dataclass(frozen=True, kw_only=True)
class Kind:
    """An array of a forecast. Its first axes are the truth's: sequences, and unless `whole`, frames."""

    name: str
    truth: tuple[str, ...]  # arrays of the dataset that it is compared with: the first one that there is
    numbers: str = "biuf"  # kinds of NumPy's types that fit
    also: tuple[str, ...] = ()  # other names that it may have
    samples: bool = True  # whether samples of a distribution fit too, as a first axis S
    free: bool = False  # whether its last axis has any length
    whole: bool = False  # whether a sequence has one row of it, and not one for each frame

    @property
    def names(self) -> tuple[str, ...]:
        """All names that it may have."""
        return (self.name, *self.also)


TABLE = (
    Kind(name="image", truth=("clean", "image"), numbers="buf"),
    Kind(name="signal", truth=("clean_signal", "signal", "queries"), also=("queries",)),
    Kind(name="state", truth=("state", "latents")),
    Kind(name="latent", truth=("state", "latents"), also=("latents",), free=True),
    Kind(name="mode", truth=("mode", "labels"), numbers="biu", also=("regime", "labels"), samples=False),
)
INDEX, FRAME, SEEN = "index", "frame", "seen"
ABOUT = {INDEX: "N", FRAME: "T", SEEN: "N"}  # whole numbers about the others, and the axis of each
NAMES = (*(kind.name for kind in TABLE), f"{PARAMETER}…", *ABOUT)


def named(name: str) -> Kind | None:
    """The kind of array with this name; None if a forecast has no such array."""
    if name.startswith(PARAMETER):
        return Kind(name=name, truth=(name,), whole=True)
    return next((kind for kind in TABLE if name in kind.names), None)


def found(names: Collection[str], where: str) -> dict[str, Kind]:
    """Names of arrays in a forecast, and the kind of each; raises ValueError if one is there twice, or if none is."""
    every = {name: kind for name in names if (kind := named(name))}
    for kind in every.values():
        if len(both := [name for name, other in every.items() if other == kind]) > 1:
            raise ValueError(f"{where} has {' and '.join(both)}, which mean the same: leave one out")
    if not every:
        there = f"has only {', '.join(names)}" if names else "is empty"
        raise ValueError(f"{where} {there}, which cannot be scored: a forecast has some of {', '.join(NAMES)}")
    return every
