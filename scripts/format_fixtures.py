"""Write tests/formats/<version>: small datasets in the present file format, to be read for ever, and what is in them.

    python3 scripts/format_fixtures.py

`mixed` has tasks of different systems with all that they record, `sharded` is a Zarr group, `windows` has uncut
trajectories beside its windows. expected.json holds a row of a file of each, as NumPy and zarr-python read it. Once a
format is released its folder stays as it is: the script refuses to write over it.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import zarr

from slvm_data import RECIPES, generate
from slvm_data.recipe.recipe import Recipe
from slvm_data.store import manifest

FOLDER = Path(__file__).parents[1] / "tests/formats" / str(manifest.VERSION)
ROW, FRAME, LONGEST = 1, 2, 20  # sequence, frame of its image, frames of a long trajectory


def recipes() -> dict[str, Recipe]:
    """The recipe of each dataset, by the name of its folder."""
    mixed, sharded, windows = RECIPES["mixed_physics_iclr2025"], RECIPES["pendulum"], RECIPES["three_mode"]
    few = {"train": 2, "val": 1, "test": 0, "steps": 3}
    assert windows.windows
    series = dataclasses.replace(windows.windows, series=True)
    return {
        "mixed": dataclasses.replace(mixed, record=("dx_dt", "energy", "offset", "color_index"), **few),
        "sharded": dataclasses.replace(sharded, **few),
        "windows": dataclasses.replace(windows, windows=series, train=3, val=1, test=0),
    }


def rows(path: Path) -> dict[str, np.ndarray]:
    """A row of each array of a file."""
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as data:
            return {name: data[name][ROW] for name in data.files}
    group = zarr.open_group(path, mode="r")
    found = {name: np.asarray(group[name][ROW]) for name in sorted(group.array_keys())}
    bits = np.unpackbits(found["image"], axis=-1)[..., : 32 * 32]
    return found | {"image": bits.reshape(-1, 32, 32)}


def plain(name: str, array: np.ndarray) -> list[str] | list[float] | float:
    """An array in JSON; of frames one, as words of zeros and ones."""
    if name == "image":
        return ["".join(map(str, line)) for line in array[FRAME]]
    return array[:LONGEST].tolist() if array.ndim else array.item()


def main() -> None:
    """Write the folder."""
    FOLDER.mkdir(parents=True)
    for name, recipe in recipes().items():
        generate(recipe, FOLDER / name, format="zarr" if name == "sharded" else "npz")
    files = ("mixed/dataset_10/train.npz", "sharded/train.zarr", "windows/train.npz", "windows/series-train.npz")
    expected = {
        file: {"row": ROW} | {name: plain(name, array) for name, array in rows(FOLDER / file).items()} for file in files
    }
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
