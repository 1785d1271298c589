"""Loaders for PyTorch: sequences, episodes, windows, a stream. Only the stream loads JAX.

from slvm_data.load import Sequences
from torch.utils.data import DataLoader
for batch in DataLoader(Sequences("pendulum"), batch_size=64, shuffle=True): ...
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slvm_data.core.errors import DamageError
    from slvm_data.load.data_module import DataModule as DataModule
    from slvm_data.load.device import Ahead
    from slvm_data.load.episodes import Episodes
    from slvm_data.load.forecasts import forecast
    from slvm_data.load.named import dataset
    from slvm_data.load.samplers import EpisodeSampler, Shuffled
    from slvm_data.load.sequences import Sequences
    from slvm_data.load.stream import Stream as Stream
    from slvm_data.load.windows import Windows

__all__ = [
    "Ahead",
    "DamageError",
    "dataset",
    "Episodes",
    "EpisodeSampler",
    "forecast",
    "Sequences",
    "Shuffled",
    "Windows",
]
_MORE = ["DataModule", "Stream"]  # need more packages than torch

_HOMES = {
    "Ahead": "load.device",
    "DamageError": "core.errors",
    "DataModule": "load.data_module",
    "dataset": "load.named",
    "EpisodeSampler": "load.samplers",
    "forecast": "load.forecasts",
    "Shuffled": "load.samplers",
}


def __getattr__(name: str) -> object:
    # Fetched when first used: only the stream needs JAX, and only the module Lightning.
    if name not in (*__all__, *_MORE):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(f"slvm_data.{_HOMES.get(name, 'load.' + name.lower())}"), name)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ModuleNotFoundError("the loaders need PyTorch: pip install 'slvm-data[torch]'", name="torch") from error


def __dir__() -> list[str]:
    return [*__all__, *_MORE]
