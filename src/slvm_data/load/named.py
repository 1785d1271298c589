"""A dataset by its name, in one line."""

from __future__ import annotations

from typing import Any

from slvm_data.cache import cached
from slvm_data.core.arguments import checked
from slvm_data.load.columns import open_manifest
from slvm_data.load.root import found
from slvm_data.load.sequences import Sequences
from slvm_data.load.windows import Windows


@checked
def dataset(name: str, split: str = "train", **changes: Any) -> Sequences | Windows:
    """The `Sequences`, or `Windows`, of a split of a dataset: from a folder `name` that stands here, else by its name.

    A dataset is made in the cache when it is first used; `changes` are as for `cached`, which also raises the errors.
    With changes it is another dataset than one in a folder of this name, and always in the cache.
    """
    folder = cached(name, **changes) if changes else found(name)
    return (Windows if open_manifest(folder).recipe.windows else Sequences)(str(folder), split)
