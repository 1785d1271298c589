"""Which module reads and writes a file, by the ending of its name; each has `write`, `read`, `pieces` and `fault`."""

from __future__ import annotations

import importlib
from pathlib import PurePath
from types import ModuleType

LIBRARIES = {"npz": ("isal",), "zarr": ("zarr", "numcodecs")}  # of each format, that decide its bytes
FORMATS = tuple(LIBRARIES)
EXPORTS = {"h5": ("h5py",), "tar": (), "parquet": ("pyarrow", "pillow")}  # endings that others read, in the same way
FRAMES = {"image": 2, "domain_image": 3}  # arrays of frames, and their axes before those of a frame


def check(form: str) -> None:
    """Raise ValueError for a format that is none of ours."""
    if form in EXPORTS:
        raise ValueError(f"files that end in .{form} are a copy for other libraries; ours are {', '.join(FORMATS)}")
    if form not in FORMATS:
        raise ValueError(f"format = {form!r} is unknown; there are {', '.join(FORMATS)}")


def of(path: PurePath) -> ModuleType:
    """The format of a file; raises ValueError for one that is none of ours, or that needs a package more."""
    check(name := path.suffix.removeprefix("."))
    try:
        return importlib.import_module(f"slvm_data.store.{name}")
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ValueError(f"{path} needs a package that is not installed: pip install 'slvm-data[{name}]'") from error


def beside(path: PurePath) -> tuple[str, ...]:
    """Names of what belongs to a file and stands beside it."""
    return (path.with_suffix(".shards").name,) if path.suffix == ".zarr" else ()
