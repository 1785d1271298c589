"""Datasets in: for PyTorch's DataLoader, without JAX."""

from __future__ import annotations

from slvm_data.load.episodes import Episodes
from slvm_data.load.sampler import EpisodeSampler
from slvm_data.load.sequences import Sequences
from slvm_data.load.windows import Windows

__all__ = ["Episodes", "EpisodeSampler", "Sequences", "Windows"]
