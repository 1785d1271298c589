"""The table of file formats, which names the module that writes each.

Datasets are generated, loaded and verified in our own formats, whose modules have `write`, `read`, `blocks`, `pieces`
and `fault`. The others are copies for other libraries; their modules have `files` and `write`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath
from types import ModuleType
from typing import Any, Protocol

from slvm_data.core.optional import optional
from slvm_data.core.types import Arrays


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format of files."""

    name: str  # for --format and --to
    endings: tuple[str, ...]  # of its files; the first is the one that is written
    module: str  # module that writes it
    media_type: str
    own: bool = False  # whether datasets are generated in it
    packed: bool = False  # whether it can take binary pictures with 8 pixels per byte, which are then drawn so
    several: bool = False  # whether a split may have several files
    libraries: tuple[str, ...] = ()  # libraries that determine its bytes
    extra: str = ""  # extra of this package that installs what the module imports
    opening: str  # Python code for the card that opens {file}, with its {config} and {split}
    reading: str  # Python code that reads the array {name}

    @property
    def ending(self) -> str:
        """Ending of the names of its files, without the dot."""
        return self.endings[0].removeprefix(".")


TABLE = (
    Format(
        name="npz",
        endings=(".npz",),
        module="slvm_data.store.npz",
        media_type="application/zip",
        own=True,
        packed=True,
        libraries=("isal",),
        opening='import numpy as np\n\nwith np.load("{file}", allow_pickle=False) as data:',
        reading='    {name} = data["{name}"]',
    ),
    Format(
        name="zarr",
        endings=(".zarr",),
        module="slvm_data.store.zarr",
        media_type="application/vnd+zarr",
        own=True,
        packed=True,
        libraries=("tensorstore",),
        extra="zarr",
        opening='import zarr\n\ndata = zarr.open_group("{file}", mode="r")',
        reading='{name} = data["{name}"][:100]',
    ),
    Format(
        name="hdf5",
        endings=(".h5", ".hdf5"),
        module="slvm_data.export.hdf5",
        media_type="application/x-hdf5",
        libraries=("h5py",),
        extra="hdf5",
        opening='import h5py\n\nwith h5py.File("{file}") as data:',
        reading='    {name} = data["{name}"][:100]',
    ),
    Format(
        name="webdataset",
        endings=(".tar",),
        module="slvm_data.export.webdataset",
        media_type="application/x-tar",
        several=True,
        opening='import webdataset\n\nfor sample in webdataset.WebDataset("{file}", shardshuffle=False).decode():',
        reading='    {name} = sample["{name}.npy"]',
    ),
    Format(
        name="parquet",
        endings=(".parquet",),
        module="slvm_data.export.parquet",
        media_type="application/x-parquet",
        several=True,
        libraries=("pyarrow", "pillow"),
        extra="parquet",
        opening="import os\n\nfrom datasets import load_dataset\n\n"
        'data = load_dataset(os.getcwd(), {config}split="{split}").with_format("numpy", dtype=None)',
        reading='{name} = data[:100]["{name}"]',
    ),
)


class Layout(Protocol):
    """How a file of a format of our own is divided into units, each of which is made and stored as a whole.

    `Layout.of(forms, binary, one_by_one)` in the format's module makes one. A format is free in what it returns of a
    unit that is stored, as plain JSON values; it is kept until the file is complete.
    """

    @property
    def forms(self) -> Any:
        """Forms of the arrays, with all rows."""
        ...

    def ranges(self) -> list[tuple[int, int]]:
        """The first row of each unit, and the one after its last."""
        ...

    def create(self, path: Path, scratch: Path) -> None:
        """Make everything of the file but its units; again if it is there already."""
        ...

    def gather(self, path: Path, unit: int, chunks: Iterable[Arrays], scratch: Path) -> Callable[[], Any]:
        """Take the rows of a unit; return a function that stores them, again if they are there already.

        The function may be called by another thread, while rows of other units are taken. Temporary files are in the
        folder `scratch`.
        """
        ...

    def is_there(self, path: Path, unit: int, stored: Any) -> bool:
        """Whether a unit is stored."""
        ...

    def is_damaged(self, path: Path, unit: int) -> bool:
        """Whether a unit of a complete file is not as it was written."""
        ...

    def misfit(self, new: Path, old: Path, promised: Any) -> str | None:
        """How the file would differ from `promised`, its entry in the manifest, with the units made again in `new`."""
        ...

    def lacks_metadata(self, path: Path) -> bool:
        """Whether what `create` makes is not as it was written."""
        ...

    def relist(self, path: Path, scratch: Path) -> bool:
        """Write again what lists the units, after some were made again; return whether it was another list."""
        ...

    def written(self, path: Path, stored: list[Any], scratch: Path) -> Any:
        """The manifest's entry of a file whose units are stored; writes what lists them."""
        ...


OWN = tuple(entry.name for entry in TABLE if entry.own)
NAMES = tuple(entry.name for entry in TABLE)


def named(name: str) -> Format:
    """The format of this name; raises ValueError for an unknown one."""
    for entry in TABLE:
        if entry.name == name:
            return entry
    raise ValueError(f"format = {name!r} is unknown; there are {', '.join(NAMES)}")


def wanted(target: PurePath, name: str | None) -> Format | None:
    """The format that a name, or the ending of the folder to write, asks for; None if neither does.

    Raises ValueError for an unknown name, or if the two contradict each other.
    """
    given = named(name) if name else None
    ending = target.suffix.lower()
    meant = next((entry for entry in TABLE if ending in entry.endings), None)
    if given and meant and given is not meant:
        raise ValueError(
            f"{target} ends in {ending}, which means {meant.name}, and {given.name} was asked for: leave one out"
        )
    return given or meant


def own_format(name: str) -> Format:
    """The format of our own with this name; raises ValueError for any other."""
    entry = named(name)
    if not entry.own:
        raise ValueError(f"{name} is a copy for other libraries: generate {' or '.join(OWN)}, then convert it")
    return entry


def of_path(path: PurePath) -> Format:
    """The format of a file, by the ending of its name; raises ValueError for an unknown ending."""
    for entry in TABLE:
        if path.suffix in entry.endings:
            return entry
    endings = ", ".join(ending for entry in TABLE for ending in entry.endings)
    raise ValueError(f"{path} ends in none of {endings}")


def module_of(entry: Format) -> ModuleType:
    """The module that writes a format; raises ValueError if it needs a package that is not installed."""
    return optional(entry.module, entry.name, entry.extra)


def store_of(path: PurePath) -> ModuleType:
    """The module that reads a file of a format of our own."""
    return module_of(own_format(of_path(path).name))


def beside(path: PurePath) -> tuple[str, ...]:
    """Names of the folders that belong to a file and are stored beside it."""
    return (path.with_suffix(".shards").name,) if path.suffix == ".zarr" else ()
