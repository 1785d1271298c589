"""Windows of switching dynamics: queries, each with the context before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from slvm_data.load.map_dataset import INDEX, MapDataset


class Windows(MapDataset):
    """The windows of a split of a switching dataset: a map-style dataset for PyTorch's DataLoader.

    An item is a dict: `index`, `queries` [W D], `domains` [C W D], `labels` [W] (the regimes), `latents` [W d], and
    with frames `image` float32 [W 1 H W] and `domain_image` [C W 1 H W]; `label` [1] (the task), `time` [W], `path`.
    `fields=("index", "queries", "domains", "labels")` gives tuples, as other loaders of such data do.

    The arguments `root`, `split`, `tasks`, `fields`, `fraction` and `missing`, and errors, are as for `Sequences`.
    """

    of_windows = True

    def __len__(self) -> int:
        return len(self._columns)

    def _arrays(self, indices: Sequence[Any]) -> dict[str, torch.Tensor]:
        rows = self._numbers(indices)
        found = {INDEX: rows} if self._wants(INDEX) else {}
        return found | self._columns.take(rows, self._pool)
