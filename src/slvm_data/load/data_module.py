"""The loaders as a `LightningDataModule`, for `lightning` and `pytorch_lightning`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch.utils.data import DataLoader, Sampler, SequentialSampler

from slvm_data.core.arguments import checked, whole_number
from slvm_data.core.main_guard import GUARD, runs_again
from slvm_data.core.types import SPLITS
from slvm_data.load.batch import Item, Row
from slvm_data.load.columns import open_manifest
from slvm_data.load.episodes import Episodes
from slvm_data.load.epochs import Epochs, State
from slvm_data.load.map_dataset import MapDataset
from slvm_data.load.root import found
from slvm_data.load.samplers import EpisodeSampler, InOrder, Shuffled
from slvm_data.load.sequences import Sequences
from slvm_data.load.windows import Windows
from slvm_data.store.remote import Remote

ROOM = 0.5  # share of the free memory of a GPU that a split may take
D = TypeVar("D", bound=MapDataset)


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


class Loader(DataLoader[Any]):
    """A DataLoader that begins a pass when its first batch is asked for, and whose state is that of its batches.

    Lightning asks for an iterator before it says which epoch it is, and asks again; workers would have begun by then.
    What workers have requested in advance is not counted in the state.
    """

    sampler: Epochs[Any]  # pyright: ignore[reportIncompatibleVariableOverride]
    _begun = (0, 0)  # epoch and step at which the pass began
    _given = 0  # batches of it

    def __iter__(self) -> Iterator[Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        if self.num_workers and runs_again():
            raise RuntimeError(f"this process was started by a DataLoader, and would start others: {GUARD}")
        self._begun, self._given = self.sampler.upcoming, 0
        for batch in super().__iter__():
            self._given += 1  # before it is used: the state that is saved after a step is that of the next one
            yield batch

    def state_dict(self) -> State:
        """Epoch and step of the sampler after the last batch that was given."""
        epoch, step = self._begun if self._given else self.sampler.upcoming
        return self.sampler.state(epoch, step + self._given * (self.batch_size or 1))

    def load_state_dict(self, state: State) -> None:
        """Continue where a `state_dict()` was taken."""
        self._given = 0
        self.sampler.load_state_dict(state)


def as_it_is(batch: Any) -> Any:
    """Return a batch as a sampler of whole batches made it; raises ValueError for a single item."""
    if isinstance(batch, Item | Row):
        raise ValueError("overfit_batches would give single items of an episode: use limit_train_batches instead")
    return batch


class DataModule(_lightning().LightningDataModule):
    """Train, val, test and named splits: windows if the dataset has them, episodes with `context`, else sequences.

    Training sequences come in a new random order in each epoch, and training episodes are drawn anew for each batch;
    validation and test are always the same. A run that continues from a checkpoint, in an epoch or between two, gets
    the batches that it would have got. In distributed training the processes divide an epoch by themselves, whatever
    `use_distributed_sampler` is: each batch of episodes, and otherwise the sequences, so that `batch_size` is that of
    all processes for episodes that are drawn, and of each process otherwise.

    On a GPU, a split that takes less than half of its free memory is kept there, with binary frames packed, and batches
    are made there, if there are no workers.

    Arguments:
        root: the dataset's folder.
        batch_size: number of sequences, or queries, in a batch; with `ways` or `queries` a batch is an episode.
        context: number of context sequences for a query.
        workers: number of processes that load; 0 is fastest as long as nothing else is done to the items.
        seed: random seed of the order and of the episodes.
        steps: number of batches of episodes in an epoch of training.
        options: further arguments of `Sequences`, `Windows` or `Episodes`; for a different value in each split give a
            dict, as in tasks={"train": [0, 1], "val": [2], "test": [2]}. A split with a support has no more context
            than that.

    """

    @checked
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
        self.root, self.context, self.steps, self.options = found(root), context, steps, options
        self.batch_size = whole_number("batch_size", batch_size, 1)
        self.workers, self.seed = whole_number("workers", workers, 0), whole_number("seed", seed, 0)
        windows = open_manifest(self.root).recipe.windows
        self._kind = Windows if windows else Sequences if context is None else Episodes
        if odd := [name for name in options if name not in inspect.signature(self._kind).parameters]:
            hint = ": give context too" if odd[0] in inspect.signature(Episodes).parameters else ""
            raise ValueError(f"{odd[0]} = {options[odd[0]]!r} is no option of {self._kind.__name__}{hint}")

    def dataset(self, split: str) -> Sequences | Windows | Episodes:
        """The dataset of one split; a named split that an option's dict leaves out has the option's default."""
        own = {
            name: value[split] if isinstance(value, dict) else value
            for name, value in self.options.items()
            if not (isinstance(value, dict) and split not in (*SPLITS, *value))
        }
        if self._kind is Episodes:
            support = own.get("support") or open_manifest(self.root).recipe.support_of(split)
            context = min(self.context or 1, support) if support and split not in SPLITS else self.context
            own |= {"context": context, "seed": self.seed}
        return self._placed(self._kind(str(self.root), split, **own))

    def _placed(self, dataset: D) -> D:
        """The dataset, on the GPU that trains if there is room and no worker has to make its batches."""
        place = self._gpu()
        if place is None or self.workers or dataset.size > ROOM * torch.cuda.mem_get_info(place)[0]:
            return dataset
        return dataset.to(place)

    def _gpu(self) -> torch.device | None:
        """The GPU of the trainer, if it has one."""
        trainer = getattr(self, "trainer", None)
        place = trainer.strategy.root_device if trainer else torch.device("cpu")
        return place if place.type == "cuda" else None

    @property
    def test_splits(self) -> list[str]:
        """The splits of `test_dataloader`, in its order: test, then the named ones."""
        content = open_manifest(self.root)
        return [split for split in content.recipe.split_names() if split not in ("train", "val")]

    def train_dataloader(self) -> DataLoader[Any]:
        """Batches in random order."""
        dataset = self.dataset("train")
        if isinstance(dataset, Episodes):
            return self._episodes(dataset, fixed=False)
        return self._loader(Loader, dataset, batch_size=self.batch_size, sampler=Shuffled(dataset, self.seed))

    def val_dataloader(self) -> DataLoader[Any] | list[Any]:
        """Each sequence once, in order; or episodes, always the same ones."""
        return self._in_order("val", InOrder)

    def test_dataloader(self) -> DataLoader[Any] | list[Any]:
        """Each sequence once, in order; or episodes, always the same ones.

        If the dataset has named splits, this is a list with a loader for each of `test_splits`.
        """
        splits = self.test_splits
        if splits in ([], ["test"]):
            return self._in_order("test", InOrder)
        return [self._in_order(split, InOrder) for split in splits]

    def predict_dataloader(self) -> DataLoader[Any] | list[Any]:
        """The same as for the test; with several processes Lightning divides it, so that no item comes twice."""
        return self._in_order("test", SequentialSampler)

    def _in_order(self, split: str, order: Callable[[Any], Sampler[int]]) -> DataLoader[Any] | list[Any]:
        if not open_manifest(self.root).of_split(split):
            return []
        dataset = self.dataset(split)
        if isinstance(dataset, Episodes) and (dataset.ways or dataset.queries):
            return self._episodes(dataset, fixed=True)
        return self._loader(DataLoader, dataset, batch_size=self.batch_size, sampler=order(dataset))

    def _episodes(self, dataset: Episodes, fixed: bool) -> DataLoader[Any]:
        """One episode per batch if its size is given, else `batch_size` of its queries."""
        size = None if dataset.ways or dataset.queries else self.batch_size
        sampler = EpisodeSampler(dataset, size, fixed=fixed, steps=None if fixed else self.steps)
        # As `sampler`, where Lightning finds that it divides by itself and tells it the epoch; not as `batch_sampler`.
        return self._loader(Loader, dataset, batch_size=None, sampler=sampler, collate_fn=as_it_is)

    def _loader(self, kind: type[DataLoader[Any]], dataset: Any, **options: Any) -> DataLoader[Any]:
        if self.workers and self._kind is Sequences and isinstance(self.root, Remote):
            options["multiprocessing_context"] = "spawn"  # what reads a URL does not survive a fork
        return kind(dataset, num_workers=self.workers, persistent_workers=self.workers > 0, **options)
