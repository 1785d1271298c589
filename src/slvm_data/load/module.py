"""The loaders as a `LightningDataModule`, for either name of the package."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

from slvm_data.load.episodes import Episodes
from slvm_data.load.held import open_manifest
from slvm_data.load.sampler import EpisodeSampler
from slvm_data.load.sequences import Sequences
from slvm_data.load.windows import Windows


def _lightning() -> Any:
    """The package that is in use; if neither is yet, the one that is installed, the newer name first."""
    names = ["lightning.pytorch", "pytorch_lightning"]
    for name in sorted(names, key=lambda name: name not in sys.modules):
        try:
            return __import__(name, fromlist=["LightningDataModule"])
        except ModuleNotFoundError as error:
            if error.name not in (name, name.split(".")[0]):
                raise
    raise ModuleNotFoundError("DataModule needs Lightning: pip install 'slvm-data[lightning]'", name="lightning")


class DataModule(_lightning().LightningDataModule):
    """Train, val and test of a dataset: films, windows where it holds windows, episodes if `context` is given.

    Training films come in a new random order in each epoch, and training episodes are drawn anew for each batch;
    validation and test are always the same. In distributed training episodes share themselves out: give the Trainer
    use_distributed_sampler=False with `context`.

    Arguments:
        root: the dataset's folder.
        batch_size: sequences, or queries, in a batch.
        context: sequences of context to a query.
        workers: processes that load; none is fastest as long as nothing else is done to the items.
        seed: of order and episodes.
        options: further arguments of `Sequences`, `Windows` or `Episodes`.

    """

    def __init__(
        self,
        root: Path | str,
        batch_size: int = 64,
        *,
        context: int | None = None,
        workers: int = 0,
        seed: int = 0,
        **options: Any,
    ) -> None:
        super().__init__()
        self.root, self.batch_size, self.context = root, batch_size, context
        self.workers, self.seed, self.options = workers, seed, options
        self._generator = torch.Generator().manual_seed(seed)

    def dataset(self, split: str) -> Sequences | Windows | Episodes:
        """The dataset of one split."""
        if self.context is not None:
            return Episodes(self.root, split, self.context, seed=self.seed, **self.options)
        kind = Windows if open_manifest(Path(self.root))["recipe"].get("windows") else Sequences
        return kind(self.root, split, **self.options)

    def train_dataloader(self) -> DataLoader[Any]:
        """Batches in random order."""
        dataset = self.dataset("train")
        if isinstance(dataset, Episodes):
            return self._episodes(dataset, fixed=False)
        return self._loader(dataset, batch_size=self.batch_size, shuffle=True, generator=self._generator)

    def val_dataloader(self) -> DataLoader[Any]:
        """Each sequence once, in order; of episodes always the same."""
        return self._in_order("val")

    def test_dataloader(self) -> DataLoader[Any]:
        """Each sequence once, in order; of episodes always the same."""
        return self._in_order("test")

    def _in_order(self, split: str) -> DataLoader[Any]:
        dataset = self.dataset(split)
        if isinstance(dataset, Episodes) and (dataset.ways or dataset.queries):
            return self._episodes(dataset, fixed=True)
        return self._loader(dataset, batch_size=self.batch_size)

    def _episodes(self, dataset: Episodes, fixed: bool) -> DataLoader[Any]:
        """An episode a batch where its size is given, else `batch_size` of its queries."""
        size = None if dataset.ways or dataset.queries else self.batch_size
        return self._loader(dataset, batch_sampler=EpisodeSampler(dataset, size, fixed=fixed))

    def _loader(self, dataset: Any, **options: Any) -> DataLoader[Any]:
        return DataLoader(dataset, num_workers=self.workers, persistent_workers=self.workers > 0, **options)
