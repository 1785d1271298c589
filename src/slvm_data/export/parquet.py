"""Parquet as the Hugging Face Hub takes it: `datasets.load_dataset(folder)`, a card with its settings, a preview.

A row is a sequence. Arrays are nested lists, of which `datasets` learns the shapes from the metadata of each file.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image
from pyarrow import parquet

from slvm_data.core.progress import Progress
from slvm_data.core.types import Arrays
from slvm_data.export.parts import SERIES, Shards, parts
from slvm_data.store.elsewhere import SPLITS
from slvm_data.store.npz import whole
from slvm_data.store.source import Rows, Source

ENDING = "parquet"
SIZE = 2**29  # bytes of a file before it is compressed, about
MOST = 256  # rows of a group
PREVIEW, FRAMES = "preview", 8  # column of a picture, and how many frames it shows
SIZES = (("n<1K", 10**3), ("1K<n<10K", 10**4), ("10K<n<100K", 10**5), ("100K<n<1M", 10**6), ("1M<n<10M", 10**7))
PICTURE = pa.struct({"bytes": pa.binary(), "path": pa.string()})  # as `datasets` keeps one
EXTENSION = "datasets.features.features.{}ExtensionType"  # its own name for arrays
TAGS = ("slvm-data", "physics", "simulation", "time-series", "latent-dynamics")


def files(source: Source) -> list[Path]:
    """The files that a file becomes, relative to the dataset's folder."""
    return [path for name, rows in parts(source).items() for path in _paths(source, name, rows)]


def _paths(source: Source, name: str, rows: Rows) -> list[Path]:
    n = Shards(rows, SIZE, MOST).count
    folder = Path("data" if source.folder == "." else source.folder)
    return [folder / f"{name}-{i:05d}-of-{n:05d}.{ENDING}" for i in range(n)]


def write(room: Path, source: Source, recipe: dict[str, Any], bar: Progress) -> dict[str, Any]:
    """Write the files of a task and split to a folder; by their names what a manifest says of them."""
    del recipe
    found = {}
    for name, rows in parts(source).items():
        paths = _paths(source, name, rows)
        put = partial(_put, features=_features(rows.whole, free=rows is source.series))
        entries = Shards(rows, SIZE, MOST).write([room / path for path in paths], put, bar)
        found |= dict(zip((path.as_posix() for path in paths), entries, strict=True))
    return found


def _put(path: Path, first: int, blocks: Iterator[Arrays], features: dict[str, Any]) -> None:
    del first
    schema, writer = _schema(features), None
    with whole(path) as file:
        for block in blocks:
            writer = writer or parquet.ParquetWriter(file, schema, compression="zstd")
            writer.write_table(pa.table(_columns(block), schema=schema), row_group_size=MOST)
        assert writer  # a file has a row
        writer.close()


def _columns(block: Arrays) -> dict[str, pa.Array]:
    found = {name: _nested(array[:, 0] if name == "label" else array) for name, array in block.items()}
    if "image" not in block:
        return found
    return {PREVIEW: pa.array([{"bytes": preview(film), "path": None} for film in block["image"]], PICTURE)} | found


def _nested(array: np.ndarray) -> pa.Array:
    """An array [n …] as lists of lists."""
    values = pa.array(np.ascontiguousarray(array).reshape(-1))
    for axis in range(array.ndim - 1, 0, -1):
        count, width = int(np.prod(array.shape[:axis])), array.shape[axis]
        values = pa.ListArray.from_arrays(pa.array(np.arange(count + 1, dtype=np.int32) * width), values)
    return values


def _features(arrays: dict[str, Any], free: bool) -> dict[str, Any]:
    """What `datasets` calls the columns of these arrays; with `free`, whose first axis is longer in some splits."""
    picture = {PREVIEW: {"_type": "Image"}} if "image" in arrays else {}
    return picture | {name: _feature(name, a["dtype"], a["shape"][1:], free) for name, a in arrays.items()}


def _feature(name: str, dtype: str, shape: Sequence[int], free: bool) -> dict[str, Any]:
    value = {"dtype": dtype, "_type": "Value"}
    if name == "label" or not shape:
        return value
    if len(shape) == 1:
        return {"feature": value, "_type": "Sequence"}
    return {"shape": [None if free else shape[0], *shape[1:]], "dtype": dtype, "_type": f"Array{len(shape)}D"}


def _schema(features: dict[str, Any]) -> pa.Schema:
    """The columns for Arrow; to `datasets`, arrays of two axes and more are types of its own."""
    fields = []
    for name, feature in features.items():
        kind, own = feature["_type"], {}
        if kind == "Image":
            form: Any = PICTURE
        elif kind.startswith("Array"):
            form = _lists(feature["dtype"], len(feature["shape"]))
            own = {"name": EXTENSION.format(kind), "metadata": json.dumps([feature["shape"], feature["dtype"]])}
        else:
            form = _lists(feature.get("feature", feature)["dtype"], int(kind == "Sequence"))
        fields.append(pa.field(name, form, metadata={f"ARROW:extension:{key}": value for key, value in own.items()}))
    return pa.schema(fields, {"huggingface": json.dumps({"info": {"features": features}})})


def _lists(dtype: str, depth: int) -> pa.DataType:
    """Lists of lists of … numbers."""
    return pa.list_(_lists(dtype, depth - 1)) if depth else pa.from_numpy_dtype(np.dtype(dtype))


def preview(film: np.ndarray) -> bytes:
    """Some frames of a film [T H W] or [T 3 H W] side by side, as PNG."""
    frames = film[np.unique(np.linspace(0, len(film) - 1, FRAMES).astype(int))]
    octets = np.clip(frames * (255.0 if frames.max() <= 1 else 1.0), 0, 255).astype(np.uint8)
    colours = octets.transpose(0, 2, 3, 1) if octets.ndim == 4 else octets
    room = io.BytesIO()
    Image.fromarray(np.concatenate(colours, axis=1)).save(room, "PNG")
    return room.getvalue()


def front_matter(content: dict[str, Any]) -> str:
    """What stands before the card, for the Hub; its values are JSON, of which YAML is an extension."""
    count = sum(entry["arrays"]["label"]["shape"][0] for entry in content["files"].values())
    size = next((name for name, below in SIZES if count < below), "n>10M")
    lines = [f"pretty_name: {json.dumps(content['name'])}", f"tags: {json.dumps(TAGS)}", f"size_categories: [{size}]"]
    lines += ["configs:"]
    for name, paths, default in configs(content):
        lines += [f"- config_name: {json.dumps(name)}", *["  default: true"] * default, "  data_files:"]
        for split in (split for split in SPLITS if split in paths):
            lines += [f"  - split: {SPLITS[split]}", f"    path: {json.dumps(paths[split])}"]
    return "---\n" + "\n".join(lines) + "\n---\n\n"


def configs(content: dict[str, Any]) -> list[tuple[str, dict[str, list[str]], bool]]:
    """Name of each configuration, its patterns by split, and whether it is the one to take.

    All tasks together, where they have the same columns, and each alone; uncut paths in some of their own.
    """
    return _configs("", content["files"]) + _configs(SERIES, content.get("series", {}))


def _configs(prefix: str, files: dict[str, Any]) -> list[tuple[str, dict[str, list[str]], bool]]:
    tasks: dict[str, dict[str, str]] = {}
    for name in files:
        path = PurePosixPath(name)
        stem = path.name[: path.name.index("-0")]
        split = stem.removeprefix(f"{prefix}-")
        tasks.setdefault(str(path.parent), {})[split] = f"{path.parent}/{stem}-*.{ENDING}"
    every = {split: [task[split] for task in tasks.values() if split in task] for split in SPLITS}
    together = (prefix or "default", {split: paths for split, paths in every.items() if paths}, not prefix)
    alone = [
        ("-".join(filter(None, (prefix, name))), {s: [p] for s, p in t.items()}, False) for name, t in tasks.items()
    ]
    forms = {json.dumps(_features(entry["arrays"], free=bool(prefix))) for entry in files.values()}
    return [together] * (len(forms) == 1 or len(tasks) == 1) + alone * (len(tasks) > 1)
