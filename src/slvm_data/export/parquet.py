"""Parquet for the Hugging Face Hub: `datasets.load_dataset(folder)`, a card with configurations, a preview.

`train/dataset_0-00000-of-00001.parquet`: a folder holds a split of all tasks, so that who reads one mixes no splits. A
row is a sequence. Arrays are nested lists, whose shapes `datasets` reads from the metadata of each file.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from PIL import Image
from pyarrow import parquet

from slvm_data.core.files import atomic
from slvm_data.core.names import hub_split
from slvm_data.core.progress import Progress
from slvm_data.core.types import Arrays
from slvm_data.export.parts import Parts, without_number
from slvm_data.recipe.outline import StoredRecipe
from slvm_data.store.manifest import FileEntry, Forms, Manifest, Written
from slvm_data.store.source import Source

SIZE = 2**29  # bytes of a file before it is compressed, about
MOST = 256  # rows of a group
HOW = {"compression": "zstd", "write_page_index": True}  # an index, so that a viewer reads some pages of a column
SERIES = "series"  # name of the configuration of uncut trajectories, if there are any
PREVIEW, FRAMES = "preview", 8  # column of a picture, and how many frames it shows
SIZES = (("n<1K", 10**3), ("1K<n<10K", 10**4), ("10K<n<100K", 10**5), ("100K<n<1M", 10**6), ("1M<n<10M", 10**7))
PICTURE = pa.struct({"bytes": pa.binary(), "path": pa.string()})  # as `datasets` keeps one
EXTENSION = "datasets.features.features.{}ExtensionType"  # its own name for arrays
HUB_LICENSES = ("apache-2.0", "cc0-1.0", "cc-by-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc-by-sa-4.0", "mit")
TAGS = ("slvm-data", "physics", "simulation", "time-series", "latent-dynamics")


def files(source: Source) -> list[Path]:
    """The files that a file becomes, relative to the dataset's folder."""
    n = Parts(source, SIZE, MOST).count
    task = "data" if source.folder == "." else source.folder
    return [Path(source.stem) / f"{task}-{i:05d}-of-{n:05d}.parquet" for i in range(n)]


def write(place: Path, source: Source, recipe: StoredRecipe, bar: Progress) -> list[Written]:
    """Write the files that a file becomes to a folder."""
    top = recipe.of_split(source.entry.split).view_of(source.entry.task).top
    put = partial(_put, features=_features(source.arrays, free=source.series), top=top)
    return list(Parts(source, SIZE, MOST).write([place / path for path in files(source)], put, bar))


def _put(path: Path, first: int, blocks: Iterator[Arrays], features: dict[str, Any], top: int) -> None:
    del first
    schema = _schema(features)
    with atomic(path) as file, parquet.ParquetWriter(file, schema, **HOW) as writer:
        for block in blocks:
            writer.write_table(pa.table(_columns(block, top), schema=schema), row_group_size=MOST)


def _columns(block: Arrays, top: int) -> dict[str, pa.Array]:
    found = {name: _nested(array[:, 0] if name == "label" else array) for name, array in block.items()}
    if "image" not in block:
        return found
    shown = [{"bytes": preview(frames, top), "path": None} for frames in block["image"]]
    return {PREVIEW: pa.array(shown, PICTURE)} | found


def _nested(array: np.ndarray) -> pa.Array:
    """An array [n …] as lists of lists."""
    values = pa.array(np.ascontiguousarray(array).reshape(-1))
    for axis in range(array.ndim - 1, 0, -1):
        count, width = int(np.prod(array.shape[:axis])), array.shape[axis]
        values = pa.ListArray.from_arrays(pa.array(np.arange(count + 1, dtype=np.int32) * width), values)
    return values


def _features(arrays: Forms, free: bool) -> dict[str, Any]:
    """The features of `datasets` for these arrays; with `free`, the length of their first axis may vary."""
    picture = {PREVIEW: {"_type": "Image"}} if "image" in arrays else {}
    return picture | {name: _feature(name, form.dtype, form.row, free) for name, form in arrays.items()}


def _feature(name: str, dtype: str, shape: tuple[int, ...], free: bool) -> dict[str, Any]:
    value = {"dtype": dtype, "_type": "Value"}
    if name == "label" or not shape:
        return value
    if len(shape) == 1:
        return {"feature": value, "_type": "Sequence"}
    return {"shape": [None if free else shape[0], *shape[1:]], "dtype": dtype, "_type": f"Array{len(shape)}D"}


def _schema(features: dict[str, Any]) -> pa.Schema:
    """The columns for Arrow; arrays with two or more axes get the extension types of `datasets`."""
    fields = []
    for name, feature in features.items():
        kind, own = feature["_type"], {}
        if kind == "Image":
            column: Any = PICTURE
        elif kind.startswith("Array"):
            column = _lists(feature["dtype"], len(feature["shape"]))
            own = {"name": EXTENSION.format(kind), "metadata": json.dumps([feature["shape"], feature["dtype"]])}
        else:
            column = _lists(feature.get("feature", feature)["dtype"], int(kind == "Sequence"))
        fields.append(pa.field(name, column, metadata={f"ARROW:extension:{key}": value for key, value in own.items()}))
    return pa.schema(fields, {"huggingface": json.dumps({"info": {"features": features}})})


def _lists(dtype: str, depth: int) -> pa.DataType:
    """Lists of lists of … numbers."""
    return pa.list_(_lists(dtype, depth - 1)) if depth else pa.from_numpy_dtype(np.dtype(dtype))


def preview(frames: np.ndarray, top: int) -> bytes:
    """Some of the frames [T H W] or [T 3 H W] of a sequence, of numbers from 0 to `top`, side by side, as PNG."""
    some = frames[np.unique(np.linspace(0, len(frames) - 1, FRAMES).astype(int))]
    pixels = (some * (255 // top)).astype(np.uint8)
    colours = pixels.transpose(0, 2, 3, 1) if pixels.ndim == 4 else pixels
    memory = io.BytesIO()
    Image.fromarray(np.concatenate(colours, axis=1)).save(memory, "PNG")
    return memory.getvalue()


class Config(NamedTuple):
    """A configuration of `datasets`: some files as one table."""

    name: str
    paths: dict[str, list[str]]  # patterns by split, in order
    default: bool  # whether it is the one to take


def front_matter(content: Manifest) -> str:
    """The text before the card, for the Hub; its values are JSON, of which YAML is an extension."""
    count = sum(entry.rows for entry in content.files.values())
    size = next((name for name, below in SIZES if count < below), "n>10M")
    lines = [f"pretty_name: {json.dumps(content.name)}", f"tags: {json.dumps(TAGS)}", f"size_categories: [{size}]"]
    lines += [*_license(content.recipe.license), "configs:"]
    for config in configs(content):
        lines.append(f"- config_name: {json.dumps(config.name)}")
        lines += [*(["  default: true"] if config.default else []), "  data_files:"]
        for split, paths in config.paths.items():
            lines += [f"  - split: {hub_split(split)}", f"    path: {json.dumps(paths)}"]
    return "---\n" + "\n".join(lines) + "\n---\n\n"


def _license(name: str) -> list[str]:
    """A licence as the Hub writes it, which has a list of its own."""
    known = name.lower() in HUB_LICENSES
    return [f"license: {name.lower()}"] if known else ["license: other", f"license_name: {json.dumps(name)}"]


def configs(content: Manifest) -> list[Config]:
    """All tasks together, if they have the same columns, and each task alone; also for the uncut trajectories.

    Named splits with other columns, such as longer sequences, have configurations of their own, with their names.
    """
    columns = {split: _columns_of(files, False) for split, files in _by_split(content.files).items()}
    first = next(iter(columns.values()))
    alike = {name: entry for name, entry in content.files.items() if columns[entry.split] == first}
    found = _configs("", alike)
    for split, files in _by_split(content.files).items():
        found += _configs(split, files) if columns[split] != first else []
    return found + _configs(SERIES, content.series)


def _by_split(files: dict[str, FileEntry]) -> dict[str, dict[str, FileEntry]]:
    found: dict[str, dict[str, FileEntry]] = {}
    for name, entry in files.items():
        found.setdefault(entry.split, {})[name] = entry
    return found


def _columns_of(files: dict[str, FileEntry], free: bool) -> set[str]:
    """The different sets of columns that files have."""
    return {json.dumps(_features(entry.arrays, free)) for entry in files.values()}


def _configs(prefix: str, files: dict[str, FileEntry]) -> list[Config]:
    tasks: dict[str, dict[str, str]] = {}
    for name, entry in files.items():
        path = PurePosixPath(name)
        task = without_number(path.stem)
        tasks.setdefault(task, {})[entry.split] = f"{path.parent}/{task}-*.parquet"
    if not tasks:
        return []
    splits = _by_split(files)
    every = {split: [task[split] for task in tasks.values() if split in task] for split in splits}
    together = Config(prefix or "default", {split: paths for split, paths in every.items() if paths}, not prefix)
    if len(tasks) == 1:
        return [together]
    alone = [
        Config("-".join(filter(None, (prefix, name))), {s: [p] for s, p in task.items()}, False)
        for name, task in tasks.items()
    ]
    return [together, *alone] if len(_columns_of(files, prefix == SERIES)) == 1 else alone
