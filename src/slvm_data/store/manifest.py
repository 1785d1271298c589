"""`dataset.json`: what stands in a dataset's folder, from which recipe, by which software, with which checksums."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from slvm_data.core.errors import DamageError
from slvm_data.core.names import check_name
from slvm_data.store import formats
from slvm_data.store.npz import stands_once, whole

NAME = "dataset.json"
CARD = "README.md"
PREVIEW = "preview.gif"  # of the frames, shown by the card
CROISSANT = "croissant.json"  # for programs that look for datasets
PLAN = "plan.json"  # in its place while a dataset is made shard by shard
FORMAT = "slvm-data"
VERSION = 1
LIBRARIES = ("slvm-data", "jax", "jaxlib", "numpy", "scipy")


def write(folder: Path, content: dict[str, Any], name: str = NAME, new: bool = False) -> None:
    """Write the manifest, with its own checksum; the folder counts as a dataset from then on.

    With `new` it replaces none: raises FileExistsError where there is one.
    """
    content = {"format": FORMAT, "format_version": VERSION, **content}
    content["sha256"] = _digest(content)
    with whole(folder / name, new) as file:
        file.write((json.dumps(content, indent=1, ensure_ascii=True, allow_nan=False) + "\n").encode())


def read(folder: Path, name: str = NAME) -> dict[str, Any]:
    """The manifest of a folder. Raises DamageError if it is missing, damaged, or of a newer format than ours."""
    path = folder / name
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder")
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        if (folder / PLAN).is_file():
            raise DamageError(f"{folder} is not complete: run the command that began it again") from None
        raise DamageError(f"{folder} holds no dataset: {name} is missing") from None
    except (ValueError, RecursionError) as error:
        raise DamageError(f"{path} is damaged: {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise DamageError(f"{path} does not describe a dataset of slvm-data")
    if not isinstance(content.get("format_version"), int) or content["format_version"] > VERSION:
        raise DamageError(f"{path} has format {content.get('format_version')}, newer than {VERSION}: update slvm-data")
    if content.pop("sha256", None) != _digest(content):
        raise DamageError(f"{path} is damaged: its own checksum does not fit")
    _check_files(path, content)
    return content


def form(content: dict[str, Any]) -> str:
    """The format of a dataset's files."""
    return PurePosixPath(next(iter(content["files"]))).suffix.removeprefix(".")


def parts(content: dict[str, Any], split: str) -> list[tuple[str, dict[str, Any]]]:
    """File and entry of each task in a split, in the order of the tasks; none where the split is empty.

    Of an export in several files, `train-000000.tar`, each of these.
    """
    files = content["files"].items()
    return [(name, entry) for name, entry in files if PurePosixPath(name).stem.partition("-")[0] == split]


def binary(recipe: dict[str, Any]) -> bool:
    """Whether frames are of zeros and ones in an octet each, by what a manifest says of the recipe."""
    views = recipe["view"] if isinstance(recipe["view"], list) else [recipe["view"]]
    return not recipe.get("original") and all(view["binary"] for view in views)


def _check_files(path: Path, content: dict[str, Any]) -> None:
    """No entry leads out of the folder, and each says what it should; the checksum alone keeps no forger out."""
    try:
        if not content["recipe"]["tasks"]:
            raise ValueError("its recipe has no task")
        for name, entry in (content["files"] | content.get("combined", {}) | content.get("series", {})).items():
            for word in name.split("/"):
                check_name(word)
            _check_entry(name, entry)
        for name in content.get("groups", {}):
            for word in name.split("/"):
                check_name(word)
            if not name.endswith(".zarr"):
                raise ValueError(f"{name} is no group")
        if "preview" in content and not isinstance(content["preview"]["sha256"], str):
            raise ValueError(f"{PREVIEW} has no checksum")
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise DamageError(f"{path} is damaged, at its list of files: {error}") from None


def _check_entry(name: str, entry: dict[str, Any]) -> None:
    """Sizes are whole numbers, types are those of numbers, and each sequence has all that others have."""
    rows = entry["arrays"]["label"]["shape"][0]
    for key, array in entry["arrays"].items():
        if not all(type(n) is int and n >= 0 for n in (entry["bytes"], *array["shape"])):
            raise ValueError(f"sizes of {key} in {name} are not whole numbers")
        if np.dtype(array["dtype"]).kind not in "biuf":
            raise ValueError(f"{key} in {name} is of {array['dtype']}, which are no numbers")
        if not stands_once(key, array["shape"], entry["arrays"]) and array["shape"][:1] != [rows]:
            raise ValueError(f"{key} in {name} is {array['shape']} for {rows} sequences")


def current(machine: dict[str, str], form: str) -> dict[str, Any]:
    """The part of a manifest that says what made the files: within the same, the same recipe gives the same bytes."""
    libraries = (*LIBRARIES, *(formats.LIBRARIES | formats.EXPORTS)[form])
    versions = {"python": platform.python_version(), **{name: version(name) for name in libraries}}
    return {"versions": versions, "machine": machine}


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
