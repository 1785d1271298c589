"""The table of layouts: the files, keys, types and shapes in which other programs read a dataset.

A layout of this package's own formats only names the folders of the tasks. Every other is a copy, of which the table
says everything: `slvm_data.export.values` arranges the arrays, `slvm_data.export.containers` writes the files.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

from slvm_data.core.types import SPLITS


@dataclass(frozen=True, kw_only=True)
class Column:
    """An array of a file, made from an array of a dataset."""

    key: str  # its name in the file; {split} is the split
    array: tuple[str, ...]  # names of arrays of a dataset: the first one that is there
    axes: str  # letters of `arrays.AXES`; "1" one element, "R" red green blue, "H*W" one axis of both, "*" what is left
    dtype: str
    full: bool = False  # whether frames are of 0 to 255, and not of 0 to 1
    optional: bool = False  # whether it is left out where a dataset has none of these arrays
    ones: bool = False  # whether it holds ones in the shape of that array
    shared: str = ""  # in the place of an array: a parameter that all sequences share

    def __post_init__(self) -> None:
        if bool(self.array) == bool(self.shared):
            raise ValueError(f"{self.key} needs an array, or a shared parameter")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A layout, and the programs that read it."""

    name: str
    readers: str  # names of the programs
    repository: str = ""
    folder: str = ""  # of each task, in formats of our own; see `Recipe.folder`
    container: str = ""  # kind of its files, of `containers.TABLE`; empty for formats of our own
    files: dict[str, tuple[str, ...]] = field(default_factory=dict)  # splits in each file; see `PLACES`
    columns: tuple[Column, ...] = ()  # none: every array, as it is
    uncut: bool = False  # whether uncut trajectories, where a dataset keeps them, take the place of its windows
    side: str = ""  # name of a file beside the arrays, of `containers.SIDE`
    note: str = ""

    @property
    def own(self) -> bool:
        """Whether its files are of a format of our own, so that loaders, `verify` and `repair` know them."""
        return not self.container


PLACES = ("name", "i", "folder", "split", "key", "n")
"""Words in braces in the name of a file: dataset, label and folder of the task, split, key of the array, number of the
sequence."""

IMAGE, STATE, SIGNAL, MODE = ("image",), ("state",), ("signal", "queries"), ("mode", "labels")
_EACH = {f"{{name}}_{split}.npz": (split,) for split in ("val", "test")}
_FRAMES = Column(key="images", array=IMAGE, axes="N T H W", dtype="uint8")
_LABELS = Column(key="label", array=("label",), axes="N", dtype="int64")
_STATES = Column(key="state", array=STATE, axes="N T D", dtype="float32")

TABLE = (
    Layout(name="slvm_data", readers="this package, torch-neural-ssm", note="dataset_0, dataset_1, …"),
    Layout(
        name="cosfan",
        readers="CoSFan",
        repository="qu-gg/CoSFan",
        folder="{name}_{i}",
        note="the folder is named as its configuration wants it: --out data/g6, data/mp",
    ),
    Layout(
        name="meta_slvm",
        readers="meta-sLVM",
        repository="qu-gg/meta-sLVM",
        folder="{name}_{i}",
        note="the folder is named as its configuration wants it: --out data/mixedphysics",
    ),
    Layout(
        name="slvm",
        readers="programs that list a folder of the original scripts",
        folder="data/dataset_{i}",
        note="the folder data holds nothing but dataset_0, dataset_1, … with three files each",
    ),
    Layout(
        name="plain",
        readers="programs that take each array as it is",
        container="npz",
        files={"{folder}/{split}.npz": SPLITS},
        note="with --range 255, frames of 0 and 255 for programs that divide by 255",
    ),
    Layout(
        name="kvae",
        readers="KVAE, NCDSSM",
        repository="simonkamronn/kvae, clear-nus/NCDSSM",
        container="npz",
        files={"{name}.npz": ("train",), **_EACH},
        columns=(_FRAMES, _STATES, _LABELS),
    ),
    Layout(
        name="meta_ssm",
        readers="the official code of the ICLR 2023 paper",
        repository="john-x-jiang/meta_ssm",
        container="npz",
        files={
            "{name}_train.npz": ("train",),
            "{name}_valid.npz": ("val",),
            "{name}_test.npz": ("test",),
            "{name}_spt_{i}.npz": ("val",),
            "{name}_qry_{i}.npz": ("test",),
        },
        columns=(_FRAMES, _STATES, _LABELS),
        note="supports (spt) are the sequences of val, queries (qry) those of test",
    ),
    Layout(
        name="redsds",
        readers="REDSDS",
        repository="abdulfatir/REDSDS",
        container="npz",
        files={"data/{name}.npz": ("train",), "data/{name}_val.npz": ("val",), "data/{name}_test.npz": ("test",)},
        columns=(
            Column(key="y", array=SIGNAL, axes="N T S", dtype="float32"),
            Column(key="z", array=MODE, axes="N T", dtype="int64"),
        ),
    ),
    Layout(
        name="dsarf",
        readers="DSARF",
        repository="ostadabbas/DSARF",
        container="json",
        files={"{name}.json": ("train",), "{name}_val.json": ("val",), "{name}_test.json": ("test",)},
        columns=(
            Column(key="data", array=SIGNAL, axes="N T S", dtype="float64"),
            Column(key="latents", array=("latent", "latents", "state"), axes="N T *", dtype="float64"),
            Column(key="states", array=MODE, axes="N T", dtype="int64", optional=True),
            Column(key="factors", shared="C", array=(), axes="L S", dtype="float64", optional=True),
        ),
        uncut=True,
        note="uncut trajectories, if the dataset keeps them (--series); else its windows",
    ),
    Layout(
        name="hgn",
        readers="Hamiltonian Generative Networks (re-implementation)",
        repository="CampusAI/Hamiltonian-Generative-Networks",
        container="npz of each sequence",
        files={"{split}/{n}.npz": SPLITS},
        columns=(Column(key="arr_0", array=IMAGE, axes="N T H W R", dtype="float32"),),
        side="parameters.yaml",
    ),
    Layout(
        name="rkn",
        readers="RKN, CRU",
        repository="ALRhub/rkn_share, boschresearch/Continuous-Recurrent-Units",
        container="npz",
        files={"{name}.npz": SPLITS},
        columns=(
            Column(key="{split}_obs", array=IMAGE, axes="N T H W C", dtype="uint8", full=True),
            Column(key="{split}_targets", array=("angles", "state"), axes="N T *", dtype="float64"),
            Column(key="{split}_ts", array=("time",), axes="N T", dtype="float64"),
        ),
        note="targets are sine and cosine of the angles if they are recorded (--record angles), else states",
    ),
    Layout(
        name="msvi",
        readers="MSVI",
        repository="yakovlev31/msvi",
        container="pickle",
        files={"{split}/{key}.pkl": SPLITS},
        columns=(
            Column(key="t", array=("time",), axes="N T 1", dtype="float64"),
            Column(key="y", array=IMAGE, axes="N T C H*W", dtype="float32"),
        ),
    ),
    Layout(
        name="goku",
        readers="GOKU",
        repository="orilinial/GOKU",
        container="torch",
        files={"processed_data.pkl": ("train", "test")},
        columns=(
            Column(key="{split}", array=IMAGE, axes="N T H W", dtype="float32"),
            Column(key="{split}_latent", array=STATE, axes="N T *", dtype="float32"),
            Column(key="{split}_latent_mask", array=STATE, axes="N T *", dtype="float32", ones=True),
        ),
        note="every state is known (its mask is 1); the program takes its own validation part from train",
    ),
    Layout(
        name="latent_ode",
        readers="latent ODE (dataset hopper)",
        repository="YuliaRubanova/latent_ode",
        container="torch",
        files={"HopperPhysics/training.pt": ("train",), "HopperPhysics/{split}.pt": ("val", "test")},
        columns=(Column(key="", array=(*SIGNAL, "state"), axes="N T *", dtype="float32"),),
        note="signals, or states where there are none; the program reads training.pt alone",
    ),
    Layout(
        name="dm",
        readers="the Hamiltonian dynamics suite",
        repository="google-deepmind/dm_hamiltonian_dynamics_suite",
        container="tfrecord",
        files={"{split}.tfrecord": SPLITS},
        columns=(
            Column(key="image", array=IMAGE, axes="N T H W R", dtype="uint8", full=True),
            Column(key="x", array=STATE, axes="N T *", dtype="float64"),
        ),
        side="features.txt",
    ),
)
"""Every layout, in the order of `slvm-data layouts`."""

PLAIN = "plain"
NAMES = tuple(layout.name for layout in TABLE)


def named(name: str) -> Layout:
    """The layout of this name; raises ValueError for an unknown one."""
    for layout in TABLE:
        if layout.name == name:
            return layout
    near = difflib.get_close_matches(name, NAMES, n=1)
    meant = f"did you mean {near[0]}?" if near else "`slvm-data layouts` shows all"
    raise ValueError(f"layout = {name!r} is unknown; {meant}")


def chosen(name: str | None, largest: int | None) -> Layout | None:
    """The layout that a name and the largest number of a frame ask for; None if neither is given.

    Raises ValueError for an unknown name, or for a format of our own, whose frames are of 0 and 1.
    """
    layout = named(name) if name else named(PLAIN) if largest is not None else None
    if layout and layout.own and largest is not None:
        raise ValueError(
            f"layout {layout.name} is of our own formats, which hold binary frames as 0 and 1: choose --layout {PLAIN}"
        )
    return layout


def described(layout: Layout) -> str:
    """A layout in a few lines: programs, files, arrays."""
    lines = [f"{layout.name}: {layout.readers}{f' ({layout.repository})' if layout.repository else ''}"]
    if layout.own:
        lines.append(f"  the files of this package, in {layout.folder or 'dataset_{i}'}")
    lines += [f"  {path}: {', '.join(splits)}" for path, splits in layout.files.items()]
    lines += [f"  {_described(column)}" for column in layout.columns]
    if layout.container and not layout.columns:
        lines.append("  every array, as it is")
    return "\n".join([*lines, *([f"  {layout.note}"] if layout.note else [])])


def _described(column: Column) -> str:
    source = "ones" if column.ones else f"from {' or '.join(column.array) or column.shared}"
    ends = (", 0 to 255" if column.full else "") + (", if there is one" if column.optional else "")
    return f"{column.key or 'the file'} [{column.axes}] {column.dtype} {source}{ends}"
