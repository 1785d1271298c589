"""How other libraries read an export, as code for its card."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

SPLITS = {"train": "train", "val": "validation", "test": "test"}  # ours, and what `datasets` calls them


def use(kind: str, recipe: dict[str, Any], first: str, file: dict[str, Any]) -> str:
    """Lines that read a file `first` of this kind, an ending, in the folder of the card."""
    names = [name for name in ("image", "queries", "signal", "state", "labels") if name in file["arrays"]]
    lines = {"h5": _hdf5, "tar": _webdataset, "parquet": _parquet}[kind](recipe, first, names)
    return "```python\n" + "\n".join(lines) + "\n```"


def _hdf5(recipe: dict[str, Any], first: str, names: list[str]) -> list[str]:
    del recipe
    reads = [f'    {name} = data["{name}"][:100]' for name in names]
    return ["import h5py", "", f'with h5py.File("{first}") as data:', *reads]


def _webdataset(recipe: dict[str, Any], first: str, names: list[str]) -> list[str]:
    del recipe
    reads = [f'    {name} = sample["{name}.npy"]' for name in names]
    opened = f'for sample in webdataset.WebDataset("{first}", shardshuffle=False).decode():'
    return ["import webdataset", "", opened, *reads, '    label = sample["label.cls"]']


def _parquet(recipe: dict[str, Any], first: str, names: list[str]) -> list[str]:
    path = PurePosixPath(first)
    task = f'"{path.parent}", ' * (len(recipe["tasks"]) > 1)
    split = SPLITS[path.name.partition("-")[0]]
    opened = f'data = load_dataset(".", {task}split="{split}").with_format("numpy")  # in this folder'
    return ["from datasets import load_dataset", "", opened, *(f'{name} = data[:100]["{name}"]' for name in names)]
