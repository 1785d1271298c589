"""What a dataset is: which populations, how long, how many, from which seed, and how they are seen."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite

import numpy as np

from slvm_data.keys import INDICES, SEEDS
from slvm_data.systems.base import System
from slvm_data.views import View

SPLITS = ("train", "val", "test")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{d}{i}" for d in ("com", "lpt") for i in range(10)),
}  # on Windows


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A dataset in full. Two equal recipes give the same bytes.

    `tasks` holds one population per parameter setting; its place is the label. Each task gets `train`, `val` and
    `test` sequences of `steps` frames, `dt` seconds apart; frame 0 shows the initial state.
    """

    name: str
    tasks: tuple[System, ...]
    train: int = 10_000
    val: int = 3_000
    test: int = 3_000
    steps: int = 30
    dt: float = 0.1  # s
    seed: int = 0
    view: View = View()
    record: tuple[str, ...] = ()  # what to store beside the frames and states
    about: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        check_name(self.name)
        if not self.tasks:
            raise ValueError(f"{self.name}: tasks is empty; give at least one population")
        self._check_numbers()
        self._check_bodies()
        for name in self.record:
            if name not in self.recordable():
                raise ValueError(f"record = {name!r} is unknown; {self.name} can record {', '.join(self.recordable())}")

    def _check_numbers(self) -> None:
        for name in SPLITS:
            if not 0 <= self.count(name) < INDICES:
                raise ValueError(f"{name} = {self.count(name)} has to lie between 0 and {INDICES - 1}")
        if not any(map(self.count, SPLITS)):
            raise ValueError("train, val and test are all 0: there is nothing to generate")
        if self.steps < 1:
            raise ValueError(f"steps = {self.steps} has to be at least 1 frame")
        if self.steps * self.view.size**2 > 2**30:
            raise ValueError(f"steps = {self.steps} of size = {self.view.size} are more than 2^30 pixels a sequence")
        if not (self.dt > 0 and isfinite(self.dt)):
            raise ValueError(f"dt = {self.dt:g} has to be a time above 0 s")
        if not 0 <= self.seed < SEEDS:
            raise ValueError(f"seed = {self.seed} has to lie between 0 and 2^63 - 1")

    def _check_bodies(self) -> None:
        for system in self.tasks:
            if 1 < self.view.palette < system.bodies_drawn:
                raise ValueError(f"palette = {self.view.palette} is too small for {system.bodies_drawn} bodies")

    def count(self, split: str) -> int:
        """Number of sequences per task in a split; raises ValueError for an unknown split."""
        if split not in SPLITS:
            raise ValueError(f"split = {split!r} is unknown; there are {', '.join(SPLITS)}")
        return getattr(self, split)

    def recordable(self) -> tuple[str, ...]:
        """What `record` may name."""
        energy = all(hasattr(system, "energy") for system in self.tasks)
        return ("dx_dt", *("energy",) * energy, "offset", "color_index")

    def time(self) -> np.ndarray:
        """Instants of the frames [T], in seconds."""
        return np.arange(self.steps) * self.dt

    def folders(self) -> tuple[str, ...]:
        """One folder per task, relative to the dataset's: its own where there is one task, else `dataset_<i>`."""
        return (".",) if len(self.tasks) == 1 else tuple(f"dataset_{i}" for i in range(len(self.tasks)))


def check_name(name: str) -> None:
    """Raise ValueError unless a name can safely become a folder, here and on other systems."""
    if not _NAME.fullmatch(name) or name.split(".")[0].lower() in _RESERVED:
        raise ValueError(
            f"the name {name[:120]!r} cannot be a folder: use up to 100 letters, digits, '.', '_' or '-', "
            "and none that Windows keeps for itself"
        )
