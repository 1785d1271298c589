"""Which of several training processes this one is; the processes need no communication for it."""

from __future__ import annotations

import torch.distributed

from slvm_data.core.arguments import whole_number


def check(rank: int | None, ranks: int | None) -> None:
    """Raise ValueError unless neither is given, or both with 0 <= rank < ranks."""
    if (rank is None) != (ranks is None):
        raise ValueError(f"rank = {rank} and ranks = {ranks} go together: give both, or neither")
    if ranks is not None:
        whole_number("rank", rank, 0, whole_number("ranks", ranks, 1) - 1)


def here(rank: int | None, ranks: int | None) -> tuple[int, int]:
    """Rank and number of ranks: as given, else those of `torch.distributed` if it is initialised."""
    if rank is not None and ranks is not None:
        return rank, ranks
    runs = torch.distributed.is_available() and torch.distributed.is_initialized()
    return (torch.distributed.get_rank(), torch.distributed.get_world_size()) if runs else (0, 1)


def share(count: int, rank: int, ranks: int) -> range:
    """Places of this rank among `count` ones: as many for each rank, so neighbours may have one in common."""
    first = rank * count // ranks
    return range(first, first + -(-count // ranks))
