"""Datasets in the user's cache folder: made when they are first used, by one process, whole or not at all; then reused.

They stand in `$SLVM_DATA_HOME/datasets`, or in the cache folder of the operating system, each in a folder that is named
by dataset, version and recipe. While one is made it is in a hidden folder beside it, which is locked, and from which
the next call goes on if the process is killed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import slvm_data
from slvm_data.core.arguments import checked
from slvm_data.core.errors import DamageError
from slvm_data.core.files import lasting
from slvm_data.core.json_tree import to_json
from slvm_data.core.names import MANIFEST
from slvm_data.core.ranges import Uniform
from slvm_data.datasets import RECIPES
from slvm_data.recipe.options import OPTIONS, TRAJECTORIES
from slvm_data.recipe.overrides import override
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.serialisation import to_stored
from slvm_data.script import values
from slvm_data.store import lock, manifest

HOME = "SLVM_DATA_HOME"
SAMPLE = 2  # sequences of each file that are made again, before a dataset is used
NEXT = "next"  # the dataset while it is made, in its hidden folder


def home() -> Path:
    """The folder of all datasets in the cache."""
    from platformdirs import user_cache_path  # here, since it takes 25 ms

    return (lasting(os.environ[HOME]) if os.environ.get(HOME) else user_cache_path("slvm-data")) / "datasets"


@checked
def cached(name: str, **changes: Any) -> Path:
    """Return the folder of a dataset in the cache, which is made there when it is first used.

    `changes` are those of `slvm-data generate`: parameters of its systems, such as g=[2, 3] (one task for each value),
    g=uniform(2, 4) or g="2..4"; and options, such as train=100 or observe="cru_regression".

    Raises KeyError for an unknown dataset, ValueError for changes that it cannot have, OSError if the folder cannot be
    written, DamageError if what was made does not stand the test of `slvm-data verify`.
    """
    recipe = _changed(RECIPES[name], changes)
    folder = home() / _key(recipe)
    try:
        if not (folder / MANIFEST).is_file():
            with _alone(folder) as place:
                if not (folder / MANIFEST).is_file():  # else another process has made it meanwhile
                    _make(recipe, folder, place)
    except OSError as error:
        way_out = f"{error.strerror or error}; {name} cannot be kept there: make room, or set {HOME} to another folder"
        raise OSError(error.errno, way_out, str(error.filename or folder)) from None
    return folder


def entries() -> list[tuple[Path, int]]:
    """The datasets in the cache, also those that are not complete, each with its size [bytes]."""
    folders = sorted([*home().glob("[!.]*"), *home().glob(f".*/{NEXT}")])
    return [(folder, sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())) for folder in folders]


def clear() -> None:
    """Remove every dataset in the cache; those that are being made just now are waited for."""
    for path, _ in entries():
        folder = path if path.name != NEXT else path.parent.with_name(path.parent.name.removeprefix("."))
        with _alone(folder) as place:
            shutil.rmtree(place, ignore_errors=True)
            if folder.is_dir():  # out of its place first: what is half removed must not be taken for whole
                folder.rename(place)
                shutil.rmtree(place)


@contextmanager
def _alone(folder: Path) -> Iterator[Path]:
    """Lock the hidden folder of a dataset, which stays there; yields the place in it where the dataset is made."""
    hidden = folder.with_name(f".{folder.name}")
    hidden.mkdir(parents=True, exist_ok=True)
    with lock.exclusive(hidden):
        yield hidden / NEXT


def _make(recipe: Recipe, folder: Path, place: Path) -> None:
    """Make a dataset, or go on, check it, and give it its folder."""
    from slvm_data.run.generation import generate
    from slvm_data.run.verification import faults

    print(f"note: {recipe.name} is made once, and kept in {folder}", file=sys.stderr)
    generate(recipe, place, overwrite=True)
    if fault := next(faults(place, recipe, manifest.read(place), SAMPLE, bit_exact=True), None):
        shutil.rmtree(place)
        raise DamageError(fault, place)
    place.rename(folder)


def _key(recipe: Recipe) -> str:
    """Name of the folder of a dataset: its name, the version of this package, and a number of its recipe."""
    tree = json.dumps(to_json(to_stored(recipe)), sort_keys=True)
    return f"{recipe.name}-{slvm_data.__version__}-{hashlib.sha256(tree.encode()).hexdigest()[:12]}"


def _changed(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    """The recipe with changes, as the command line would make them."""
    known = OPTIONS | {TRAJECTORIES.field: TRAJECTORIES}
    options = {name: _option(known[name].kind, value) for name, value in changes.items() if name in known}
    words = [f"{name}={_word(value)}" for name, value in changes.items() if name not in known]
    return override(recipe, words, values(options))


def _option(kind: type, value: Any) -> Any:
    """The value of an option as the command line has it: a text, several texts, or a number."""
    if kind is tuple:
        return tuple(map(str, value if isinstance(value, list | tuple) else [value]))
    return str(value) if kind is str else value


def _word(value: Any) -> str:
    """The values of a parameter in words: a list has one for each task, a tuple is a vector."""
    if isinstance(value, list):
        return ",".join(map(_word, value))
    if isinstance(value, tuple):
        return f"[{','.join(map(_word, value))}]"
    if isinstance(value, Uniform):
        return "|".join(f"{low!r}..{high!r}" for low, high in value.parts())
    return str(value).lower() if isinstance(value, bool) else str(value)
