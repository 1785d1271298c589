"""`dataset.json`: what stands in a dataset's folder, from which recipe, by which software, with which checksums."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from slvm_data.store.damage import DamageError
from slvm_data.store.npz import whole

NAME = "dataset.json"
CARD = "README.md"
FORMAT = "slvm-data"
VERSION = 1
LIBRARIES = ("slvm-data", "jax", "jaxlib", "numpy", "scipy", "isal")


def write(folder: Path, content: dict[str, Any]) -> None:
    """Write the manifest, with its own checksum; the folder counts as a dataset from then on."""
    content = {"format": FORMAT, "format_version": VERSION, **content}
    content["sha256"] = _digest(content)
    with whole(folder / NAME) as file:
        file.write((json.dumps(content, indent=1, ensure_ascii=True, allow_nan=False) + "\n").encode())


def read(folder: Path) -> dict[str, Any]:
    """The manifest of a folder. Raises DamageError if it is missing, damaged, or of a newer format than ours."""
    path = folder / NAME
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder")
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise DamageError(f"{folder} holds no dataset: {NAME} is missing") from None
    except (ValueError, RecursionError) as error:
        raise DamageError(f"{path} is damaged: {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise DamageError(f"{path} does not describe a dataset of slvm-data")
    if not isinstance(content.get("format_version"), int) or content["format_version"] > VERSION:
        raise DamageError(f"{path} has format {content.get('format_version')}, newer than {VERSION}: update slvm-data")
    if content.pop("sha256", None) != _digest(content):
        raise DamageError(f"{path} is damaged: its own checksum does not fit")
    return content


def current(machine: dict[str, str]) -> dict[str, Any]:
    """The part of a manifest that says what made the files: within the same, the same recipe gives the same bytes."""
    versions = {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}
    return {"versions": versions, "machine": machine}


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
