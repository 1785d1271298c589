"""Which of several training processes this one is; none of them needs to ask another."""

from __future__ import annotations

import torch.distributed


def here(rank: int | None, ranks: int | None) -> tuple[int, int]:
    """Rank and number of ranks, those of `torch.distributed` where none are given and it runs."""
    runs = torch.distributed.is_available() and torch.distributed.is_initialized()
    rank = rank if rank is not None else torch.distributed.get_rank() if runs else 0
    ranks = ranks if ranks is not None else torch.distributed.get_world_size() if runs else 1
    if not 0 <= rank < ranks:
        raise ValueError(f"rank = {rank} has to lie between 0 and ranks - 1 = {ranks - 1}")
    return rank, ranks
