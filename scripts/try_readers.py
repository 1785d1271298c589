"""Open a tiny dataset in every library that is too large to be installed for tests, and print what each gives.

    pip install '.[zarr,hdf5,parquet,xarray]' tensorflow-cpu grain polars duckdb netCDF4
    python3 scripts/try_readers.py

What it prints stands in docs/convert.md. A library that is not installed is skipped; nothing is fetched.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from slvm_data import RECIPES, generate
from slvm_data.run.conversion import convert

RECIPE = dataclasses.replace(RECIPES["pendulum3"], train=5, val=2, test=2, steps=4)


def archive(folder: Path) -> dict[str, np.ndarray]:
    """The arrays of one task."""
    with np.load(folder / "data.npz/dataset_1/train.npz", allow_pickle=False) as data:
        return dict(data)


def frames(folder: Path) -> np.ndarray:
    """The frames of all tasks [N T H W]."""
    paths = sorted(folder.glob("data.npz/dataset_*/train.npz"))
    return np.concatenate([np.load(path, allow_pickle=False)["image"] for path in paths])


def same(found: np.ndarray, expected: np.ndarray) -> str:
    """Shape and type of an array that has to be equal to another."""
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)
    return f"{found.dtype} {list(found.shape)}"


def tensorflow(folder: Path) -> str:
    """`from_tensor_slices` of an archive as it is, and a batch."""
    import tensorflow as tf

    expected = archive(folder)
    with np.load(folder / "data.npz/dataset_1/train.npz") as z:
        data = tf.data.Dataset.from_tensor_slices(dict(z))
    batch = next(iter(data.batch(5)))
    for name, array in expected.items():
        same(batch[name].numpy(), array)
    return f"{len(data)} items of {len(batch)} arrays; image {same(batch['image'].numpy(), expected['image'])}"


def grain(folder: Path) -> str:
    """A source of rows of an archive, shuffled and batched."""
    import grain

    z = archive(folder)
    rows = [{name: z[name][i] for name in z} for i in range(len(z["label"]))]
    batches = grain.MapDataset.source(rows).shuffle(seed=0).batch(5)
    order = np.argsort(batches[0]["param_m"])
    expected = np.argsort(z["param_m"])
    return f"{len(batches)} batch; image {same(batches[0]['image'][order], z['image'][expected])}"


def polars(folder: Path) -> str:
    """A folder of Parquet."""
    import polars

    table = polars.read_parquet(folder / "data.parquet/train")
    fast = table["image"].ext.storage().cast(polars.Array(polars.UInt8, (4, 32, 32))).to_numpy()
    assert same(fast, frames(folder))
    return f"{len(table)} rows; image {same(np.array(table['image'].to_list(), np.uint8), frames(folder))}"


def duckdb(folder: Path) -> str:
    """Files of Parquet, asked in SQL."""
    import duckdb

    files = f"'{folder}/data.parquet/train/*.parquet'"
    groups = duckdb.sql(f"select label, count(*) from {files} group by label order by label").fetchall()
    assert groups == [(0, 5), (1, 5), (2, 5)]
    found = np.array(duckdb.sql(f"select image from {files} order by label").fetchall(), np.uint8)[:, 0]
    return f"{len(groups)} groups; image {same(found, frames(folder))}"


def netcdf(folder: Path) -> str:
    """HDF5 as netCDF-4, by the library in C."""
    import netCDF4

    expected = archive(folder)
    with netCDF4.Dataset(str(folder / "data.h5/dataset_1/train.h5")) as data:
        assert set(data.variables) == set(expected)
        image = data["image"]
        return f"dimensions {', '.join(image.dimensions)}; image {same(np.asarray(image[:]), expected['image'])}"


READERS: dict[str, Callable[[Path], str]] = {
    "tensorflow-cpu": tensorflow,
    "grain": grain,
    "polars": polars,
    "duckdb": duckdb,
    "netCDF4": netcdf,
}


def main() -> None:
    """Make the dataset in every format, and open it."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        generate(RECIPE, folder / "data.npz")
        for ending in ("h5", "parquet"):
            convert(folder / "data.npz", folder / f"data.{ending}")
        for name, read in READERS.items():
            try:
                installed = version(name)
            except PackageNotFoundError:
                print(f"{name}: not installed")
                continue
            print(f"{name} {installed}: {read(folder)}")


if __name__ == "__main__":
    main()
