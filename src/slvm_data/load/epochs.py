"""Samplers whose order is a pure function of the epoch: which pass comes next, how far it is, which rank has what."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import length_hint
from typing import TypeVar

from torch.utils.data.distributed import DistributedSampler

from slvm_data.core.arguments import whole_number
from slvm_data.load.draws import EPOCHS
from slvm_data.load.ranks import check, here

T = TypeVar("T")
State = dict[str, int]


@dataclass
class _Place:
    """How far a pass is; its iterator counts, since counting in Python would cost time for each item."""

    drawn: tuple[int, int] | None = None  # epoch, and the step after the last element of `rest`; None before it begins
    rest: Iterator[object] = field(default_factory=lambda: iter(()))

    def next(self) -> tuple[int, int] | None:
        """Epoch and step of the next element; None if the pass has not begun."""
        return self.drawn and (self.drawn[0], self.drawn[1] - length_hint(self.rest))


class _Pass(chain[T]):
    """A pass over one epoch; a chain, because a `__next__` in Python would cost time for each item.

    Its own state differs from the sampler's at the end: there it has nothing left, and the sampler goes on with the
    next epoch. torchdata's StatefulDataLoader restores both.
    """

    sampler: Epochs[T]
    place: _Place

    def __new__(cls, sampler: Epochs[T]) -> _Pass[T]:
        place = _Place()
        made = super().__new__(cls, sampler.elements(place))
        made.sampler, made.place = sampler, place
        return made

    def state_dict(self) -> State:
        """Epoch and step of the next element."""
        epoch, step = self.place.next() or self.sampler.upcoming
        return {"epoch": epoch, "step": step}

    def load_state_dict(self, state: State) -> None:
        """Begin at the epoch and step of a `state_dict()`."""
        self.place.drawn = self.sampler.checked(state["epoch"], state["step"])


class Epochs(DistributedSampler[T]):
    """A sampler whose element is a pure function of epoch and step; each pass takes the next epoch.

    It divides an epoch among ranks by itself, which Lightning recognises by the class DistributedSampler.
    """

    def __init__(self, rank: int | None, ranks: int | None) -> None:
        check(rank, ranks)
        self._ranks = rank, ranks
        self.upcoming = (0, 0)  # epoch and step at which the next pass begins
        self._place = _Place()  # of the pass that began last

    @abstractmethod
    def __len__(self) -> int:
        """Number of elements of an epoch for this rank."""

    @abstractmethod
    def chunks(self, epoch: int, first: int) -> Iterator[Sequence[T]]:
        """Yield the elements of an epoch for this rank, from number `first` on, some at a time."""

    def here(self) -> tuple[int, int]:
        """Rank and number of ranks, as they are now."""
        return here(*self._ranks)

    def __iter__(self) -> Iterator[T]:
        return _Pass(self)

    def elements(self, place: _Place) -> Iterator[T]:
        """Yield the elements of the next pass and note how far it is, from when the first one is asked for."""
        epoch, step = place.drawn or self.upcoming  # not earlier: DataLoaders call iter() more than once for a pass
        self.upcoming, self._place = (epoch + 1, 0), place
        place.drawn = epoch, step
        for chunk in self.chunks(epoch, step):
            step += len(chunk)
            place.drawn, place.rest = (epoch, step), iter(chunk)
            yield from place.rest

    def checked(self, epoch: int, step: int) -> tuple[int, int]:
        """Epoch and step, if they are possible; raises ValueError if not."""
        return whole_number("epoch", epoch, 0, EPOCHS), whole_number("step", step, 0, len(self))

    def set_epoch(self, epoch: int, step: int | None = None) -> None:
        """Begin the next pass with this epoch, at this step of it.

        Without `step` it is the beginning of the epoch; or, if the next pass was to continue within this epoch, the
        place where it was to continue, so that a loop that calls this for each epoch keeps a state that was restored.
        Lightning calls this automatically.
        """
        kept = self.upcoming[1] if step is None and epoch == self.upcoming[0] else 0
        self.upcoming, self._place = self.checked(epoch, kept if step is None else step), _Place()

    def state_dict(self) -> State:
        """Epoch and step of the next element; `load_state_dict` continues there."""
        return self.state(*(self._place.next() or self.upcoming))

    def state(self, epoch: int, step: int) -> State:
        """The state at this epoch and step; at the end of an epoch that is the beginning of the next one."""
        return {"epoch": epoch, "step": step} if step < len(self) else {"epoch": epoch + 1, "step": 0}

    def load_state_dict(self, state: State) -> None:
        """Continue at the epoch and step of a `state_dict()`."""
        self.set_epoch(state["epoch"], state["step"])
