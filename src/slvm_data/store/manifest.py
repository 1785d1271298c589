"""`dataset.json`: the files of a dataset's folder with their checksums, their recipe, and the software that made them.

A manifest is a tree of frozen dataclasses. Only the reader and the writer in this file know its JSON.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from itertools import pairwise
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from slvm_data import arrays
from slvm_data.core import names
from slvm_data.core.errors import DamageError
from slvm_data.core.files import altered, atomic, sha256
from slvm_data.core.json_tree import Json, from_json, to_json
from slvm_data.core.text import sentence
from slvm_data.core.types import INDICES, SPLITS, Arrays
from slvm_data.recipe.outline import StoredRecipe
from slvm_data.recipe.own_file import OwnFiles
from slvm_data.store import formats
from slvm_data.store.remote import Place, read_at_most

NAME, CARD, PREVIEW, CROISSANT, PLAN = names.MANIFEST, names.CARD, names.PREVIEW, names.CROISSANT, names.PLAN
FORMAT = "slvm-data"
LARGEST = 2**28  # bytes of a manifest that is read
VERSION = 1
LIBRARIES = ("slvm-data", "jax", "jaxlib", "numpy", "scipy")  # libraries that determine the numbers


@dataclass(frozen=True)
class Form:
    """Shape [rows …] and type of an array in a file."""

    shape: tuple[int, ...]
    dtype: str

    @staticmethod
    def of(array: np.ndarray, rows: int | None = None) -> Form:
        """Form of an array; `rows`, if given, replaces its number of rows."""
        return Form((len(array) if rows is None else int(rows), *array.shape[1:]), str(array.dtype))

    def __str__(self) -> str:
        return f"{self.dtype} {list(self.shape)}"

    @property
    def row(self) -> tuple[int, ...]:
        """Shape of one row."""
        return self.shape[1:]

    @property
    def row_size(self) -> int:
        """Bytes of one row."""
        return np.dtype(self.dtype).itemsize * prod(self.row)

    def with_rows(self, rows: int) -> Form:
        """The same form with another number of rows."""
        return Form((rows, *self.row), self.dtype)

    def __post_init__(self) -> None:
        if not self.shape or min(self.shape) < 0 or self.shape[0] > INDICES:
            raise ValueError(f"shape = {list(self.shape)} is not that of rows")
        try:
            kind = np.dtype(self.dtype).kind
        except TypeError:
            kind = ""
        if kind not in tuple("biuf"):
            raise ValueError(f"dtype = {self.dtype!a} is not that of numbers")


Forms = dict[str, Form]
"""Forms of arrays by name."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """A file as it was written, with one row per sequence; with Zarr, a group and its markers."""

    sha256: str
    bytes: int
    arrays: Forms
    shards: int | None = None

    def __post_init__(self) -> None:
        if "label" not in self.arrays:
            raise ValueError("arrays lack label")
        for name, form in self.arrays.items():
            arrays.info(name)
            if form.shape[0] != self.rows:
                raise ValueError(f"{name} is {list(form.shape)} for {self.rows} rows")
        if min(self.bytes, self.shards or 0) < 0:
            raise ValueError("bytes or shards are negative")

    @property
    def rows(self) -> int:
        """Number of sequences."""
        return self.arrays["label"].shape[0]


@dataclass(frozen=True, kw_only=True)
class FileEntry(Written):
    """A file of a task and split: of its sequences, or of the trajectories that these were cut from."""

    task: int
    split: str
    trajectories: int | None = None  # that its windows are cut from

    @staticmethod
    def of(written: Written, task: int, split: str, trajectories: int | None = None) -> FileEntry:
        """Entry of a file that was just written."""
        return FileEntry(**vars(written), task=task, split=split, trajectories=trajectories)

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.task, self.trajectories or 0) < 0:
            raise ValueError("task or trajectories are negative")


@dataclass(frozen=True)
class Checksum:
    """Size and sha256 of a file that lies beside the arrays."""

    bytes: int
    sha256: str

    @staticmethod
    def of(path: Path) -> Checksum:
        """Checksum of a file."""
        return Checksum(path.stat().st_size, sha256(path))

    def fault(self, path: Path) -> str | None:
        """How a file differs from what was written, in a sentence; None if it does not."""
        return altered(path, self.bytes, self.sha256)


@dataclass(frozen=True)
class ArrayEntry:
    """Description of an array of the dataset: its row of `slvm_data.arrays`, adapted to this dataset."""

    axes: str  # letters of `arrays.AXES`
    role: str
    unit: str
    meaning: str

    def attributes(self) -> dict[str, str]:
        """What the array is, as attributes for a file of other libraries; `units` as they call it."""
        about = {"units": self.unit, "role": str(self.role), "meaning": self.meaning}
        return {key: value for key, value in about.items() if value}


@dataclass(frozen=True)
class Coverage:
    """Distribution of the values of a parameter over its range, all bodies together."""

    low: float
    high: float
    least: float
    most: float
    counts: tuple[int, ...]  # of a histogram over the range


@dataclass(frozen=True)
class RegimeStatistics:
    """How long a switching system is in each of its K regimes, and how often each regime follows another."""

    occupancy: tuple[float, ...]  # share of frames [K]
    mean_dwell_time: tuple[float | None, ...]  # frames [K]; None for a regime that does not occur
    transition_counts: tuple[tuple[int, ...], ...]  # [K K] from frame to frame, the first axis the regime before
    signal_to_noise_db: float | None
    leakage: int | None = None  # frames that windows of two splits show; None where there are no windows

    def __post_init__(self) -> None:
        K = len(self.occupancy)
        if {len(self.mean_dwell_time), len(self.transition_counts), *map(len, self.transition_counts)} - {K}:
            raise ValueError(f"occupancy is of {K} regimes, other numbers are of more or fewer")


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """Accuracy of a task, measured on its own sequences; cards and pages call it the validation report."""

    task: int
    sample: int  # sequences that errors were measured on
    substeps: int | None  # of integration per frame, at most; None where the motion is not integrated
    error: float | None  # of a state, at most, against an integration with twice as many substeps; up to the horizon
    energy_drift: float | None  # relative, losses added back; None where energy is not kept
    rejection_rate: float  # share of candidates that were drawn again
    coverage: dict[str, Coverage]
    regimes: RegimeStatistics | None = None
    split: str = ""  # of a named split; empty for train, val and test together
    apart: dict[str, float] | None = None  # of a named split: how far its parameters are from those of train, by name
    horizon: int | None = None  # frames after which trajectories diverge by chaos, however fine the step


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Everything known about a dataset, without times, paths or host names: the same run gives the same manifest.

    Files are in the order of tasks, then of splits, whatever the order of keys in the JSON.
    """

    name: str
    recipe: StoredRecipe
    equation: str
    versions: dict[str, str]
    machine: dict[str, str]
    arrays: dict[str, ArrayEntry]
    files: dict[str, FileEntry]  # by name, relative to the folder
    series: dict[str, FileEntry] = field(default_factory=dict)  # of uncut trajectories
    combined: dict[str, FileEntry] = field(default_factory=dict)
    certificate: tuple[Certificate, ...]
    shared_parameters: tuple[dict[str, Json], ...] = ()  # of each task, and how its signals were scaled
    own_files: OwnFiles = field(default_factory=dict)  # that define systems of the user's own; never run unasked
    preview: Checksum | None = None
    card: Checksum | None = None
    croissant: Checksum | None = None

    def __post_init__(self) -> None:
        names.check_name(self.name)
        if not self.files:
            raise ValueError("files is empty")
        known = (*SPLITS, *sorted(self.recipe.splits))
        for name, entry in self.every_file().items():
            names.check_path(name)
            if entry.task >= len(self.recipe.tasks):
                raise ValueError(f"{name} is of task {entry.task}, which the recipe does not have")
            if entry.split not in known:
                raise ValueError(f"split = {entry.split[:20]!a} is unknown; there are {', '.join(known)}")
        self._check_certificates()
        lengths = {split: self.recipe.of_split(split).length() for split in {e.split for e in self.files.values()}}
        for name, entry in self.files.items():
            self._check_arrays(name, entry, lengths[entry.split])
        if missing := [name for name in ("python", *LIBRARIES) if name not in self.versions]:
            raise ValueError(f"versions lack {missing[0]}")
        if odd := [name for entry in self.files.values() for name in entry.arrays if name not in self.arrays]:
            raise ValueError(f"arrays lack {odd[0]}")
        for kind in ("files", "series", "combined"):
            object.__setattr__(self, kind, _in_order(getattr(self, kind), kind, known))

    def _check_certificates(self) -> None:
        """Raise ValueError unless each task has a certificate for train, val and test, and for each named split."""
        found = Counter((entry.task, entry.split) for entry in self.certificate)
        wanted = Counter({(entry.task, self.recipe.part_of(entry.split)) for entry in self.files.values()})
        for how, odd in (("lacks", wanted - found), ("has one too many, of", found - wanted)):
            for task, split in sorted(odd)[:1]:
                raise ValueError(f"certificate {how} task {task}{f' of {split[:40]!a}' if split else ''}")

    def certificate_of(self, task: int, split: str) -> Certificate:
        """The certificate of a task in a split."""
        return self._certificates[task, self.recipe.part_of(split)]

    @cached_property
    def _certificates(self) -> dict[tuple[int, str], Certificate]:
        return {(entry.task, entry.split): entry for entry in self.certificate}

    def _check_arrays(self, name: str, entry: FileEntry, length: int) -> None:
        """Raise ValueError unless a file of sequences has the arrays, frames and contexts of the recipe."""
        if missing := [array for array in self._needed() if array not in entry.arrays]:
            raise ValueError(f"{name} lacks {missing[0]}")
        if (frames := entry.arrays[self._needed()[0]].row[:1]) != (length,):
            raise ValueError(f"{name} has sequences of {list(frames)} frames, recipe of {length}")
        if (contexts := entry.arrays.get("domains")) and contexts.row[0] != self._contexts():
            raise ValueError(f"{name} has {contexts.row[0]} contexts, recipe {self._contexts()}")

    def _contexts(self) -> int:
        return self.recipe.windows.contexts if self.recipe.windows else 0

    def _needed(self) -> tuple[str, ...]:
        """Arrays that every file of sequences has: what is observed, and its truth."""
        if self.recipe.windows:
            return ("queries", "latents", *(("image",) if self.recipe.has_frames() else ()))
        return ("image" if self.recipe.has_frames() else "signal", "state")

    def every_file(self) -> dict[str, FileEntry]:
        """Files of sequences, of uncut trajectories, and combined ones, by name."""
        return self.files | self.series | self.combined

    @property
    def format(self) -> formats.Format:
        """The format of the files."""
        return formats.of_path(PurePosixPath(next(iter(self.files))))

    def of_split(self, split: str) -> list[tuple[str, FileEntry]]:
        """Name and entry of each file of a split, in the order of the tasks; none where the split is empty."""
        return [(name, entry) for name, entry in self.files.items() if entry.split == split]

    def beside(self) -> dict[str, Checksum]:
        """The files that lie beside the arrays, by name."""
        every = {PREVIEW: self.preview, CARD: self.card, CROISSANT: self.croissant}
        return {name: checksum for name, checksum in every.items() if checksum}


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A copy of a dataset in the layout of other programs: `dataset.json` of a folder whose files we only compare."""

    name: str
    layout: str
    recipe: StoredRecipe
    versions: dict[str, str]
    files: dict[str, Checksum]  # by name, relative to the folder
    left_out: tuple[str, ...]  # arrays of the dataset that the layout does not hold
    largest: int | None = None  # number of a frame, if it is not the layout's
    card: Checksum | None = None

    def __post_init__(self) -> None:
        names.check_name(self.name)
        for name in self.files:
            names.check_path(name)

    def beside(self) -> dict[str, Checksum]:
        """The files that lie beside the arrays, by name."""
        return {CARD: self.card} if self.card else {}


@dataclass(frozen=True, kw_only=True)
class PlanRecord:
    """A dataset that is being made: what is made, in which format, by which software, and in how many units."""

    name: str
    recipe: StoredRecipe
    form: str
    units: int
    versions: dict[str, str]
    machine: dict[str, str]
    sources: dict[str, str] = field(default_factory=dict)  # checksums of the user's own files that define systems

    def __post_init__(self) -> None:
        names.check_name(self.name)
        formats.own_format(self.form)

    @property
    def format(self) -> formats.Format:
        """The format of the files."""
        return formats.named(self.form)


def _in_order(files: dict[str, FileEntry], kind: str, splits: tuple[str, ...]) -> dict[str, FileEntry]:
    """The files by task, split and name; raises ValueError if two have the same sequences."""
    order = sorted(files, key=lambda name: (files[name].task, splits.index(files[name].split), name))
    for one, other in pairwise(order):
        same = (files[one].task, files[one].split) == (files[other].task, files[other].split)
        if same and not formats.of_path(PurePosixPath(one)).several:
            raise ValueError(f"{kind} has two of task {files[one].task} and split {files[one].split}")
    return {name: files[name] for name in order}


def write(folder: Path, content: Manifest | Copy) -> None:
    """Write the manifest, with its own checksum; from then on the folder is a dataset."""
    _write(folder / NAME, content)


def write_plan(folder: Path, plan: PlanRecord) -> None:
    """Write the plan of a dataset that is begun."""
    _write(folder / names.HIDDEN / PLAN, plan)


def _write(path: Path, content: Manifest | Copy | PlanRecord) -> None:
    tree = {"format": FORMAT, "format_version": VERSION, **to_json(content)}
    tree["sha256"] = _digest(tree)
    with atomic(path) as file:
        file.write((json.dumps(tree, indent=1, ensure_ascii=True, allow_nan=False) + "\n").encode())


def read(folder: Place) -> Manifest:
    """The manifest of a folder. Raises DamageError if it is missing, damaged, or of a newer format than ours.

    Raises ValueError for a copy in the layout of other programs, which only `read_any` takes.
    """
    content = read_any(folder)
    if isinstance(content, Copy):
        raise ValueError(
            f"{folder} is a copy in the layout {content.layout}, which only `info` and `verify` know: use the dataset "
            "that it was made from"
        )
    return content


def read_any(folder: Place) -> Manifest | Copy:
    """The manifest of a folder, also that of a copy in the layout of other programs; raises DamageError as `read`."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder")
    path = folder / NAME
    if isinstance(folder, Path) and not (folder / NAME).is_file() and (folder / names.HIDDEN).is_dir():
        raise DamageError(f"{folder} is not complete: run the command that began it again")
    return _read(path, Manifest, Copy)


def read_plan(folder: Path) -> PlanRecord:
    """The plan of a folder whose dataset is being made; raises DamageError as `read` does."""
    return _read(folder / names.HIDDEN / PLAN, PlanRecord)


def _read(path: Place, kind: type[Any], copy: type[Any] | None = None) -> Any:
    """The tree of a file as an object of a class, or of the class `copy` if it names a layout."""
    try:
        tree = json.loads(read_at_most(path, LARGEST))
    except FileNotFoundError:
        place = "" if isinstance(path, Path) else ", or the bucket or server,"
        raise DamageError(f"{path.parent} holds no dataset: {path.name}{place} is missing") from None
    except (ValueError, RecursionError) as error:
        raise DamageError(f"{path} is damaged: {sentence(error)}") from None
    if not isinstance(tree, dict) or tree.pop("format", None) != FORMAT:
        raise DamageError(f"{path} does not describe a dataset of slvm-data")
    number = tree.pop("format_version", None)
    if type(number) is not int or number > VERSION:
        raise DamageError(f"{path} has format {ascii(number)[:20]}, newer than {VERSION}: update slvm-data")
    if tree.pop("sha256", None) != _digest({"format": FORMAT, "format_version": number, **tree}):
        raise DamageError(f"{path} is damaged: its own checksum does not fit")
    try:  # a forged manifest may have a valid checksum
        return from_json(copy if copy and "layout" in tree else kind, tree, path.name)
    except (ValueError, RecursionError, OverflowError) as error:
        raise DamageError(f"{path} is damaged: {sentence(error)}") from None


def entries_of(files: Iterable[FileEntry], units: dict[str, str]) -> dict[str, ArrayEntry]:
    """Description of each array in these files; `units` are those of arrays whose unit depends on the system."""
    ranks: dict[str, set[int]] = {}
    for entry in files:
        for name, form in entry.arrays.items():
            ranks.setdefault(name, set()).add(len(form.shape))
    order = [name for name in arrays.TABLE if name in ranks]
    return {name: _entry(name, ranks[name], units) for name in [*order, *(n for n in ranks if n not in order)]}


def _entry(name: str, ranks: set[int], units: dict[str, str]) -> ArrayEntry:
    known = arrays.info(name)
    axes = " ".join(known.letters(ranks.pop())) if len(ranks) == 1 else known.axes
    return ArrayEntry(axes, known.role, units.get(name, known.unit), known.meaning)


def forms_of(found: Arrays, rows: int | None = None) -> Forms:
    """Forms of arrays; `rows`, if given, replaces their number of rows."""
    return {name: Form.of(array, rows) for name, array in found.items()}


def versions(written: formats.Format) -> dict[str, str]:
    """Versions of the installed software that determines the bytes of a dataset in this format."""
    return {"python": platform.python_version(), **{name: version(name) for name in (*LIBRARIES, *written.libraries)}}


def _digest(tree: dict[str, Json]) -> str:
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()
