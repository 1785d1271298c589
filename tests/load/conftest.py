"""Small datasets for the loaders, each made once."""

import dataclasses
import functools
from pathlib import Path

import numpy as np
import pytest

from slvm_data import RECIPES, View, generate
from slvm_data.recipe.original import as_original
from slvm_data.store import zarr_layout

COUNTS = {"train": 12, "val": 3, "test": 2}
MORE = ("dx_dt", "energy", "angles", "events", "offset", "color_index")


def _small(name):
    """A dataset's recipe at a small size, recording all it can; of windows only the first does."""
    if name.endswith("-original"):
        return as_original(dataclasses.replace(_small(name.removesuffix("-original")), record=()))
    if name.endswith("-pixels"):
        return dataclasses.replace(_small(name.removesuffix("-pixels")), view=View())
    recipe = RECIPES[name]
    recording = not recipe.windows or name == "nascar"
    record = tuple(name for name in MORE if recording and name in recipe.recordable())
    return dataclasses.replace(recipe, record=record, **COUNTS)


@pytest.fixture(scope="session")
def make(tmp_path_factory):
    """The folder of a dataset at a small size, by name, which may end in -zarr."""
    place = tmp_path_factory.mktemp("sets")
    return functools.cache(
        lambda name: generate(_small(name.removesuffix("-zarr")), place / name, format=_format(name))
    )


def _format(name):
    return "zarr" if name.endswith("-zarr") else "npz"


@pytest.fixture(scope="session")
def pendulums(tmp_path_factory):
    """Three tasks of fifty pendulums."""
    recipe = dataclasses.replace(RECIPES["pendulum3"], train=50, val=20, test=20, steps=4)
    return generate(recipe, tmp_path_factory.mktemp("pendulums") / "pendulum3")


@pytest.fixture(scope="session")
def sharded(tmp_path_factory):
    """Two tasks of 300 sequences in shards of 64."""
    whole = zarr_layout.SHARD
    zarr_layout.SHARD = 1
    try:
        recipe = dataclasses.replace(RECIPES["pendulum3"], tasks=RECIPES["pendulum3"].tasks[:2])
        recipe = dataclasses.replace(recipe, train=300, val=5, test=5, steps=4)
        return generate(recipe, tmp_path_factory.mktemp("sequences") / "pendulum3", format="zarr")
    finally:
        zarr_layout.SHARD = whole


@pytest.fixture(scope="session")
def small():
    """A dataset's recipe at a small size, by name."""
    return _small


@pytest.fixture(scope="session")
def arrays():
    """The arrays of each task of a split of a folder, in order, as NumPy reads them."""
    return _arrays


def _arrays(folder: Path, split: str) -> list[dict[str, np.ndarray]]:
    single = folder / f"{split}.npz"
    paths = [single] if single.is_file() else [folder / f"dataset_{i}/{split}.npz" for i in range(99)]
    found = []
    for path in paths:
        if path.is_file():
            with np.load(path, allow_pickle=False) as data:
                found.append(dict(data))
    return found
