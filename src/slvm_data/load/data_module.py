"""The loaders as a `LightningDataModule`, for `lightning` and `pytorch_lightning`."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader

from slvm_data.load.columns import open_manifest
from slvm_data.load.episodes import Episodes
from slvm_data.load.samplers import EpisodeSampler, Shuffled
from slvm_data.load.sequences import Sequences
from slvm_data.load.windows import Windows


def _lightning() -> Any:
    """Import Lightning: the package that is loaded already, else an installed one, the newer name first."""
    names = ["lightning.pytorch", "pytorch_lightning"]
    for name in sorted(names, key=lambda name: name not in sys.modules):
        try:
            return __import__(name, fromlist=["LightningDataModule"])
        except ModuleNotFoundError as error:
            if error.name not in (name, name.split(".")[0]):
                raise
    raise ModuleNotFoundError("DataModule needs Lightning: pip install 'slvm-data[lightning]'", name="lightning")


class DataModule(_lightning().LightningDataModule):
    """Train, val and test data: windows if the dataset has them, episodes if `context` is given, else sequences.

    Training sequences come in a new random order in each epoch, and training episodes are drawn anew for each batch;
    validation and test are always the same. In distributed training episodes are divided among the processes by
    their own sampler: give the Trainer use_distributed_sampler=False with `context`.

    Arguments:
        root: the dataset's folder.
        batch_size: number of sequences, or queries, in a batch; with `ways` or `queries` a batch is an episode.
        context: number of context sequences for a query.
        workers: number of processes that load; 0 is fastest as long as nothing else is done to the items.
        seed: random seed of the order and of the episodes.
        steps: number of batches of episodes in an epoch of training.
        options: further arguments of `Sequences`, `Windows` or `Episodes`; for a different value in each split give a
            dict, as in tasks={"train": [0, 1], "val": [2], "test": [2]}.

    """

    def __init__(
        self,
        root: Path | str,
        batch_size: int = 64,
        *,
        context: int | None = None,
        workers: int = 0,
        seed: int = 0,
        steps: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self.root, self.batch_size, self.context, self.steps = Path(root), batch_size, context, steps
        self.workers, self.seed, self.options = workers, seed, options
        windows = open_manifest(self.root).recipe.windows
        self._kind = Windows if windows else Sequences if context is None else Episodes
        if odd := [name for name in options if name not in inspect.signature(self._kind).parameters]:
            hint = ": give context too" if odd[0] in inspect.signature(Episodes).parameters else ""
            raise ValueError(f"{odd[0]} = {options[odd[0]]!r} is no option of {self._kind.__name__}{hint}")

    def dataset(self, split: str) -> Sequences | Windows | Episodes:
        """The dataset of one split."""
        own = {name: value[split] if isinstance(value, dict) else value for name, value in self.options.items()}
        if self._kind is Episodes:
            own |= {"context": self.context, "seed": self.seed}
        return self._kind(self.root, split, **own)

    def train_dataloader(self) -> DataLoader[Any]:
        """Batches in random order."""
        dataset = self.dataset("train")
        if isinstance(dataset, Episodes):
            return self._episodes(dataset, fixed=False)
        return self._loader(dataset, batch_size=self.batch_size, sampler=Shuffled(dataset, self.seed))

    def val_dataloader(self) -> DataLoader[Any] | list[Any]:
        """Each sequence once, in order; or episodes, always the same ones."""
        return self._in_order("val")

    def test_dataloader(self) -> DataLoader[Any] | list[Any]:
        """Each sequence once, in order; or episodes, always the same ones."""
        return self._in_order("test")

    def _in_order(self, split: str) -> DataLoader[Any] | list[Any]:
        if not open_manifest(self.root).of_split(split):
            return []
        dataset = self.dataset(split)
        if isinstance(dataset, Episodes) and (dataset.ways or dataset.queries):
            return self._episodes(dataset, fixed=True)
        return self._loader(dataset, batch_size=self.batch_size)

    def _episodes(self, dataset: Episodes, fixed: bool) -> DataLoader[Any]:
        """One episode per batch if its size is given, else `batch_size` of its queries."""
        size = None if dataset.ways or dataset.queries else self.batch_size
        sampler = EpisodeSampler(dataset, size, fixed=fixed, steps=None if fixed else self.steps)
        sampler.set_epoch(self.trainer.current_epoch if self.trainer else 0)  # continues from a checkpoint
        return self._loader(dataset, batch_sampler=sampler)

    def _loader(self, dataset: Any, **options: Any) -> DataLoader[Any]:
        return DataLoader(dataset, num_workers=self.workers, persistent_workers=self.workers > 0, **options)
